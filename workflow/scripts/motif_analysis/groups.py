"""Motif use of groups of animals: the animal is the unit, never the frame."""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE = 0.95
REPLICATES = 2_000
FEWEST_ANIMALS = 3
"""Of a group, for an interval of the effect size."""
COLUMNS = [
    *("motif", "group_a", "group_b", "animals_a", "animals_b", "share_a", "share_b", "difference"),
    *("hedges_g", "hedges_g_low", "hedges_g_high", "p_value", "q_value"),
]


def shares_of_animals(usage: pd.DataFrame) -> pd.DataFrame:
    """(animal, motif) shares, indexed by group and animal; sessions of an animal are averaged.

    Sessions without a group, or without a frame that has a motif, take no part.
    """
    seen = usage.groupby("session")["frames"].transform("sum") > 0
    own = usage[seen & (usage["group"] != "")]
    return own.pivot_table(index=["group", "animal"], columns="motif", values="share")


def compare_groups(
    usage: pd.DataFrame, permutations: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Every two groups and every motif: difference of mean shares, effect size, p and q.

    p is of a two-sided permutation test of the difference of means, exact where there are no more
    than `permutations` ways to share the animals out. q controls the false discovery rate over all
    rows of the table (Benjamini & Hochberg 1995). Intervals of Hedges' g are percentiles of a
    bootstrap over the animals of each group. A motif that no animal uses is compared with nothing.

    Parameters
    ----------
    usage
        Rows of session, animal, group, motif, frames, share.
    """
    shares = shares_of_animals(usage)
    tables = []
    groups = sorted(shares.index.unique("group"))
    for first, second in combinations(groups, 2):
        a, b = (shares.loc[group].to_numpy().T for group in (first, second))  # (motif, animal)
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
                    **_effects(a, b, rng),
                    "p_value": _p_values(a, b, permutations, rng),
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


def hedges_g(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(b - a) in pooled standard deviations, with Hedges' correction for few animals.

    Means and deviations are over the last axis; NaN where nothing varies.
    """
    n, m = a.shape[-1], b.shape[-1]
    if n + m < 3:
        return np.full(a.shape[:-1], np.nan)
    squares = (n - 1) * _variance(a) + (m - 1) * _variance(b)
    pooled = np.sqrt(squares / (n + m - 2))
    correction = 1 - 3 / (4 * (n + m) - 9)
    apart = b.mean(axis=-1) - a.mean(axis=-1)
    varies = pooled > 1e-12
    return np.where(varies, correction * apart / np.where(varies, pooled, 1), np.nan)


def _variance(values):
    return values.var(axis=-1, ddof=1) if values.shape[-1] > 1 else np.zeros(values.shape[:-1])


def _effects(a, b, rng):
    none = np.full(len(a), np.nan)
    low, high = none, none
    if min(a.shape[1], b.shape[1]) >= FEWEST_ANIMALS:
        drawn = [values[:, rng.integers(values.shape[1], size=(REPLICATES, values.shape[1]))]
                 for values in (a, b)]  # fmt: skip
        replicates = hedges_g(*drawn)
        few = np.isnan(replicates).mean(axis=1) > 0.05
        replicates = np.where(few[:, None], 0, replicates)
        low, high = np.nanquantile(replicates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=1)
        low, high = (np.where(few, np.nan, bound) for bound in (low, high))
    return {"hedges_g": hedges_g(a, b), "hedges_g_low": low, "hedges_g_high": high}


def _p_values(a, b, permutations, rng):
    """NaN where no animal uses the motif, or where there is one animal on either side only."""
    p = np.full(len(a), np.nan)
    used = (a.max(axis=1) > 0) | (b.max(axis=1) > 0)
    if used.any() and a.shape[1] + b.shape[1] > 2:
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
