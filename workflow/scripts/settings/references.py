"""The segmenters of an earlier run, whose motif numbers are kept."""

from collections.abc import Sequence
from pathlib import Path

from settings.files import Access, is_url, path_errors
from settings.schema import SettingsError

WRITTEN = "results/segmenters"


def reference_segmenters(
    folder: str | None, segmentations: Sequence[str], access: Access
) -> dict[str, str]:
    """Return the segmenters in the folder of `reference_segmenters`; none if it is not set.

    Raises
    ------
    SettingsError
        If this run writes the folder, or the folder lacks a file.
    """
    if folder is None:
        return {}
    folder = folder.rstrip("/") or "/"
    if not is_url(folder) and Path(folder).resolve().is_relative_to(Path(WRITTEN).resolve()):
        message = (
            f"reference_segmenters: {folder} is written by this run, which would overwrite its own "
            "reference; copy the folder, for example to config/reference, and set that path"
        )
        raise SettingsError("config", [message])
    paths = {name: f"{folder}/{name}.npz" for name in segmentations}
    errors = [
        error
        for name, path in paths.items()
        for error in path_errors(
            path,
            f"reference_segmenters: there is no {path}; set a folder with the same "
            f"segmentation ({name}), a copy of an earlier run's"
            " results/segmenters/{model}/seed{seed}",
            "reference_segmenters: ",
            access,
        )
    ]
    if errors:
        raise SettingsError("config", errors)
    return paths
