"""The segmenters of an earlier run, whose numbers of motifs are kept."""

from collections.abc import Sequence
from pathlib import Path

from settings.files import Access, is_url, path_errors
from settings.schema import SettingsError

WRITTEN = "results/segmenters"


def reference_segmenters(
    folder: str | None, segmentations: Sequence[str], access: Access
) -> dict[str, str]:
    """The file of each segmentation in the folder of `reference_segmenters`; none without one.

    Raises
    ------
    SettingsError
        The folder is one that this run writes, or lacks a file.
    """
    if folder is None:
        return {}
    folder = folder.rstrip("/") or "/"
    if not is_url(folder) and Path(folder).resolve().is_relative_to(Path(WRITTEN).resolve()):
        message = (
            f"reference_segmenters: {folder} is written by this run, which would overwrite its own "
            "reference; copy the folder, for example to config/reference, and name the copy"
        )
        raise SettingsError("config", [message])
    paths = {name: f"{folder}/{name}.npz" for name in segmentations}
    errors = [
        error
        for name, path in paths.items()
        for error in path_errors(
            path,
            f"reference_segmenters: there is no {path}; name a folder that has the same "
            f"segmentation ({name}), a copy of an earlier run's"
            " results/segmenters/{model}/seed{seed}",
            "reference_segmenters: ",
            access,
        )
    ]
    if errors:
        raise SettingsError("config", errors)
    return paths
