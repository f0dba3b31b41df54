"""Features of a recording: its cleaned poses and the animal's motion."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from formats.aligned import AlignedPoses

from pose_prep.cleaning import resample, smooth
from pose_prep.motion import measure_motion
from pose_prep.recording import (
    CleaningSettings,
    Limits,
    clean_recording,
    coordinates_of,
)


@dataclass(frozen=True)
class AlignmentSettings(CleaningSettings):
    """The settings of `align_poses`."""

    motion_features: list[str]
    resample_fps: float | None
    savgol_filter: bool
    savgol_length: int
    savgol_order: int


def align_recording(
    recording: xr.Dataset, settings: AlignmentSettings, limits: Limits | None = None
) -> AlignedPoses:
    """Clean one recording, align it, and measure its motion; see `clean_recording`.

    Keypoints that are never confident are left out. A recording that lacks a keypoint of the
    settings, or has no usable frame, raises a ValueError.
    """
    cleaned = clean_recording(recording, settings, limits)
    coordinates, own = _free_coordinates(cleaned, settings)
    motion = _motion_of(cleaned, settings)
    scalars = motion + cleaned.scalar_names
    features = coordinates + scalars
    _check_alignable(cleaned, features, settings)
    pair = cleaned.reference.reshape(len(own), -1)  # all axes of center, then those of orient
    series, usable = np.hstack([pair, own, cleaned.scalars]), cleaned.usable
    fps = cleaned.fps
    if settings.resample_fps and settings.resample_fps != fps:
        series, usable = resample(series, usable, fps, settings.resample_fps)
        fps = settings.resample_fps
    start, stop = pair.shape[1], pair.shape[1] + len(coordinates)
    if settings.savgol_filter and cleaned.keypoints:
        series[:, :stop] = smooth(
            series[:, :stop], usable, settings.savgol_length, settings.savgol_order
        )
    series = np.where(usable[:, None], series, np.nan)
    center, orient = np.split(series[:, :start], 2, axis=1)
    ahead = orient - center
    heading = np.arctan2(ahead[:, 1], ahead[:, 0])
    moved = measure_motion(center, heading, usable, fps, cleaned.body_length) if motion else {}
    columns = [series[:, start:stop] / cleaned.unit, *(moved[name] for name in motion)]
    return AlignedPoses(
        poses=np.column_stack([*columns, series[:, stop:]]).astype(np.float32),
        usable=usable,
        features=features,
        fps=fps,
        scalars=scalars,
        limits={name: each for name, each in cleaned.limits.items() if name in features},
        unit=cleaned.unit,
        track=np.column_stack([center[:, :2], heading]).astype(np.float32),
    )


def _free_coordinates(cleaned, settings):
    """Return names and (frame, feature) of the coordinates that are seen and not constant."""
    axes = cleaned.egocentric.shape[2]
    constant = {*coordinates_of([settings.center], axes), f"{settings.orient}_y"}
    left_out = constant | {*coordinates_of(cleaned.never_seen, axes)}
    names = coordinates_of(cleaned.keypoints, axes)
    kept = [index for index, name in enumerate(names) if name not in left_out]
    series = cleaned.egocentric.reshape(len(cleaned.egocentric), len(names))
    return [names[index] for index in kept], series[:, kept]


def _motion_of(cleaned, settings):
    """Return the names of the motion features that the recording allows."""
    axes = cleaned.positions.shape[2]
    return [
        name
        for name in settings.motion_features
        if cleaned.keypoints and (axes == 3 or name != "height")
    ]


def _check_alignable(cleaned, features, settings):
    unseen = [name for name in (settings.center, settings.orient) if name in cleaned.never_seen]
    if unseen:
        raise ValueError(
            f"{cleaned.source}: no frame has a confident position of {', '.join(unseen)}; choose "
            f"another center or orient, or lower pose_confidence ({settings.pose_confidence})"
        )
    twice = sorted({name for name in features if features.count(name) > 1})
    if twice:
        raise ValueError(
            f"{cleaned.source}: two features are called {', '.join(twice)}; rename a column"
        )
    if not cleaned.usable.any():
        raise ValueError(
            f"{cleaned.source}: no frame has all of its keypoints; exclude the worst with "
            "'exclude_keypoints', lower pose_confidence or increase max_gap_seconds"
        )
