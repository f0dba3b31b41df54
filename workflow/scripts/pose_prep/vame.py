"""Read series that VAME has cleaned and aligned: npy of older projects, netCDF of newer ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pose_prep.netcdf import numbers_per_frame, read_netcdf
from pose_prep.recognition import is_numpy, is_processed_by_vame


def load_vame(path: Path, fps: float) -> xr.Dataset:
    """Read the series as features.

    Older projects have (feature, frame) arrays without names, `{session}-PE-seq.npy`. Newer ones
    have `position_processed`, in which VAME omits both coordinates of the centred keypoint and the
    x of the oriented one; so does this. VAME turns the animal upwards, not to the right.
    """
    table = _read_array(path) if is_numpy(path) else _read_netcdf(path)
    return xr.Dataset(
        {"features": (("time", "feature"), table.to_numpy(np.float64))},
        coords={"feature": list(table), "time": np.arange(len(table)) / fps},
    )


def _read_array(path):
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise ValueError(f"contains {array.dtype} of shape {array.shape}, not (feature, frame)")
    if array.shape[0] > array.shape[1]:
        raise ValueError(
            f"has {array.shape[0]} features of {array.shape[1]} frames; VAME's files are "
            "(feature, frame)"
        )
    return pd.DataFrame(array.T.astype(np.float64)).add_prefix("feature")


def _read_netcdf(path):
    file = read_netcdf(path)
    if not is_processed_by_vame(file):
        raise ValueError(
            "contains no position_processed: VAME has not preprocessed it; leave 'software' empty "
            "to read its raw poses"
        )
    if file.sizes["individuals"] > 1:
        raise ValueError("contains several individuals, but VAME trains on the first only")
    position = file.position_processed.isel(individuals=0).transpose("time", "keypoints", "space")
    names = [
        f"{keypoint}_{axis}"
        for keypoint in position.keypoints.values
        for axis in position.space.values
    ]
    series = pd.DataFrame(position.values.reshape(len(position), -1), columns=names)
    center = str(file.attrs["centered_reference_keypoint"])
    orient = str(file.attrs["orientation_reference_keypoint"])
    series = series.drop(columns=[f"{center}_x", f"{center}_y", f"{orient}_x"])
    return pd.concat([series, numbers_per_frame(file)], axis=1)
