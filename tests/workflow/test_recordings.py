"""Recordings with several animals and extra features, from the sessions table to the dataset."""

import csv
import json

import numpy as np
import pytest
from recordings import make_lively_tracks, write_deeplabcut


@pytest.fixture
def cage(project):
    """Write two mice into one csv, with a speed per frame; the white one is badly tracked."""
    tracks = np.stack([make_lively_tracks(frames=400, seed=seed) for seed in (1, 2)], axis=1)
    tracks[:300, 1, 1, 2] = 0.1
    write_deeplabcut(
        path=project / "recordings/cage.csv", tracks=tracks, individuals=["black", "white"]
    )
    numbers = "\n".join(f"{n},{n % 7}" for n in range(400))
    (project / "recordings/numbers.csv").write_text(f"frame,speed\n{numbers}\n")
    project.write_sheet(
        "session\tposes\tfps\tindividual\tfeatures\n"
        "cage\trecordings/cage.csv\t30\tall\trecordings/numbers.csv\n"
    )
    return project


def test_animals_and_extra_features_reach_the_quality_check_and_the_dataset(cage):
    cage.snakemake("results/quality.csv", "results/dataset/dataset.json")
    description = json.loads((cage / "results/dataset/dataset.json").read_text())
    assert description["sessions"] == ["cage_black", "cage_white"]
    assert description["features"][-1] == "speed"
    train = np.load(cage / "results/dataset/train.npy")
    assert train[:, -1].std() == pytest.approx(1, abs=1e-3)
    with open(cage / "results/quality.csv") as file:
        black, white = csv.DictReader(file)
    assert "left_paw (75%)" in white["leave_out_because"]
    assert black["leave_out_because"] == ""
    others, counters = black["notes"].split("; ")
    assert others == "the file also contains white"
    assert "not features, left out: frame (list them in extra_features" in counters


def test_labels_that_do_not_fit_the_track_are_refused(project):
    (project / "labels.csv").write_text("frame,label\n0,run\n")
    project.write_sheet(
        "session\tposes\tfps\tlabels\nmouse1\trecordings/mouse1.csv\t30\tlabels.csv\n"
    )
    printed = project.snakemake("results/quality/mouse1.json", check=False)
    assert "labels.csv: 1 labels for 400 tracked frames, 399 shorter than the track" in printed


@pytest.mark.parametrize("lines", [("0,1,2,a,4,5,1",), ()], ids=["no number", "no frame"])
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(project, lines):
    """The sentence is on the terminal and in the log, without a traceback."""
    header = ("scorer,s,s,s,s,s,s", "bodyparts,tail,tail,tail,nose,nose,nose")
    text = "\n".join([*header, "coords,x,y,likelihood,x,y,likelihood", *lines])
    (project / "recordings/mouse1.csv").write_text(text + "\n")
    printed = project.snakemake("results/poses/mouse1.nc", check=False)
    log = (project / "logs/import_poses/mouse1.log").read_text()
    for shown in (printed, log):
        assert "ERROR: recordings/mouse1.csv: " in shown
        assert "Traceback" not in shown
    assert not (project / "results/poses/mouse1.nc").exists()


def test_a_body_length_in_the_sessions_table_is_the_unit_of_coordinates(project):
    """Each value overrides the length that would be measured in the recording."""
    aligned = {}
    for length in (20, 40):
        project.write_sheet(
            "session\tposes\tfps\tbody_length\n"
            f"mouse{length}\trecordings/mouse1.csv\t30\t{length}\n"
        )
        project.snakemake(f"results/aligned/mouse{length}.npz")
        with np.load(project / f"results/aligned/mouse{length}.npz") as file:
            poses = [not name.endswith(("speed", "turning")) for name in file["features"]]
            aligned[length] = file["poses"][:, poses]
    np.testing.assert_allclose(aligned[20], 2 * aligned[40], rtol=1e-5)
    assert np.nanmax(np.abs(aligned[20])) > 0
