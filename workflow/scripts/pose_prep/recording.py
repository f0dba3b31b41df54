"""A recording, cleaned and aligned to the animal, and how each of its values was treated.

Convention: the keypoint `center` is at the origin and the keypoint `orient` on the positive x axis,
in every frame. The image is rotated, never mirrored: in image coordinates, whose y axis points
down, the animal faces right, and if the camera looks down on it, its right side has positive y. In
3D, the animal is rotated about the vertical axis only: `orient` is above the positive x axis, z is
the height above `center`.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from pose_prep.cleaning import (
    fill_gaps,
    find_beyond,
    find_measured,
    outlier_limits,
    spread_over_gaps,
)
from pose_prep.motion import measure_body_length
from pose_prep.swapping import find_swapped, settle_swaps

HORIZONTAL = {"x": "yz", "y": "zx", "z": "xy"}
"""The other two axes for each vertical one, in the order that avoids mirroring."""

SPARSE = 0.5
"""Share of frames without any position above which these frames are never filled."""

Limits = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class CleaningSettings:
    """Settings of `align_poses` and `inspect_poses`, described in the config's schema."""

    keypoints: list[str] | None
    exclude_keypoints: list[str]
    center: str
    orient: str
    vertical_axis: str | None
    pose_confidence: float
    max_gap_seconds: float
    robust: bool
    iqr_factor: float
    scale: str
    outlier_center: str
    swapped_ends: str


@dataclass(frozen=True)
class InspectionSettings(CleaningSettings):
    """The settings of `inspect_poses`."""

    min_usable_share: float


@dataclass(frozen=True)
class CleanedRecording:
    """A recording in the animal's own frame of reference, and how each value was treated.

    Attributes
    ----------
    keypoints
        The chosen keypoints, in the file's order.
    positions
        (frame, keypoint, axis) as tracked, with swapped ends corrected; in 3D the vertical
        axis is the last.
    reference
        (frame, 2, axis) center and orient, gaps filled, NaN where one is unknown.
    egocentric
        (frame, keypoint, axis) cleaned and aligned, NaN where unknown.
    scalars
        (frame, scalar) one number per frame, gaps filled.
    missing, outlier, filled
        (frame, name) bool of keypoints and scalars: not measured; measured, but implausible;
        interpolated after either.
    swapped, swapped_ends
        (frame,) bool: center and orient are swapped; and how these frames were treated.
    limits
        Lowest and highest value that is not an outlier by coordinate, such as nose_x, in `unit`.
    body_length
        Median distance of center and orient, or that of the sessions table; 1 if unknown.
    unit
        Length of 1 in aligned coordinates: the body length, or 1.
    notes
        Notes from reading the file.
    """

    source: str
    fps: float
    keypoints: list[str]
    scalar_names: list[str]
    positions: np.ndarray
    reference: np.ndarray
    egocentric: np.ndarray
    scalars: np.ndarray
    missing: np.ndarray
    outlier: np.ndarray
    filled: np.ndarray
    swapped: np.ndarray
    swapped_ends: str
    limits: dict[str, list[float]]
    body_length: float
    unit: float
    notes: str

    @property
    def names(self) -> list[str]:
        return self.keypoints + self.scalar_names

    @property
    def never_seen(self) -> list[str]:
        """Keypoints that are never confident."""
        lost = self.missing.all(axis=0)
        return [name for name, never in zip(self.keypoints, lost, strict=False) if never]

    @property
    def usable(self) -> np.ndarray:
        """(frame,) bool: aligned, with every scalar and every keypoint that is ever seen."""
        seen = ~self.missing[:, : len(self.keypoints)].all(axis=0)
        known = np.isfinite(self.egocentric[:, seen]).all(axis=(1, 2))
        if self.keypoints:
            known &= np.isfinite(self.reference).all(axis=(1, 2))
        return known & np.isfinite(self.scalars).all(axis=1)


