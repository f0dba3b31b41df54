"""From positions in the image to poses in the animal's own frame of reference.

Convention: the keypoint ``center`` lies at the origin and the keypoint ``orient`` on the positive
x axis, in every frame. The image is turned, never mirrored: in image coordinates, whose y axis
points down, the animal looks to the right, and if the camera looks down on it, its right side has
positive y. In space, the animal is turned about the vertical axis alone: ``orient`` lies above the
positive x axis, z is the height over ``center``.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from pose_prep import cleaning
from pose_prep.storage import AlignedPoses

HORIZONTAL = {"x": "yz", "y": "zx", "z": "xy"}
"""The other two axes for each vertical one, in the order that mirrors nothing."""

SPARSE = 0.5
"""A recording of which a greater share has no frame at all is sparse: these are never filled."""


@dataclass(frozen=True)
class CleaningSettings:
    """The settings of ``inspect_poses``; the config's schema says what they mean."""

    keypoints: list[str] | None
    exclude_keypoints: list[str]
    center: str
    orient: str
    vertical_axis: str | None
    pose_confidence: float
    max_gap_seconds: float
    robust: bool
    iqr_factor: float


@dataclass(frozen=True)
class AlignmentSettings(CleaningSettings):
    """The settings of ``align_poses``."""

    resample_fps: float | None
    savgol_filter: bool
    savgol_length: int
    savgol_order: int


@dataclass(frozen=True)
class CleanedRecording:
    """A recording in the animal's own frame of reference, and what became of each of its values.

    Attributes
    ----------
    keypoints
        The chosen ones, in the file's order.
    positions
        (frame, keypoint, axis) as tracked; in 3D the vertical axis is the last.
    reference
        (frame, 2, axis) center and orient, gaps filled, NaN where one is not known.
    egocentric
        (frame, keypoint, axis) cleaned and aligned, NaN where nothing is known.
    missing, outlier, filled
        (frame, keypoint) bool: not measured; measured, but implausible; of both, what is filled.
    limits
        By coordinate, such as nose_x, the lowest and highest value that is no outlier.
    scalars
        (frame, scalar) numbers per frame, gaps filled.
    scalars_missing, scalars_filled
        (frame, scalar) bool
    """

    source: str
    fps: float
    keypoints: list[str]
    positions: np.ndarray
    reference: np.ndarray
    egocentric: np.ndarray
    missing: np.ndarray
    outlier: np.ndarray
    filled: np.ndarray
    limits: dict[str, list[float]]
    scalar_names: list[str]
    scalars: np.ndarray
    scalars_missing: np.ndarray
    scalars_filled: np.ndarray

    @property
    def never_seen(self) -> list[str]:
        """Keypoints that are confident in no frame."""
        lost = self.missing.all(axis=0)
        return [name for name, never in zip(self.keypoints, lost, strict=True) if never]

    @property
    def usable(self) -> np.ndarray:
        """(frame,) bool: aligned, and every keypoint that is ever seen and every scalar known."""
        seen = ~self.missing.all(axis=0)
        known = np.isfinite(self.egocentric[:, seen]).all(axis=(1, 2))
        if self.keypoints:
            known &= np.isfinite(self.reference).all(axis=(1, 2))
        return known & np.isfinite(self.scalars).all(axis=1)


def align_recording(
    recording: xr.Dataset,
    settings: AlignmentSettings,
    limits: Mapping[str, Sequence[float]] | None = None,
) -> AlignedPoses:
    """Clean one recording and align it; see ``clean_recording``.

    A keypoint that is never confident is left out, unless the alignment needs it.

    Parameters
    ----------
    limits
        See ``clean_recording``.

    Raises
    ------
    ValueError
        A setting that the recording cannot meet, no usable frame.
    """
    cleaned = clean_recording(recording, settings, limits)
    blind = [name for name in (settings.center, settings.orient) if name in cleaned.never_seen]
    if blind:
        raise ValueError(
            f"{cleaned.source}: never confident: {', '.join(blind)}; choose another center or "
            f"orient, or lower pose_confidence ({settings.pose_confidence})"
        )
    features, series = _free_coordinates(cleaned, settings)
    features, series = features + cleaned.scalar_names, np.hstack([series, cleaned.scalars])
    if len(set(features)) < len(features):
        twice = sorted({name for name in features if features.count(name) > 1})
        raise ValueError(
            f"{cleaned.source}: there are two features {', '.join(twice)}; rename a column"
        )
    pair = cleaned.reference[:, :, :2].reshape(len(series), 4)  # x, y of center, then of orient
    series = np.hstack([pair, series])
    usable = cleaned.usable
    if not usable.any():
        raise ValueError(
            f"{cleaned.source}: no frame has all of its keypoints; leave out the worst by "
            "'exclude_keypoints', lower pose_confidence or raise max_gap_seconds"
        )
    fps = cleaned.fps
    if settings.resample_fps and settings.resample_fps != fps:
        series, usable = cleaning.resample(series, usable, fps, settings.resample_fps)
        fps = settings.resample_fps
    own = slice(pair.shape[1] + len(features) - len(cleaned.scalar_names))
    if settings.savgol_filter and cleaned.keypoints:
        series[:, own] = cleaning.smooth(
            series[:, own], usable, settings.savgol_length, settings.savgol_order
        )
    series = np.where(usable[:, None], series, np.nan)
    center, ahead = series[:, :2], series[:, 2:4] - series[:, :2]
    track = np.column_stack([center, np.arctan2(ahead[:, 1], ahead[:, 0])]).astype(np.float32)
    poses = series[:, pair.shape[1] :].astype(np.float32)
    own_limits = {name: each for name, each in cleaned.limits.items() if name in features}
    return AlignedPoses(poses, usable, features, fps, cleaned.scalar_names, own_limits, track)


