"""Whether trainings with other seeds find the same motifs."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

REPLICATES = 1_000
CONFIDENCE = 0.95
FEWEST_SESSIONS = 6
"""From so many on, sessions are drawn for the intervals; of fewer, blocks of frames."""
BLOCKS = 60  # of all sessions together
SHORTEST_BLOCK = 100  # frames: far longer than a bout
COLUMNS = [
    *("segmentation", "seed_a", "seed_b"),
    *("adjusted_rand", "adjusted_rand_low", "adjusted_rand_high"),
    *("nmi", "nmi_low", "nmi_high", "matched_share"),
]


def adjusted_rand(tables: np.ndarray) -> np.ndarray:
    """The adjusted Rand index (Hubert & Arabie 1985) of (..., motif, motif) counts of frames.

    1 where both are the same but for names, 0 on average by chance.
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
    """Normalised mutual information of (..., motif, motif) counts, by the mean entropy."""
    share = tables / np.maximum(tables.sum(axis=(-2, -1), keepdims=True), 1)
    one, other, both = (
        _entropy(share.sum(axis=-1)),
        _entropy(share.sum(axis=-2)),
        _entropy(share.reshape(*share.shape[:-2], -1)),
    )
    mean = (one + other) / 2
    return np.where(mean > 0, (one + other - both) / np.where(mean > 0, mean, 1), 1.0)


def _entropy(share):
    return -(share * np.log(np.where(share > 0, share, 1))).sum(axis=-1)


def matched_share(table: np.ndarray) -> float:
    """Share of frames in which both have the same motif, once motifs are matched one to one.

    The best matching there is (Kuhn 1955, the Hungarian method).
    """
    matched = table[linear_sum_assignment(table, maximize=True)].sum()
    return float(matched / max(table.sum(), 1))


def count_blocks(
    one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], n_motifs: int
) -> np.ndarray:
    """(block, motif, motif) frames that have one motif here and another one there.

    A block is a session, or a part of one where there are fewer than `FEWEST_SESSIONS`.

    Parameters
    ----------
    one, other
        (frame,) motifs of each session; frames that have none in either do not count.
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
    """Agreement over all blocks, with percentiles of a bootstrap over them."""
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
    segmentation: str,
    motifs: Mapping[int, Mapping[str, np.ndarray]],
    n_motifs: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """A row for every two seeds of one segmentation; none where there is one seed.

    Parameters
    ----------
    motifs
        By seed and session, (frame,) motifs.
    """
    rows = []
    for first, second in combinations(motifs, 2):
        blocks = count_blocks(motifs[first], motifs[second], n_motifs)
        row = {"segmentation": segmentation, "seed_a": first, "seed_b": second}
        rows.append(row | agreement_row(blocks, rng))
    return pd.DataFrame(rows, columns=COLUMNS)


def join_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The tables of all segmentations, one below the other."""
    own = [table for table in tables if len(table)]
    return pd.concat(own, ignore_index=True) if own else pd.DataFrame(columns=COLUMNS)
