"""Motifs of frames, from motifs of windows."""

import numpy as np
from formats.motifs import centre_of


def motifs_of_frames(motifs: np.ndarray, frames: int, time_window: int) -> np.ndarray:
    """Return (frame,) int16: the motif of the window centred on each frame, -1 where there is none.

    `motifs` are those of the windows that start at frame 0, 1, …
    """
    of_frames = np.full(frames, -1, dtype=np.int16)
    offset = centre_of(time_window)
    of_frames[offset : offset + len(motifs)] = motifs
    return of_frames


def distances_of_frames(distances: np.ndarray, frames: int, time_window: int) -> np.ndarray:
    """Shift (window,) distances to frames as in `motifs_of_frames`: (frame,) float32, else NaN.

    `distances` are those that `Segmenter.distances` returns.
    """
    of_frames = np.full(frames, np.nan, dtype=np.float32)
    offset = centre_of(time_window)
    of_frames[offset : offset + len(distances)] = distances
    return of_frames
