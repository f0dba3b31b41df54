"""Tables written by people and other programs, recognised by the names of their columns.

Snakemake's own environment reads intervals with this, so it needs no library.
"""

import csv
from collections.abc import Mapping, Set
from pathlib import Path
from typing import NamedTuple

from formats.text import open_text

PREAMBLE = 60
"""Number of lines that must contain the header; BORIS 7 writes observation details before it."""


class TextTable(NamedTuple):
    """A table whose cells are text without spaces around it, and as many as columns in each row."""

    kind: str
    columns: list[str]
    rows: list[list[str]]
    lines: list[int]
    """Line number of each row in the file, from 1."""


def find_table(path: str | Path, kinds: Mapping[str, Set[str]]) -> TextTable | None:
    """Read the table whose header has the columns of a kind; the first kind that fits counts.

    Columns are separated by tabs, commas or semicolons; capitals in their names do not count, and
    neither do empty rows. None for a file without such a header.

    Parameters
    ----------
    kinds
        Names of columns, in small letters, by the name of a kind.
    """
    with open_text(path) as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines[:PREAMBLE]):
        delimiter = max("\t,;", key=line.count)
        header = next(csv.reader([line], delimiter=delimiter), [])
        columns = [name.strip().lower() for name in header]
        kind = next((kind for kind, own in kinds.items() if own <= set(columns)), None)
        if kind is None:
            continue
        reader = csv.reader(lines[number + 1 :], delimiter=delimiter)
        rows, places = [], []
        for row in reader:
            if any(row):
                rows.append([cell.strip() for cell in [*row, *[""] * len(columns)][: len(columns)]])
                places.append(number + 1 + reader.line_num)
        return TextTable(kind, columns, rows, places)
    return None


def number_of(cell: str) -> float | None:
    """Read a number with a decimal point or comma; None if the cell is not a number.

    >>> number_of("2,5"), number_of("soon"), number_of("nan")
    (2.5, None, None)
    """
    try:
        number = float(cell.replace(",", "."))
    except ValueError:
        return None
    return number if abs(number) < float("inf") else None