def clean_recording(
    recording: xr.Dataset, settings: CleaningSettings, limits: Limits | None = None
) -> CleanedRecording:
    """Fill short gaps, align, and remove outliers.

    Gaps are filled in image coordinates first, so that frames can be aligned. Outliers are found in
    egocentric coordinates; a gap that they open or extend is filled again between measured
    frames, or not at all if it is now too long: no gap longer than `max_gap_seconds` is ever
    filled.

    Parameters
    ----------
    recording
        The result of `reading.read_poses` and `scalars.add_scalars`.
    limits
        Lowest and highest value that is not an outlier by feature, in `CleanedRecording.unit`:
        those of the recordings that a model was trained on. Without them, `robust` uses this
        recording's own quartiles.
    """
    fps = float(recording.attrs["fps"])
    max_gap = int(settings.max_gap_seconds * fps + 1e-6)
    keypoints, positions, confidence = _chosen_tracks(recording, settings)
    missing = ~find_measured(positions, confidence, settings.pose_confidence)
    swapped = np.zeros(len(positions), dtype=bool)
    if keypoints:
        pair = _pair(keypoints, settings)
        swapped = find_swapped(positions, ~missing, *pair, fps)
        positions, missing = settle_swaps(positions, missing, swapped, pair, settings.swapped_ends)
    present = np.isfinite(positions).any(axis=(1, 2))[:, None]
    fillable = present | ((~present).mean() <= SPARSE)

    tracked, filled = fill_gaps(positions, missing, max_gap, fillable)
    reference, egocentric = _turn(tracked, keypoints, settings)
    measured = np.where(missing[..., None], np.nan, egocentric)
    body_length, unit = _lengths(recording, positions, missing, keypoints, settings)
    bounds = _bounds(measured, keypoints, settings, limits, unit)
    outlier = find_beyond(measured, bounds)
    egocentric, filled = _fill_again(egocentric, filled, missing, outlier, max_gap, fillable)

    names, scalars, lost = _scalars(recording)
    scalars, scalars_filled = fill_gaps(scalars[..., None], lost, max_gap)
    return CleanedRecording(
        source=recording.attrs["source_file"],
        fps=fps,
        keypoints=keypoints,
        scalar_names=names,
        positions=positions,
        reference=reference,
        egocentric=egocentric,
        scalars=scalars[..., 0],
        missing=np.hstack([missing, lost]),
        outlier=np.hstack([outlier, np.zeros_like(lost)]),
        filled=np.hstack([filled, scalars_filled]),
        limits=_finite_limits(bounds / unit, keypoints),
        body_length=body_length,
        unit=unit,
        swapped=swapped,
        swapped_ends=settings.swapped_ends,
        notes=recording.attrs.get("notes", ""),
    )


