"""The animal's movement in space, which egocentric alignment removes from the poses.

Speeds are in body lengths per second and turning in degrees per second, for any frame rate and
any unit of the poses.
"""

from collections.abc import Sequence

import numpy as np
from formats.runs import find_runs

from pose_prep.savitzky_golay import fit_polynomials

MOTION_FEATURES = ("forward_speed", "sideways_speed", "turning", "height")
MOTION_SECONDS = 0.25
"""Window of differentiation: from frame to frame there is more jitter than movement."""


def measure_body_length(pair: np.ndarray, measured: np.ndarray) -> float:
    """Compute the median distance of two keypoints where both were measured; 1 if unknown.

    Parameters
    ----------
    pair
        (frame, 2, axis) center and orient as tracked.
    measured
        (frame, 2) bool
    """
    center, orient = pair[measured.all(axis=1)].swapaxes(0, 1)
    distance = np.linalg.norm(orient - center, axis=1)
    return float(np.median(distance)) or 1.0 if len(distance) else 1.0


def measure_motion(
    center: np.ndarray, heading: np.ndarray, usable: np.ndarray, fps: float, body_length: float
) -> dict[str, np.ndarray]:
    """Measure each of `MOTION_FEATURES` that the number of axes allows, as (frame,) series.

    Speeds along the heading and along its normal are positive to the front and in the direction of
    positive egocentric y; turning is positive where the heading angle increases. `height` is that
    of `center` along the vertical axis, in body lengths relative to the recording's median, since
    the origin of the camera's axes is arbitrary.

    Parameters
    ----------
    center
        (frame, axis) as tracked, in the unit of `body_length`; in 3D the vertical axis is the last.
    heading
        (frame,) angle of center→orient in radians.
    usable
        (frame,) bool. Other frames interrupt differentiation, where all series are NaN.
    """
    velocity = differentiate(center[:, :2], usable, fps) / body_length
    cosine, sine = np.cos(heading), np.sin(heading)
    unwrapped = np.full(len(heading), np.nan)
    for start, stop in find_runs(usable):
        unwrapped[start:stop] = np.unwrap(heading[start:stop])
    series = {
        "forward_speed": cosine * velocity[:, 0] + sine * velocity[:, 1],
        "sideways_speed": cosine * velocity[:, 1] - sine * velocity[:, 0],
        "turning": np.degrees(differentiate(unwrapped[:, None], usable, fps)[:, 0]),
    }
    if center.shape[1] == 3:
        height = np.where(usable, center[:, 2], np.nan)
        series["height"] = (height - np.nanmedian(height)) / body_length
    return series


def differentiate(series: np.ndarray, usable: np.ndarray, fps: float) -> np.ndarray:
    """Differentiate (frame, column) series over `MOTION_SECONDS`, within runs of usable frames.

    The slope of a parabola fitted around each frame (Savitzky & Golay 1964); of a line, where a run
    is too short for that. A run of a single frame has slope 0.
    """
    slopes = np.full(series.shape, np.nan)
    length = max(3, 2 * round(MOTION_SECONDS * fps / 2) + 1)
    for start, stop in find_runs(usable).tolist():
        frames = min(length, stop - start - (1 - (stop - start) % 2))
        own = series[start:stop]
        if frames >= 3:
            order = 2 if frames > 3 else 1
            own = fit_polynomials(own, frames, order, slopes=True) * fps
        else:
            own = np.gradient(own, 1 / fps, axis=0) if len(own) > 1 else np.zeros_like(own)
        slopes[start:stop] = own
    return slopes


def add_motion(
    series: dict[str, np.ndarray], wanted: Sequence[str]
) -> tuple[list[str], np.ndarray]:
    """Return names and (frame, feature) of the chosen series that exist."""
    names = [name for name in wanted if name in series]
    frames = len(next(iter(series.values())))
    return names, np.column_stack([np.empty((frames, 0)), *(series[name] for name in names)])
