"""Which usable frames train, which test, and the scaling that the training frames define."""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from pose_prep.cleaning import find_runs
from pose_prep.storage import load_aligned

SIDES = ("train", "test")
SHORTEST_SEGMENT = 2


@dataclass(frozen=True)
class SplitSettings:
    """The settings of ``split_dataset``; the config's schema says what they mean."""

    test_fraction: float
    test_blocks: int
    test_sessions: list[str]
    test_groups: list[str]
    split_gap: int
    scaling: str


@dataclass(frozen=True)
class Segment:
    """Consecutive usable frames of one session on one side of the split.

    Rows ``start`` to ``stop`` (excluded) of that side's array are the frames of the recording from
    ``first_frame`` on.
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
    """Lay the usable frames of every session out as segments of the two sides.

    Either whole sessions are held out, by name or by group, or each session gives ``test_blocks``
    contiguous blocks of its usable frames, spread evenly, which together hold ``test_fraction`` of
    them. Frames of the recording within ``split_gap`` of a test frame then belong to neither side.
    The plan is the same every time: nothing is drawn.

    Parameters
    ----------
    usable
        (frame,) bool for each session
    groups
        The group of each session.

    Raises
    ------
    ValueError
        Unknown sessions or groups, a side without frames.
    """
    _check_names(groups, settings)
    whole = bool(settings.test_sessions or settings.test_groups)
    rows = dict.fromkeys(SIDES, 0)
    segments = []
    for session, mask in usable.items():
        if whole:
            held_out = session in settings.test_sessions or groups[session] in settings.test_groups
            test = mask & held_out
        else:
            test = _choose_test_blocks(mask, settings.test_fraction, settings.test_blocks)
        sides = {"train": mask & ~_widen(test, settings.split_gap), "test": test}
        for side in SIDES:
            for first, stop in find_runs(sides[side]).tolist():
                if stop - first < SHORTEST_SEGMENT:
                    continue
                start, rows[side] = rows[side], rows[side] + stop - first
                segments.append(Segment(session, side, start, rows[side], first))
    for side in SIDES:
        if not rows[side]:
            raise ValueError(
                f"the split leaves no frame to {side}: {_CURES[side, whole]}, or add recordings"
            )
    return segments


_CURES = {  # (side, whole sessions are held out)
    ("train", True): "hold fewer sessions out by test_sessions or test_groups",
    ("train", False): "lower test_fraction, test_blocks or split_gap",
    ("test", True): "hold out sessions that have usable frames",
    ("test", False): "raise test_fraction or lower test_blocks",
}


def _choose_test_blocks(usable, fraction, blocks):
    """The middle of each of ``blocks`` equal shares of the usable frames."""
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
    """Every frame at most ``margin`` frames away from one in ``mask``."""
    n = len(mask)
    count = np.concatenate([[0], np.cumsum(mask)])
    frame = np.arange(n)
    return count[np.minimum(frame + margin + 1, n)] > count[np.maximum(frame - margin, 0)]


def _check_names(groups, settings):
    faults = [
        f"test_sessions: no session {name!r}"
        for name in settings.test_sessions
        if name not in groups
    ]
    faults += [
        f"test_groups: no session is of group {name!r}"
        for name in settings.test_groups
        if name not in groups.values()
    ]
    if faults:
        raise ValueError(
            f"{'; '.join(faults)} (sessions: {', '.join(groups)}; "
            f"groups: {', '.join(sorted(set(groups.values()) - {''})) or 'none'})"
        )


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of each feature over the training frames, (feature,) float64."""

    mean: np.ndarray
    std: np.ndarray

    def pooled(self, members: np.ndarray) -> "Scaling":
        """One mean and one standard deviation for the (feature,) marked, as for one series."""
        mean, std = self.mean.copy(), self.std.copy()
        mean[members] = self.mean[members].mean()
        std[members] = np.sqrt(np.mean(self.std[members] ** 2) + np.var(self.mean[members]))
        return Scaling(mean, std)

    def apply(self, poses: np.ndarray) -> np.ndarray:
        return ((poses - self.mean) / self.std).astype(np.float32)