def to_egocentric(positions: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Centre and rotate (frame, keypoint, axis) positions; see the convention above.

    `reference` is (frame, 2, axis): center and orient. Rotating by minus the angle of
    center→orient is a projection on that direction and on its normal: no angle is computed, so none
    can wrap. Where both keypoints coincide, the direction is undefined and the frame is NaN.
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
    """Return names, positions (frame, keypoint, axis) and confidences of chosen keypoints."""
    if "position" not in recording:  # VAME's series
        frames = recording.sizes["time"]
        return [], np.empty((frames, 0, 2)), np.empty((frames, 0))
    source = recording.attrs["source_file"]
    keypoints = _choose_keypoints(recording, settings, source)
    axes = [str(axis) for axis in recording.space.values]
    if len(axes) == 3:
        if settings.vertical_axis is None:
            raise ValueError(
                f"{source}: has 3D poses; set vertical_axis to the axis that points up or down "
                "(x, y or z)"
            )
        axes = [*HORIZONTAL[settings.vertical_axis], settings.vertical_axis]
    chosen = recording.isel(individuals=0).sel(keypoints=keypoints, space=axes)
    positions = chosen.position.transpose("time", "keypoints", "space").values
    return keypoints, positions, chosen.confidence.transpose("time", "keypoints").values


def _scalars(recording):
    """Return names of the scalars, (frame, scalar) values, and where they are missing."""
    if "features" not in recording:
        frames = recording.sizes["time"]
        return [], np.empty((frames, 0)), np.empty((frames, 0), dtype=bool)
    values = recording.features.transpose("time", "feature").values
    return [str(name) for name in recording.feature.values], values, ~np.isfinite(values)


def _choose_keypoints(recording, settings, source):
    """Return the keypoints to use, in the file's order; report all unknown names in one error."""
    known = [str(name) for name in recording.keypoints.values]
    asked = {
        "keypoints": settings.keypoints or [],
        "center": [settings.center],
        "orient": [settings.orient],
    }
    errors = [
        f"{key}: no keypoint {name!r}{_nearest(name, known)}"
        for key, names in asked.items()
        for name in names
        if name not in known
    ]
    if errors:
        raise ValueError(f"{source}: {'; '.join(errors)} (the recording has {', '.join(known)})")
    wanted = set(settings.keypoints or known) - set(settings.exclude_keypoints)
    return [name for name in known if name in wanted]


def _nearest(name, names):
    folded = {known.casefold(): known for known in names}
    close = difflib.get_close_matches(name.casefold(), folded, 3)
    return f", did you mean {' or '.join(folded[match] for match in close)}?" if close else ""


def _turn(tracked, keypoints, settings):
    """Return (frame, 2, axis) center and orient, and egocentric positions; series are unchanged."""
    if not keypoints:
        return np.full((len(tracked), 2, tracked.shape[2]), np.nan), tracked
    pair = _pair(keypoints, settings)
    reference = tracked[:, pair]
    egocentric = to_egocentric(tracked, reference)
    egocentric[:, pair[1], 1] *= 0  # rounding leaves 1e-15, a false scale for outliers
    return reference, egocentric


def _fill_again(egocentric, filled, missing, outlier, max_gap, fillable):
    """Fill the gaps that outliers open or extend; other gaps stay as filled before."""
    gap = missing | outlier
    reopened = spread_over_gaps(outlier, gap)
    refilled, filled_again = fill_gaps(egocentric, gap, max_gap, fillable)
    return (
        np.where(reopened[..., None], refilled, egocentric),
        np.where(reopened, filled_again, filled),
    )


def _pair(keypoints, settings):
    return [keypoints.index(settings.center), keypoints.index(settings.orient)]


def _lengths(recording, positions, missing, keypoints, settings):
    """Return the body length of the animal, and the unit of aligned coordinates."""
    if not keypoints:
        return 1.0, 1.0
    body_length = float(recording.attrs.get("body_length", 0))
    if not body_length:
        pair = _pair(keypoints, settings)
        body_length = measure_body_length(positions[:, pair], ~missing[:, pair])
    return body_length, body_length if settings.scale == "body_length" else 1.0


def _bounds(measured, keypoints, settings, limits, unit):
    """Return (keypoint, axis, 2) limits of values that are not outliers; infinite if none."""
    if not (settings.robust and keypoints):
        return np.full((*measured.shape[1:], 2), [-np.inf, np.inf])
    if limits is None:
        return outlier_limits(measured, settings.iqr_factor, settings.outlier_center)
    names = coordinates_of(keypoints, measured.shape[2])
    bounds = [limits.get(name, (-np.inf, np.inf)) for name in names]
    return unit * np.array(bounds).reshape(*measured.shape[1:], 2)


def _finite_limits(bounds, keypoints):
    names = coordinates_of(keypoints, bounds.shape[1])
    pairs = zip(names, bounds.reshape(-1, 2).tolist(), strict=True)
    return {name: pair for name, pair in pairs if np.isfinite(pair).all()}


def coordinates_of(keypoints: Sequence[str], axes: int) -> list[str]:
    """Return names of the coordinates of keypoints, such as nose_x, in the order of the arrays."""
    return [f"{keypoint}_{axis}" for keypoint in keypoints for axis in "xyz"[:axes]]
