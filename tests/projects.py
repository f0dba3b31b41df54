"""Projects that run the Snakefile on two tiny recordings, with a tiny network."""

import os
import re
import subprocess
import sys
from pathlib import Path

import yaml
from quick_snakemake import QuickSnakemake
from recordings import make_lively_tracks, write_deeplabcut

ROOT = Path(__file__).resolve().parents[1]
SNAKEFILE = ROOT / "Snakefile"
quick_snakemake = QuickSnakemake()

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
    "n_motifs": 4,
    "map_windows": 0,
    "permutations": 100,
    "surrogates": 2,
    "figure_dpi": 60,
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
JOB = re.compile(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", re.MULTILINE)
WILDCARDS = re.compile(r"^    wildcards: (.*)$", re.MULTILINE)
SHEET = "session\tposes\tsoftware\tfps\tgroup\n" + "".join(
    f"mouse{n}\trecordings/mouse{n}.{suffix}\tDeepLabCut\t30\t{group}\n"
    for n, suffix, group in ((1, "csv", "treated"), (2, "h5", "control"))
)
METADATA = {
    "session_start_time": "2024-03-14T10:30:00+01:00",
    "species": "Mus musculus",
    "sex": "F",
    "age": "P90D",
}
"""Columns that NWB files need in the sessions table."""


def sheet_for_nwb(**more: str) -> str:
    """Return the sessions table with metadata and further columns, the same for both sessions."""
    header, *rows = SHEET.splitlines()
    cells = METADATA | more
    lines = ["\t".join([header, *cells]), *("\t".join([row, *cells.values()]) for row in rows)]
    return "".join(f"{line}\n" for line in lines)


class Project:
    """A folder with config, sessions table and recordings, in which the workflow runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write_config(self, **settings) -> None:
        path = self.folder / "config" / "config.yaml"
        path.write_text(yaml.safe_dump({**CONFIG, **settings}, sort_keys=False))

    def write_sheet(self, text: str) -> None:
        (self.folder / "config" / "sessions.tsv").write_text(text)

    def arguments(self, *arguments: str, snakefile: Path = SNAKEFILE) -> list[str]:
        """Return Snakemake's arguments, as users give them, with two cores.

        Tiny networks train on one thread: several would wait for each other on a busy machine.
        """
        threads = ["--set-threads", "train_model=1", "evaluate_model=1"]
        own = ["--snakefile", str(snakefile), *(threads if snakefile == SNAKEFILE else [])]
        return [*own, "--directory", str(self.folder), "--cores", "2", *arguments]

    def command(self, *arguments: str, **how) -> list[str]:
        """Return the command line that runs Snakemake in a new process."""
        return [sys.executable, "-m", "snakemake", *self.arguments(*arguments, **how)]

    def run(self, *arguments: str, check: bool = True, snakefile: Path = SNAKEFILE) -> str:
        """Run Snakemake in a new process, and return all that it printed."""
        command = self.command(*arguments, snakefile=snakefile)
        result = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
        printed = result.stdout + result.stderr
        assert (result.returncode == 0) == check, printed
        return printed

    def snakemake(self, *arguments: str, check: bool = True, snakefile: Path = SNAKEFILE) -> str:
        """Run as `run` does, without the start of Snakemake; with `check`, it has to succeed."""
        command = self.arguments(*arguments, snakefile=snakefile)
        status, printed = quick_snakemake(command, ROOT, dict(os.environ), apart=True)
        if check:
            assert status == 0, printed
        else:
            assert status != 0, f"this should have failed:\n{printed}"
        return printed

    def quick(
        self,
        *arguments: str,
        check: bool = True,
        snakefile: Path = SNAKEFILE,
        path: str | None = None,
    ) -> str:
        """Run as `snakemake` does, without jobs: dry runs, --touch, errors; `path` is its PATH."""
        command = ["--snakefile", str(snakefile), "--directory", str(self.folder), "--cores", "2"]
        environment = {**os.environ, "PATH": path or os.environ["PATH"]}
        status, printed = quick_snakemake(
            [*command, *arguments],
            snakefile.parent,
            environment,
            apart=snakefile.parent == self.folder,
        )
        assert (status == 0) == check, printed
        return printed

    def take_for_current(self, *arguments: str, **how) -> None:
        """Let Snakemake record existing results as made with the present settings."""
        self.quick("--touch", "--forceall", *arguments, **how)

    def stale_jobs(self, *arguments: str, **how) -> set[str]:
        """Return jobs that would run again, except `all`: names of rules, with wildcards if any."""
        return jobs_of(self.quick("--dry-run", *arguments, **how))

    def stale_rules(self, *arguments: str, **how) -> set[str]:
        return {job.split(" ")[0] for job in self.stale_jobs(*arguments, **how)}

    def __truediv__(self, path: str) -> Path:
        return self.folder / path


def jobs_of(printed: str) -> set[str]:
    """Return the jobs that a dry run lists, named as in `Project.stale_jobs`."""
    jobs = set()
    for rule, details in JOB.findall(printed):
        wildcards = WILDCARDS.search(details)
        pairs = wildcards.group(1).split(", ") if wildcards else []
        jobs.add(" ".join([rule, *(pair.split("=", 1)[1] for pair in pairs)]))
    return jobs - {"all"}


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


# Another workflow that uses this one: its settings for this one are under a key of its own config,
# and its sessions table and recordings may have any path.
OUTER = """
configfile: "config/outer.yaml"


module vame:
    snakefile:
        "{root}/Snakefile"
    config:
        config["behaviour"]
{prefix}

rule summary:
    input:
        "{folder}results/export/vame/seed0/manifest.json",
    output:
        "summary.txt",
    shell:
        "wc -c {{input}} > {{output}}"


use rule * from vame as vame_*
"""


def write_outer(project: Project, prefix: str = "", **settings):
    """Write a workflow that uses this one into a project; return its Snakefile."""
    (project / "config/outer.yaml").write_text(
        yaml.safe_dump({"behaviour": CONFIG | settings}, sort_keys=False)
    )
    snakefile = project / "Snakefile"
    text = OUTER.format(
        root=ROOT,
        prefix=f'    prefix:\n        "{prefix}"\n' if prefix else "",
        folder=f"{prefix}/" if prefix else "",
    )
    snakefile.write_text(text)
    return snakefile
