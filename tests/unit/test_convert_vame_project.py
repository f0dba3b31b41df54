"""Old and new VAME projects are converted to a config and a sessions table of this workflow."""

import csv
import re
from pathlib import Path

import convert_vame_project
import numpy as np
import pytest
import yaml
from formats.poses import save_poses
from pose_prep.recording import to_egocentric
from recordings import BODY, make_dataset, make_lively_tracks, make_tracks, write_deeplabcut

OLD = {
    "Project": "mice",
    "video_sets": ["mouse1", "mouse2"],
    "all_data": "yes",
    "num_features": 8,
    "pose_confidence": 0.99,
    "time_window": 40,
    "prediction_steps": 30,
    "zdims": 12,
    "scheduler": 1,
    "pretrained_model": "None",
    "transition_function": "GRU",
}
NEW = {
    "vame_version": "0.14.4",
    "session_names": ["mouse1"],
    "keypoints": list(BODY),
    "extra_features": [],
    "video_type": None,
    "zdims": 12,
}


def write_old(folder):
    (folder / "videos/pose_estimation").mkdir(parents=True)
    for name in ("mouse1", "mouse2"):
        path = folder / f"videos/pose_estimation/{name}.csv"
        write_deeplabcut(path=path, tracks=make_lively_tracks(frames=9))
    (folder / "config.yaml").write_text(yaml.safe_dump(OLD))


def write_new(folder):
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/processed").mkdir()
    poses = make_dataset(tracks=make_lively_tracks(frames=9), fps=25.0)
    save_poses(poses, folder / "data/raw/mouse1.nc")
    reference = {"centered_reference_keypoint": "tail", "orientation_reference_keypoint": "nose"}
    save_poses(poses.assign_attrs(reference), folder / "data/processed/mouse1_processed.nc")
    (folder / "config.yaml").write_text(yaml.safe_dump(NEW))


def run(project, folder, *options):
    convert_vame_project.main([str(project), str(folder), *options])
    with open(folder / "config/sessions.tsv") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return yaml.safe_load((folder / "config/config.yaml").read_text()), rows


def test_an_old_project_keeps_its_settings_and_its_csv_files(tmp_path, capsys):
    write_old(tmp_path / "old")
    options = ("--fps", "60", "--center", "tail", "--orient", "nose")
    config, rows = run(tmp_path / "old", tmp_path / "mine", *options)
    assert config == {
        **{key: OLD[key] for key in ("pose_confidence", "time_window", "prediction_steps")},
        **{key: OLD[key] for key in ("zdims", "scheduler", "pretrained_model")},
        "sessions": "config/sessions.tsv",
        "center": "tail",
        "orient": "nose",
        "split_gap": 70,
    }
    assert [(row["session"], row["software"], row["fps"]) for row in rows] == [
        ("mouse1", "", "60.0"),
        ("mouse2", "", "60.0"),
    ]
    assert rows[1]["poses"] == str(tmp_path / "old/videos/pose_estimation/mouse2.csv")
    assert "left out: Project, all_data, num_features, transition_function, video_sets" in (
        capsys.readouterr().out
    )


def test_a_new_project_knows_its_frame_rate_and_reference_keypoints(tmp_path):
    write_new(tmp_path / "new")
    config, rows = run(tmp_path / "new", tmp_path / "mine")
    assert (config["center"], config["orient"]) == ("tail", "nose")
    assert config["keypoints"] == list(BODY)
    assert config["extra_features"] == []
    assert "split_gap" not in config
    assert rows == [
        {
            "session": "mouse1",
            "poses": str(tmp_path / "new/data/raw/mouse1.nc"),
            "software": "movement",
            "fps": "25.0",
        }
    ]


def test_vames_own_series_are_used_if_there_is_nothing_else(tmp_path):
    (tmp_path / "old/data/mouse1").mkdir(parents=True)
    (tmp_path / "old/config.yaml").write_text(yaml.safe_dump(OLD | {"video_sets": ["mouse1"]}))
    np.save(tmp_path / "old/data/mouse1/mouse1-PE-seq.npy", np.zeros((3, 9)))
    config, rows = run(tmp_path / "old", tmp_path / "mine", "--fps", "25")
    assert rows[0]["software"] == "VAME"
    assert config["center"] != config["orient"]


SPACED = ["video 1", "video 1.2", "Mouse#2 (trial)", "Mouse 2 [a-z]", "all", "m*", "m3", "-{x}?"]


def test_names_of_sessions_are_converted_to_valid_ones(tmp_path, capsys):
    folder = tmp_path / "old"
    write_old(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump(OLD | {"video_sets": SPACED}))
    for n, name in enumerate(SPACED):
        path = folder / f"videos/pose_estimation/{name}{'DLC_net' if n % 2 else ''}.csv"
        write_deeplabcut(path=path, tracks=make_lively_tracks(frames=9))
    options = ("--fps", "60", "--center", "tail", "--orient", "nose")
    _, rows = run(folder, tmp_path / "mine", *options)
    assert [row["session"] for row in rows] == [
        *("video-1", "video-1.2", "Mouse-2-trial", "Mouse-2-a-z", "all-2", "m", "m3", "x"),
    ]
    assert [Path(row["poses"]).name.removesuffix(".csv") for row in rows] == [
        f"{name}{'DLC_net' if n % 2 else ''}" for n, name in enumerate(SPACED)
    ]
    printed = capsys.readouterr().out.splitlines()
    assert "session renamed: Mouse#2 (trial) → Mouse-2-trial" in printed
    assert sum(line.startswith("session renamed: ") for line in printed) == 7


