"""Motifs frame by frame: one csv per recording, as long as the recording."""

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from motif_analysis.latents import blocks_of


def centre_of(time_window: int) -> int:
    """Frames from the begin of a window to its centre."""
    return time_window // 2


def motifs_of_frames(motifs: np.ndarray, frames: int, time_window: int) -> np.ndarray:
    """(frame,) int16: the motif of the window that has its centre there, -1 where there is none.

    `motifs` are those of the windows that begin at frame 0, 1, …
    """
    of_frames = np.full(frames, -1, dtype=np.int16)
    offset = centre_of(time_window)
    of_frames[offset : offset + len(motifs)] = motifs
    return of_frames


def describe_offset(time_window: int) -> str:
    offset = centre_of(time_window)
    return (
        f"motif is that of the window of {time_window} frames whose centre is this frame; "
        f"the window begins {offset} frames before"
    )


def write_motifs(
    path: str | Path, motifs: np.ndarray, usable: np.ndarray, fps: float, comments: Sequence[str]
) -> None:
    """Write a row per frame: frame, seconds, motif (empty where it is -1), usable (0 or 1)."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {comment}\n" for comment in comments)
        file.write("frame,seconds,motif,usable\n")
        for part in blocks_of(len(motifs)):
            frame = np.arange(part.start, part.stop)
            rows = pd.DataFrame(
                {
                    "frame": frame,
                    "seconds": frame / fps,
                    "motif": pd.array(motifs[part], dtype="Int16"),
                    "usable": usable[part].astype(np.int8),
                }
            )
            rows.loc[motifs[part] < 0, "motif"] = pd.NA
            rows.to_csv(file, index=False, header=False, float_format="%.4f", lineterminator="\n")


def read_motifs(path: str | Path) -> np.ndarray:
    """(frame,) int16 motifs of a csv that `write_motifs` wrote, -1 where there is none."""
    parts = pd.read_csv(
        path, comment="#", usecols=["motif"], dtype={"motif": np.float32}, chunksize=1_000_000
    )
    return np.concatenate(
        [part["motif"].fillna(-1).to_numpy().astype(np.int16) for part in parts]
        or [np.empty(0, np.int16)]
    )


@dataclass(frozen=True)
class Aligned:
    """What motifs need of an aligned recording.

    Attributes
    ----------
    poses
        (frame, feature) float32, memory-mapped, NaN in frames that are not usable
    track
        (frame, 3) float32, memory-mapped: where the animal is (x, y) and its heading in radians
    usable
        (frame,) bool
    """

    poses: np.ndarray
    track: np.ndarray
    usable: np.ndarray
    features: list[str]
    scalars: list[str]
    fps: float


def open_aligned(path: str | Path) -> Aligned:
    with np.load(path) as arrays:
        return Aligned(
            poses=_map_array(path, "poses"),
            track=_map_array(path, "track"),
            usable=arrays["usable"],
            features=arrays["features"].tolist(),
            scalars=arrays["scalars"].tolist(),
            fps=float(arrays["fps"]),
        )


def _map_array(path, name):
    """An array of an npz that `np.savez` wrote, memory-mapped: its bytes lie there as in an npy."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
        member = archive.getinfo(f"{name}.npy")
        assert member.compress_type == zipfile.ZIP_STORED, path
        np.lib.format.read_magic(file)
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
        inside = file.tell()
    if not np.prod(shape):
        return np.empty(shape, dtype)
    with open(path, "rb") as file:  # the local header: 30 bytes, a name, and extra fields
        file.seek(member.header_offset + 26)
        lengths = np.frombuffer(file.read(4), "<u2")
    start = member.header_offset + 30 + int(lengths.sum()) + inside
    return np.memmap(path, dtype, "r", start, shape, "F" if fortran else "C")
