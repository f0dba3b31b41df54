"""The real Snakefile on two tiny recordings, with a tiny network."""

import re
import subprocess
import sys
from pathlib import Path

import yaml
from recordings import make_lively_tracks, write_deeplabcut

ROOT = Path(__file__).resolve().parents[1]

CONFIG = {
    "center": "tail",
    "orient": "nose",
    "device": "cpu",
    "test_fraction": 0.2,
    "test_blocks": 1,
    "split_gap": 12,
    "time_window": 8,
    "prediction_steps": 4,
    "zdims": 3,
    "kmeans_loss": 3,
    "hidden_size_layer_1": 6,
    "hidden_size_rec": 6,
    "hidden_size_pred": 6,
    "batch_size": 16,
    "steps_per_epoch": 4,
    "max_epochs": 4,
    "kl_start": 1,
    "annealtime": 1,
    "model_snapshot": 2,
    "models": {
        "vame": {},
        "bare": {
            "prediction_decoder": 0,
            "scheduler": 0,
            "noise": True,
            "anneal_function": "sigmoid",
            "annealtime": 50,
        },
    },
}
RULE_LINE = re.compile(r"(local)?rule \w+:$")
SHEET = "session\tposes\tsoftware\tfps\tgroup\n" + "".join(
    f"mouse{n}\trecordings/mouse{n}.{suffix}\tDeepLabCut\t30\t{group}\n"
    for n, suffix, group in ((1, "csv", "treated"), (2, "h5", "control"))
)


class Project:
    """A folder with a config, a sheet and recordings, in which the workflow runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write_config(self, **settings) -> None:
        path = self.folder / "config" / "config.yaml"
        path.write_text(yaml.safe_dump({**CONFIG, **settings}, sort_keys=False))

    def write_sheet(self, text: str) -> None:
        (self.folder / "config" / "sessions.tsv").write_text(text)

    def snakemake(
        self, *arguments: str, check: bool = True, snakefile: Path = ROOT / "Snakefile"
    ) -> str:
        """Run Snakemake here; returns all that it printed."""
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
        command += ["--directory", str(self.folder), "--cores", "2", *arguments]
        result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        printed = result.stdout + result.stderr
        if check:
            assert result.returncode == 0, printed
        else:
            assert result.returncode != 0, f"this should have failed:\n{printed}"
        return printed

    def stale_rules(self) -> set[str]:
        """Rules that would run again, but `all`."""
        lines = self.snakemake("--dry-run").splitlines()
        jobs = {line.split(" ")[-1].rstrip(":") for line in lines if RULE_LINE.match(line)}
        return jobs - {"all"}

    def __truediv__(self, path: str) -> Path:
        return self.folder / path


def make_project(folder: Path) -> Project:
    (folder / "config").mkdir(parents=True)
    (folder / "recordings").mkdir()
    for number, suffix in ((1, "csv"), (2, "h5")):
        write_deeplabcut(
            path=folder / "recordings" / f"mouse{number}.{suffix}",
            tracks=make_lively_tracks(frames=400, seed=number),
        )
    project = Project(folder)
    project.write_config()
    project.write_sheet(SHEET)
    return project
