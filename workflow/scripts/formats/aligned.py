"""Aligned poses: `results/aligned/{session}.npz`."""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class AlignedPoses:
    """Egocentric poses of one recording.

    Attributes
    ----------
    poses
        (frame, feature) float32, coordinates in `unit`, NaN in every feature of an unusable frame.
    usable
        (frame,) bool
    features
        "{keypoint}_{axis}", and the names of scalars (one number per frame)
    fps
        frames per second
    scalars
        The features that are not coordinates.
    limits
        Lowest and highest value of each feature without outliers.
    unit
        Length of 1 in coordinates, in the recording's own unit: the animal's body
        length, or 1.
    track
        (frame, 3) float32: x and y of the keypoint `center` as tracked, and the angle of
        center→orient in radians; NaN in every unusable frame, and everywhere if it is unknown.
    """

    poses: np.ndarray
    usable: np.ndarray
    features: list[str]
    fps: float
    scalars: Sequence[str] = ()
    limits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    unit: float = 1.0
    track: np.ndarray | None = None

    def as_recorded(self, rows: slice = slice(None)) -> np.ndarray:
        """Return (frame, feature) of these frames, coordinates in the recording's own unit."""
        poses = self.poses[rows]
        if self.unit == 1:
            return poses
        scalar = np.isin(self.features, list(self.scalars))
        return poses * np.where(scalar, 1, self.unit).astype(np.float32)


def save_aligned(aligned: AlignedPoses, path: str | Path) -> None:
    unknown = np.full((len(aligned.poses), 3), np.nan, dtype=np.float32)
    np.savez(
        path,
        poses=aligned.poses,
        usable=aligned.usable,
        features=np.array(aligned.features),
        fps=np.float64(aligned.fps),
        scalars=np.array(list(aligned.scalars), dtype=np.str_),
        limits=np.array(json.dumps(aligned.limits)),
        unit=np.float64(aligned.unit),
        track=unknown if aligned.track is None else aligned.track,
    )


def open_aligned(path: str | Path) -> AlignedPoses:
    """Open the aligned poses of a recording; `poses` and `track` are memory-mapped."""
    with np.load(path) as arrays:
        return AlignedPoses(
            poses=map_array(path, "poses"),
            usable=arrays["usable"],
            features=arrays["features"].tolist(),
            fps=float(arrays["fps"]),
            scalars=arrays["scalars"].tolist(),
            limits=json.loads(str(arrays["limits"])),
            unit=float(arrays["unit"]),
            track=map_array(path, "track"),
        )


def map_array(path: str | Path, name: str) -> np.ndarray:
    """Memory-map an array of an npz that `np.savez` wrote, whose bytes are stored as in an npy."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
        assert member.compress_type == zipfile.ZIP_STORED, path
        with archive.open(member) as file:
            np.lib.format.read_magic(file)
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            header = file.tell()
    if not np.prod(shape):
        return np.empty(shape, dtype)
    with open(path, "rb") as file:  # the local header: 30 bytes, a name, and extra fields
        file.seek(member.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
    start = member.header_offset + 30 + int(lengths.sum()) + header
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")
