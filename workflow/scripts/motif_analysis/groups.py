"""Motif usage compared between groups of animals: the unit is the animal, not the frame."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from motif_analysis.permutation import Design, compare, q_values

COLUMNS = [
    *("motif", "group_a", "group_b", "animals_a", "animals_b", "share_a", "share_b", "difference"),
    *("hedges_g", "hedges_g_low", "hedges_g_high", "p_value", "q_value", "note"),
    *("design", "left_out"),
]


def shares_of_animals(usage: pd.DataFrame) -> pd.DataFrame:
    """(animal, motif) shares, indexed by group and animal; sessions of an animal are averaged.

    Sessions without a group, and sessions in which no frame has a motif, are left out.
    """
    seen = usage.groupby("session")["frames"].transform("sum") > 0
    own = usage[seen & (usage["group"] != "")]
    return own.pivot_table(index=["group", "animal"], columns="motif", values="share")


def compare_groups(
    usage: pd.DataFrame,
    permutations: int,
    rng: np.random.Generator,
    factors: Mapping[str, Mapping[str, str]] | None = None,
) -> pd.DataFrame:
    """Compare every two groups by every motif: difference of mean shares, effect size, p and q.

    p is of a two-sided permutation test of the difference of means, exact where there are at most
    `permutations` ways to assign the animals to groups. q controls the false discovery rate over
    all rows of the table (Benjamini & Hochberg 1995). Intervals of Hedges' g are percentiles of a
    bootstrap over the animals of each group. `note` says why a difference cannot be judged, and is
    empty where it can. A motif that no animal uses has no p-value. `design` is paired where groups
    are compared within animals that are in both, and `left_out` lists the animals of these groups
    that do not enter (`design_of`).

    Parameters
    ----------
    usage
        Columns session, animal, group, motif, frames, share.
    factors
        Of each animal, the values of factors by their names: animals are exchanged between groups
        only where all of these are equal.
    """
    shares = shares_of_animals(usage)
    tables = []
    for first, second in combinations(sorted(shares.index.unique("group")), 2):
        design = design_of(shares.loc[first], shares.loc[second], factors or {})
        table = compare(design, permutations, rng)
        tables.append(table.assign(motif=shares.columns.to_numpy(), group_a=first, group_b=second))
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    return table.assign(q_value=q_values(table["p_value"]))[COLUMNS]


def design_of(a: pd.DataFrame, b: pd.DataFrame, factors: Mapping[str, Mapping[str, str]]) -> Design:
    """Choose how two groups are compared.

    Within the animals that are in both, if there are any; where these are too few, and those that
    are in one group only are enough, between these.

    Parameters
    ----------
    a, b
        (animal, motif) shares of each group, indexed by animal.
    """
    both, only_a, only_b = (
        a.index.intersection(b.index),
        a.index.difference(b.index),
        b.index.difference(a.index),
    )
    designs = []
    if len(both):
        others = [*only_a, *only_b]
        designs.append(
            Design(a.loc[both].to_numpy().T, b.loc[both].to_numpy().T, True, left_out=others)
        )
    if len(only_a) and len(only_b):
        designs.append(_independent(a.loc[only_a], b.loc[only_b], factors, list(both)))
    return next((design for design in designs if design.note is None), designs[0])


def _independent(
    a: pd.DataFrame,
    b: pd.DataFrame,
    factors: Mapping[str, Mapping[str, str]],
    left_out: Sequence[str],
) -> Design:
    """Two groups without a common animal, in blocks; those without a counterpart are left out."""
    if not any(factors.values()):
        return Design(a.to_numpy().T, b.to_numpy().T, left_out=left_out)
    blocks_a, blocks_b = (
        np.array([repr(tuple(factors[animal].values())) for animal in own.index]) for own in (a, b)
    )
    known_a, known_b = np.isin(blocks_a, blocks_b), np.isin(blocks_b, blocks_a)
    if not known_a.any():  # no block has both groups: the note says so
        known_a[:], known_b[:] = True, True
    return Design(
        a[known_a].to_numpy().T,
        b[known_b].to_numpy().T,
        blocks_a=blocks_a[known_a],
        blocks_b=blocks_b[known_b],
        left_out=[*left_out, *a.index[~known_a], *b.index[~known_b]],
        factors=list(next(iter(factors.values()))),
    )
