"""Which positions were measured, and interpolation of those that were not.

Positions are (frame, keypoint, axis), masks (frame, keypoint).
"""

import warnings

import numpy as np
from formats.runs import find_runs

from pose_prep.savitzky_golay import fit_polynomials

CENTERS = {"median": np.nanmedian, "mean": np.nanmean}


def find_measured(
    positions: np.ndarray, confidence: np.ndarray, pose_confidence: float
) -> np.ndarray:
    """Mark where the tracker saw a keypoint.

    A confidence of NaN counts as measured (frames labelled by hand, trackers without likelihood);
    an empty position was not measured, whatever its confidence.
    """
    return np.isfinite(positions).all(axis=-1) & ~(confidence < pose_confidence)


def find_beyond(positions: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Mark keypoints with a coordinate outside its limits, (keypoint, axis, 2)."""
    return ((positions < limits[..., 0]) | (positions > limits[..., 1])).any(axis=-1)


def outlier_limits(
    positions: np.ndarray, iqr_factor: float, outlier_center: str = "median"
) -> np.ndarray:
    """Compute (keypoint, axis, 2) the lowest and highest values that are not outliers.

    An outlier is farther than `iqr_factor` interquartile ranges from the median of its coordinate,
    or from the mean. NaN is ignored. A coordinate whose quartiles coincide has no scale and so no
    outliers.

    Median and quartiles change little as long as less than a quarter of the values are wrong; the
    mean moves towards far values, until the right ones are outliers. If a quarter or more are
    elsewhere, a quartile is one of them and none is an outlier: so many may also be a posture,
    such as rearing, which a rule with a higher breakdown point would remove. Such a keypoint is
    revealed by its jumps per minute.

    With the mean this is VAME's rule: in a z-scored coordinate, an outlier has
    |z| > iqr_factor · IQR(z). Source: VAME 0.14, `preprocessing/cleaning.py`.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)  # a keypoint with NaN only
        center = CENTERS[outlier_center](positions, axis=0)
        low, high = np.nanpercentile(positions, [25, 75], axis=0)
    # The standard deviation of the z-score divides both sides of VAME's rule and cancels.
    distance = np.where(high > low, iqr_factor * (high - low), np.inf)
    return np.stack([center - distance, center + distance], axis=-1)


def fill_gaps(
    positions: np.ndarray, gap: np.ndarray, max_gap: int, fillable: np.ndarray | bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate gaps of at most `max_gap` frames linearly; longer ones become NaN.

    A gap is a run of frames marked in `gap`, for each keypoint separately. Values are interpolated
    between the frames before and after it, so a gap at the start or end is not filled.
    Frames that are not `fillable` become NaN in any gap.

    Returns
    -------
    The filled positions, and the part of `gap` that is now filled.
    """
    before, after = _neighbours(gap)
    filled = gap & fillable & (before >= 0) & (after < len(gap)) & (after - before - 1 <= max_gap)

    result = np.where(gap[..., None], np.nan, positions)
    frame, keypoint = np.nonzero(filled)
    start, stop = before[frame, keypoint], after[frame, keypoint]
    weight = ((frame - start) / (stop - start))[:, None]
    result[frame, keypoint] = (1 - weight) * positions[start, keypoint] + weight * positions[
        stop, keypoint
    ]
    return result, filled & np.isfinite(result).all(axis=-1)


def spread_over_gaps(marked: np.ndarray, gap: np.ndarray) -> np.ndarray:
    """Mark every gap that contains a marked frame, in full length."""
    before, after = _neighbours(gap)
    count = np.cumsum(np.pad(marked & gap, ((1, 1), (0, 0))), axis=0)
    in_gap = np.take_along_axis(count, after, 0) - np.take_along_axis(count, before + 1, 0)
    return gap & (in_gap > 0)


def longest_gaps(gap: np.ndarray) -> np.ndarray:
    """Compute the (keypoint,) length of the longest gap in frames."""
    before, after = _neighbours(gap)
    return np.where(gap, after - before - 1, 0).max(axis=0)


def _neighbours(gap):
    """Find the last frame outside a gap before each frame (-1: none) and the next (n: none)."""
    n = len(gap)
    index = np.arange(n)[:, None]
    before = np.maximum.accumulate(np.where(gap, -1, index), axis=0)
    after = np.minimum.accumulate(np.where(gap, n, index)[::-1], axis=0)[::-1]
    return before, after


def smooth(
    series: np.ndarray, usable: np.ndarray, savgol_length: int, savgol_order: int
) -> np.ndarray:
    """Apply a Savitzky-Golay filter within each run of usable frames that is long enough."""
    series = series.copy()
    for start, stop in find_runs(usable):
        if stop - start >= savgol_length:
            series[start:stop] = fit_polynomials(series[start:stop], savgol_length, savgol_order)
    return series


def resample(
    series: np.ndarray, usable: np.ndarray, fps: float, target: float
) -> tuple[np.ndarray, np.ndarray]:
    """Interpolate (frame, feature) series and (frame,) usable at `target` frames per second.

    Linear between neighbouring frames, from the same first frame on; a new frame is usable where
    both of its neighbours are usable.
    """
    last = len(series) - 1
    place = np.arange(int(last * target / fps + 1e-6) + 1) * (fps / target)
    before = np.minimum((place + 1e-6).astype(int), last)
    after = np.minimum(before + 1, last)
    weight = np.clip(place - before, 0, 1)
    between = weight > 1e-6
    known = usable[before] & (usable[after] | ~between)
    weight = np.where(between, weight, 0)[:, None]
    filled = np.where(usable[:, None], series, 0)
    mixed = (1 - weight) * filled[before] + weight * filled[after]
    return np.where(known[:, None], mixed, np.nan), known
