"""Usable frames for training and testing, and the scaling learned from the training frames."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from formats.aligned import AlignedPoses, open_aligned
from formats.files import sha256
from formats.runs import find_runs
from scipy.ndimage import maximum_filter1d

SIDES = ("train", "test")
SHORTEST_SEGMENT = 2


@dataclass(frozen=True)
class SplitSettings:
    """The settings of `split_dataset`; the config's schema describes each."""

    test_fraction: float
    test_blocks: int
    test_sessions: list[str]
    test_groups: list[str]
    split_gap: int
    scaling: str


@dataclass(frozen=True)
class Segment:
    """Consecutive usable frames of one session in one split.

    Rows `start` to `stop` (excluded) of that split's array are the frames of the recording from
    `first_frame` on.
    """

    session: str
    side: str
    start: int
    stop: int
    first_frame: int

    @property
    def rows(self) -> slice:
        return slice(self.start, self.stop)

    @property
    def frames(self) -> slice:
        return slice(self.first_frame, self.first_frame + self.stop - self.start)


def plan_split(
    usable: Mapping[str, np.ndarray], groups: Mapping[str, str], settings: SplitSettings
) -> list[Segment]:
    """Divide the usable frames of all sessions into segments for training or testing.

    Either whole sessions are held out, by name or by group, or each session gives `test_blocks`
    contiguous blocks of its usable frames, evenly spaced, which together make up `test_fraction` of
    them. Frames of the recording within `split_gap` of a test frame are then in neither split.
    The plan is deterministic. A split without frames raises a ValueError.

    Parameters
    ----------
    usable
        (frame,) bool of each session
    groups
        The group of each session.
    """
    whole = bool(settings.test_sessions or settings.test_groups)
    rows = dict.fromkeys(SIDES, 0)
    segments = []
    for session, mask in usable.items():
        if whole:
            held_out = session in settings.test_sessions or groups[session] in settings.test_groups
            test = mask & held_out
        else:
            test = _choose_test_blocks(mask, settings.test_fraction, settings.test_blocks)
        train = mask & ~_widen(test, settings.split_gap)
        for side, frames in zip(SIDES, (train, test), strict=True):
            for first, stop in find_runs(frames).tolist():
                if stop - first >= SHORTEST_SEGMENT:
                    start, rows[side] = rows[side], rows[side] + stop - first
                    segments.append(Segment(session, side, start, rows[side], first))
    for side in SIDES:
        if not rows[side]:
            raise ValueError(
                f"the {side} split has no frames: {_CURES[side, whole]}, or add recordings"
            )
    return segments


_CURES = {  # (side, whole sessions are held out)
    ("train", True): "hold fewer sessions out by test_sessions or test_groups",
    ("train", False): "lower test_fraction, test_blocks or split_gap",
    ("test", True): "hold out sessions that have usable frames",
    ("test", False): "raise test_fraction or lower test_blocks",
}


