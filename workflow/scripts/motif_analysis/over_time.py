"""Motif usage within recordings: by condition and by time bin, compared within the animal."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from formats.intervals import Interval, lies_outside

from motif_analysis.permutation import Design, compare, q_values

CONDITION, BIN = "condition", "time bin"
"""Kinds of parts that recordings are divided into."""
USAGE = [
    *("session", "animal", "group", "by", "part", "start_seconds", "seconds", "motif", "frames"),
    "share",
]
COMPARISONS = [
    *("by", "part_a", "part_b", "motif", "animals", "share_a", "share_b", "difference"),
    *("hedges_g", "hedges_g_low", "hedges_g_high", "p_value", "q_value", "note", "left_out"),
]
WHOLE = 0.5
"""Of a time bin, the share that has to be recorded for it to count: the last one may be cut."""


class UsageOverTime:
    """Count motifs by condition and by time bin, recording by recording.

    Parameters
    ----------
    numbers
        Of the motifs that there are, in rising order.
    intervals
        With a condition each, of all sessions.
    time_bins
        Seconds, or None for no time bins.
    """

    def __init__(
        self,
        numbers: np.ndarray,
        intervals: Sequence[Interval] = (),
        time_bins: float | None = None,
    ) -> None:
        self._numbers, self._intervals, self._time_bins = numbers, intervals, time_bins
        self._tables: list[pd.DataFrame] = []

    def add(self, row: Mapping[str, Any], motifs: np.ndarray, fps: float, recorded: float) -> None:
        """Count the motifs of a recording.

        Parameters
        ----------
        row
            Session, animal and group.
        motifs
            (frame,) numbers, -1 where there is none.
        fps, recorded
            Frames per second of these, and as recorded: frames of intervals are counted at that.

        Raises
        ------
        ValueError
            If an interval is not inside of the recording.
        """
        own = [each for each in self._intervals if each.session == row["session"]]
        for each in own:
            if wrong := lies_outside(each, recorded, len(motifs) / fps):
                raise ValueError(f"{each.path}: {wrong}")
        for by, part, start, spans in (
            *self._conditions(own, len(motifs), fps, recorded),
            *self._bins(len(motifs), fps),
        ):
            inside = np.concatenate([motifs[first:stop] for first, stop in spans])
            counts = np.bincount(inside[inside >= 0], minlength=self._numbers[-1] + 1)
            frames = counts[self._numbers]
            known = frames.sum()
            table = pd.DataFrame(
                {
                    **{name: row[name] for name in ("session", "animal", "group")},
                    **{"by": by, "part": part, "start_seconds": start},
                    "seconds": len(inside) / fps,
                    "motif": self._numbers,
                    "frames": frames,
                    "share": frames / known if known else np.nan,
                }
            )
            self._tables.append(table[USAGE])

    def _conditions(self, own, frames, fps, recorded):
        """Return (by, condition, start, frames of its intervals) of each condition."""
        spans: dict[str, list[tuple[int, int]]] = {}
        for each in own:
            first, stop = (round(time * fps) for time in each.in_seconds(recorded))
            spans.setdefault(each.condition, []).append((first, min(stop, frames)))
        return [(CONDITION, name, np.nan, parts) for name, parts in spans.items()]

    def _bins(self, frames, fps):
        """Return (by, name, start, frames) of each time bin that is long enough."""
        if not self._time_bins:
            return []
        length = self._time_bins
        edges = [round(n * length * fps) for n in range(int(frames / fps / length) + 2)]
        return [
            (BIN, name_of_bin(n, length), n * length, [(edges[n], min(edges[n + 1], frames))])
            for n in range(len(edges) - 1)
            if min(edges[n + 1], frames) - edges[n] >= max(1, WHOLE * (edges[n + 1] - edges[n]))
        ]

    def tables(self, permutations: int, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
        """Return usage by session, part and motif, and the comparisons within animals."""
        usage = pd.DataFrame(columns=USAGE)
        if self._tables:
            usage = pd.concat(self._tables, ignore_index=True)
        order = list(dict.fromkeys(each.condition for each in self._intervals))
        return {
            "usage_over_time": usage,
            "comparisons_over_time": compare_parts(usage, order, permutations, rng),
        }


def name_of_bin(number: int, seconds: float) -> str:
    """Name a time bin in minutes if these are whole numbers, else in seconds.

    >>> name_of_bin(1, 300.0), name_of_bin(0, 2.5)
    ('5-10 min', '0-2.5 s')
    """
    unit, name = (60, "min") if seconds % 60 == 0 else (1, "s")
    return f"{number * seconds / unit:g}-{(number + 1) * seconds / unit:g} {name}"


def compare_parts(
    usage: pd.DataFrame, conditions: Iterable[str], permutations: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Compare every two conditions, and each time bin with the first, within animals.

    A row is a motif in two parts of recordings. Shares of an animal are means over its sessions;
    animals that have one of the parts only are left out. p is of a two-sided sign-flip test, exact
    where there are at most `permutations` ways; q controls the false discovery rate over all
    comparisons of conditions, and over all of time bins. Other columns are those of
    `groups.compare_groups`.

    Parameters
    ----------
    usage
        Columns animal, by, part, start_seconds, motif and share (NaN where no frame has a motif).
    conditions
        In the order in which they are compared.
    """
    bins = usage[usage["by"] == BIN].sort_values("start_seconds", kind="stable")["part"].unique()
    pairs = [
        *((CONDITION, a, b) for a, b in combinations(conditions, 2)),
        *((BIN, bins[0], other) for other in bins[1:]),
    ]
    own = usage.dropna(subset="share")
    shares = own.pivot_table(index=["by", "part", "animal"], columns="motif", values="share")
    tables = []
    for by, first, second in pairs:
        a, b = (_shares_in(shares, by, part) for part in (first, second))
        both = a.index.intersection(b.index)
        others = a.index.symmetric_difference(b.index)
        design = Design(
            a.loc[both].to_numpy().T, b.loc[both].to_numpy().T, True, left_out=[*others]
        )
        table = compare(design, permutations, rng).rename(columns={"animals_a": "animals"})
        motifs = shares.columns.to_numpy()
        tables.append(table.assign(by=by, part_a=first, part_b=second, motif=motifs))
    if not tables:
        return pd.DataFrame(columns=COMPARISONS)
    table = pd.concat(tables, ignore_index=True)
    table["q_value"] = table.groupby("by", group_keys=False)["p_value"].transform(q_values)
    return table[COMPARISONS]


def _shares_in(shares: pd.DataFrame, by: str, part: str) -> pd.DataFrame:
    """Select the (animal, motif) shares in a part; empty if no animal has it."""
    own = (shares.index.get_level_values("by") == by) & (
        shares.index.get_level_values("part") == part
    )
    return shares[own].droplevel(["by", "part"])
