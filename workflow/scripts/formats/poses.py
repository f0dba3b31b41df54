"""Poses of a recording as tracked: movement's dataset in `results/poses/{session}.nc`."""

from pathlib import Path

import xarray as xr


def save_poses(poses: xr.Dataset, path: str | Path) -> None:
    """Write movement's dataset so that `load_poses` needs no movement."""
    compressed = {name: {"zlib": True, "complevel": 4} for name in poses.data_vars}
    poses.to_netcdf(path, engine="netcdf4", encoding=compressed)


def load_poses(path: str | Path) -> xr.Dataset:
    return xr.load_dataset(path, engine="netcdf4")
