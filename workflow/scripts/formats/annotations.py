"""Annotated behaviours: one label per frame, bouts, or events exported from BORIS.

BORIS (Friard & Gamba 2016) exports events as tables of two kinds. *Tabular events* have a row for
each START, STOP and POINT, *aggregated events* one for each bout. Column names changed
between versions; the columns read here exist in all versions since 7.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from formats.text import open_text

PREAMBLE = 60
"""Lines in which the header has to lie; before it, BORIS 7 writes of the observation."""
NO_SUBJECT = {"", "no focal subject"}
KINDS = {  # the columns that identify a kind, and those of its times
    "frames": ({"start", "stop", "label"}, ("start", "stop")),
    "seconds": ({"start_seconds", "stop_seconds", "label"}, ("start_seconds", "stop_seconds")),
    "aggregated": ({"behavior", "start (s)", "stop (s)"}, ("start (s)", "stop (s)")),
    "tabular": ({"behavior", "time"}, ("time", "time")),
}


def read_bouts(path: str | Path) -> pd.DataFrame | None:
    """Read bouts with `start`, `stop` and `label`, in frames or seconds as `in_frames` says.

    Returns None if the file is not a table of bouts or events.

    Raises
    ------
    ValueError
        If events belong to several animals or recordings, lack an end, or a time is not a number.
    """
    with open_text(path) as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines[:PREAMBLE]):
        delimiter = max("\t,;", key=line.count)
        columns = [
            name.strip().lower() for name in next(csv.reader([line], delimiter=delimiter), [])
        ]
        kind = next((kind for kind, (own, _) in KINDS.items() if own <= set(columns)), None)
        if kind:
            rows = csv.reader(lines[number + 1 :], delimiter=delimiter)
            table = pd.DataFrame(
                [[*row, *[""] * len(columns)][: len(columns)] for row in rows if any(row)],
                columns=columns,
                dtype=str,
            )
            return _bouts_of(path, kind, table.apply(lambda column: column.str.strip()))
    return None


def label_frames(path: str | Path, bouts: pd.DataFrame, frames: int, fps: float) -> np.ndarray:
    """Return the (frame,) label of each frame, '' outside bouts.

    Where bouts overlap, the one that started last counts, so that a short behaviour within a long
    one is kept. A point event labels one frame.

    Raises
    ------
    ValueError
        If a bout ends before it starts, or more than a second after the end of the track.
    """
    rate = 1 if bouts.attrs["in_frames"] else fps
    start = np.rint(bouts["start"].to_numpy() * rate).astype(int)
    stop = np.maximum(np.rint(bouts["stop"].to_numpy() * rate).astype(int), start + 1)
    backwards = np.flatnonzero(bouts["stop"] < bouts["start"])
    if len(backwards):
        row = bouts.iloc[backwards[0]]
        raise ValueError(
            f"{path}: a bout of {row['label']} ends at {row['stop']:g}, before it starts"
        )
    late = np.flatnonzero((stop > frames + fps) | (start < 0))
    if len(late):
        row = bouts.iloc[late[0]]
        raise ValueError(
            f"{path}: a bout of {row['label']} lasts from {start[late[0]] / fps:.2f} to "
            f"{stop[late[0]] / fps:.2f} s, but the track lasts {frames / fps:.2f} s"
        )
    labels = np.full(frames, "", dtype=object)
    for bout in np.argsort(start, kind="stable"):
        labels[start[bout] : stop[bout]] = bouts["label"].iloc[bout]
    return labels.astype(str)


def _bouts_of(path, kind, table):
    _check_one(path, table, "subject", "animals", NO_SUBJECT)
    _check_one(path, table, "observation id", "observations", {""})
    begin, end = KINDS[kind][1]
    label = table["behavior" if "behavior" in table else "label"]
    table = table[label != ""]
    times = {name: _numbers(path, table, name) for name in {begin, end}}
    bouts = pd.DataFrame(
        {"start": times[begin], "stop": times[end], "label": label[label != ""].to_numpy()}
    )
    if kind == "tabular":
        status = next((name for name in ("behavior type", "status") if name in table), None)
        if status is None:
            raise ValueError(f"{path}: the column Behavior type (or Status) of BORIS is missing")
        bouts = _join_events(path, bouts, table[status].str.upper().tolist())
    bouts.attrs["in_frames"] = kind == "frames"
    return bouts


def _check_one(path, table, column, what, none):
    if column not in table:
        return
    found = [name for name in dict.fromkeys(table[column]) if name.lower() not in none]
    if len(found) > 1:
        raise ValueError(
            f"{path}: has events of several {what}: {', '.join(found)}; keep the rows of one in a "
            "separate file"
        )


def _numbers(path, table, column):
    numbers = pd.to_numeric(table[column].str.replace(",", "."), errors="coerce")
    if numbers.isna().any():
        wrong = table[column][numbers.isna()].iloc[0]
        raise ValueError(f"{path}: {wrong or '(empty)'} in the column {column} is not a number")
    return numbers.to_numpy(float)


def _join_events(path: str | Path, events: pd.DataFrame, status: Sequence[str]) -> pd.DataFrame:
    """Return one row for each START and its STOP, and for each POINT."""
    open_since: dict[str, float] = {}
    bouts = []
    order = np.argsort(events["start"].to_numpy(), kind="stable")
    for row in order.tolist():
        time, label = events["start"].iloc[row], events["label"].iloc[row]
        if status[row] == "POINT":
            bouts.append((time, time, label))
        elif label in open_since:
            bouts.append((open_since.pop(label), time, label))
        elif status[row] == "STOP":
            raise ValueError(f"{path}: {label} stops at {time:g} s, but has no earlier START")
        else:
            open_since[label] = time
    if open_since:
        label, time = next(iter(open_since.items()))
        raise ValueError(f"{path}: {label} starts at {time:g} s, but has no STOP")
    return pd.DataFrame(bouts, columns=["start", "stop", "label"])
