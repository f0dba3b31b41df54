"""Results of a removed model, seed or session can be listed and deleted."""

import re
import shutil
from pathlib import Path

import pytest
from projects import SHEET

MODELS = Path("models")
KINDS = ("models", "export", "figures")
SESSIONS = ("mouse1", "mouse2")
OF_JOBS = ("results/benchmarks/", "results/provenance/")
BARE = {
    *(f"results/{kind}/bare/seed0" for kind in KINDS),
    *(
        f"results/latents/bare/seed0/{session}.{kind}"
        for session in SESSIONS
        for kind in ("json", "npy")
    ),
    "results/motifs/bare/seed0/kmeans-4",
    "results/motifs/bare/seed0/kmeans-4.npz",
    "results/segmenters/bare/seed0/kmeans-4.npz",
    "results/motif_tables/bare",
    "results/latent_maps/bare/seed0.csv",
    "results/explorer/bare/seed0/kmeans-4.html",
}


def listed(project):
    """List what clean_orphans would delete, except benchmarks and records of jobs."""
    printed = project.quick("clean_orphans", "--dry-run")
    paths = re.search(r"to delete:\n((?:results/.*\n)*)", printed).group(1).splitlines()
    return {path for path in paths if not path.startswith(OF_JOBS)}


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*")}


def test_a_finished_run_has_no_orphans(finished_once):
    assert listed(finished_once) == set()


def test_results_of_removed_models_seeds_and_sessions_are_orphans(finished):
    finished.write_config(models={"vame": {}})
    assert listed(finished) == BARE
    finished.write_config(seeds=[5])
    of_seed = BARE - {"results/motif_tables/bare"} | {"results/motif_tables/bare/seed0/kmeans-4"}
    assert listed(finished) == of_seed | {path.replace("bare", "vame") for path in of_seed}
    finished.write_config()
    finished.write_sheet("".join(SHEET.splitlines(keepends=True)[:2]))
    folders = ["poses", "aligned", "quality"]
    for model in ("vame", "bare"):
        folders += [f"latents/{model}/seed0", f"motifs/{model}/seed0/kmeans-4"]
        folders += [f"figures/{model}/seed0/kmeans-4/ethograms"]
    mouse2 = {f"results/{folder}/mouse2" for folder in folders}
    assert {path.rsplit(".", 1)[0] for path in listed(finished)} == mouse2


def test_recordings_of_the_demo_and_their_labels_are_not_orphans(finished):
    finished.write_sheet(SHEET + "demo\tresults/demo/demo.csv\tDeepLabCut\t30\tcalm\n")
    (finished / "results/demo").mkdir()
    for name in ("demo", "demo.labels", "old", "old.labels"):
        (finished / f"results/demo/{name}.csv").touch()
    assert listed(finished) == {"results/demo/old.csv", "results/demo/old.labels.csv"}


def test_cleaning_deletes_the_orphans_and_nothing_else(finished):
    before = files(finished / "results")
    (finished / "results/models/bare/notes.txt").touch()  # a file of the user
    finished.write_config(models={"vame": {}})
    stale = finished.stale_jobs()
    finished.snakemake("clean_orphans")
    assert listed(finished) == set()
    assert not (finished / "results/export/bare").exists()
    gone = before - files(finished / "results")
    assert gone == {path for path in before if "bare" in path.parts} - {MODELS / "bare"}
    assert (finished / "results/models/bare/notes.txt").exists()
    assert finished.stale_jobs() == stale
    assert {job.split()[0] for job in stale}.isdisjoint({"train_model", "align_poses"})


def test_what_a_link_points_to_is_kept(finished, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(finished / "results/models/bare", elsewhere)
    before = files(elsewhere)
    (finished / "results/models/linked").symlink_to(elsewhere)
    (finished / "results/models/old").mkdir()
    (finished / "results/models/old/seed0").symlink_to(elsewhere / "seed0")
    (finished / "results/export/bare/seed0/more").symlink_to(elsewhere)
    finished.write_config(models={"vame": {}})
    assert listed(finished) == BARE | {"results/models/old/seed0"}
    finished.snakemake("clean_orphans")
    assert not (finished / "results/models/old").exists()
    assert files(elsewhere) == before


@pytest.mark.parametrize("target", ["all", "list_orphans"])
def test_nothing_else_deletes_orphans(finished, target):
    finished.write_config(models={"vame": {}})
    before = files(finished / "results")
    printed = finished.snakemake(target)
    assert files(finished / "results") == before
    assert ("results/models/bare/seed0" in printed) == (target == "list_orphans")
