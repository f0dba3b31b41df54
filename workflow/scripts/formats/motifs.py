"""Motifs frame by frame: `results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv`.

One row per frame of the recording: frame, seconds, motif and its name (empty where there is none),
usable.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from formats.runs import blocks_of


def centre_of(time_window: int) -> int:
    """Return the number of frames from the start of a window to its centre."""
    return time_window // 2


def write_motifs(
    path: str | Path,
    motifs: np.ndarray,
    usable: np.ndarray,
    fps: float,
    comments: Sequence[str],
    names: Mapping[int, str] | None = None,
) -> None:
    """Write a row per frame: frame, seconds, motif and name (empty if it is -1), usable (0, 1)."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.writelines(f"# {comment}\n" for comment in comments)
        file.write("frame,seconds,motif,name,usable\n")
        for part in blocks_of(len(motifs)):
            frame = np.arange(part.start, part.stop)
            rows = pd.DataFrame(
                {
                    "frame": frame,
                    "seconds": frame / fps,
                    "motif": pd.array(motifs[part], dtype="Int16"),
                    "name": pd.Series(motifs[part]).map(names or {}),
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