def fixed_tracks(frames=40, **how):
    """Return tracks of a head-fixed animal: the trunk only jitters, and the paws move."""
    rng = np.random.default_rng(0)
    body = {
        name: np.array(xy) + (rng.normal(size=(frames, 2)) if "paw" in name else 0)
        for name, xy in BODY.items()
    }
    tracks = make_tracks(frames=frames, body=body, **how)
    return tracks + 0.05 * rng.normal(size=(frames, 1, 1)) * [1, 1, 0]


def egocentric(tmp_path, capsys, tracks, series=()):
    """Convert a project with `egocentric_data: true`; return rows and printed text."""
    folder = tmp_path / "old"
    (folder / "videos/pose_estimation").mkdir(parents=True)
    settings = OLD | {"egocentric_data": True, "video_sets": ["m1", "m2"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    for name in ("m1", "m2"):
        write_deeplabcut(path=folder / f"videos/pose_estimation/{name}.csv", tracks=tracks)
    for name in series:
        (folder / f"data/{name}").mkdir(parents=True)
        np.save(folder / f"data/{name}/{name}-PE-seq.npy", np.zeros((3, 9)))
    options = ("--fps", "60", "--center", "tail", "--orient", "nose")
    config, rows = run(folder, tmp_path / "mine", *options)
    (printed_text,) = (
        line for line in capsys.readouterr().out.splitlines() if line.startswith("egocentric_data")
    )
    return config, [Path(row["poses"]).suffix for row in rows], printed_text


@pytest.mark.parametrize("series", [(), ("m1", "m2")])
def test_aligned_poses_are_only_shifted_and_rotated_equally(tmp_path, capsys, series):
    _, files, printed_text = egocentric(tmp_path, capsys, fixed_tracks(heading=0.7), series)
    assert files == [".csv", ".csv"]
    assert printed_text == (
        "egocentric_data: true: the poses are already aligned; tail and nose do not move in them, "
        "so that the workflow's alignment only shifts and rotates all frames by the same amount"
    )


def test_aligning_aligned_poses_is_one_shift_and_one_rotation():
    frames, angle = 40, 0.7
    paws = np.random.default_rng(1).normal(size=(frames, 2, 2))
    own = {"tail": (0, 0), "nose": (10, 0), "left": paws[:, 0], "right": paws[:, 1]}
    first = make_tracks(frames=frames, body=own, heading=angle, place=(50, 20))[..., :2]
    again = to_egocentric(first, first[:, :2])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    np.testing.assert_allclose(again, (first - [50, 20]) @ turn, atol=1e-9)
    np.testing.assert_allclose(to_egocentric(again, again[:, :2]), again, atol=1e-9)


def test_vames_own_series_are_used_if_the_reference_keypoints_move(tmp_path, capsys):
    config, files, printed_text = egocentric(
        tmp_path, capsys, make_lively_tracks(frames=40), ("m1", "m2")
    )
    assert files == [".npy", ".npy"]
    assert printed_text == (
        "egocentric_data: true: VAME's own series of the aligned poses are read as features; the "
        "workflow does not align them again"
    )
    assert config["center"] == "tail"


def test_poses_that_are_not_aligned_are_aligned_which_is_reported(tmp_path, capsys):
    _, files, printed_text = egocentric(tmp_path, capsys, make_lively_tracks(frames=40), ("m1",))
    assert files == [".csv", ".csv"]
    assert re.fullmatch(
        r"egocentric_data: true: the poses are not aligned in m1\.csv, where tail moves by [\d.]+ "
        r"px and the direction from tail to nose turns by [\d.]+ degrees; the workflow aligns the "
        r"poses by center and orient\. If the animal is fixed in the image, use two keypoints that "
        r"do not move as --center and --orient: then the alignment changes nothing",
        printed_text,
    )


def test_all_unknown_values_are_requested_at_once(tmp_path):
    write_old(tmp_path / "old")
    (tmp_path / "old/videos/pose_estimation/mouse2.csv").unlink()
    with pytest.raises(SystemExit) as stopped:
        run(tmp_path / "old", tmp_path / "mine")
    printed_text = str(stopped.value)
    assert "mouse1: its frame rate is not stored in the project; give it with --fps" in printed_text
    assert "mouse2: no pose file; looked for data/raw/mouse2.nc" in printed_text
    assert "give --center and --orient" in printed_text
    assert not (tmp_path / "mine").exists()


def test_a_damaged_netcdf_is_refused_with_its_name(tmp_path):
    write_new(tmp_path / "new")
    (tmp_path / "new/data/processed/mouse1_processed.nc").write_bytes(b"damaged")
    with pytest.raises(SystemExit, match=r"mouse1_processed\.nc: cannot be read"):
        run(tmp_path / "new", tmp_path / "mine")


def test_nothing_is_overwritten_and_other_files_are_refused(tmp_path):
    write_new(tmp_path / "new")
    run(tmp_path / "new", tmp_path / "mine")
    with pytest.raises(SystemExit, match="would be overwritten"):
        run(tmp_path / "new", tmp_path / "mine")
    (tmp_path / "new/config.yaml").write_text("- a\n- b\n")
    with pytest.raises(SystemExit, match=r"is not VAME's config"):
        run(tmp_path / "new", tmp_path / "other")
    with pytest.raises(SystemExit, match=r"cannot be read as VAME's config"):
        run(tmp_path / "nowhere", tmp_path / "other")
