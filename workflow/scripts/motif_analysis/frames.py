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


def describe_columns(time_window: int, fps: float) -> list[str]:
    """Comments that tell a reader of the csv what its rows mean."""
    return [
        f"motif is that of the window of {time_window} frames whose centre is this frame; "
        f"the window begins {centre_of(time_window)} frames before",
        f"motif is empty where no such window is usable; {fps:g} frames per second",
    ]
