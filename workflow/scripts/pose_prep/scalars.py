"""Numbers per frame that join the poses: speed, light, a pellet in reach."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pose_prep.contents import check_dense_size
from pose_prep.isolation import in_a_process
from pose_prep.labels import check_frames, check_length
from pose_prep.netcdf import load_numbers
from pose_prep.recognition import HDF5


def add_scalars(
    poses: xr.Dataset, path: str | Path | None, chosen: Sequence[str] | None
) -> xr.Dataset:
    """Return the poses with `features` (time, feature): those of the pose file and those of `path`.

    Another number of frames, and an unknown or repeated name, raise a ValueError.

    Parameters
    ----------
    path
        A csv or netCDF with one row per frame; see `read_scalars`.
    chosen
        Which of them to keep, in this order; all where it is None.
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
    """Read the columns of a csv, but for `frame`, or the per-frame variables of a netCDF."""
    try:
        table, frames = _read_table(path)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as numbers per frame: {error}") from error
    if frames is not None:
        check_frames(path, frames)
    if table.empty:
        raise ValueError(f"{path}: holds no numbers per frame")
    return table


def _read_table(path):
    """The numbers, and the column `frame` of a csv, which may have none."""
    with open(path, "rb") as file:
        start = file.read(len(HDF5))
    if start == HDF5:
        return in_a_process(load_numbers, Path(path)), None
    check_dense_size(2 * Path(path).stat().st_size, path, "its table")
    table = pd.read_csv(path, encoding="utf-8-sig", skip_blank_lines=False)
    frames = table.pop("frame") if "frame" in table else None
    return table.astype(np.float64), frames
