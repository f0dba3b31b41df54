"""Check tables with one row per frame, which must match their track."""

from pathlib import Path

import numpy as np
import pandas as pd
from formats.annotations import label_frames, read_bouts
from formats.text import open_text

from pose_prep.contents import (
    check_csv_size,
    check_rows,
    header_rows,
    text_start,
    without_empty_end,
)
from pose_prep.unknown import TABLES, text_kind


def check_labels(path: str | Path | None, frames: int, fps: float) -> None:
    """Raise a ValueError unless the file labels each frame, in order, or bouts within the track.

    Without a file, do nothing.
    """
    if not path:
        return
    bouts = read_bouts(path)
    if bouts is not None:
        label_frames(path, bouts, frames, fps)
        return
    try:
        (header,) = without_empty_end(header_rows(path, 1))
        check_csv_size(path, len(header))
        check_rows(path, 1, len(header))
        with open_text(path) as file:
            table = pd.read_csv(file, usecols=range(len(header)), index_col=False)
        separated = text_kind(text_start(path), TABLES)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as labels: {error}") from error
    if not {"frame", "label"} <= set(table.columns):
        raise ValueError(
            f"{path}: needs the columns frame and label, or those of bouts, or of BORIS events; "
            + (separated or f"it has {', '.join(map(str, table.columns))}")
        )
    check_length(path, len(table), frames, "labels")
    check_frames(path, table["frame"])


def check_length(path: str | Path, rows: int, frames: int, what: str) -> None:
    if rows != frames:
        compared = "longer" if rows > frames else "shorter"
        raise ValueError(
            f"{path}: {rows} {what} for {frames} tracked frames, {abs(rows - frames)} {compared} "
            "than the track; one row per frame, from the first to the last"
        )


def check_frames(path: str | Path, column: pd.Series) -> None:
    """Raise a ValueError unless the column counts up by one."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64)
    wrong = np.flatnonzero(~(numbers == numbers[:1] + np.arange(len(numbers))))
    if wrong.size:
        raise ValueError(
            f"{path}: row {wrong[0]} of the column {column.name} is {column.iloc[wrong[0]]}; "
            "frames must be consecutive"
        )
