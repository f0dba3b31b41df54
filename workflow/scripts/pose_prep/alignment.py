"""From positions in the image to poses in the animal's own frame of reference.

Convention: the keypoint ``center`` lies at the origin and the keypoint ``orient`` on the positive
x axis, in every frame. The image is turned, never mirrored: in image coordinates, whose y axis
points down, the animal looks to the right, and if the camera looks down on it, its right side has
positive y.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from pose_prep import cleaning
from pose_prep.storage import AlignedPoses


@dataclass(frozen=True)
class AlignmentSettings:
    """The settings of ``align_poses``; the config's schema says what they mean."""

    keypoints: list[str] | None
    center: str
    orient: str
    pose_confidence: float
    max_gap_seconds: float
    robust: bool
    iqr_factor: float
    savgol_filter: bool
    savgol_length: int
    savgol_order: int


def align_recording(
    recording: xr.Dataset,
    settings: AlignmentSettings,
    limits: Mapping[str, Sequence[float]] | None = None,
) -> tuple[AlignedPoses, pd.DataFrame]:
    """Clean one recording and align it.

    Gaps are filled in image coordinates first, so that frames can be aligned. Outliers show in
    egocentric coordinates only; a gap that they open or lengthen is filled anew between measured
    frames, and if it is now too long, none of it is: nothing longer than ``max_gap_seconds`` is
    ever invented.

    Parameters
    ----------
    recording
        What ``reading.read_poses`` returns.
    limits
        By feature, the lowest and highest value that is no outlier: those of the recordings that a
        model was trained on. Without them, ``robust`` goes by this recording's own quartiles.

    Returns
    -------
    The aligned poses, and the table of ``summarise_quality``.

    Raises
    ------
    ValueError
        A setting that the recording cannot meet, a keypoint that is never confident, no usable
        frame.
    """
    source = recording.attrs["source_file"]
    keypoints = _choose_keypoints(recording, settings, source)
    center, orient = keypoints.index(settings.center), keypoints.index(settings.orient)
    fps = float(recording.attrs["fps"])
    max_gap = int(settings.max_gap_seconds * fps + 1e-6)

    chosen = recording.isel(individuals=0).sel(keypoints=keypoints)
    positions = chosen.position.transpose("time", "keypoints", "space").values
    confidence = chosen.confidence.transpose("time", "keypoints").values

    missing = ~cleaning.find_measured(positions, confidence, settings.pose_confidence)
    _check_seen(missing, keypoints, settings, source)
    positions, filled = cleaning.fill_gaps(positions, missing, max_gap)
    egocentric = to_egocentric(positions, center, orient)

    outlier = np.zeros_like(missing)
    bounds = np.full((*egocentric.shape[1:], 2), [-np.inf, np.inf])
    if settings.robust:
        measured = np.where(missing[..., None], np.nan, egocentric)
        if limits is None:
            bounds = cleaning.outlier_limits(measured, settings.iqr_factor)
        else:
            bounds = _bounds_of(limits, keypoints, bounds)
        outlier = cleaning.find_beyond(measured, bounds)
        gap = missing | outlier
        reopened = cleaning.spread_over_gaps(outlier, gap)
        refilled, filled_again = cleaning.fill_gaps(egocentric, gap, max_gap)
        egocentric = np.where(reopened[..., None], refilled, egocentric)
        filled = np.where(reopened, filled_again, filled)

    features, kept = _free_coordinates(keypoints, center, orient)
    series = egocentric.reshape(len(egocentric), -1)[:, kept]
    usable = np.isfinite(series).all(axis=1)
    if not usable.any():
        raise ValueError(
            f"{source}: no frame has all of its keypoints; leave out the worst by 'keypoints', "
            "lower pose_confidence or raise max_gap_seconds"
        )
    if settings.savgol_filter:
        series = cleaning.smooth(series, usable, settings.savgol_length, settings.savgol_order)
    poses = np.where(usable[:, None], series, np.nan).astype(np.float32)
    quality = summarise_quality(
        missing=missing, outlier=outlier, filled=filled, usable=usable, names=keypoints, fps=fps
    )
    own_limits = dict(zip(features, bounds.reshape(-1, 2)[kept].tolist(), strict=True))
    return AlignedPoses(poses, usable, features, fps, _finite(own_limits)), quality


