"""Motifs frame by frame: `results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv`.

One row per frame of the recording: frame, seconds, motif, its name and community, the distance to
the motif's centre, usable. `NA` stands for missing values, as R writes and pandas reads them.

`results/motifs/{model}/seed{seed}/{segmentation}.npz` has the motifs of all sessions together.
"""

from collections.abc import Iterable, Iterator, Mapping
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
    distances: np.ndarray | None = None,
    names: Mapping[int, str] | None = None,
    communities: Mapping[int, int] | None = None,
) -> None:
    """Write a row per frame: frame, seconds, motif, name, community, distance, usable (0, 1).

    Parameters
    ----------
    motifs
        (frame,) int16, -1 where there is none.
    distances
        (frame,) to the centre of the motif, NaN where there is none.
    names, communities
        By motif, of those that have one.
    """
    if distances is None:
        distances = np.full(len(motifs), np.nan, np.float32)
    with open(path, "w", newline="", encoding="utf-8") as file:
        file.write("frame,seconds,motif,name,community,distance,usable\n")
        for part in blocks_of(len(motifs)):
            frame, own = np.arange(part.start, part.stop), pd.Series(motifs[part])
            rows = pd.DataFrame(
                {
                    "frame": frame,
                    "seconds": frame / fps,
                    "motif": own.astype("Int16").mask(own < 0),
                    "name": own.map(names or {}),
                    "community": own.map(communities or {}).astype("Int16"),
                    "distance": distances[part],
                    "usable": usable[part].astype(np.int8),
                }
            )
            how = {"float_format": "%.4f", "lineterminator": "\n", "na_rep": "NA"}
            rows.to_csv(file, index=False, header=False, **how)


def read_motifs(path: str | Path) -> np.ndarray:
    """Read (frame,) int16 motifs of a csv that `write_motifs` wrote; -1 where there is none."""
    parts = pd.read_csv(path, usecols=["motif"], dtype={"motif": np.float32}, chunksize=1_000_000)
    return np.concatenate(
        [part["motif"].fillna(-1).to_numpy().astype(np.int16) for part in parts]
        or [np.empty(0, np.int16)]
    )


def write_together(path: str | Path, recordings: Mapping[str, tuple[np.ndarray, float]]) -> None:
    """Write the motifs of several sessions to one npz.

    Parameters
    ----------
    recordings
        By session: (frame,) int16 motifs, -1 where there is none; frames per second.
    """
    arrays = {f"motifs/{session}": motifs for session, (motifs, _) in recordings.items()}
    arrays |= {f"fps/{session}": np.float64(fps) for session, (_, fps) in recordings.items()}
    np.savez_compressed(path, **arrays)


def read_together(path: str | Path, sessions: Iterable[str]) -> Iterator[np.ndarray]:
    """Read (frame,) int16 motifs of these sessions, one at a time; -1 where there is none."""
    with np.load(path, allow_pickle=False) as arrays:
        for session in sessions:
            yield arrays[f"motifs/{session}"]


def read_frames(
    path: str | Path, sessions: Iterable[str], names: Mapping[int, str]
) -> Iterator[pd.DataFrame]:
    """Read `seconds`, `motif` (-1 where there is none) and `name` of each session's frames."""
    with np.load(path, allow_pickle=False) as arrays:
        for session in sessions:
            motifs = pd.Series(arrays[f"motifs/{session}"])
            seconds = np.arange(len(motifs)) / float(arrays[f"fps/{session}"])
            yield pd.DataFrame({"seconds": seconds, "motif": motifs, "name": motifs.map(names)})