def learn_scaling(parts: Iterable[np.ndarray], features: Sequence[str]) -> Scaling:
    """Learn the scaling from (frame, feature) parts, one at a time, in float64.

    Means and squared deviations of parts are merged after Chan, Golub & LeVeque (1983), which
    cancels nothing however far the mean lies from zero.
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
    # float32 poses resolve about 1e-7 of their size; below that there is only rounding.
    constant = [
        name for name, flat in zip(features, std <= 1e-6 * np.abs(mean), strict=True) if flat
    ]
    if constant:
        raise ValueError(
            f"constant over all training frames: {', '.join(constant)}; leave it out by "
            "'exclude_keypoints' or 'extra_features', it carries nothing to learn"
        )
    return Scaling(mean, std)


def write_dataset(
    recordings: Mapping[str, str | Path],
    groups: Mapping[str, str],
    settings: SplitSettings,
    arrays: Mapping[str, str | Path],
) -> dict:
    """Split, scale and write the aligned recordings, one in memory at a time.

    Parameters
    ----------
    recordings
        The aligned npz of each session.
    groups
        The group of each session ('' for none).
    arrays
        Where to write each side's (frame, feature) float32 array.

    Returns
    -------
    The content of ``dataset.json``.
    """
    features, scalars, fps, usable, limits = _survey(recordings)
    segments = plan_split(usable, groups, settings)
    trained = dict.fromkeys(s.session for s in segments if s.side == "train")
    training = (
        np.concatenate([poses[segment.frames] for segment in own])
        for poses, own in _per_session(recordings, segments, ["train"], features)
    )
    scaling = learn_scaling(training, features)
    if settings.scaling == "scalar":
        scaling = scaling.pooled(np.array([name not in scalars for name in features]))

    rows = {side: max(s.stop for s in segments if s.side == side) for side in SIDES}
    written = {side: _create_array(arrays[side], (rows[side], len(features))) for side in SIDES}
    for poses, own in _per_session(recordings, segments, SIDES, features):
        for segment in own:
            written[segment.side][segment.rows] = scaling.apply(poses[segment.frames])
    for array in written.values():
        array.flush()

    hashed = {f"{side}.npy": arrays[side] for side in SIDES}
    hashed |= {f"{session}.npz": path for session, path in recordings.items()}
    return {
        "features": features,
        "scalars": scalars,
        "fps": fps,
        "outlier_limits": pool_limits([limits[session] for session in trained]),
        "scaling": {"mean": scaling.mean.tolist(), "std": scaling.std.tolist()},
        "segments": [asdict(segment) for segment in segments],
        "sessions": list(recordings),
        "split_gap": settings.split_gap,
        "sha256": {name: _sha256(path) for name, path in hashed.items()},
    }


def _create_array(path, shape):
    """A float32 array on disk, its space taken at once: a full disk kills who writes to a map."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    return array


def pool_limits(limits: Sequence[Mapping[str, Sequence[float]]]) -> dict[str, list[float]]:
    """Of each feature, the medians over sessions of its lowest and its highest value."""
    names = dict.fromkeys(name for own in limits for name in own)
    return {
        name: np.median([own[name] for own in limits if name in own], axis=0).tolist()
        for name in names
    }


def _survey(recordings):
    """Features, frame rates, usable frames and limits of all sessions.

    Features and rates must agree. The same features in another order are put into that of the
    first session.
    """
    features, scalars, fps, usable, limits, faults = None, [], {}, {}, {}, []
    for session, path in recordings.items():
        aligned = load_aligned(path)
        features, scalars = features or aligned.features, scalars or list(aligned.scalars)
        if set(aligned.features) != set(features):
            absent = [name for name in features if name not in aligned.features]
            extra = [name for name in aligned.features if name not in features]
            faults.append(
                f"{session}: lacks {', '.join(absent) or 'none'}; adds {', '.join(extra) or 'none'}"
            )
        fps[session], usable[session] = aligned.fps, aligned.usable
        limits[session] = aligned.limits
    if faults:
        raise ValueError(
            f"features differ from those of {next(iter(recordings))}; leave out what some lack by "
            "'exclude_keypoints' or 'extra_features'. " + " | ".join(faults)
        )
    rates = sorted(set(fps.values()))
    if len(rates) > 1:
        listed = "; ".join(
            f"{rate:g} fps: {', '.join(name for name in fps if fps[name] == rate)}"
            for rate in rates
        )
        raise ValueError(
            "a window would last longer in some sessions than in others: set resample_fps to one "
            f"frame rate for all ({listed})"
        )
    return features, scalars, fps, usable, limits


def _per_session(recordings, segments, sides, features):
    """Poses of each session that has segments on these sides, with the segments."""
    for session, path in recordings.items():
        own = [s for s in segments if s.session == session and s.side in sides]
        if own:
            aligned = load_aligned(path)
            order = [aligned.features.index(name) for name in features]
            yield aligned.poses[:, order], own


def _sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
