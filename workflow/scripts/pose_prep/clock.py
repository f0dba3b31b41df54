"""Assign times to frames: one clock per file, with one interval between frames.

Times of a camera are early or late, frames are lost, and recordings pause. Rounding one step after
the other adds a frame wherever a time is late. Here, a line is fitted through the times, and all
times are assigned to its frames together, in order, each to the nearest free one.
"""

from collections.abc import Sequence

import numpy as np
import xarray as xr

BLOCK = 512
"""Times that are assigned together; then the clock is fitted again, so that it may drift slowly."""
WINDOW = 2048
"""Times through which the clock is fitted."""
AHEAD = 64
"""Times after a block that are considered with it: a late time is seen by those that follow."""
PAUSE = 10
"""Intervals without a time after which a recording may go on at any moment."""
MARGIN = 0.2
"""Least cost, in squared intervals, of assigning times beside a gap otherwise.

A single time that lies 0.4 intervals from its frame, towards the gap, has this cost.
"""
LOST, EXPECTED = 0.7, 0.5
"""Weight of a lost frame, and of the expected rate per time, against logarithms of likelihoods."""
EXACT = 0.02
"""Mean distance from frames, in intervals, below which times are as good as exact."""
TRUST = 400.0
"""Weight of a guessed interval in a fit: as of 17 times, whose sum of squared ranks is 408.

Fewer times that are early or late tell the interval worse than a guess that is 1 % off.
"""
MOST_FRAMES = 1e12


def check_times(times: np.ndarray, whose: str) -> None:
    """Raise a ValueError that names the first row whose time does not rise; times in any unit."""
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
            f"{row - 1}{_more(wrong)}: times do not rise; {cure}"
        )


def _more(rows):
    return f" ({len(rows)} such rows)" if len(rows) > 1 else ""


def are_frame_numbers(times: np.ndarray) -> bool:
    """True if times are whole numbers, some of which follow one another: 0, 1, 2, 5, …"""
    whole = bool((np.abs(times) < 2**53).all() and (times == np.rint(times)).all())
    return whole and len(times) > 1 and np.diff(times).min() == 1


def assign_frames(times: np.ndarray, fps: float) -> tuple[np.ndarray, float]:
    """Assign rising times to frames of a constant interval.

    Minimises the sum of squared distances between times and frames, in order and with one time per
    frame at most, by isotonic regression of what remains of times if rows are counted off.

    Parameters
    ----------
    times
        (row,) finite and rising, in any unit.
    fps
        Frames per second that are expected; decides where few times leave the interval open.

    Returns
    -------
    frames
        (row,) int64, rising; that of the first time is 0.
    interval
        Between frames, in the unit of the times.

    Raises
    ------
    ValueError
        Beside a gap, times lie between two frames, and either is as near.
    """
    if len(times) < 2:
        return np.zeros(len(times), np.int64), 1 / fps
    if are_frame_numbers(times):
        return (times - times[0]).astype(np.int64), 1.0
    interval = _find_interval(times[:BLOCK], fps)
    if not times[-1] - times[0] < MOST_FRAMES * interval:
        raise ValueError(
            f"its times run from {times[0]:.10g} to {times[-1]:.10g}, with {interval:.6g} between "
            "frames: they are damaged; correct the first or the last ones"
        )
    frames, deviations, _ = _follow(times, interval, BLOCK)
    interval = (times[-1] - times[0]) / (frames[-1] - frames[0])
    _check_gaps(times, frames, deviations, interval)
    return frames - frames[0], float(interval)


def assign_frames_together(
    several: Sequence[np.ndarray], fps: float
) -> tuple[list[np.ndarray], float, float]:
    """Assign the times of several series to the frames of one clock; see `assign_frames`.

    The clock starts with the first time of all: a series that starts later has no frame 0.

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
    # The same moment, computed in two ways, differs by rounding.
    pooled = pooled[np.concatenate([[True], np.diff(pooled) > 0.01 * step])]
    if _is_one_clock(pooled, step, fps):
        frames, interval = assign_frames(pooled, fps)
        places = [np.searchsorted(pooled, times + 0.01 * step) - 1 for times in several]
        return [frames[np.maximum(place, 0)] for place in places], interval, first
    _, interval = assign_frames(longest, fps)
    placed = []
    for times in several:  # of cameras that are not triggered together
        frames, _ = assign_frames(times, fps)
        late = np.rint((times[:1] - first) / interval).astype(np.int64)
        placed.append(frames + late)
    return placed, interval, first


def spread_over_frames(poses: xr.Dataset, frames: np.ndarray, start: int = 0) -> xr.Dataset:
    """Move rows to their frames; those that the file leaves out become empty.

    `frames` (row,) rise from 0; the first is frame `start` of the recording.
    """
    if not len(frames) or (not start and frames[-1] == len(frames) - 1):
        return poses
    rows = poses.assign_coords(time=frames + start)
    return rows.reindex(time=np.arange(int(frames[-1]) + start + 1))


def _is_one_clock(pooled, step, fps):
    """False for series of one rate whose frames lie between those of another."""
    together = np.median(np.diff(pooled)) if len(pooled) > 1 else step
    return together > 0.75 * step or abs(np.log(together * fps)) < abs(np.log(step * fps))


def _find_interval(times, fps):
    """The interval that explains the first times best.

    Judged by the likelihood of distances from frames in intervals (of a Laplace distribution, since
    single times are far too late), by how many frames are lost (an interval that is much too short
    explains anything), and by the rate that is expected.
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
    """Frames of times, deviations from them in intervals, and the interval as fitted at the end."""
    rows, interval = len(times), guess
    frames, deviations = np.zeros(rows, np.int64), np.zeros(rows)
    pauses = np.flatnonzero(np.diff(times) > PAUSE * interval) + 1
    ends = [*pauses, rows] if len(pauses) < rows / 20 else [rows]
    frame, moment = 0.0, float(times[0])  # through which the clock runs
    from scipy.optimize import isotonic_regression  # noqa: PLC0415  few recordings need it

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
    """Refuse times beside a gap that would fit as well if they were moved into it by a frame."""
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
                f"row {unclear[0]} of its times, {times[unclear[0]]:.10g}, lies between two frames "
                f"of its clock (one per {interval:.6g}), and frames beside it are missing"
                f"{_more(unclear)}: which frame it is cannot be told; write the camera's frame "
                "numbers as times, or the times of a constant frame rate"
            )
