"""Result tables as csv, whose text columns stay text, and the names of communities."""

from itertools import takewhile
from pathlib import Path

import pandas as pd

TEXT = (
    *("session", "animal", "group", "group_a", "group_b", "model", "other", "better"),
    *("worst", "leave_out_because", "notes", "name"),
)
"""Columns of names and sentences, which may look like numbers or be empty."""


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a csv of this workflow; columns of `TEXT` are text, '' in empty cells.

    Lines that begin with # are comments above the header and nowhere else: a group may be called
    #1.
    """
    with open(path, encoding="utf-8") as file:
        comments = sum(1 for _ in takewhile(lambda line: line.startswith("#"), file))
    table = pd.read_csv(
        path,
        skiprows=comments,
        dtype=dict.fromkeys(TEXT, str),
        keep_default_na=False,
        na_values=[""],
    )
    return table.fillna({name: "" for name in TEXT if name in table})


def write_table(table: pd.DataFrame, path: str | Path, index: bool = False) -> None:
    """Write a csv with six significant digits."""
    table.to_csv(path, index=index, float_format="%.6g")


def community_name(number: int) -> str:
    """Return the name of a community: A to Z, then A1, A2, …

    >>> community_name(0), community_name(26)
    ('A', 'A1')
    """
    return chr(ord("A") + number) if number < 26 else f"A{number - 25}"
