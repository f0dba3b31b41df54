"""The exported model that `use_model` names, and the segmenters that came with it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settings.files import Access, is_url
from settings.schema import SettingsError

NEEDED = {"alignment", "features", "model", "outlier_limits", "scalars", "seed"}
"""What has to be known of a model before recordings are aligned for it."""

FREE = ("keypoints", "exclude_keypoints", "resample_fps")
"""Settings of the alignment that may differ: that features and frame rate are the same is checked
when they are known."""


def frozen_model(config: Mapping[str, Any], access: Access) -> dict[str, Any] | None:
    """What the exported model says of itself; None where `use_model` names none.

    Read from the header of its model.safetensors: eight bytes of length, then JSON.
    """
    if config.get("use_model") is None:
        return None
    folder = str(config["use_model"])
    path = Path(folder, "model.safetensors")
    for wrong, message in (
        (
            is_url(folder) or not access.shared_disk,
            f"use_model: {folder} is read before the first job and in each one; name a folder on a "
            "disk that all of them see",
        ),
        (
            not path.is_file(),
            f"use_model: there is no {path}; name the folder of an exported model",
        ),
        (
            Path("results/dataset/dataset.json").exists(),
            "use_model: models were trained in this folder, on recordings that would now be "
            "aligned anew; give the others a folder of their own (--directory)",
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
    """Settings of the alignment that differ from those that the model was trained with."""
    return [
        f"{key}: {config[key]} here, and {value} where the model of use_model was trained; "
        "delete the line"
        for key, value in frozen["alignment"].items()
        if key not in FREE and config.get(key, value) != value
    ]


def keypoints_of(frozen: Mapping[str, Any]) -> list[str]:
    """Names of the keypoints whose coordinates are among the features of the model."""
    coordinates = [name for name in frozen["features"] if name not in frozen["scalars"]]
    return sorted({name[:-2] for name in coordinates})


def names_beside(folder: str) -> str | None:
    """The file with names of motifs that lies in the folder of the model, if one does."""
    path = Path(folder, "motif_names.tsv")
    return path.as_posix() if path.is_file() else None


def segmenters_beside(
    folder: str, frozen: Mapping[str, Any], segmentations: list[str]
) -> dict[str, str]:
    """The segmenters that come with the model, by their names.

    They lie in the folder of the export, or in the project that the export is still a part of.
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
