"""Result tables as csv, whose text columns stay text, and the names of communities."""

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

import pandas as pd

TEXT = (
    *("session", "animal", "group", "group_a", "group_b", "model", "other", "better"),
    *("worst", "leave_out_because", "notes", "name", "color", "likely", "second"),
    *("by", "part", "part_a", "part_b", "left_out"),
)
"""Columns of names and sentences, which may look like numbers or be empty."""


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a csv of this workflow; columns of `TEXT` are text, '' in empty cells.

    `NA` in another column, or in `name`, is missing as well; a session or group may be called NA.
    Lines that start with # are comments above the header only: a group may be called
    #1.
    """
    with open(path, encoding="utf-8") as file:
        comments = sum(1 for _ in takewhile(lambda line: line.startswith("#"), file))
    columns = pd.read_csv(path, skiprows=comments, nrows=0).columns
    missing = {name: [""] if name in TEXT and name != "name" else ["", "NA"] for name in columns}
    table = pd.read_csv(
        path,
        skiprows=comments,
        dtype=dict.fromkeys(TEXT, str),
        keep_default_na=False,
        na_values=missing,
    )
    return table.fillna({name: "" for name in TEXT if name in table})


def write_table(table: pd.DataFrame, path: str | Path, index: bool = False) -> None:
    """Write a csv with six significant digits."""
    table.to_csv(path, index=index, float_format="%.6g")


def write_tables(tables: Mapping[str, pd.DataFrame], outputs: Any) -> None:
    """Write each table to the output of its name, an attribute of `outputs`."""
    for name, table in tables.items():
        write_table(table, getattr(outputs, name))


def community_name(number: int) -> str:
    """Return the name of a community: A to Z, then A1, A2, …

    >>> community_name(0), community_name(26)
    ('A', 'A1')
    """
    return chr(ord("A") + number) if number < 26 else f"A{number - 25}"
