"""Choice of the number of motifs by held-out data and by the agreement of refits.

A sample of pooled latents is cut into blocks. Half of the blocks is fitted and the other half held
out, and vice versa, in several splits. Surrogates are the same pooled latents with randomised
phases: equally smooth and correlated, but without clusters.

- The gap (Tibshirani, Walther & Hastie 2001) is how much better held-out data are explained than
  those of surrogates: the difference of the logarithms of unexplained variances (k-means), or of
  log-likelihoods above a single state (hidden Markov model).
- The excess is how much better both fits of a split agree (adjusted Rand index) than on surrogates.

The chosen number is the smallest whose gap is within one standard error of the largest gap, but not
above the largest number whose excess is within one standard error of the largest excess, or whose
refits agree by 0.8 (the threshold of Tibshirani & Walther 2005 for their prediction strength).
These are standard errors of the difference between both numbers. If no gap exceeds zero by three
standard errors, the data do not determine the number, and the smallest number is taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formats.statistics import CONFIDENCE
from scipy.spatial.distance import cdist
from scipy.stats import norm

from motif_analysis.agreement import REPLICATES, adjusted_rand
from motif_analysis.baselines import SHORTEST_STRETCH, randomise_phases
from motif_analysis.bouts import find_bouts
from motif_analysis.latents import draw_stretches, find_known
from motif_analysis.pooling import fit_pooling
from motif_analysis.segmentation import (
    Segmenter,
    change_cost,
    cheapest_path,
    fit_states,
    new_segmenter,
)

SPLITS = 4  # of the data into halves, each half is fitted with its own seed
SURROGATES = 4
BLOCKS = 60
SHORTEST_BLOCK = 100  # windows: far longer than a bout
FEWEST_BLOCKS = 4
LONGEST_STRETCH = 2_000  # windows whose phases are randomised together
KMEANS_WINDOWS = 6_000  # of a half, to which k-means is fitted
HMM_WINDOWS = 12_000  # of both halves: a hidden Markov model costs far more
HMM_ITERATIONS = 15
WINDOWS_PER_MOTIF = 5  # of a half, at least
CLEAR = 3  # standard errors of the largest gap above zero
RELIABLE = 0.8  # agreement that never limits the choice

TRIED = (
    *("n_motifs", "held_out", "held_out_surrogates", "gap", "gap_se", "gap_difference_se"),
    *("agreement", "agreement_low", "agreement_high", "agreement_surrogates"),
    *("excess", "excess_se", "excess_difference_se"),
    *("bout_seconds", "bout_seconds_surrogates", "chosen"),
)
"""Columns of `Segmenter.tried`; see `choose_n_motifs`."""
HELD_OUT = {"kmeans": "unexplained_variance", "hmm": "log_likelihood_gain"}


@dataclass(frozen=True)
class Refits:
    """Fits of one number of motifs to both halves of each split.

    Attributes
    ----------
    losses, bases
        (split, block) of the held-out blocks: with k-means, squared distances to the nearest centre
        and to the mean; with a hidden Markov model, the loss in log-likelihood against a single
        state, and windows.
    tables
        (split, block, motif, motif) windows by their motifs in both fits.
    bout_frames
        Median duration of a bout.
    """

    losses: np.ndarray
    bases: np.ndarray
    tables: np.ndarray
    bout_frames: float


def choose_n_motifs(
    latents: Mapping[str, np.ndarray],
    algorithm: str,
    numbers: Sequence[int],
    time_window: int,
    fps: float,
    settings: Mapping[str, Any],
) -> tuple[int, np.ndarray]:
    """Choose one of several numbers of motifs, on `motif_windows` windows; a single one is taken.

    Parameters
    ----------
    numbers
        In ascending order.
    settings
        As for `segmentation.fit_segmenter`.

    Returns
    -------
    The number, and a row of `TRIED` for each number that the sample allows; no rows if there is one
    number. Standard errors come from a bootstrap over blocks and splits, combined with that of
    the surrogates' mean; the agreement's interval is ± 1.96 standard errors.

    Raises
    ------
    ValueError
        If there are too few windows to hold out half of them.
    """
    if len(numbers) == 1:
        return numbers[0], np.empty((0, len(TRIED)))
    like = new_segmenter(algorithm, numbers[0], time_window, fps, settings)
    rng = np.random.default_rng(settings["motif_seed"])
    stretches = _draw_pooled(latents, like, settings["motif_windows"], rng)
    total = sum(map(len, stretches))
    size = max(SHORTEST_BLOCK, -(-total // BLOCKS))
    numbers = [number for number in numbers if number * WINDOWS_PER_MOTIF <= total // 2]
    if sum(-(-len(each) // size) for each in stretches) < FEWEST_BLOCKS or not numbers:
        raise ValueError(
            f"n_motifs: auto holds out half of the windows, but only {total} are in runs of "
            f"{SHORTEST_STRETCH} or more: set a number, or add longer recordings"
        )
    splits, count = (SPLITS, SURROGATES) if algorithm == "kmeans" else (2, 2)
    found = _refit(stretches, size, numbers, like, splits, rng)
    surrogates = [
        _refit([randomise_phases(each, rng) for each in stretches], size, numbers, like, 1, rng)
        for _ in range(count)
    ]
    of_numbers = list(zip(*surrogates, strict=True))
    tried = _compare(numbers, found, of_numbers, algorithm, rng)
    tried["bout_seconds"] = np.array([own.bout_frames for own in found]) / fps
    frames = [np.mean([each.bout_frames for each in own]) for own in of_numbers]
    tried["bout_seconds_surrogates"] = np.array(frames) / fps
    chosen, _ = choose(tried)
    tried["chosen"] = np.arange(len(numbers)) == chosen
    return numbers[chosen], np.stack([tried[name] for name in TRIED], axis=1).astype(np.float64)


def choose(tried: Mapping[str, np.ndarray]) -> tuple[int, str]:
    """Choose by the rule described above.

    Returns
    -------
    Index of the number, and a key of `WAYS`: the reason.
    """
    best = np.argmax(tried["gap"])
    if tried["gap"][best] <= CLEAR * tried["gap_se"][best]:
        return 0, "none"
    smallest = int(np.flatnonzero(_near(tried, "gap"))[0])
    agreed = _near(tried, "excess") | (tried["agreement"] >= RELIABLE)
    largest = int(np.flatnonzero(agreed)[-1])
    if largest < smallest:
        return largest, "agreement"
    return smallest, "largest" if smallest == len(tried["gap"]) - 1 else "gap"


def _near(tried, name):
    return tried[name] >= tried[name].max() - tried[f"{name}_difference_se"]


WAYS = {
    "gap": "the smallest number that explains held-out windows about as well as any, compared with "
    "surrogates",
    "agreement": "more motifs explain held-out windows better, but their refits agree less",
    "largest": "the largest number explains held-out windows best, so a higher n_motifs_range may "
    "be better",
    "none": "no number explains held-out windows clearly better than those of surrogates, so the "
    "latents show no clusters",
}


def describe_choice(tried: np.ndarray) -> tuple[int, str, str]:
    """Return the chosen number, the reason (a key of `WAYS`), and a sentence.

    Parameters
    ----------
    tried
        Rows of `TRIED`.
    """
    table = pd.DataFrame(tried, columns=list(TRIED))
    chosen, way = choose(table)
    row, numbers = table.iloc[chosen], table["n_motifs"].astype(int)
    sentence = (
        f"Of {numbers.min()} to {numbers.max()} motifs, {numbers[chosen]} were chosen: {WAYS[way]} "
        f"(adjusted Rand index of two refits {row['agreement']:.2f}, {row['agreement_low']:.2f} to "
        f"{row['agreement_high']:.2f}; of surrogates {row['agreement_surrogates']:.2f})."
    )
    return int(numbers[chosen]), way, sentence


def tabulate_tried(segmenter: Segmenter) -> pd.DataFrame:
    """Return a row per candidate for the number of motifs; no rows if the number was set."""
    names = {"held_out": HELD_OUT[segmenter.algorithm]}
    names["held_out_surrogates"] = f"{names['held_out']}_surrogates"
    table = pd.DataFrame(segmenter.tried.reshape(-1, len(TRIED)), columns=list(TRIED))
    return table.astype({"n_motifs": int, "chosen": int}).rename(columns=names)


def _draw_pooled(latents, like, motif_windows, rng):
    """Sample stretches and return their pooled latents."""
    if like.algorithm == "hmm":
        motif_windows = min(motif_windows, HMM_WINDOWS)
    pooling = fit_pooling(latents, like.pooling.reaches, rng)
    known = {session: find_known(own) for session, own in latents.items()}
    drawn = draw_stretches(known, motif_windows, rng, SHORTEST_STRETCH, LONGEST_STRETCH)
    return [pooling.apply(latents[session], start, stop) for session, start, stop in drawn]


def _refit(stretches, size, numbers, like, splits, rng):
    """Return `Refits` of each number; blocks have at most `size` windows."""
    blocks = [
        each[start : start + size].astype(np.float32)
        for each in stretches
        for start in range(0, len(each), size)
    ]
    half = (len(blocks) + 1) // 2
    orders = [rng.permutation(len(blocks)) for _ in range(splits)]
    found = []
    for number in numbers:
        losses, bases = np.zeros((2, splits, len(blocks)))
        tables = np.zeros((splits, len(blocks), number, number))
        frames = []
        for split, order in enumerate(orders):
            paths = []
            halves = (order[:half], order[half:]), (order[half:], order[:half])
            for seed, (own, held_out) in enumerate(halves, 2 * split):
                measure = _MEASURES[like.algorithm]
                path, loss, base = measure(blocks, own, number, like.bout_frames, seed)
                losses[split, held_out], bases[split, held_out] = loss[held_out], base[held_out]
                paths.append(path)
                frames += [find_bouts(each).frames for each in path]
            for block, pair in enumerate(zip(*paths, strict=True)):
                np.add.at(tables[split, block], pair, 1)
        found.append(Refits(losses, bases, tables, float(np.median(np.concatenate(frames)))))
    return found


def _measure_kmeans(blocks, own, n_motifs, bout_frames, seed):
    """Fit motifs to `own` blocks; return motifs, loss and base of all blocks."""
    from sklearn.cluster import KMeans  # noqa: PLC0415  not needed for labelling

    sample = np.concatenate([blocks[number] for number in own])
    sample = sample[:: -(-len(sample) // KMEANS_WINDOWS)]
    centres = KMeans(n_motifs, n_init=2, random_state=seed).fit(sample).cluster_centers_
    cost = change_cost(sample, centres.astype(np.float64), bout_frames)
    costs = [cdist(block, centres, "sqeuclidean") for block in blocks]
    losses = np.array([each.min(axis=1).sum() for each in costs])
    mean = sample.mean(axis=0, dtype=np.float64)
    bases = np.array([((block - mean) ** 2).sum() for block in blocks])
    return [cheapest_path(each, cost) for each in costs], losses, bases


def _measure_states(blocks, own, n_motifs, bout_frames, seed):
    blocks = [block.astype(np.float64) for block in blocks]
    sample = [blocks[number] for number in own]
    lengths = [len(block) for block in sample]
    sample = np.concatenate(sample)
    model = fit_states(sample, lengths, n_motifs, bout_frames, seed, HMM_ITERATIONS)
    single = norm(sample.mean(axis=0), np.maximum(sample.std(axis=0), 1e-6))
    gains = [model.score(block) - single.logpdf(block).sum() for block in blocks]
    paths = [model.decode(block)[1] for block in blocks]
    return paths, -np.array(gains), np.array([float(len(block)) for block in blocks])


_MEASURES = {"kmeans": _measure_kmeans, "hmm": _measure_states}
# How well held-out data are explained, given the ratio of losses and bases.
_QUALITIES = {"kmeans": lambda ratio: -np.log(ratio), "hmm": lambda ratio: -ratio}


def _compare(numbers, found, surrogates, algorithm, rng):
    """Compute the columns of `TRIED` that compare fits to the data with those to surrogates.

    `found` has the `Refits` of each number, `surrogates` those of each surrogate and number.
    """
    splits, blocks = found[0].losses.shape
    drawn = rng.multinomial(blocks, np.full(blocks, 1 / blocks), size=REPLICATES)
    of_splits = rng.multinomial(splits, np.full(splits, 1 / splits), size=REPLICATES) / splits

    def unexplained(refits, drawn, of_splits):
        of_blocks = (of_splits @ each for each in (refits.losses, refits.bases))
        loss, base = ((drawn * each).sum(axis=1) for each in of_blocks)
        return loss / np.maximum(base, np.finfo(float).tiny)

    def agreement(refits, drawn, of_splits):
        rand = [adjusted_rand(np.tensordot(drawn, each, axes=1)) for each in refits.tables]
        return (of_splits * np.transpose(rand)).sum(axis=1)

    def whole(measure, refits):
        splits = len(refits.losses)
        return measure(refits, np.ones((1, blocks)), np.full((1, splits), 1 / splits))[0]

    table = {"n_motifs": np.array(numbers)}
    measures = {"gap": ("held_out", unexplained), "excess": ("agreement", agreement)}
    for name, (of_data, measure) in measures.items():
        values = np.array([whole(measure, own) for own in found])
        replicates = np.array([measure(own, drawn, of_splits) for own in found])
        chance = np.array([[whole(measure, each) for each in own] for own in surrogates])
        quality = _QUALITIES[algorithm] if name == "gap" else lambda value: value
        sign = -1 if (name, algorithm) == ("gap", "hmm") else 1
        table[of_data], table[f"{of_data}_surrogates"] = sign * values, sign * chance.mean(axis=1)
        if name == "excess":
            reach = norm.ppf((1 + CONFIDENCE) / 2) * replicates.std(axis=1)
            table |= {
                "agreement_low": values - reach,
                "agreement_high": (values + reach).clip(max=1),
            }
        values, replicates, chance = map(quality, (values, replicates, chance))
        table[name] = values - chance.mean(axis=1)
        table[f"{name}_se"] = _standard_error(replicates, chance)
        best = table[name].argmax()
        table[f"{name}_difference_se"] = _standard_error(
            replicates - replicates[best], chance - chance[best]
        )
    return table


def _standard_error(replicates, surrogates):
    """Compute the error of a difference to the surrogates' mean, from replicates and surrogates."""
    of_mean = surrogates.var(axis=1, ddof=1) / surrogates.shape[1]
    return np.sqrt(replicates.var(axis=1) + of_mean)
