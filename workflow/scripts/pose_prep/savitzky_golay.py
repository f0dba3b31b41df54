"""Savitzky-Golay filters."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def fit_polynomials(
    series: np.ndarray, length: int, order: int, *, slopes: bool = False
) -> np.ndarray:
    """Fit a polynomial to the frames around each frame (Savitzky & Golay 1964).

    Frames near an end use the polynomial of the first or last `length` frames. The values are
    those of `scipy.signal.savgol_filter`; importing `scipy.signal` would take a second in each job.

    Parameters
    ----------
    series
        (frame, column), at least `length` frames
    length
        An odd number of frames.
    slopes
        If true, the polynomials' derivative per frame instead of their values.
    """
    powers = np.vander(np.arange(length) - length // 2, order + 1, increasing=True).astype(float)
    wanted = powers
    if slopes:
        wanted = np.zeros(powers.shape)
        wanted[:, 1:] = powers[:, :-1] * np.arange(1, order + 1)
    weights = wanted @ np.linalg.pinv(powers)  # (frame of the window, frame)
    middle = length // 2
    inside = sliding_window_view(series, length, axis=0) @ weights[middle]
    start, end = weights[:middle] @ series[:length], weights[middle + 1 :] @ series[-length:]
    return np.concatenate([start, inside, end])