def clean_recording(
    recording: xr.Dataset,
    settings: CleaningSettings,
    limits: Mapping[str, Sequence[float]] | None = None,
) -> CleanedRecording:
    """Fill short gaps, align, and remove outliers.

    Gaps are filled in image coordinates first, so that frames can be aligned. Outliers show in
    egocentric coordinates only; a gap that they open or lengthen is filled anew between measured
    frames, and if it is now too long, none of it is: nothing longer than ``max_gap_seconds`` is
    ever invented.

    Parameters
    ----------
    recording
        What ``reading.read_poses`` returns, and ``scalars.add_scalars``.
    limits
        By feature, the lowest and highest value that is no outlier: those of the recordings that a
        model was trained on. Without them, ``robust`` goes by this recording's own quartiles.

    Raises
    ------
    ValueError
        Unknown keypoints, poses in 3D without ``vertical_axis``.
    """
    fps = float(recording.attrs["fps"])
    max_gap = int(settings.max_gap_seconds * fps + 1e-6)
    keypoints, positions, confidence = _chosen_tracks(recording, settings)

    missing = ~cleaning.find_measured(positions, confidence, settings.pose_confidence)
    absent = ~np.isfinite(positions).any(axis=(1, 2))[:, None]
    sparse = absent.mean() > SPARSE

    def fill(values, gap):
        values, filled = cleaning.fill_gaps(values, gap, max_gap)
        if sparse:
            values = np.where(absent[..., None] & gap[..., None], np.nan, values)
            filled &= ~absent
        return values, filled

    tracked, filled = fill(positions, missing)
    outlier = np.zeros_like(missing)
    reference = np.full((len(positions), 2, positions.shape[2]), np.nan)
    egocentric = tracked
    if keypoints:
        pair = [keypoints.index(settings.center), keypoints.index(settings.orient)]
        reference = tracked[:, pair]
        egocentric = to_egocentric(tracked, reference)
        egocentric[:, pair[1], 1] *= 0  # rounding leaves 1e-15 here, a spread to judge outliers by
    bounds = np.full((*egocentric.shape[1:], 2), [-np.inf, np.inf])
    if settings.robust and keypoints:
        measured = np.where(missing[..., None], np.nan, egocentric)
        if limits is None:
            bounds = cleaning.outlier_limits(measured, settings.iqr_factor)
        else:
            bounds = _bounds_of(limits, keypoints, bounds)
        outlier = cleaning.find_beyond(measured, bounds)
        gap = missing | outlier
        reopened = cleaning.spread_over_gaps(outlier, gap)
        refilled, filled_again = fill(egocentric, gap)
        egocentric = np.where(reopened[..., None], refilled, egocentric)
        filled = np.where(reopened, filled_again, filled)

    scalars, names = np.empty((len(positions), 0)), []
    if "features" in recording:
        scalars = recording.features.transpose("time", "feature").values
        names = [str(name) for name in recording.feature.values]
    lost = ~np.isfinite(scalars)
    scalars, scalars_filled = cleaning.fill_gaps(scalars[..., None], lost, max_gap)
    return CleanedRecording(
        source=recording.attrs["source_file"],
        fps=fps,
        keypoints=keypoints,
        positions=positions,
        reference=reference,
        egocentric=egocentric,
        missing=missing,
        outlier=outlier,
        filled=filled,
        limits=_limits_of(bounds, keypoints),
        scalar_names=names,
        scalars=scalars[..., 0],
        scalars_missing=lost,
        scalars_filled=scalars_filled,
    )


