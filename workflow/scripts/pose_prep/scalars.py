"""Numbers per frame that join the poses: speed, light, a pellet in reach; and behaviour labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pose_prep.recognition import HDF5, check_dense_size
from pose_prep.repairs import load_movement_scalars


def add_scalars(
    poses: xr.Dataset, path: str | Path | None, chosen: Sequence[str] | None
) -> xr.Dataset:
    """The poses with ``features`` (time, feature): those of the pose file and those of ``path``.

    Parameters
    ----------
    path
        A csv or netCDF with one row per frame; see ``read_scalars``.
    chosen
        Which of them to keep, in this order; all where it is None.

    Raises
    ------
    ValueError
        Another number of frames, an unknown or a repeated name.
    """
    table = pd.DataFrame(index=range(poses.sizes["time"]))
    if "features" in poses:
        table[[str(name) for name in poses.feature.values]] = poses.features.values
    if path:
        added = read_scalars(path)
        check_length(path, len(added), len(table), "rows")
        twice = [name for name in added if name in table]
        if twice:
            raise ValueError(f"{path}: {', '.join(twice)} is also in the pose file; rename it")
        table = pd.concat([table, added.set_axis(table.index)], axis=1)
    if chosen is not None:
        absent = [name for name in chosen if name not in table]
        if absent:
            raise ValueError(
                f"{path or poses.attrs['source_file']}: extra_features: there is no "
                f"{', '.join(absent)}; there are: {', '.join(table.columns) or 'none'}"
            )
        table = table[list(chosen)]
    poses = poses.drop_vars(["features", "feature"], errors="ignore")
    if table.empty:
        return poses
    return poses.assign(features=(("time", "feature"), table.to_numpy(np.float64))).assign_coords(
        feature=list(table.columns)
    )


def read_scalars(path: str | Path) -> pd.DataFrame:
    """Numeric columns of a csv (a column ``frame`` aside), or per-frame variables of a netCDF."""
    try:
        with open(path, "rb") as file:
            start = file.read(len(HDF5))
        if start == HDF5:
            table = load_movement_scalars(Path(path))
        else:
            check_dense_size(2 * Path(path).stat().st_size, path, "its table")
            table = pd.read_csv(path, encoding="utf-8-sig", skip_blank_lines=False)
            _check_frames(table)
            table = table.drop(columns="frame", errors="ignore").astype(np.float64)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as numbers per frame: {error}") from error
    if table.empty:
        raise ValueError(f"{path}: holds no numbers per frame")
    return table


def check_labels(path: str | Path, frames: int) -> None:
    """Raise a ValueError unless the csv labels each of the frames, in their order."""
    try:
        table = pd.read_csv(path, encoding="utf-8-sig")
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as labels: {error}") from error
    if not {"frame", "label"} <= set(table.columns):
        raise ValueError(
            f"{path}: needs the columns frame and label; it has "
            f"{', '.join(map(str, table.columns))}"
        )
    check_length(path, len(table), frames, "labels")
    try:
        _check_frames(table)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def check_length(path: str | Path, rows: int, frames: int, what: str) -> None:
    if rows != frames:
        side = "longer" if rows > frames else "shorter"
        raise ValueError(
            f"{path}: {rows} {what} for {frames} tracked frames, {abs(rows - frames)} {side} than "
            "the track; one row per frame, from the first to the last"
        )


def _check_frames(table):
    if "frame" not in table:
        return
    numbers = pd.to_numeric(table["frame"], errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~(numbers == numbers[:1] + np.arange(len(numbers))))
    if wrong.size:
        raise ValueError(
            f"row {wrong[0]} of the column frame is {table['frame'].iloc[wrong[0]]}; frames have "
            "to follow one another"
        )
