"""Permutation tests over animals: of two groups, in blocks, or of pairs within the animal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations, product
from math import comb, prod

import numpy as np
import pandas as pd
from formats.statistics import CONFIDENCE, FEWEST_ANIMALS, FEWEST_PAIRS, FEWEST_WAYS
from scipy import stats

REPLICATES = 2_000
ROUNDING = 1e-12
"""Sums of shares that differ by no more than this are equal."""
PAIRED, INDEPENDENT = "paired", "independent"


@dataclass(frozen=True)
class Design:
    """The shares that enter the comparison of two sides.

    Attributes
    ----------
    a, b
        (motif, animal) shares of each side. In a paired design, both have the same animals in the
        same order.
    blocks_a, blocks_b
        (animal,) names of blocks: permutations stay within a block. Empty: all are one block.
    left_out
        Names of animals of these sides that do not enter.
    factors
        Names of the factors that blocks are of.
    """

    a: np.ndarray
    b: np.ndarray
    paired: bool = False
    blocks_a: np.ndarray = field(default_factory=lambda: np.empty(0, str))
    blocks_b: np.ndarray = field(default_factory=lambda: np.empty(0, str))
    left_out: Sequence[str] = ()
    factors: Sequence[str] = ()

    @cached_property
    def blocks(self) -> np.ndarray:
        """(animal of a or b,) number of its block; in a paired design each animal is one."""
        if self.paired:
            return np.tile(np.arange(self.a.shape[1]), 2)
        if not len(self.blocks_a):
            return np.zeros(self.a.shape[1] + self.b.shape[1], int)
        return np.unique(np.concatenate([self.blocks_a, self.blocks_b]), return_inverse=True)[1]

    @property
    def in_b(self) -> np.ndarray:
        return np.repeat([False, True], [self.a.shape[1], self.b.shape[1]])

    @property
    def note(self) -> str | None:
        """Return why this comparison is not possible; None if it is."""
        n, m = self.a.shape[1], self.b.shape[1]
        if self.paired:
            return note_of_pairs(n)
        if (few := note_of(n, m)) or not len(self.blocks_a):
            return few
        ways = count_ways(self.in_b, self.blocks)
        if ways >= FEWEST_WAYS:
            return None
        return (
            f"too few animals in blocks of equal {' and '.join(self.factors)} ({ways} "
            f"{'way' if ways == 1 else 'ways'} to assign them to the groups; at least "
            f"{FEWEST_WAYS} are needed)"
        )


def note_of(animals_a: int, animals_b: int) -> str | None:
    """Return why a comparison of so many animals is not possible; None if it is.

    >>> note_of(2, 5)
    'too few animals (2 and 5; at least 4 per group are needed)'
    """
    if min(animals_a, animals_b) >= FEWEST_ANIMALS:
        return None
    needed = f"at least {FEWEST_ANIMALS} per group are needed"
    return f"too few animals ({animals_a} and {animals_b}; {needed})"


def note_of_pairs(animals: int) -> str | None:
    """Return the same for a comparison within animals.

    >>> note_of_pairs(5)
    'too few animals in both (5; at least 6 are needed)'
    """
    if animals >= FEWEST_PAIRS:
        return None
    return f"too few animals in both ({animals}; at least {FEWEST_PAIRS} are needed)"


def compare(design: Design, permutations: int, rng: np.random.Generator) -> pd.DataFrame:
    """Compare two sides by every motif: shares, difference, effect size with interval, p, note."""
    low, high = effect_interval(design, rng)
    apart = difference(design.a, design.b, design)
    return pd.DataFrame(
        {
            "animals_a": design.a.shape[1],
            "animals_b": design.b.shape[1],
            "share_a": _mean(design.a),
            "share_b": _mean(design.b),
            "difference": apart,
            "hedges_g": hedges_g(design.a, design.b, apart),
            "hedges_g_low": low,
            "hedges_g_high": high,
            "p_value": p_values(design, permutations, rng),
            "note": design.note,
            "design": PAIRED if design.paired else INDEPENDENT,
            "left_out": "; ".join(design.left_out),
        }
    )


def q_values(p: pd.Series) -> pd.Series:
    """Control the false discovery rate over all known p-values (Benjamini & Hochberg 1995)."""
    q = pd.Series(np.nan, index=p.index)
    tested = p.notna()
    q[tested] = stats.false_discovery_control(p[tested]) if tested.any() else np.nan
    return q


def difference(a: np.ndarray, b: np.ndarray, design: Design) -> np.ndarray:
    """Subtract the mean of a from the mean of b, within blocks if there are any.

    Blocks are weighted by n m / (n + m), with n and m animals of each side in a block: the estimate
    of a linear model of group and block. Animals are along the last axis.
    """
    if design.paired or not len(design.blocks_a):
        return _mean(b) - _mean(a)
    total, weights = np.zeros(a.shape[:-1]), 0.0
    for block in np.intersect1d(design.blocks_a, design.blocks_b):
        one, other = a[..., design.blocks_a == block], b[..., design.blocks_b == block]
        weight = one.shape[-1] * other.shape[-1] / (one.shape[-1] + other.shape[-1])
        total += weight * (other.mean(axis=-1) - one.mean(axis=-1))
        weights += weight
    return total / weights if weights else np.full_like(total, np.nan)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over animals, which are along the last axis; NaN of none."""
    return values.mean(axis=-1) if values.shape[-1] else np.full(values.shape[:-1], np.nan)


