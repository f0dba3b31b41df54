"""Intervals of recordings with a condition each: the file that the setting `intervals` names.

A row is an interval: session, start, stop and condition. Times are frames as recorded (`start`,
`stop`, which is the frame after the last one) or seconds (`start_seconds`, `stop_seconds`), as in
tables of bouts (`formats.annotations`). Snakemake's own environment reads it, without libraries.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from formats.delimited import TextTable, find_table, number_of

KINDS = {
    "frames": ("start", "stop"),
    "seconds": ("start_seconds", "stop_seconds"),
}
BEYOND_SECONDS = 1.0
"""An interval may end this much after its recording: what is beyond is cut off."""


@dataclass(frozen=True)
class Interval:
    """Of one session; start and stop (excluded) in frames as recorded, or in seconds."""

    path: str
    line: int
    session: str
    start: float
    stop: float
    condition: str
    in_frames: bool

    def in_seconds(self, recorded_fps: float) -> tuple[float, float]:
        rate = recorded_fps if self.in_frames else 1.0
        return self.start / rate, self.stop / rate


def find_intervals(path: str | Path, sessions: Collection[str]) -> tuple[list[Interval], list[str]]:
    """Return the intervals of a file in its order, and the errors of each invalid line.

    Parameters
    ----------
    sessions
        Names of all that are in the sessions table.
    """
    common = {"session", "condition"}
    table = find_table(path, {kind: common | {*own} for kind, own in KINDS.items()})
    if table is None:
        return [], [
            "needs the columns session, start, stop and condition (start and stop in frames), or "
            "session, start_seconds, stop_seconds and condition"
        ]
    errors: list[str] = []
    intervals = []
    for number in range(len(table.rows)):
        found, wrong = _interval(str(path), table, number, sessions)
        intervals += found
        errors += [f"line {table.lines[number]}: {each}" for each in wrong]
    if not table.rows:
        errors.append("has no interval; add one row for each, or set intervals: null")
    return intervals, errors + _overlaps(intervals)


def read_intervals(path: str | Path, sessions: Collection[str]) -> list[Interval]:
    """Read the intervals of a file; none without a file.

    Raises
    ------
    ValueError
        Naming the first line that is wrong.
    """
    if not path:
        return []
    intervals, errors = find_intervals(path, sessions)
    if errors:
        raise ValueError(f"{path}: {errors[0]}")
    return intervals


def lies_outside(interval: Interval, recorded_fps: float, seconds: float) -> str:
    """Return an error if an interval is not inside a recording of so many seconds, else ''."""
    start, stop = interval.in_seconds(recorded_fps)
    if start >= 0 and start < seconds and stop <= seconds + BEYOND_SECONDS:
        return ""
    return (
        f"line {interval.line}: {interval.condition} is from {start:.2f} to {stop:.2f} s, but "
        f"the recording {interval.session} lasts {seconds:.2f} s; correct the times, or the name "
        "of their columns (start and stop are frames, start_seconds and stop_seconds seconds)"
    )


def check_intervals(path: str | Path, recordings: Mapping[str, tuple[float, float]]) -> None:
    """Raise a ValueError unless all intervals of a file are inside of their recordings.

    Parameters
    ----------
    recordings
        Frames per second as recorded, and seconds, of each session.
    """
    for own in read_intervals(path, recordings):
        if wrong := lies_outside(own, *recordings[own.session]):
            raise ValueError(f"{path}: {wrong}")


def _interval(
    path: str, table: TextTable, number: int, sessions: Collection[str]
) -> tuple[list[Interval], list[str]]:
    """Return the interval of a row, if it is valid, and its errors."""
    cells = dict(zip(table.columns, table.rows[number], strict=True))
    session, condition = cells["session"], cells["condition"]
    errors = []
    if session not in sessions:
        listed = ", ".join([*sessions][:20]) + (", …" if len(sessions) > 20 else "")
        errors.append(
            f"the sessions table has no session {session or '(empty)'}; there are: {listed}"
        )
    if not condition:
        errors.append("the condition is empty; name it, or delete the row")
    times = {name: number_of(cells[name]) for name in KINDS[table.kind]}
    errors += [
        f"{cells[name] or '(empty)'} in the column {name} is not a number"
        for name, time in times.items()
        if time is None
    ]
    start, stop = times.values()
    if start is None or stop is None:
        return [], errors
    if stop <= start:
        errors.append(
            f"the interval of {condition} stops at {stop:g} but starts at {start:g}; it must "
            "stop after it starts"
        )
    in_frames = table.kind == "frames"
    own = Interval(path, table.lines[number], session, start, stop, condition, in_frames)
    return ([] if errors else [own]), errors


def _overlaps(intervals: Iterable[Interval]) -> list[str]:
    errors = []
    before: dict[str, Interval] = {}
    for own in sorted(intervals, key=lambda each: (each.session, each.start, each.line)):
        other = before.get(own.session)
        if other and own.start < other.stop:
            errors.append(
                f"line {own.line}: {own.condition} overlaps with {other.condition} of line "
                f"{other.line}; a frame has only one condition: end one interval where the other "
                "starts, or give the overlap a condition of its own"
            )
        if not other or own.stop > other.stop:
            before[own.session] = own
    return errors
