"""Motifs keep their numbers when a recording is added and a reference is set."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from projects import SHEET
from recordings import make_lively_tracks, write_deeplabcut

SEGMENTATION = "vame/seed0/kmeans-4"
MOUSE3 = "mouse3\trecordings/mouse3.csv\tDeepLabCut\t30\tcontrol\n"
MODELS = {"vame": {}}


def motifs_of(project, sessions=("mouse1", "mouse2")):
    paths = [project / f"results/motifs/{SEGMENTATION}/{session}.csv" for session in sessions]
    return pd.concat([pd.read_csv(path, comment="#")["motif"] for path in paths]).to_numpy()


def rewrite_numbers(path, numbers):
    """Write other motif numbers into the reference."""
    with np.load(path) as stored:
        arrays = dict(stored)
    numbers = np.array(numbers)
    runs = arrays["run_motifs"]
    arrays["run_motifs"] = np.where(runs < 0, -1, numbers[runs]).astype(np.int16)
    order = numbers.argsort()
    for name in ("centres", "frames"):
        arrays[name] = arrays[name][order]
    arrays |= {"numbers": numbers[order], "next_number": np.int64(numbers.max() + 1)}
    np.savez(path, **arrays)


def findings(project):
    path = project / f"results/motif_tables/{SEGMENTATION}/quality.json"
    return {each["name"]: each for each in json.loads(path.read_text())["findings"]}


def test_the_same_recordings_keep_any_numbers_and_every_table_has_them(finished):
    """The numbers have gaps: no later rule may assume that motifs are 0 to 3."""
    before = motifs_of(finished)
    shutil.copytree(finished / "results/segmenters/vame/seed0", finished / "before")
    rewrite_numbers(finished / "before/kmeans-4.npz", [7, 0, 9, 4])
    finished.write_config(models=MODELS, reference_segmenters="before")
    finished.snakemake()
    known = ~np.isnan(before)
    expected = np.array([7, 0, 9, 4])[before[known].astype(int)]
    np.testing.assert_array_equal(motifs_of(finished)[known], expected)
    folder = finished / f"results/motif_tables/{SEGMENTATION}"
    for name in ("usage", "profile", "communities"):
        assert set(pd.read_csv(folder / f"{name}.csv")["motif"]) == {0, 4, 7, 9}
    kept = findings(finished)["kept_motifs"]
    assert (kept["value"], kept["verdict"]) == (1, "good")
    assert kept["sentence"].startswith("4 of 4 motifs keep their number: 100% of the frames of 2")
    assert kept["sentence"] in (finished / "results/summary.html").read_text()
    log = (finished / f"logs/segment_motifs/{SEGMENTATION}.log").read_text()
    assert kept["sentence"] in log
    assert "kept_motifs" not in findings_without(finished)


def findings_without(project):
    """Return the findings of the same run without a reference."""
    project.write_config(models=MODELS)
    project.snakemake(f"results/motif_tables/{SEGMENTATION}/quality.json")
    return findings(project)


def test_an_added_recording_keeps_the_numbers(finished):
    """The model is trained again, on more data: latents and some motifs of frames differ."""
    before = motifs_of(finished)
    shutil.copytree(finished / "results/segmenters/vame/seed0", finished / "before")
    tracks = make_lively_tracks(frames=400, seed=3)
    write_deeplabcut(path=finished / "recordings/mouse3.csv", tracks=tracks)
    finished.write_sheet(SHEET + MOUSE3)
    finished.write_config(models=MODELS, reference_segmenters="before")
    target = f"results/motif_tables/{SEGMENTATION}/quality.json"
    finished.snakemake(target)
    segmenter = np.load(finished / f"results/segmenters/{SEGMENTATION}.npz")
    after = motifs_of(finished)
    known = ~np.isnan(before) & ~np.isnan(after)
    share = (before[known] == after[known]).mean()
    kept = findings(finished)["kept_motifs"]["value"]
    assert kept == pytest.approx(float(segmenter["kept_share"]), abs=1e-6)
    assert share == pytest.approx(kept)
    assert segmenter["sessions"].tolist() == ["mouse1", "mouse2", "mouse3"]
    for number, new in zip(segmenter["numbers"], segmenter["new"], strict=True):
        was, now = before[known] == number, after[known] == number
        dice = 2 * (was & now).sum() / (was.sum() + now.sum())
        assert (number >= 4) == new
        assert new or dice >= 0.5
    rewrite_numbers(finished / "before/kmeans-4.npz", [3, 2, 1, 0])
    assert "segment_motifs" in finished.stale_rules(target)


def test_a_reference_is_refused_before_any_job(project):
    project.write_config(reference_segmenters="before")
    assert "there is no before/kmeans-4.npz" in project.quick("--dry-run", check=False)
    project.write_config(reference_segmenters="results/segmenters/vame/seed0")
    assert "copy the folder" in project.quick("--dry-run", check=False)
