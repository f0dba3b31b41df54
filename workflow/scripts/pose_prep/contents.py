"""What readers of several formats share: headers, sizes and frame numbers of pose files."""

import csv
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

TEXT_TO_READ = 1 << 20
"""Characters of a text file in which its header has to lie."""

MOST_COLUMNS = 20_000
DENSE_BYTES = 128 << 20
DENSE_RATIO = 200


def text_of(value: bytes | str) -> str:
    """A string of an HDF5 file, which h5py returns as bytes or str."""
    return value.decode() if isinstance(value, bytes) else str(value)


def header_rows(path: str | Path, count: int) -> list[list[str]]:
    """The first rows of a text file without its byte-order mark; ValueError if it is not text."""
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read(TEXT_TO_READ)
    if not text.strip() or "\0" in text:
        raise ValueError("holds no text" if text.strip() else "is empty")
    return [row for row, _ in zip(csv.reader(text.splitlines()), range(count), strict=False)]


def check_dense_size(values: int, path: str | Path, what: str) -> None:
    """Refuse a file that declares far more values than it can hold: they would fill the memory.

    Compressed gaps make a pose file a few dozen times smaller than its arrays, not thousands.
    """
    stored = Path(path).stat().st_size
    if values * 8 > max(DENSE_BYTES, DENSE_RATIO * stored):
        raise ValueError(
            f"{what} would be {values} values from a file of {stored} bytes: it is damaged, or "
            "frames are numbered wrongly"
        )


def check_hdf5_size(path: str | Path) -> None:
    """Refuse an HDF5 file whose datasets together are too large; see `check_dense_size`."""
    counts = []

    def count(name, item):
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            wide = max(1, item.dtype.itemsize // 8)
            counts.append(int(np.prod(item.shape, dtype=object)) * wide)

    with h5py.File(path) as file:
        file.visititems(count)
    check_dense_size(sum(counts), path, "its arrays")


def check_csv_size(path: str | Path, columns: int) -> None:
    """Refuse a csv that is too wide, or too large as a table; see `check_dense_size`."""
    if columns > MOST_COLUMNS:
        raise ValueError(f"the header has {columns} columns")
    lines = 0
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n") + chunk.count(b"\r")
    check_dense_size(lines * columns, path, "its table")


def check_frame_numbers(index: pd.Series) -> None:
    """Refuse a file that leaves frames out; it may start anywhere ("0", "42150", "frame0001")."""
    numbers = index.astype(str).str.extract(r"(\d{1,15})(?:\.\w+)?$")[0].astype(float)
    if numbers.isna().all():
        return
    row = int(numbers.first_valid_index())
    expected = numbers[row] + np.arange(len(numbers)) - row
    wrong = np.flatnonzero(numbers.notna() & (numbers != expected))
    if wrong.size:
        raise ValueError(
            f"row {wrong[0]} of the data is frame {index[wrong[0]]}, expected "
            f"{expected[wrong[0]]:.0f}: one row per frame, a lost frame as an empty row"
        )


def check_unique(names: Iterable[object], what: str) -> None:
    """Refuse names of which two are the same, and name these."""
    twice = [str(name) for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"two of its {what} have the same name, {', '.join(twice)}: give them different names "
            "in the program that wrote the file"
        )
