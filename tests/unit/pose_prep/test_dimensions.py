"""Datasets have the dimensions keypoints and individuals with any version of movement."""

import numpy as np
import pytest
import xarray as xr
from movement.io import load_poses
from pose_prep.dimensions import with_plurals
from pose_prep.reading import read_poses
from recordings import make_lively_tracks, write_deeplabcut

SINGULARS = {"keypoints": "keypoint", "individuals": "individual"}


def with_singulars(dataset):
    return dataset.rename({old: new for old, new in SINGULARS.items() if old in dataset.dims})


def test_singular_names_become_plural():
    dims = ("time", "space", "keypoint", "individual")
    names = {"keypoint": ["nose", "tail"], "individual": ["mouse"]}
    made = with_plurals(xr.Dataset({"position": (dims, np.zeros((3, 2, 2, 1)))}, names))
    assert made.position.dims == ("time", "space", "keypoints", "individuals")
    assert list(made.keypoints.values) == ["nose", "tail"]


def test_plural_names_are_not_changed():
    dataset = xr.Dataset({"position": (("time", "keypoints"), np.zeros((3, 2)))})
    assert with_plurals(dataset).identical(dataset)


@pytest.mark.parametrize("names", ["plurals", "singulars"])
def test_a_file_reads_the_same_with_either_version_of_movement(tmp_path, monkeypatch, names):
    """Dimensions are named as in the installed version of movement and as in the other one."""
    path = tmp_path / "mouse.csv"
    write_deeplabcut(path=path, tracks=make_lively_tracks(frames=20))
    expected = read_poses(path, "DeepLabCut", 30)
    own, rename = load_poses.from_dlc_style_df, {"plurals": with_plurals}
    rename["singulars"] = with_singulars
    monkeypatch.setattr(
        load_poses, "from_dlc_style_df", lambda *given, **named: rename[names](own(*given, **named))
    )
    poses = read_poses(path, "DeepLabCut", 30)
    assert poses.identical(expected)
    assert poses.position.dims == ("time", "space", "keypoints", "individuals")
