"""Functions that readers of several formats share: headers, sizes, frame numbers of pose files."""

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from formats.text import (
    FALLBACK,
    TEXT_TO_READ,
    encoding_of,
    is_nameless,
    open_text,
    open_unpacked,
)

from pose_prep.unknown import START, binary_kind

CONTROL = re.compile(r"[\0-\x08\x0e-\x19\x1b-\x1f\x7f]")
"""Characters that do not occur in text; any byte is a character of latin-1."""

MOST_COLUMNS = 20_000
DENSE_BYTES = 128 << 20
DENSE_RATIO = 200


def text_of(value: bytes | str) -> str:
    """Convert a string of an HDF5 file, which h5py returns as bytes or str."""
    return value.decode() if isinstance(value, bytes) else str(value)


def text_start(path: str | Path) -> str:
    """Read the start of a text file in any encoding; raise a ValueError if it is not text."""
    try:
        with open_unpacked(path) as file:
            start = file.read(START)
        if kind := binary_kind(start, path):
            raise ValueError(kind)
        encoding = encoding_of(path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(
            f"cannot be decompressed ({error}): copy it again, or compress it again"
        ) from error
    with open_text(path, encoding) as file:
        text = file.read(TEXT_TO_READ)
    if not text.strip():
        raise ValueError("is empty")
    if "\0" in text or (encoding == FALLBACK and CONTROL.search(text)):
        raise ValueError("contains no text")
    return text


def header_rows(path: str | Path, count: int) -> list[list[str]]:
    """Read the first rows of a text file; see `text_start`."""
    return [row for row, _ in zip(rows_of(text_start(path)), range(count), strict=False)]


def rows_of(text: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""))


def without_empty_end(rows: list[list[str]]) -> list[list[str]]:
    """Return header rows of one length, without the last cells that are empty in all rows.

    Rows of other lengths raise a ValueError.
    """
    named = [len(row) - sum(1 for _ in takewhile(is_nameless, reversed(row))) for row in rows]
    width = max(named, default=0)
    lengths = sorted({min(len(row), width) for row in rows})
    if len(lengths) > 1:
        raise ValueError(f"the rows of the header have {lengths} columns")
    return [row[:width] for row in rows]


def encoding_note(path: str | Path) -> str:
    """Return a note about a text file whose encoding has to be guessed, else ''."""
    if encoding_of(path) != FALLBACK:
        return ""
    return f"{Path(path).name} is not in UTF-8 and was read as {FALLBACK}; check its names"


def check_dense_size(values: int, path: str | Path, what: str) -> None:
    """Raise an error for a file that declares far more values than its size allows.

    Such a file would fill the memory. Compressed gaps make a pose file a few dozen times smaller
    than its arrays, not thousands.
    """
    stored = Path(path).stat().st_size
    if values * 8 > max(DENSE_BYTES, DENSE_RATIO * stored):
        raise ValueError(
            f"{what} would be {values} values from a file of {stored} bytes: it is damaged, or "
            "its frame numbers are wrong"
        )


def check_hdf5_size(path: str | Path) -> None:
    """Check the total size of an HDF5 file's datasets; see `check_dense_size`."""
    counts = []

    def count(name, item):
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            wide = max(1, item.dtype.itemsize // 8)
            counts.append(int(np.prod(item.shape, dtype=object)) * wide)

    with h5py.File(path) as file:
        file.visititems(count)
    check_dense_size(sum(counts), path, "its arrays")


def check_csv_size(path: str | Path, columns: int) -> None:
    """Check the width of a csv and its size as a table; see `check_dense_size`.

    The decompressed size counts.
    """
    if columns > MOST_COLUMNS:
        raise ValueError(f"the header has {columns} columns")
    lines = size = 0
    with open_unpacked(path) as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n") + chunk.count(b"\r")
            size += len(chunk)
            check_dense_size(max(lines * columns, size // 8), path, "its table")


def check_rows(path: str | Path, header: int, width: int, named: int | None = None) -> None:
    """Raise an error if rows of a csv have more cells than its header: columns may be shifted.

    Parameters
    ----------
    header
        Rows before the data.
    width
        Cells of the header. Additional empty cells are allowed.
    named
        Cell that rows have to reach; `width` if None.
    """
    named = width if named is None else named
    longest = 0
    with open_text(path) as file:
        rows = csv.reader(file)
        for number, row in enumerate(rows):
            if number < header or len(row) <= longest or not any(map(str.strip, row)):
                continue
            if any(map(str.strip, row[width:])):
                raise ValueError(
                    f"row {rows.line_num} of the file has {len(row)} cells, its header {width}: "
                    "cells without a name shift the others; write the table without row "
                    "names (in R: row.names = FALSE), or name their columns"
                )
            longest = min(len(row), width)
    if not longest:
        raise ValueError("has a header, but no rows with values")
    if longest < named:
        raise ValueError(
            f"its rows have at most {longest} cells, its header {named}: the columns are "
            "ambiguous; give each cell of the header its column of values, even if they are empty"
        )


def read_body(path: str | Path, header: int, width: int, **options: Any) -> pd.DataFrame:
    """Read the (row, cell) values below the header of a csv, without blank rows at the end.

    A blank line between two rows is a row. `options` are those of `pandas.read_csv`.
    """
    check_rows(path, header, width)
    with open_text(path) as file:
        for _ in zip(range(header), csv.reader(file), strict=False):
            pass
        body = pd.read_csv(
            file,
            header=None,
            names=range(width),
            usecols=range(width),
            index_col=False,
            skip_blank_lines=False,
            **options,
        )
    return body[: len(body) - body[::-1].isna().all(axis=1).cummin().sum()]


def check_frame_numbers(index: pd.Series, cure: str = "") -> None:
    """Raise an error if frames are missing; the first may be any ("0", "42150", "frame0001")."""
    names = index.astype(str)
    numbers = names.str.extract(r"(\d{1,15})(?:\.\w+)?$")[0].astype(float)
    if numbers.isna().all():
        return
    row = int(numbers.first_valid_index())
    expected = numbers[row] + np.arange(len(numbers)) - row
    wrong = np.flatnonzero(numbers.notna() & (numbers != expected))
    if not wrong.size:
        return
    values = pd.to_numeric(index, errors="coerce")
    if (values % 1 > 0).any() or names[wrong[0]].count(":") > 0:
        raise ValueError(
            f"its index column contains times ({names[row]}, …, {names[wrong[0]]}), not frame "
            "numbers: write 0, 1, 2, … there with an empty row for each lost frame, or nothing"
        )
    step = np.median(np.diff(values))
    rising = f" (numbers that increase by {step:g} may be times: write 0, 1, 2, …)"
    raise ValueError(
        f"row {wrong[0]} of the data is frame {index[wrong[0]]}, but frame "
        f"{expected[wrong[0]]:.0f} is expected: write one row per frame, empty for a lost frame"
        + (cure or (rising if step > 1 else ""))
    )


def check_unique(names: Iterable[object], what: str) -> None:
    """Raise an error if two names are the same, naming them."""
    twice = [str(name) for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(
            f"two of its {what} have the same name, {', '.join(twice)}: give them different names "
            "in the program that wrote the file"
        )