def to_egocentric(positions: np.ndarray, center: int, orient: int) -> np.ndarray:
    """Centre and turn (frame, keypoint, axis) positions; see the convention above.

    Rotating by minus the angle of center→orient is projecting on that direction and on its normal:
    no angle is ever computed, so none can wrap. Where both keypoints coincide there is no
    direction, and the frame is NaN.
    """
    moved = positions - positions[:, [center]]
    x, y = moved[..., 0], moved[..., 1]
    ahead = moved[:, orient]
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine, sine = (ahead / np.linalg.norm(ahead, axis=1, keepdims=True)).T[..., None]
    egocentric = np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1)
    egocentric[:, orient, 1] *= 0  # rounding would leave 1e-15 here, a spread to judge outliers by
    return egocentric


def summarise_quality(
    *,
    missing: np.ndarray,
    outlier: np.ndarray,
    filled: np.ndarray,
    usable: np.ndarray,
    names: list[str],
    fps: float,
) -> pd.DataFrame:
    """What became of each keypoint, as shares of all frames.

    ``missing_share``: not measured; ``outlier_share``: measured, but implausible;
    ``interpolated_share`` and ``unusable_share``: the part of both that was filled and that was
    not; ``longest_gap_seconds``: the longest stretch of both. The last row has the means over
    keypoints, the longest gap of any, and as ``unusable_share`` the share of frames that are lost
    because at least one keypoint is.

    Parameters
    ----------
    missing, outlier, filled
        (frame, keypoint) bool
    usable
        (frame,) bool
    """
    lost = missing | outlier
    per_keypoint = pd.DataFrame(
        {
            "missing_share": missing.mean(axis=0),
            "interpolated_share": filled.mean(axis=0),
            "outlier_share": outlier.mean(axis=0),
            "unusable_share": (lost & ~filled).mean(axis=0),
            "longest_gap_seconds": cleaning.longest_gaps(lost) / fps,
        },
        index=pd.Index(names, name="keypoint"),
    )
    overall = per_keypoint.mean()
    overall["unusable_share"] = 1 - usable.mean()
    overall["longest_gap_seconds"] = per_keypoint["longest_gap_seconds"].max()
    return pd.concat([per_keypoint, overall.rename("all keypoints").to_frame().T]).rename_axis(
        "keypoint"
    )


def _choose_keypoints(recording, settings, source):
    """The keypoints to use, in the order of the file; every fault of the settings at once."""
    available = [str(name) for name in recording.keypoints.values]
    wanted = available if settings.keypoints is None else settings.keypoints
    faults = [
        f"{key}: no keypoint {name!r}"
        for key, names in {
            "keypoints": wanted,
            "center": [settings.center],
            "orient": [settings.orient],
        }.items()
        for name in names
        if name not in available
    ]
    faults += [
        f"{key}: {name!r} is not among the chosen 'keypoints'"
        for key, name in {"center": settings.center, "orient": settings.orient}.items()
        if name in available and name not in wanted
    ]
    if settings.center == settings.orient:
        faults.append(f"center and orient are both {settings.center!r}; name two keypoints")
    if settings.savgol_filter and settings.savgol_order >= settings.savgol_length:
        faults.append(
            f"savgol_order ({settings.savgol_order}) must be below "
            f"savgol_length ({settings.savgol_length})"
        )
    if faults:
        raise ValueError(
            f"{source}: {'; '.join(faults)} (the recording has {', '.join(available)})"
        )
    return [name for name in available if name in wanted]


def _check_seen(missing, keypoints, settings, source):
    never = [name for name, lost in zip(keypoints, missing.all(axis=0), strict=True) if lost]
    if never:
        raise ValueError(
            f"{source}: never confident: {', '.join(never)}; leave it out by 'keypoints' or lower "
            f"pose_confidence ({settings.pose_confidence})"
        )


def _bounds_of(limits, keypoints, bounds):
    """(keypoint, axis, 2) of the limits by feature; a coordinate that has none keeps its bounds."""
    return np.array(
        [
            [limits.get(f"{name}_{axis}", own) for axis, own in zip("xy", pair, strict=True)]
            for name, pair in zip(keypoints, bounds.tolist(), strict=True)
        ]
    )


def _finite(limits):
    return {name: pair for name, pair in limits.items() if np.isfinite(pair).all()}


def _free_coordinates(keypoints, center, orient):
    """Names and flat indices of the features: all coordinates but the three that are constant."""
    constant = {2 * center, 2 * center + 1, 2 * orient + 1}
    names = [f"{keypoint}_{axis}" for keypoint in keypoints for axis in "xy"]
    kept = [index for index in range(len(names)) if index not in constant]
    return [names[index] for index in kept], kept
