"""Numbers, names and lists as they stand in sentences."""

import math
from collections.abc import Iterable

import pandas as pd

NAMED = 5
"""Number of names listed in a sentence; the others are counted."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """Join a number and its noun.

    >>> counted(1, "animal"), counted(2, "animal")
    ('1 animal', '2 animals')
    """
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Iterable[object], most: int | None = None) -> str:
    """Join names as in a sentence; with more than `most`, give the number of the others.

    >>> listed("abc"), listed("abcd", 2)
    ('a, b and c', 'a, b and 2 more')
    """
    shown = [str(name) for name in names]
    if most and len(shown) > most:
        return f"{', '.join(shown[:most])} and {len(shown) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def signed(number: float) -> str:
    return f"{number:+.1f}".replace("-", "−") if math.isfinite(number) else "unknown"


def names_of(usage: pd.DataFrame) -> dict[int, str]:
    """Return each motif's number, with its name if it has one."""
    named = usage[["motif", "name"]].drop_duplicates().itertuples(index=False, name=None)
    return {int(motif): f"{motif} “{name}”" if name else str(motif) for motif, name in named}