def _choose_test_blocks(usable, fraction, blocks):
    """Mark the middle of each of `blocks` equal shares of the usable frames."""
    frames = np.flatnonzero(usable)
    size = round(fraction * len(frames))
    share = np.arange(blocks + 1) * len(frames) // blocks
    length = np.diff(np.arange(blocks + 1) * size // blocks)
    starts = share[:-1] + (np.diff(share) - length) // 2
    test = np.zeros_like(usable)
    for start, count in zip(starts, length, strict=True):
        test[frames[start : start + count]] = True
    return test


def _widen(mask, margin):
    """Mark every frame at most `margin` frames away from one in `mask`."""
    return maximum_filter1d(mask.astype(np.uint8), 2 * margin + 1, mode="constant").astype(bool)


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each feature over the training frames, (feature,) float64."""

    mean: np.ndarray
    std: np.ndarray

    def pooled(self, members: np.ndarray) -> "Scaling":
        """Use one mean and one standard deviation for the marked (feature,), as for one series."""
        mean, std = self.mean.copy(), self.std.copy()
        mean[members] = self.mean[members].mean()
        std[members] = np.sqrt(np.mean(self.std[members] ** 2) + np.var(self.mean[members]))
        return Scaling(mean, std)

    def with_one_unit(self, members: np.ndarray) -> "Scaling":
        """Use one standard deviation, the root of the mean variance, for the marked (feature,)."""
        std = self.std.copy()
        if members.any():
            std[members] = np.sqrt(np.mean(self.std[members] ** 2))
        return Scaling(self.mean, std)

    def apply(self, poses: np.ndarray) -> np.ndarray:
        return ((poses - self.mean) / self.std).astype(np.float32)


def learn_scaling(parts: Iterable[np.ndarray], features: Sequence[str]) -> Scaling:
    """Compute the scaling from (frame, feature) parts, one at a time, in float64.

    Means and squared deviations of parts are merged after Chan, Golub & LeVeque (1983), which
    avoids cancellation however far the mean is from zero.
    """
    count, mean, squares = 0, np.zeros(len(features)), np.zeros(len(features))
    for rows in parts:
        part = rows.astype(np.float64)
        part_mean = part.mean(axis=0)
        shift = part_mean - mean
        total = count + len(part)
        squares += ((part - part_mean) ** 2).sum(axis=0) + shift**2 * count * len(part) / total
        mean += shift * len(part) / total
        count = total
    std = np.sqrt(squares / count)
    # float32 poses resolve about 1e-7 of their size; smaller differences are rounding.
    constant = [
        name for name, flat in zip(features, std <= 1e-6 * np.abs(mean), strict=True) if flat
    ]
    if constant:
        raise ValueError(
            f"constant over all training frames: {', '.join(constant)}; exclude it with "
            "'exclude_keypoints' or 'extra_features', as it carries no information"
        )
    return Scaling(mean, std)


def write_dataset(
    recordings: Mapping[str, str | Path],
    groups: Mapping[str, str],
    settings: SplitSettings,
    arrays: Mapping[str, str | Path],
) -> dict[str, Any]:
    """Split, scale and write the aligned recordings, one in memory at a time.

    Parameters
    ----------
    recordings
        The aligned npz of each session.
    groups
        The group of each session ('' for none).
    arrays
        Where to write each split's (frame, feature) float32 array.

    Returns
    -------
    The content of `dataset.json`.
    """
    # Without their arrays: each open map keeps a file open, and a process may open only a few.
    aligned = {
        session: replace(open_aligned(path), poses=np.empty(0), track=None)
        for session, path in recordings.items()
    }
    _check_alike(aligned)
    first = next(iter(aligned.values()))
    segments = plan_split({name: each.usable for name, each in aligned.items()}, groups, settings)
    training = [segment for segment in segments if segment.side == "train"]
    parts = (
        np.concatenate([poses[segment.frames] for segment in own])
        for poses, own in _per_session(recordings, training, first.features)
    )
    scaling = learn_scaling(parts, first.features)
    coordinates = np.array([name not in first.scalars for name in first.features])
    if settings.scaling == "scalar":
        scaling = scaling.pooled(coordinates)
    elif settings.scaling == "coordinates":
        scaling = scaling.with_one_unit(coordinates)
    _write_arrays(arrays, recordings, segments, scaling, first.features)
    hashed = {f"{side}.npy": arrays[side] for side in SIDES}
    hashed |= {f"{session}.npz": path for session, path in recordings.items()}
    trained = dict.fromkeys(segment.session for segment in training)
    return {
        "features": first.features,
        "scalars": list(first.scalars),
        "fps": {session: each.fps for session, each in aligned.items()},
        "units": {session: each.unit for session, each in aligned.items()},
        "outlier_limits": pool_limits([aligned[session].limits for session in trained]),
        "scaling": {"mean": scaling.mean.tolist(), "std": scaling.std.tolist()},
        "segments": [asdict(segment) for segment in segments],
        "sessions": list(recordings),
        "split_gap": settings.split_gap,
        "sha256": {name: sha256(path) for name, path in hashed.items()},
    }


def _write_arrays(arrays, recordings, segments, scaling, features):
    written = {side: _create_array(arrays[side], segments, side, len(features)) for side in SIDES}
    for poses, own in _per_session(recordings, segments, features):
        for segment in own:
            written[segment.side][segment.rows] = scaling.apply(poses[segment.frames])
    for array in written.values():
        array.flush()


def summarise_segments(segments: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Number and lengths of the segments of a `dataset.json`, by session and split."""
    table = pd.DataFrame(segments)
    table["frames"] = table["stop"] - table["start"]
    summary = table.groupby(["session", "side"])["frames"].agg(["count", "sum", "min", "max"])
    return summary.rename(columns={"count": "segments", "sum": "frames"})


def pool_limits(limits: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, list[float]]:
    """Return, by feature, the medians over sessions of the lowest and the highest value."""
    names = dict.fromkeys(name for own in limits for name in own)
    return {
        name: np.median([own[name] for own in limits if name in own], axis=0).tolist()
        for name in names
    }


def _check_alike(aligned: Mapping[str, AlignedPoses]) -> None:
    """Raise an error if sessions differ in features (in any order) or frame rate."""
    name, first = next(iter(aligned.items()))
    errors = []
    for session, each in aligned.items():
        absent = [feature for feature in first.features if feature not in each.features]
        extra = [feature for feature in each.features if feature not in first.features]
        if absent or extra:
            errors.append(
                f"{session}: lacks {', '.join(absent) or 'none'}; adds {', '.join(extra) or 'none'}"
            )
    if errors:
        raise ValueError(
            f"features differ from those of {name}; exclude those that some lack with "
            "'exclude_keypoints' or 'extra_features'. " + " | ".join(errors)
        )
    rates: dict[float, list[str]] = {}
    for session, each in aligned.items():
        rates.setdefault(each.fps, []).append(session)
    if len(rates) > 1:
        listed = "; ".join(f"{rate:g} fps: {', '.join(rates[rate])}" for rate in sorted(rates))
        raise ValueError(
            "the duration of a window would differ between sessions: set resample_fps to one "
            f"frame rate for all ({listed})"
        )


def _per_session(recordings, segments, features):
    """Yield the poses of each session that has segments, with the segments."""
    for session, path in recordings.items():
        own = [segment for segment in segments if segment.session == session]
        if own:
            aligned = open_aligned(path)
            yield aligned.poses[:, [aligned.features.index(name) for name in features]], own


def _create_array(path, segments, side, features):
    """Create a float32 array on disk, allocated at once: a mapped write on a full disk crashes."""
    rows = max(segment.stop for segment in segments if segment.side == side)
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, features))
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    return array