def hedges_g(a: np.ndarray, b: np.ndarray, apart: np.ndarray | None = None) -> np.ndarray:
    """Compute (b - a) in pooled standard deviations, with Hedges' correction for few animals.

    Animals are along the last axis; NaN where nothing varies. `apart` is the difference, where it
    is another than that of the means.
    """
    n, m = a.shape[-1], b.shape[-1]
    apart = _mean(b) - _mean(a) if apart is None else apart
    if n + m < 3:
        return np.full_like(apart, np.nan)
    squares = n * a.var(axis=-1) + m * b.var(axis=-1)
    pooled = np.sqrt(squares / (n + m - 2))
    varies = pooled > 1e-12
    correction = 1 - 3 / (4 * (n + m) - 9)
    return np.where(varies, correction * apart / np.where(varies, pooled, 1), np.nan)


def effect_interval(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Compute a bootstrap interval of Hedges' g of each motif; NaN if animals are too few.

    As `scipy.stats.bootstrap` has it, but for motifs that do not vary in some replicates: scipy
    gives them no interval and a warning, here such replicates do not count if they are few. Pairs
    are drawn as such, and within a block as many animals of each side as it has.
    """
    none = np.full(len(design.a), np.nan)
    if design.note:
        return none, none
    a, b = _resampled(design, rng)
    replicates = hedges_g(a, b, difference(a, b, design))
    few = np.isnan(replicates).mean(axis=1) > 0.05
    replicates = np.where(few[:, None], 0, replicates)
    low, high = np.nanquantile(replicates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=1)
    return np.where(few, np.nan, low), np.where(few, np.nan, high)


def _resampled(design: Design, rng: np.random.Generator) -> list[np.ndarray]:
    """(motif, replicate, animal) of each side, in the order of its animals' blocks."""
    if design.paired:
        animals = design.a.shape[1]
        drawn = rng.integers(animals, size=(REPLICATES, animals))
        return [design.a[:, drawn], design.b[:, drawn]]
    sides = []
    split = np.split(design.blocks, [design.a.shape[1]])
    for values, blocks in zip((design.a, design.b), split, strict=True):
        drawn = np.empty((REPLICATES, values.shape[1]), int)
        for block in np.unique(blocks):
            own = np.flatnonzero(blocks == block)
            drawn[:, own] = own[rng.integers(len(own), size=(REPLICATES, len(own)))]
        sides.append(values[:, drawn])
    return sides


def p_values(design: Design, permutations: int, rng: np.random.Generator) -> np.ndarray:
    """Compute the (motif,) two-sided p of the difference; NaN if no animal uses the motif.

    Exact where there are at most `permutations` ways, else of so many drawn ones, among which is
    the observed one. Animals are exchanged within blocks alone, which scipy's permutation_test does
    not do. There, the sum over b orders assignments as `difference` does. NaN as well where there
    is one animal on a side, or one way alone.
    """
    p = np.full(len(design.a), np.nan)
    values = np.hstack([design.a, design.b])
    used = values.max(axis=1, initial=0) > 0
    few = min(design.a.shape[1], design.b.shape[1]) < 2
    if few or not used.any() or count_ways(design.in_b, design.blocks) < 2:
        return p
    drawn = assignments(design.in_b, design.blocks, permutations, rng).astype(float)
    sums = values[used] @ drawn.T
    observed = values[used] @ design.in_b.astype(float)
    above = (sums >= observed[:, None] - ROUNDING).mean(axis=1)
    below = (sums <= observed[:, None] + ROUNDING).mean(axis=1)
    p[used] = np.minimum(1, 2 * np.minimum(above, below))
    return p


def count_ways(in_b: np.ndarray, blocks: np.ndarray) -> int:
    """Count the ways to assign animals to b within blocks.

    >>> count_ways(np.array([True, False, False, True]), np.array([0, 0, 1, 1]))
    4
    """
    return prod(
        comb(int((blocks == block).sum()), int(in_b[blocks == block].sum()))
        for block in np.unique(blocks)
    )


def assignments(
    in_b: np.ndarray, blocks: np.ndarray, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Return (way, animal) bool, true for b: all ways, or `most` drawn ones if there are more.

    Of those that are drawn, the first is the observed one.
    """
    members = [np.flatnonzero(blocks == block) for block in np.unique(blocks)]
    ways = count_ways(in_b, blocks)
    if ways > most:
        drawn = np.zeros((most, len(in_b)), bool)
        for own in members:
            ranks = rng.random((most, len(own))).argsort(axis=1)
            drawn[:, own] = ranks < in_b[own].sum()
        drawn[0] = in_b
        return drawn
    choices = [list(combinations(own.tolist(), int(in_b[own].sum()))) for own in members]
    chosen = [[place for part in each for place in part] for each in product(*choices)]
    drawn = np.zeros((ways, len(in_b)), bool)
    drawn[np.arange(ways)[:, None], np.array(chosen, dtype=int)] = True
    return drawn