def to_egocentric(positions: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Centre and turn (frame, keypoint, axis) positions; see the convention above.

    ``reference`` is (frame, 2, axis): center and orient. Rotating by minus the angle of
    center→orient is projecting on that direction and on its normal: no angle is ever computed, so
    none can wrap. Where both keypoints coincide there is no direction, and the frame is NaN.
    """
    egocentric = positions - reference[:, :1]
    x, y = egocentric[..., 0].copy(), egocentric[..., 1].copy()
    ahead = (reference[:, 1] - reference[:, 0])[:, :2]
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine, sine = (ahead / np.linalg.norm(ahead, axis=1, keepdims=True)).T[..., None]
    egocentric[..., 0] = cosine * x + sine * y
    egocentric[..., 1] = cosine * y - sine * x
    egocentric[np.isnan(cosine[:, 0])] = np.nan
    return egocentric


def _chosen_tracks(recording, settings):
    """Names, (frame, keypoint, axis) positions, (frame, keypoint) confidence of the chosen."""
    if "position" not in recording:  # VAME's own series
        frames = recording.sizes["time"]
        return [], np.empty((frames, 0, 2)), np.empty((frames, 0))
    source = recording.attrs["source_file"]
    keypoints = _choose_keypoints(recording, settings, source)
    axes = [str(axis) for axis in recording.space.values]
    if len(axes) == 3:
        if settings.vertical_axis is None:
            raise ValueError(
                f"{source}: holds 3D poses; set vertical_axis to the axis that points up or down "
                "(x, y or z)"
            )
        axes = [*HORIZONTAL[settings.vertical_axis], settings.vertical_axis]
    chosen = recording.isel(individuals=0).sel(keypoints=keypoints, space=axes)
    positions = chosen.position.transpose("time", "keypoints", "space").values
    return keypoints, positions, chosen.confidence.transpose("time", "keypoints").values


def _choose_keypoints(recording, settings, source):
    """The keypoints to use, in the order of the file; every fault of the settings at once."""
    available = [str(name) for name in recording.keypoints.values]
    left_out = settings.exclude_keypoints
    wanted = [
        name
        for name in (available if settings.keypoints is None else settings.keypoints)
        if name not in left_out
    ]
    reference = {"center": [settings.center], "orient": [settings.orient]}
    faults = [
        f"{key}: no keypoint {name!r}{_nearest(name, available)}"
        for key, names in {"keypoints": settings.keypoints or [], **reference}.items()
        for name in names
        if name not in available
    ]
    faults += [
        f"{key}: {name!r} is not among the chosen 'keypoints'"
        for key, (name,) in reference.items()
        if name in available and name not in wanted
    ]
    if settings.center == settings.orient:
        faults.append(f"center and orient are both {settings.center!r}; name two keypoints")
    if faults:
        raise ValueError(
            f"{source}: {'; '.join(faults)} (the recording has {', '.join(available)})"
        )
    return [name for name in available if name in wanted]


def _nearest(name, names):
    folded = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.casefold(), folded, 3)
    return f", did you mean {' or '.join(folded[match] for match in close)}?" if close else ""


def _bounds_of(limits, keypoints, bounds):
    """(keypoint, axis, 2) of the limits by feature; a coordinate that has none keeps its bounds."""
    return np.array(
        [
            [limits.get(f"{name}_{axis}", own) for axis, own in zip("xyz", each, strict=False)]
            for name, each in zip(keypoints, bounds.tolist(), strict=True)
        ]
    )


def _limits_of(bounds, keypoints):
    """Finite (keypoint, axis, 2) bounds, by coordinate."""
    return {
        f"{name}_{axis}": pair
        for name, each in zip(keypoints, bounds.tolist(), strict=True)
        for axis, pair in zip("xyz", each, strict=False)
        if np.isfinite(pair).all()
    }


def _free_coordinates(cleaned, settings):
    """Names and (frame, feature) of the coordinates that are seen and not constant."""
    if not cleaned.keypoints:
        return [], np.empty((len(cleaned.egocentric), 0))
    axes = "xyz"[: cleaned.egocentric.shape[2]]
    constant = {*(f"{settings.center}_{axis}" for axis in axes), f"{settings.orient}_y"}
    unseen = {f"{name}_{axis}" for name in cleaned.never_seen for axis in axes}
    names = [f"{keypoint}_{axis}" for keypoint in cleaned.keypoints for axis in axes]
    kept = [index for index, name in enumerate(names) if name not in constant | unseen]
    series = cleaned.egocentric.reshape(len(cleaned.egocentric), -1)
    return [names[index] for index in kept], series[:, kept]
