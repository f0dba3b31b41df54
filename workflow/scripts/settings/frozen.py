"""The exported model that `use_model` names, and its segmenters."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settings.files import Access, is_url
from settings.schema import SettingsError

NEEDED = {"alignment", "features", "model", "outlier_limits", "scalars", "seed"}
"""What alignment needs to know about a model."""

FREE = ("keypoints", "exclude_keypoints", "resample_fps")
"""Alignment settings that may differ: features and frame rate are checked when they are known."""


def frozen_model(config: Mapping[str, Any], access: Access) -> dict[str, Any] | None:
    """Read the description of the exported model; None if `use_model` is not set.

    It is in the header of model.safetensors: eight bytes of length, then JSON.
    """
    if config.get("use_model") is None:
        return None
    folder = str(config["use_model"])
    path = Path(folder, "model.safetensors")
    for wrong, message in (
        (
            is_url(folder) or not access.shared_disk,
            f"use_model: {folder} is read before the first job and in every job; choose a folder "
            "on a disk that all machines can read",
        ),
        (
            not path.is_file(),
            f"use_model: there is no {path}; set the folder of an exported model",
        ),
        (
            Path("results/dataset/dataset.json").exists(),
            "use_model: models were trained in this folder, on recordings that would now be "
            "aligned differently; use another folder for the new recordings (--directory)",
        ),
    ):
        if wrong:
            raise SettingsError("config", [message])
    try:
        return _read_header(path)
    except (ValueError, LookupError, TypeError, MemoryError, OverflowError) as error:
        message = (
            f"use_model: {path} is not a model that this workflow exported, or is one of an "
            "earlier version; export it again"
        )
        raise SettingsError("config", [message]) from error


def _read_header(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    frozen = {key: json.loads(value) for key, value in header["__metadata__"].items()}
    if missing := NEEDED - frozen.keys():
        raise KeyError(*missing)
    return frozen


def alignment_errors(config: Mapping[str, Any], frozen: Mapping[str, Any]) -> list[str]:
    """Return errors about alignment settings that differ from those of the model's training."""
    return [
        f"{key}: {config[key]} here, but {value} in the training of the model of use_model; "
        "delete the line"
        for key, value in frozen["alignment"].items()
        if key not in FREE and config.get(key, value) != value
    ]


def keypoints_of(frozen: Mapping[str, Any]) -> list[str]:
    """Return the names of the keypoints whose coordinates are features of the model."""
    coordinates = [name for name in frozen["features"] if name not in frozen["scalars"]]
    return sorted({name[:-2] for name in coordinates})


def names_beside(folder: str) -> str | None:
    """The file with names of motifs that lies in the folder of the model, if one does."""
    path = Path(folder, "motif_names.tsv")
    return path.as_posix() if path.is_file() else None


def segmenters_beside(
    folder: str, frozen: Mapping[str, Any], segmentations: list[str]
) -> dict[str, str]:
    """Find the segmenters that belong to the model, by segmentation.

    They are in the folder of the export, or in the project that the export is still part of.
    """
    own = f"{frozen['model']}/seed{frozen['seed']}"
    places = [f"{folder}/segmenters"]
    if Path(folder).resolve().match(f"export/{own}"):
        places.insert(0, f"{folder}/../../../segmenters/{own}")
    return {
        name: path
        for name in segmentations
        for path in [f"{place}/{name}.npz" for place in places]
        if Path(path).is_file()
    }
