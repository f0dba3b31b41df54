"""Assign times to frames: one clock per file, with one interval between frames.

Camera times are early or late, frames are lost, and recordings pause. Rounding each step
separately adds a frame wherever a time is late. Here, a line is fitted to the times, and all
times are assigned to frames jointly, in order, each to the nearest free frame.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

BLOCK = 512
"""Times that are assigned jointly; then the clock is fitted again, so that it may drift slowly."""
WINDOW = 2048
"""Number of times to which the clock is fitted."""
AHEAD = 64
"""Times after a block that are considered with it: the following times reveal a late one."""
PAUSE = 10
"""Intervals without a time after which a recording may continue at any moment."""
MARGIN = 0.2
"""Minimum cost, in squared intervals, of assigning times next to a gap differently.

A single time at a distance of 0.4 intervals from its frame, towards the gap, has this cost.
"""
LOST, EXPECTED = 0.7, 0.5
"""Weight of a lost frame, and of the expected rate per time, relative to log-likelihoods."""
EXACT = 0.02
"""Mean distance from frames, in intervals, below which times count as exact."""
TRUST = 400.0
"""Weight of a guessed interval in a fit: that of 17 times, whose sum of squared ranks is 408.

Fewer times that are early or late determine the interval less well than a guess that is 1 % off.
"""
MOST_FRAMES = 1e12


def check_times(times: np.ndarray, whose: str) -> None:
    """Raise a ValueError at the first row whose time does not increase; times in any unit."""
    cure = "correct these times, or remove these rows, in the program that wrote the file"
    unknown = np.flatnonzero(~np.isfinite(times))
    if unknown.size:
        raise ValueError(
            f"row {unknown[0]} of {whose} is {times[unknown[0]]}{_more(unknown)}; {cure}"
        )
    wrong = np.flatnonzero(np.diff(times) <= 0) + 1
    if wrong.size:
        row = wrong[0]
        how = "like" if times[row] == times[row - 1] else "after"
        raise ValueError(
            f"row {row} of {whose} is {times[row]:.10g}, {how} {times[row - 1]:.10g} in row "
            f"{row - 1}{_more(wrong)}: times must increase; {cure}"
        )


def _more(rows):
    return f" ({len(rows)} such rows)" if len(rows) > 1 else ""


def are_frame_numbers(times: np.ndarray) -> bool:
    """True if times are whole numbers, some of them consecutive: 0, 1, 2, 5, …"""
    whole = bool((np.abs(times) < 2**53).all() and (times == np.rint(times)).all())
    return whole and len(times) > 1 and np.diff(times).min() == 1


def assign_frames(times: np.ndarray, fps: float) -> tuple[np.ndarray, float]:
    """Assign increasing times to frames of a constant interval.

    Minimises the sum of squared distances between times and frames, in order and with at most one
    time per frame, by isotonic regression of times minus row numbers.

    Parameters
    ----------
    times
        (row,) finite and increasing, in any unit.
    fps
        Expected frames per second; decides where few times do not determine the interval.

    Returns
    -------
    frames
        (row,) int64, increasing; that of the first time is 0.
    interval
        Time between frames, in the unit of the times.

    Raises
    ------
    ValueError
        If a time next to a gap is equally near to two frames.
    """
    if len(times) < 2:
        return np.zeros(len(times), np.int64), 1 / fps
    if are_frame_numbers(times):
        return (times - times[0]).astype(np.int64), 1.0
    interval = _find_interval(times[:BLOCK], fps)
    if not times[-1] - times[0] < MOST_FRAMES * interval:
        raise ValueError(
            f"its times range from {times[0]:.10g} to {times[-1]:.10g}, with an interval of "
            f"{interval:.6g} between frames: they are damaged; correct the first or the last ones"
        )
    frames, deviations, _ = _follow(times, interval, BLOCK)
    interval = (times[-1] - times[0]) / (frames[-1] - frames[0])
    _check_gaps(times, frames, deviations, interval)
    return frames - frames[0], float(interval)


def assign_frames_together(
    several: Sequence[np.ndarray], fps: float
) -> tuple[list[np.ndarray], float, float]:
    """Assign the times of several series to the frames of one clock; see `assign_frames`.

    The clock starts with the earliest time: a series that starts later has no frame 0.

    Returns the frames of each series, the interval, and the time of frame 0.
    """
    filled = [times for times in several if len(times)]
    longest = max(filled, key=len)
    first = min(float(times[0]) for times in filled)
    pooled = np.unique(np.concatenate(filled))
    if len(pooled) == len(longest):
        frames, interval = assign_frames(longest, fps)
        return [frames[np.searchsorted(longest, times)] for times in several], interval, first
    step = min((np.median(np.diff(times)) for times in filled if len(times) > 1), default=1 / fps)
    # The same time, computed in two ways, differs by rounding.
    pooled = pooled[np.concatenate([[True], np.diff(pooled) > 0.01 * step])]
    if _is_one_clock(pooled, step, fps):
        frames, interval = assign_frames(pooled, fps)
        places = [np.searchsorted(pooled, times + 0.01 * step) - 1 for times in several]
        return [frames[np.maximum(place, 0)] for place in places], interval, first
    _, interval = assign_frames(longest, fps)
    placed = []
    for times in several:  # of cameras without a common trigger
        frames, _ = assign_frames(times, fps)
        late = np.rint((times[:1] - first) / interval).astype(np.int64)
        placed.append(frames + late)
    return placed, interval, first


def spread_over_frames(poses: xr.Dataset, frames: np.ndarray, start: int = 0) -> xr.Dataset:
    """Move rows to their frames; frames missing in the file become empty.

    `frames` (row,) increase from 0; the first is frame `start` of the recording.
    """
    if not len(frames) or (not start and frames[-1] == len(frames) - 1):
        return poses
    rows = poses.assign_coords(time=frames + start)
    return rows.reindex(time=np.arange(int(frames[-1]) + start + 1))


def _is_one_clock(pooled, step, fps):
    """True unless frames of one series lie between those of another at the same rate."""
    together = np.median(np.diff(pooled)) if len(pooled) > 1 else step
    return together > 0.75 * step or abs(np.log(together * fps)) < abs(np.log(step * fps))


def _find_interval(times, fps):
    """Find the interval that best explains the first times.

    The criterion combines the likelihood of distances from frames in intervals (Laplace
    distribution, since single times are far too late), the number of lost frames (an interval that
    is much too short explains anything), and the expected rate.
    """
    steps = np.diff(times)
    usual = np.sort(steps)[(len(steps) - 1) // 2]
    guesses = [1 / fps, steps.mean(), steps.min(), *(usual / np.arange(1, 7))]
    guesses += [*(usual * np.geomspace(0.3, 1.1, 60))]
    judged = []
    for guess in guesses:
        if (times[-1] - times[0]) / guess < MOST_FRAMES:
            frames, deviations, interval = _follow(times, guess, 8)
            lost = int(frames[-1] - frames[0]) + 1 - len(times)
            error = np.log(np.abs(deviations).mean() + EXACT)
            expected = EXPECTED * (abs(interval * fps - 1) < 0.02)
            judged.append((len(times) * (error - expected) + LOST * lost - 6 * expected, interval))
    return min(judged)[1] if judged else usual


def _follow(times, guess, block):
    """Return frames of times, deviations from them in intervals, and the final fitted interval."""
    rows, interval = len(times), guess
    frames, deviations = np.zeros(rows, np.int64), np.zeros(rows)
    pauses = np.flatnonzero(np.diff(times) > PAUSE * interval) + 1
    ends = [*pauses, rows] if len(pauses) < rows / 20 else [rows]
    frame, moment = 0.0, float(times[0])  # a point of the clock
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  rarely needed

    start = pause = 0
    while start < rows:
        end = ends[pause]
        anew = start == 0 or start == ends[pause - 1]
        stop = min(end, start + min(max(start, block), BLOCK))
        now = frame + (times[start : min(end, stop + AHEAD)] - moment) / interval
        if anew:
            now = now - np.angle(np.exp(2j * np.pi * now[: stop - start]).mean()) / (2 * np.pi)
        ranks = np.arange(len(now))
        free = frames[start - 1] + 1 if start else -np.inf
        shifts = np.maximum(np.rint(isotonic_regression(now - ranks).x), free)
        frames[start:stop] = (shifts + ranks)[: stop - start]
        low = max(0 if pause == 0 else ends[pause - 1], stop - WINDOW)
        there, then = frames[low:stop], times[low:stop]
        frame, moment = there.mean(), then.mean()
        off = there - frame
        interval = (guess * TRUST + off @ (then - moment)) / (TRUST + off @ off)
        deviations[start:stop] = (frame + (times[start:stop] - moment) / interval) - there[
            start - low :
        ]
        start = stop
        pause += stop == end
    return frames, deviations, interval


def _check_gaps(times, frames, deviations, interval):
    """Raise an error if times next to a gap would fit as well when moved into it by a frame."""
    gaps = np.flatnonzero(np.diff(frames) > 1)
    for rows, sign in ((gaps, 1), (gaps + 1, -1)):
        cost, least = np.zeros(len(rows)), np.full(len(rows), np.inf)
        for back in range(AHEAD):
            place = rows - sign * back
            there = (place >= 0) & (place < len(times))
            moved = 1 - 2 * sign * deviations[np.where(there, place, 0)]
            cost = np.where(there, cost + moved, np.inf)
            least = np.minimum(least, cost)
        unclear = rows[least < MARGIN]
        if unclear.size:
            raise ValueError(
                f"row {unclear[0]} of its times, {times[unclear[0]]:.10g}, is between two frames "
                f"of its clock (one per {interval:.6g}), and frames next to it are missing"
                f"{_more(unclear)}: its frame cannot be determined; write the camera's frame "
                "numbers as times, or the times of a constant frame rate"
            )
