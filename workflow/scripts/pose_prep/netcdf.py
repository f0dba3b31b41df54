"""Read netCDF: poses that movement saved, and scalars (one number per frame)."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pose_prep.clock import are_frame_numbers, assign_frames, check_times, spread_over_frames
from pose_prep.contents import check_dense_size, check_hdf5_size, check_unique
from pose_prep.dimensions import poses_dataset, with_plurals


def load_movement(path: Path, fps: float) -> xr.Dataset:
    """Read a dataset that movement saved, and scalars that were added to it.

    movement's times count from the start of the recording, in seconds, or in frames if it did not
    know the rate. Frames that were cut off at the start are therefore empty, with a note.
    """
    poses = read_netcdf(path)
    if "position" not in poses or "keypoints" not in poses.coords:
        raise ValueError("contains no position with the dimension keypoints")
    if "individuals" not in poses.dims:
        poses = poses.expand_dims(individuals=["individual_0"], axis=-1)
    if "confidence" not in poses:
        poses["confidence"] = poses.position.isel(space=0, drop=True) * np.nan
    for name in ("keypoints", "individuals"):
        check_unique(map(str, poses[name].values), name)
    position = poses.position.transpose("time", "space", "keypoints", "individuals")
    confidence = poses.confidence.transpose("time", "keypoints", "individuals")
    individuals = [str(name) for name in poses.individuals.values]
    keypoints = [str(name) for name in poses.keypoints.values]
    made = poses_dataset(position.values, confidence.values, individuals, keypoints, fps)
    scalars = numbers_per_frame(poses)
    if not scalars.empty:
        made = made.assign(features=(("time", "feature"), scalars.to_numpy()))
        made = made.assign_coords(feature=list(scalars))
    made = made.drop_vars("time")
    if "time" in poses.coords and poses.sizes["time"]:
        made = _move_to_its_frames(made, poses, fps, path)
    return made.assign_coords(time=np.arange(made.sizes["time"]) / fps)


def _move_to_its_frames(made, poses, fps, path):
    times = _numbers(poses.time.values)
    check_times(times, "its dimension time")
    counted = poses.attrs.get("time_unit") == "frames" and bool((times == np.rint(times)).all())
    if counted or are_frame_numbers(times):
        interval, attributes = 1.0, {}
        frames = (times - times[0]).astype(np.int64)
    else:
        frames, interval = assign_frames(times, fps)
        stated = _number(poses.attrs.get("fps"))
        attributes = {"file_fps": stated if stated > 0 else 1 / interval}
    start, notes = int(np.rint(times[0] / interval)), []
    if start < 0:
        start, notes = 0, [f"frame 0 is the first of the file, at the time {times[0]:.10g}"]
    elif start:
        notes = [f"the file starts at frame {start}; frames 0 to {start - 1} are empty"]
    values = sum(array.size // len(times) for array in made.data_vars.values())
    count = (int(frames[-1]) + start + 1) * values
    check_dense_size(count, path, "its tracks, including missing frames,")
    made = spread_over_frames(made, frames, start)
    return made.assign_attrs(attributes, notes="; ".join(notes))


def _numbers(times):
    """Return times as numbers; in seconds where xarray decoded them as dates or durations."""
    if times.dtype.kind == "M":
        times = times - times[0]
    return (times / np.timedelta64(1, "s") if times.dtype.kind == "m" else times).astype(np.float64)


def _number(value):
    try:
        return float(np.asarray(value, np.float64).reshape(-1)[0])
    except (TypeError, ValueError, IndexError):
        return 0.0


def load_numbers(path: Path) -> pd.DataFrame:
    """Read the scalars of any netCDF with the dimension `time`."""
    scalars = numbers_per_frame(read_netcdf(path))
    if scalars.empty:
        raise ValueError("contains no numbers with the single dimension time")
    return scalars


def read_netcdf(path: Path) -> xr.Dataset:
    check_hdf5_size(path)
    file = xr.load_dataset(path, engine="netcdf4")
    return with_plurals(file)


def numbers_per_frame(file: xr.Dataset) -> pd.DataFrame:
    """Return the scalars that a netCDF has besides poses, one column each."""
    return pd.DataFrame(
        {
            str(name): values.values.reshape(-1).astype(np.float64)
            for name, values in file.data_vars.items()
            if values.dims in (("time",), ("time", "individuals"))
            and values.size == file.sizes["time"]
            and values.dtype.kind in "fiub"
        }
    )
