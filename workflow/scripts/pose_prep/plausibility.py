"""Values that are not measurements: exact zeros for "not seen", likelihoods in percent."""

import warnings

import numpy as np
import xarray as xr
from formats.runs import find_runs

BEST_READINGS = 99.0
"""Percentile of the likelihoods that indicates their scale: a few wrong ones do not reach it."""
HIGHEST_SCORE = 10.0
"""Scores around 1 (SLEAP's reach 1.2) are far below it, likelihoods in percent far above."""
HIGHEST_PERCENT = 101.0

CHANCE_FACTOR = 3.0
"""Neighbouring frames are alike: factor by which chance zeros may exceed expectation."""
RARE = 1e-3
ENTRY_SHARE = 0.1
"""Share of a keypoint's range from the origin above which a step to or from it is a jump."""
AROUND = 3.0
"""Keypoints around a point are at most this many times farther from it than from their mean."""
ROUNDING = 1e-6
"""Distances from the origin below this share of the typical one are rounding errors."""


def correct_readings(poses: xr.Dataset, notes: list[str]) -> xr.Dataset:
    """Divide likelihoods in percent by 100, and remove positions that are zero for "not seen".

    `poses` has `position` and `confidence` of one animal; each change is added to `notes`.
    """
    confidence = scale_likelihood(poses.confidence.values, notes)
    poses = poses.assign(confidence=(poses.confidence.dims, confidence))
    own = poses.isel(individuals=0)
    positions = own.position.transpose("time", "keypoints", "space").values
    zeros = find_zeros(positions, own.confidence.transpose("time", "keypoints").values)
    names = [str(name) for name in poses.keypoints.values]
    notes += _describe_zeros(zeros, positions, names)
    if not zeros.any():
        return poses
    seen = poses.position.where(xr.DataArray(~zeros, dims=("time", "keypoints")))
    return poses.assign(position=seen.transpose(*poses.position.dims))


def scale_likelihood(confidence: np.ndarray, notes: list[str]) -> np.ndarray:
    """Divide likelihoods in percent by 100, with a note; an array of any shape.

    They are in percent if their 99th percentile is above 10 and none is above 100 (101, because of
    rounding). Other scores are unchanged: those around 1 (SLEAP's and
    Anipose's reach 1.2), and those of an unknown scale, which get a note.
    """
    known = confidence[np.isfinite(confidence)]
    if not known.size or np.percentile(known, BEST_READINGS) <= HIGHEST_SCORE:
        return confidence
    highest = known.max()
    if highest > HIGHEST_PERCENT:
        notes.append(f"likelihoods reach {highest:.4g}, neither 1 nor 100 %: not changed")
        return confidence
    notes.append(f"likelihoods in percent (up to {highest:.4g}), divided by 100")
    return confidence / 100


def find_zeros(positions: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Mark (frame, keypoint) that are exactly at the origin because they were not seen.

    Positions are (frame, keypoint, axis), confidences (frame, keypoint). A confidence that varies
    is decisive; NaN, or one that is the same in all frames of a keypoint, has no information.
    Without one, zero in all coordinates means "not seen", except in these cases:

    - A fixed point: a keypoint that is nowhere else; or the center of egocentric poses, which is
      elsewhere in less than half of the frames while the other keypoints are around the origin.
    - Chance: coordinates that are integers, or cut off at the image's edge, are also zero
      individually. If they are independent, the odds of the origin are the product of the odds of
      zero in each coordinate. If a Poisson number of three times that mean reaches the count with a
      probability of 0.001 or more, the zeros are chance. Coordinates that are not whole numbers and
      never zero individually are not both zero by chance: a single frame at the origin is too many.
    - A place: an animal in the corner of the image moves to the origin, and away from it, in steps.
      One that was not seen is elsewhere before and after: in the median over runs of zeros,
      its nearest neighbouring position is farther away than a tenth of the keypoint's range (the
      90th percentile of its distance from the origin).
    """
    finite = np.isfinite(confidence)
    highest = np.max(confidence, axis=0, initial=-np.inf, where=finite)
    lowest = np.min(confidence, axis=0, initial=np.inf, where=finite)
    zeros = (positions == 0).all(axis=-1) & (~finite | (highest <= lowest))
    distance = np.linalg.norm(positions, axis=-1)
    limit = ROUNDING * np.median(distance[distance > 0]) if (distance > 0).any() else 0.0
    judged = zeros.copy()
    for point in np.flatnonzero(zeros.any(axis=0)):
        own, elsewhere = zeros[:, point], distance[:, point] > limit
        others = np.where(zeros[own, :, None], np.nan, positions[own])
        judged[:, point] &= (
            elsewhere.any()
            and not (own.sum() > elsewhere.sum() and _is_middle(others))
            and not _by_chance(own.sum(), positions[elsewhere, point])
            and _jumps(own, elsewhere, distance[:, point])
        )
    return judged


def _is_middle(others):
    """True if the origin is among keypoints, (frame, keypoint, axis), in most of the frames."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)  # frames with NaN only
        spread = np.linalg.norm(others - np.nanmean(others, axis=1, keepdims=True), axis=-1)
        away = np.linalg.norm(others, axis=-1)
        return np.nanmedian(away) <= AROUND * np.nanmedian(spread)


def _by_chance(count, elsewhere):
    """True if independent coordinates, as (frame, axis) elsewhere, are all zero this often."""
    from scipy.special import pdtrc  # noqa: PLC0415 - slow, and few recordings have such zeros

    varying = (elsewhere != 0).any(axis=0)  # not the z of 2D poses, which is always zero
    elsewhere = elsewhere[:, varying]
    zero = elsewhere == 0
    in_one = zero.sum(axis=1) == 1
    in_none = max((~zero.any(axis=1)).sum(), 1)
    whole = (elsewhere == np.round(elsewhere)).all(axis=0)  # may be zero without having been
    alone = (zero & in_one[:, None]).sum(axis=0) + whole
    expected = in_none * np.prod(alone / in_none)
    return pdtrc(count - 1, CHANCE_FACTOR * expected) >= RARE


def _jumps(zeros, elsewhere, distance):
    """True if the keypoint jumps to the origin from far away; arrays are (frame,)."""
    known = distance[elsewhere]
    after = np.cumsum(elsewhere)[find_runs(zeros)[:, 0]]  # number of them before a run
    around = np.concatenate([[np.inf], known, [np.inf]])
    nearest = np.minimum(around[after], around[after + 1])
    return np.median(nearest) > ENTRY_SHARE * np.percentile(known, 90)


def _describe_zeros(zeros, positions, names):
    place = ", ".join("0" * positions.shape[-1])
    shares = {name: share for name, share in zip(names, zeros.mean(axis=0), strict=True) if share}
    if shares:
        listed = ", ".join(percent(share) for share in shares.values())
        yield f"{', '.join(shares)}: exactly at {place} in {listed} of frames, counted as missing"
    fixed = (np.nan_to_num(positions) == 0).all(axis=(0, 2)) & (positions == 0).any(axis=(0, 2))
    if fixed.any():
        listed = ", ".join(name for name, each in zip(names, fixed, strict=True) if each)
        yield f"{listed}: always at {place}; if it was never seen, add it to exclude_keypoints"


def percent(share: float) -> str:
    """Format a share, never rounded to 0 % or 100 %."""
    if 0.995 <= share < 1:
        return f"{min(100 * share, 99.99):.2f} %"
    return f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.2g} %"
