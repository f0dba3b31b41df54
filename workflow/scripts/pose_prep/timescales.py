"""Time scales of poses and speed, and suggested lengths for the pooling of latents."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from formats.runs import blocks_of, find_runs
from scipy.fft import irfft, next_fast_len, rfft

from pose_prep.motion import differentiate
from pose_prep.recording import CleanedRecording

FALLEN = 1 / np.e
"""Autocorrelation below which values are no longer similar."""
LONGEST_SECONDS = 30.0
FEWEST_PAIRS = 0.1
"""Minimum share of usable frames with a partner at a lag; longer lags are not measured."""
NEAR = 4.0
"""Maximum ratio between a time scale and a suitable pooling length."""


def measure_timescales(cleaned: CleanedRecording) -> dict[str, float | None]:
    """Measure the seconds until the autocorrelation of aligned poses and of speed falls below 1/e.

    `pose_seconds` is the median over features: egocentric coordinates that are ever seen and not
    constant, or the scalars of a recording without keypoints. `speed_seconds` is that of
    the keypoint `center`. None if it does not fall up to `LONGEST_SECONDS`, or up to the lag at
    which too few frames have a partner in their run.
    """
    usable, fps = cleaned.usable, cleaned.fps
    poses, speed = cleaned.scalars, np.empty((len(usable), 0))
    if cleaned.keypoints:
        poses = cleaned.egocentric.reshape(len(usable), -1)
        velocity = differentiate(cleaned.reference[:, 0, :2], usable, fps)
        speed = np.linalg.norm(velocity, axis=1, keepdims=True) / cleaned.body_length
        speed = speed.round(9)  # values at rest differ only by rounding
    return {
        "pose_seconds": _median(autocorrelation_times(poses, usable, fps)),
        "speed_seconds": _median(autocorrelation_times(speed, usable, fps)),
    }


def autocorrelation_times(series: np.ndarray, usable: np.ndarray, fps: float) -> np.ndarray:
    """Measure the (column,) seconds until each column's autocorrelation falls below `FALLEN`.

    Pairs of frames are within a run of usable frames; between two lags, the time is
    interpolated. Infinite where it does not fall. Columns that are constant or unknown are
    left out.

    Parameters
    ----------
    series
        (frame, column)
    usable
        (frame,) bool
    """
    lags = min(int(LONGEST_SECONDS * fps), len(series) - 1)
    own = series[usable]
    if len(own) < 2:
        return np.empty(0)
    varied = np.isfinite(own).all(axis=0) & (np.ptp(own, axis=0) > 1e-9 * np.abs(own).max(axis=0))
    if not varied.any():
        return np.empty(0)
    mean = own[:, varied].mean(axis=0)
    products, pairs = np.zeros((lags + 1, int(varied.sum()))), np.zeros(lags + 1)
    for start, stop in find_runs(usable).tolist():
        for part in blocks_of(stop - start):
            rows = series[start + part.start : start + part.stop][:, varied] - mean
            few = min(lags + 1, len(rows))
            padded = next_fast_len(len(rows) + few, real=True)
            power = np.abs(rfft(rows, padded, axis=0)) ** 2
            products[:few] += irfft(power, padded, axis=0)[:few]
            pairs[:few] += len(rows) - np.arange(few)
    known = pairs >= FEWEST_PAIRS * pairs[0]
    correlation = (products[known] / pairs[known, None]) / (products[0] / pairs[0])
    return np.array([_first_below(each) / fps for each in correlation.T])


def describe_timescales(table: pd.DataFrame, pooling_seconds: Sequence[float]) -> str:
    """Suggest `pooling_seconds` from the times of all sessions, and compare them with the setting.

    Parameters
    ----------
    table
        Columns `pose_seconds` and `speed_seconds`, one row per session.
    """
    columns = {"poses": "pose_seconds", "speed": "speed_seconds"}
    medians = {name: table[column].astype(float).median() for name, column in columns.items()}
    times = {name: float(f"{seconds:.2g}") for name, seconds in medians.items() if seconds > 0}
    if not times:
        return (
            "pooling_seconds: the recordings suggest no length; the autocorrelation of poses and "
            "of speed is unknown, or does not fall below 1/e."
        )
    after = " and ".join(f"{seconds:g} s ({name})" for name, seconds in times.items())
    lengths = sorted(set(times.values()))
    return (
        f"The autocorrelation falls below 1/e after {after}, medians over sessions, which "
        f"suggests pooling_seconds of about [{_listed(lengths)}]; "
        f"{_compare(lengths, pooling_seconds)}."
    )


def _compare(times, pooling_seconds):
    if not pooling_seconds:
        return "latents are currently not pooled"
    present = f"the current [{_listed(pooling_seconds)}]"
    far = [
        time
        for time in times
        if not any(1 / NEAR <= length / time <= NEAR for length in pooling_seconds)
    ]
    if far:
        lacking = " or ".join(f"{seconds:g} s" for seconds in far)
        return f"{present} has no length within a factor of {NEAR:g} of {lacking}"
    return f"{present} is within a factor of {NEAR:g} of that"


def _listed(numbers):
    return ", ".join(f"{number:g}" for number in numbers)


def _first_below(correlation):
    """Find the lag at which (lag,) correlations first fall below `FALLEN`; infinite if none."""
    below = np.flatnonzero(correlation < FALLEN)
    if not len(below):
        return np.inf
    lag = int(below[0])
    before, after = correlation[lag - 1], correlation[lag]
    return lag - 1 + (before - FALLEN) / (before - after)


def _median(times):
    middle = float(np.median(times)) if len(times) else np.inf
    return middle if np.isfinite(middle) else None
