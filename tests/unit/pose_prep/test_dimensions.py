"""Datasets have the dimensions keypoints and individuals with any version of movement."""

import os
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from movement.io import load_poses
from movement.validators.datasets import ValidPosesInputs
from pose_prep.dimensions import poses_dataset, with_plurals
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


@pytest.mark.parametrize("confidence", [None, np.ones((5, 3, 2))])
def test_arrays_become_what_movement_makes_of_them(confidence):
    given = np.arange(60.0).reshape(5, 2, 3, 2), confidence, ["a", "b"], ["nose", "neck", "tail"]
    expected = with_plurals(load_poses.from_numpy(*given, fps=20))
    assert poses_dataset(*given, fps=20).identical(expected)


def test_reading_deeplabcut_imports_no_other_programs_libraries(tmp_path):
    """They take a second, which every recording would cost."""
    path = tmp_path / "mouse.csv"
    write_deeplabcut(path=path, tracks=make_lively_tracks(frames=20))
    code = f"from pose_prep.reading import read_poses; read_poses({str(path)!r}, '', 30)\n"
    code += "import sys; print(sorted({'movement', 'pynwb', 'sleap_io'} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split("\n")[-2] == "['movement']"


@pytest.mark.parametrize("names", ["plurals", "singulars"])
def test_a_file_reads_the_same_with_either_version_of_movement(tmp_path, monkeypatch, names):
    """Dimensions are named as in the installed version of movement and as in the other one."""
    path = tmp_path / "mouse.csv"
    write_deeplabcut(path=path, tracks=make_lively_tracks(frames=20))
    expected = read_poses(path, "DeepLabCut", 30)
    own, rename = ValidPosesInputs.to_dataset, {"plurals": with_plurals}
    rename["singulars"] = with_singulars
    monkeypatch.setattr(ValidPosesInputs, "to_dataset", lambda inputs: rename[names](own(inputs)))
    poses = read_poses(path, "DeepLabCut", 30)
    assert poses.identical(expected)
    assert poses.position.dims == ("time", "space", "keypoints", "individuals")
