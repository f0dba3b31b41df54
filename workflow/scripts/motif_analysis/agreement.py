"""Agreement of motifs between trainings with different seeds."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from formats.statistics import CONFIDENCE, FEWEST_SESSIONS
from scipy.optimize import linear_sum_assignment

REPLICATES = 1_000
BLOCKS = 60  # of all sessions together, if there are too few sessions to resample
SHORTEST_BLOCK = 100  # frames: far longer than a bout
COLUMNS = [
    *("segmentation", "seed_a", "seed_b"),
    *("adjusted_rand", "adjusted_rand_low", "adjusted_rand_high"),
    *("nmi", "nmi_low", "nmi_high", "matched_share"),
]

# scikit-learn computes both measures for one table at a time; a bootstrap has a thousand tables.


def adjusted_rand(tables: np.ndarray) -> np.ndarray:
    """Compute the adjusted Rand index (Hubert & Arabie 1985) of (..., motif, motif) frame counts.

    1 if both are the same except for names, 0 on average by chance.
    """

    def pairs(counts):
        return counts * (counts - 1) / 2

    both = pairs(tables).sum(axis=(-2, -1))
    one, other = (pairs(tables.sum(axis=axis)).sum(axis=-1) for axis in (-1, -2))
    expected = one * other / np.maximum(pairs(tables.sum(axis=(-2, -1))), 1)
    largest = (one + other) / 2
    differ = largest != expected
    return np.where(differ, (both - expected) / np.where(differ, largest - expected, 1), 1.0)


def mutual_information(tables: np.ndarray) -> np.ndarray:
    """Compute the mutual information of (..., motif, motif) counts, normalised by mean entropy."""

    def entropy(share):
        return -(share * np.log(np.where(share > 0, share, 1))).sum(axis=-1)

    share = tables / np.maximum(tables.sum(axis=(-2, -1), keepdims=True), 1)
    one, other = entropy(share.sum(axis=-1)), entropy(share.sum(axis=-2))
    both = entropy(share.reshape(*share.shape[:-2], -1))
    mean = (one + other) / 2
    return np.where(mean > 0, (one + other - both) / np.where(mean > 0, mean, 1), 1.0)


def matched_share(table: np.ndarray) -> float:
    """Compute the share of frames with the same motif in both, after one-to-one matching of motifs.

    The best matching is found by the Hungarian method (Kuhn 1955).
    """
    matched = table[linear_sum_assignment(table, maximize=True)].sum()
    return float(matched / max(table.sum(), 1))


def count_blocks(
    one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], n_motifs: int
) -> np.ndarray:
    """Count (block, motif, motif) frames by their motif in `one` and in `other`.

    A block is a session, or a part of one if there are fewer than `FEWEST_SESSIONS`.

    Parameters
    ----------
    one, other
        (frame,) motifs of each session; frames without a motif in either do not count.
    """
    total = sum(map(len, one.values()))
    size = max(SHORTEST_BLOCK, -(-total // BLOCKS))
    whole = len(one) >= FEWEST_SESSIONS
    blocks = []
    for session, motifs in one.items():
        both = (motifs >= 0) & (other[session] >= 0)
        pair = motifs.astype(np.int64) * n_motifs + other[session]
        for start in range(0, len(motifs), len(motifs) if whole else size):
            part = slice(start, None if whole else start + size)
            own = np.bincount(pair[part][both[part]], minlength=n_motifs**2)
            blocks.append(own.reshape(n_motifs, n_motifs))
    return np.array([block for block in blocks if block.sum()] or [np.zeros((n_motifs, n_motifs))])


def agreement_row(blocks: np.ndarray, rng: np.random.Generator) -> dict[str, float]:
    """Measure the agreement over all blocks, with percentiles of a bootstrap over them.

    Blocks are sampled as multinomial weights, so that a replicate is one product;
    `scipy.stats.bootstrap` draws indices, which gives other numbers and takes far more memory.
    """
    n = len(blocks)
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=REPLICATES)
    replicates = np.tensordot(drawn, blocks, axes=1)
    whole = blocks.sum(axis=0)
    row = {}
    for name, measure in (("adjusted_rand", adjusted_rand), ("nmi", mutual_information)):
        levels = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
        low, high = np.quantile(measure(replicates), levels) if n > 1 else (np.nan, np.nan)
        row |= {name: float(measure(whole)), f"{name}_low": low, f"{name}_high": high}
    return row | {"matched_share": matched_share(whole)}


def compare_seeds(
    motifs: Iterator[np.ndarray],
    segmentations: Sequence[str],
    seeds: Sequence[int],
    sessions: Sequence[str],
) -> pd.DataFrame:
    """Compare every two seeds of each segmentation, a row each; no row if there is one seed.

    Parameters
    ----------
    motifs
        (frame,) motifs by segmentation, seed and session, the session varying fastest; those of one
        segmentation are in memory at once.
    """
    rows = []
    for segmentation in segmentations:
        own = {seed: {session: next(motifs) for session in sessions} for seed in seeds}
        # If the number of motifs is chosen, each seed has its own.
        n_motifs = 1 + max(int(m.max(initial=0)) for by in own.values() for m in by.values())
        rng = np.random.default_rng(0)
        for first, second in combinations(seeds, 2):
            row = {"segmentation": segmentation, "seed_a": first, "seed_b": second}
            rows.append(row | agreement_row(count_blocks(own[first], own[second], n_motifs), rng))
    return pd.DataFrame(rows, columns=COLUMNS)
