"""The two files between the steps: a recording's poses (netCDF) and its aligned poses (npz)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class AlignedPoses:
    """Egocentric poses of one recording.

    Attributes
    ----------
    poses
        (frame, feature) float32 in pixels, NaN in every feature of an unusable frame.
    usable
        (frame,) bool
    features
        "{keypoint}_{axis}", and the names of numbers per frame
    fps
        frames per second
    scalars
        Those of the features that are no coordinates.
    limits
        By feature, the lowest and highest value that was no outlier.
    track
        (frame, 3) float32: x and y of the keypoint `center` as tracked, and the angle of
        center→orient in radians; NaN in every unusable frame, and throughout where it is not known.
    """

    poses: np.ndarray
    usable: np.ndarray
    features: list[str]
    fps: float
    scalars: Sequence[str] = ()
    limits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    track: np.ndarray | None = None


def save_poses(poses: xr.Dataset, path: str | Path) -> None:
    """Write movement's dataset so that ``load_poses`` needs no movement."""
    compressed = {name: {"zlib": True, "complevel": 4} for name in poses.data_vars}
    poses.to_netcdf(path, engine="netcdf4", encoding=compressed)


def load_poses(path: str | Path) -> xr.Dataset:
    return xr.load_dataset(path, engine="netcdf4")


def save_aligned(aligned: AlignedPoses, path: str | Path) -> None:
    np.savez(
        path,
        poses=aligned.poses,
        usable=aligned.usable,
        features=np.array(aligned.features),
        fps=np.float64(aligned.fps),
        scalars=np.array(list(aligned.scalars), dtype=np.str_),
        limits=np.array(json.dumps(aligned.limits)),
        track=_unknown(aligned) if aligned.track is None else aligned.track,
    )


def _unknown(aligned):
    return np.full((len(aligned.poses), 3), np.nan, dtype=np.float32)


def load_aligned(path: str | Path) -> AlignedPoses:
    with np.load(path) as arrays:
        return AlignedPoses(
            poses=arrays["poses"],
            usable=arrays["usable"],
            features=arrays["features"].tolist(),
            fps=float(arrays["fps"]),
            scalars=arrays["scalars"].tolist(),
            limits=json.loads(str(arrays["limits"])),
            track=arrays["track"],
        )
