"""A VAME project, old or new, becomes a config and a sessions table that this workflow takes."""

import csv

import convert_vame_project
import numpy as np
import pytest
import yaml
from pose_prep.storage import save_poses
from recordings import BODY, make_dataset, make_lively_tracks, write_deeplabcut

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


def test_where_only_vames_own_series_are_left_they_are_taken(tmp_path):
    (tmp_path / "old/data/mouse1").mkdir(parents=True)
    (tmp_path / "old/config.yaml").write_text(yaml.safe_dump(OLD | {"video_sets": ["mouse1"]}))
    np.save(tmp_path / "old/data/mouse1/mouse1-PE-seq.npy", np.zeros((3, 9)))
    config, rows = run(tmp_path / "old", tmp_path / "mine", "--fps", "25")
    assert rows[0]["software"] == "VAME"
    assert config["center"] != config["orient"]


def test_all_that_is_not_known_is_asked_for_at_once(tmp_path):
    write_old(tmp_path / "old")
    (tmp_path / "old/videos/pose_estimation/mouse2.csv").unlink()
    with pytest.raises(SystemExit) as stopped:
        run(tmp_path / "old", tmp_path / "mine")
    said = str(stopped.value)
    assert "mouse1: its frame rate is not stored in the project; give it by --fps" in said
    assert "mouse2: no pose file; looked for data/raw/mouse2.nc" in said
    assert "give --center and --orient" in said
    assert not (tmp_path / "mine").exists()


def test_a_damaged_netcdf_is_refused_by_name(tmp_path):
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
