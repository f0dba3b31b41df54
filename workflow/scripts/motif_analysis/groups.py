"""Motif usage compared between groups of animals: the unit is the animal, not the frame."""

from itertools import combinations

import numpy as np
import pandas as pd
from formats.statistics import CONFIDENCE, FEWEST_ANIMALS
from scipy import stats

REPLICATES = 2_000
COLUMNS = [
    *("motif", "group_a", "group_b", "animals_a", "animals_b", "share_a", "share_b", "difference"),
    *("hedges_g", "hedges_g_low", "hedges_g_high", "p_value", "q_value", "note"),
]


def shares_of_animals(usage: pd.DataFrame) -> pd.DataFrame:
    """(animal, motif) shares, indexed by group and animal; sessions of an animal are averaged.

    Sessions without a group, and sessions in which no frame has a motif, are left out.
    """
    seen = usage.groupby("session")["frames"].transform("sum") > 0
    own = usage[seen & (usage["group"] != "")]
    return own.pivot_table(index=["group", "animal"], columns="motif", values="share")


def compare_groups(
    usage: pd.DataFrame, permutations: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Compare every two groups by every motif: difference of mean shares, effect size, p and q.

    p is of a two-sided permutation test of the difference of means, exact where there are at most
    `permutations` ways to assign the animals to groups. q controls the false discovery rate over
    all rows of the table (Benjamini & Hochberg 1995). Intervals of Hedges' g are percentiles of a
    bootstrap over the animals of each group. `note` says why a difference cannot be judged, and is
    empty where it can. A motif that no animal uses has no p-value.

    Parameters
    ----------
    usage
        Columns session, animal, group, motif, frames, share.
    """
    shares = shares_of_animals(usage)
    tables = []
    for first, second in combinations(sorted(shares.index.unique("group")), 2):
        a, b = (shares.loc[group].to_numpy().T for group in (first, second))  # (motif, animal)
        low, high = effect_interval(a, b, rng)
        tables.append(
            pd.DataFrame(
                {
                    "motif": shares.columns,
                    "group_a": first,
                    "group_b": second,
                    "animals_a": a.shape[1],
                    "animals_b": b.shape[1],
                    "share_a": a.mean(axis=1),
                    "share_b": b.mean(axis=1),
                    "difference": b.mean(axis=1) - a.mean(axis=1),
                    "hedges_g": hedges_g(a, b),
                    "hedges_g_low": low,
                    "hedges_g_high": high,
                    "p_value": p_values(a, b, permutations, rng),
                    "note": note_of(a.shape[1], b.shape[1]),
                }
            )
        )
    if not tables:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.concat(tables, ignore_index=True)
    table["q_value"] = np.nan
    tested = table["p_value"].notna()
    table.loc[tested, "q_value"] = stats.false_discovery_control(table.loc[tested, "p_value"])
    return table[COLUMNS]


def note_of(animals_a: int, animals_b: int) -> str | None:
    """Say why a comparison of so many animals cannot be judged; None where it can.

    >>> note_of(2, 5)
    'too few animals (2 and 5; at least 4 per group are needed)'
    """
    if min(animals_a, animals_b) >= FEWEST_ANIMALS:
        return None
    needed = f"at least {FEWEST_ANIMALS} per group are needed"
    return f"too few animals ({animals_a} and {animals_b}; {needed})"


def hedges_g(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(b - a) in pooled standard deviations, with Hedges' correction for few animals.

    Animals are along the last axis; NaN where nothing varies.
    """
    n, m = a.shape[-1], b.shape[-1]
    apart = b.mean(axis=-1) - a.mean(axis=-1)
    if n + m < 3:
        return np.full_like(apart, np.nan)
    squares = n * a.var(axis=-1) + m * b.var(axis=-1)
    pooled = np.sqrt(squares / (n + m - 2))
    varies = pooled > 1e-12
    correction = 1 - 3 / (4 * (n + m) - 9)
    return np.where(varies, correction * apart / np.where(varies, pooled, 1), np.nan)


def effect_interval(
    a: np.ndarray, b: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Bootstrap interval of Hedges' g of each motif; NaN with fewer than `FEWEST_ANIMALS`.

    As `scipy.stats.bootstrap` has it, but for motifs that do not vary in some replicates: scipy
    gives them no interval and a warning, here such replicates do not count if they are few.
    """
    none = np.full(len(a), np.nan)
    if note_of(a.shape[1], b.shape[1]):
        return none, none
    drawn = [x[:, rng.integers(x.shape[1], size=(REPLICATES, x.shape[1]))] for x in (a, b)]
    replicates = hedges_g(*drawn)
    few = np.isnan(replicates).mean(axis=1) > 0.05
    replicates = np.where(few[:, None], 0, replicates)
    low, high = np.nanquantile(replicates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=1)
    return np.where(few, np.nan, low), np.where(few, np.nan, high)


def p_values(
    a: np.ndarray, b: np.ndarray, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """NaN where no animal uses the motif, or where there is one animal in a group."""
    p = np.full(len(a), np.nan)
    used = (a.max(axis=1) > 0) | (b.max(axis=1) > 0)
    if used.any() and min(a.shape[1], b.shape[1]) > 1:
        test = stats.permutation_test(
            (a[used], b[used]),
            lambda x, y, axis: y.mean(axis=axis) - x.mean(axis=axis),
            vectorized=True,
            axis=1,
            n_resamples=permutations,
            rng=rng,
        )
        p[used] = test.pvalue
    return p
