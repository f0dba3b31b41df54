"""Read netCDF: poses that movement saved, and numbers per frame."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from movement.io import load_poses

from pose_prep.contents import check_hdf5_size, spread_over_frames

PLURALS = {"keypoint": "keypoints", "individual": "individuals"}
"""Names of dimensions, which are singular since movement 0.17."""


def load_movement(path: Path, fps: float) -> xr.Dataset:
    """Read a dataset that movement saved, and numbers per frame that were added to it."""
    poses = read_netcdf(path)
    if "position" not in poses or "keypoints" not in poses.coords:
        raise ValueError("holds no position with the dimension keypoints")
    if "individuals" not in poses.dims:
        poses = poses.expand_dims(individuals=["individual_0"], axis=-1)
    if "confidence" not in poses:
        poses["confidence"] = poses.position.isel(space=0, drop=True) * np.nan
    position = poses.position.transpose("time", "space", "keypoints", "individuals")
    confidence = poses.confidence.transpose("time", "keypoints", "individuals")
    made = load_poses.from_numpy(
        position_array=position.values,
        confidence_array=confidence.values,
        individual_names=[str(name) for name in poses.individuals.values],
        keypoint_names=[str(name) for name in poses.keypoints.values],
        fps=fps,
    )
    scalars = numbers_per_frame(poses)
    if not scalars.empty:
        made = made.assign(features=(("time", "feature"), scalars.to_numpy()))
        made = made.assign_coords(feature=list(scalars))
    times = poses.time.values if "time" in poses.coords else None
    made = spread_over_frames(made.drop_vars("time"), times, path)
    return made.assign_coords(time=np.arange(made.sizes["time"]) / fps)


def load_numbers(path: Path) -> pd.DataFrame:
    """Read the numbers per frame of any netCDF with the dimension `time`."""
    scalars = numbers_per_frame(read_netcdf(path))
    if scalars.empty:
        raise ValueError("holds no numbers with the dimension time alone")
    return scalars


def read_netcdf(path: Path) -> xr.Dataset:
    check_hdf5_size(path)
    file = xr.load_dataset(path, engine="netcdf4")
    return file.rename({old: new for old, new in PLURALS.items() if old in file.dims})


def numbers_per_frame(file: xr.Dataset) -> pd.DataFrame:
    """The numbers that a netCDF has per frame besides poses, one column each."""
    return pd.DataFrame(
        {
            str(name): values.values.reshape(-1).astype(np.float64)
            for name, values in file.data_vars.items()
            if values.dims in (("time",), ("time", "individuals"))
            and values.size == file.sizes["time"]
            and values.dtype.kind in "fiub"
        }
    )
