"""The description of an exported model, and the settings that must match it."""

import json
from pathlib import Path

import pytest
from settings.files import Access
from settings.frozen import alignment_errors, frozen_model, keypoints_of, segmenters_beside
from settings.schema import SettingsError

HERE = Access(shared_disk=True, can_fetch=lambda url: True)
MODEL = {
    "alignment": {"center": "tail", "pose_confidence": 0.9, "keypoints": None},
    "features": ["nose_x", "nose_y", "left_ear_x", "left_ear_y", "speed"],
    "model": "vame",
    "outlier_limits": {},
    "scalars": ["speed"],
    "seed": 3,
}


def write_export(folder, model=MODEL):
    """Write the header of model.safetensors, without tensors."""
    text = json.dumps({"__metadata__": {key: json.dumps(value) for key, value in model.items()}})
    folder.mkdir(parents=True)
    path = folder / "model.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text.encode())
    return str(folder)


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_model_is_described_by_the_header_of_its_export():
    assert frozen_model({"use_model": write_export(Path("export"))}, HERE) == MODEL
    assert frozen_model({}, HERE) is None
    assert frozen_model({"use_model": None}, HERE) is None


def earlier():
    write_export(Path("m"), {key: value for key, value in MODEL.items() if key != "seed"})


def no_model(content):
    def write():
        Path("m").mkdir()
        Path("m/model.safetensors").write_bytes(content)

    return write


def trained_here():
    write_export(Path("m"))
    Path("results/dataset").mkdir(parents=True)
    Path("results/dataset/dataset.json").touch()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: None,
            "use_model: there is no m/model.safetensors; set the folder of an exported",
        ),
        (earlier, "is not a model that this workflow exported, or is one of an earlier version"),
        (no_model(b""), "is not a model that this workflow exported"),
        (no_model(b"text of no kind"), "is not a model that this workflow exported"),
        (no_model(b"\xff" * 64), "is not a model that this workflow exported"),
        (no_model((2).to_bytes(8, "little") + b"{}"), "is not a model that this workflow exported"),
        (trained_here, "use another folder for the new recordings (--directory)"),
    ],
)
def test_other_files_are_refused_as_models(make, sentence):
    make()
    with pytest.raises(SettingsError) as refused:
        frozen_model({"use_model": "m"}, HERE)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("folder", "access"),
    [("s3://lab/model", HERE), ("m", Access(shared_disk=False, can_fetch=HERE.can_fetch))],
)
def test_a_model_that_jobs_cannot_read_is_refused(folder, access):
    write_export(Path("m"))
    with pytest.raises(SettingsError, match="choose a folder on a disk that all machines can read"):
        frozen_model({"use_model": folder}, access)


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ({}, []),
        ({"center": "tail", "pose_confidence": 0.9}, []),
        ({"keypoints": ["nose"], "resample_fps": 30}, []),  # features are checked later, by name
        ({"center": "nose", "pose_confidence": 0.5}, ["center", "pose_confidence"]),
    ],
)
def test_settings_of_the_alignment_are_those_of_the_model(config, keys):
    assert [error.split(":")[0] for error in alignment_errors(config, MODEL)] == keys


def test_scalars_are_not_keypoints():
    assert keypoints_of(MODEL) == ["left_ear", "nose"]


def test_segmenters_are_found_in_the_export_or_in_its_project():
    folder = write_export(Path("results/export/vame/seed3"))
    wanted = ["kmeans-4", "hmm-4"]
    assert segmenters_beside(folder, MODEL, wanted) == {}
    own, project = Path(folder, "segmenters"), Path("results/segmenters/vame/seed3")
    for place, name in ((own, "kmeans-4"), (project, "kmeans-4"), (project, "hmm-4")):
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}.npz").touch()
    found = segmenters_beside(folder, MODEL, wanted)
    assert found == {
        "kmeans-4": f"{folder}/segmenters/kmeans-4.npz",
        "hmm-4": f"{folder}/../../../segmenters/vame/seed3/hmm-4.npz",
    }
    assert all(Path(path).is_file() for path in found.values())
    elsewhere = write_export(Path("model"))
    assert segmenters_beside(elsewhere, MODEL, wanted) == {}
