"""Scores of motifs and latents by labels, each with its chance level, compared with components."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from formats.aligned import AlignedPoses
from formats.motifs import centre_of
from formats.statistics import CONFIDENCE, FEWEST_SESSIONS
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    adjusted_mutual_info_score,
    f1_score,
    homogeneity_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from motif_analysis.agreement import mutual_information
from motif_analysis.baselines import component_latents
from motif_analysis.labels import at_frames, shift_labels
from motif_analysis.latents import draw_windows, find_known
from motif_analysis.segmentation import Segmenter, fit_segmenter_like

JUDGED_WINDOWS = 20_000
SHIFTS = 30  # circular shifts of the labels that estimate a measure's chance level
PROBE_SHIFTS = 3
PROBE_WINDOWS = 6_000
FOLDS = 5
REPLICATES = 1_000
BLOCKS = 60  # of all sessions together, if there are too few sessions to resample


def purity(labels: np.ndarray, motifs: np.ndarray) -> float:
    """Compute the share of frames whose label is the most frequent one of their motif."""
    return float(contingency_matrix(labels, motifs).max(axis=0).sum() / len(labels))


MEASURES = {
    "nmi": normalized_mutual_info_score,
    "ami": adjusted_mutual_info_score,
    "homogeneity": homogeneity_score,
    "purity": purity,
}


def score_motifs(
    motifs: np.ndarray,
    labels: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, dict[str, float]]:
    """Compute each of `MEASURES`, with its mean and 95th percentile under shifted labels.

    Parameters
    ----------
    motifs
        At these frames, one session after the other.
    labels
        (frame,) of each session, '' where there is none.
    frames
        Frames of each session that are scored; those without a label do not count.
    """

    def scores(shifted):
        own = at_frames(shifted, frames)
        known = own != ""
        return {name: measure(own[known], motifs[known]) for name, measure in MEASURES.items()}

    chance = pd.DataFrame([scores(shift_labels(labels, rng)) for _ in range(SHIFTS)])
    return {
        name: {
            "value": float(value),
            "chance": float(chance[name].mean()),
            "chance_high": float(chance[name].quantile(0.95)),
        }
        for name, value in scores(labels).items()
    }


def new_probe() -> Pipeline:
    """Return the classifier of labels that every probe fits: a logistic regression.

    The penalty is higher than usual, since neighbouring frames are not independent: the probe would
    overfit the training animals. Labels have equal weights, as in the macro-averaged F1.
    """
    regression = LogisticRegression(C=0.03, class_weight="balanced", max_iter=200, tol=1e-3)
    return make_pipeline(StandardScaler(), regression)


def probe(points: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> np.ndarray | None:
    """Predict labels from latents by a logistic regression; whole groups are held out.

    Parameters
    ----------
    points
        (frame, latent)
    labels, groups
        (frame,) label, and number of the animal.

    Returns
    -------
    (frame,) predicted labels; None with fewer than two groups.
    """
    count = len(np.unique(groups))
    if count < 2:
        return None
    predicted = np.empty_like(labels)
    for train, test in GroupKFold(min(FOLDS, count)).split(points, labels, groups):
        if len(np.unique(labels[train])) < 2:
            predicted[test] = labels[train][0]
            continue
        predicted[test] = new_probe().fit(points[train], labels[train]).predict(points[test])
    return predicted


def score_probes(
    points: Sequence[np.ndarray],
    labels: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray],
    animals: Mapping[str, str],
    rng: np.random.Generator,
) -> tuple[dict[str, float] | None, dict[str, float] | None]:
    """Compute macro F1 of probes from latents and from components; None for fewer than two animals.

    Parameters
    ----------
    points
        Latents and components, each (frame, latent) at these frames, one session after the other.
    """
    numbers = {animal: number for number, animal in enumerate(sorted(set(animals.values())))}
    groups = at_frames({s: np.full(len(labels[s]), numbers[animals[s]]) for s in frames}, frames)
    keep = np.sort(rng.permutation(len(groups))[:PROBE_WINDOWS])

    def predict(of_frames, own):
        known = own[keep] != ""
        rows = keep[known]
        return own[rows], probe(of_frames[rows], own[rows], groups[rows]), rows

    def f1(truth, predicted):
        return float(f1_score(truth, predicted, average="macro"))

    own = at_frames(labels, frames)
    found = [predict(each, own) for each in points]
    if found[0][1] is None:
        return None, None
    shifted = [at_frames(shift_labels(labels, rng), frames) for _ in range(PROBE_SHIFTS)]
    scores = []
    for of_frames, (truth, predicted, _) in zip(points, found, strict=True):
        chance = [f1(*predict(of_frames, each)[:2]) for each in shifted]
        chances = {"chance": float(np.mean(chance)), "chance_high": float(max(chance))}
        scores.append({"value": f1(truth, predicted)} | chances)
    truth, _, rows = found[0]
    blocks = blocks_of_frames(frames)[rows]
    tables = [count_by_block(truth, predicted, blocks) for _, predicted, _ in found]
    scores[0] |= lead_interval(*tables, macro_f1, rng)
    return scores[0], scores[1]


def score_windows(
    latents: Mapping[str, np.ndarray],
    aligned: Mapping[str, AlignedPoses],
    labels: Mapping[str, np.ndarray],
    animals: Mapping[str, str],
    segmenter: Segmenter,
    rng: np.random.Generator,
) -> dict[str, tuple[dict[str, float] | None, dict[str, float] | None]]:
    """Score motifs and latents on a sample of windows, and, in comparison, components.

    Components are pooled and segmented as the latents are.

    Parameters
    ----------
    labels
        (frame,) of each session with labels.
    animals
        Animal by session.

    Returns
    -------
    `MEASURES` of motifs and of those of components, and as `probe_f1` those of latents and of
    components; empty if no usable window has a label at its centre. `lead_low` and `lead_high`
    are the interval of the difference between both; see `lead_interval`.
    """
    offset = centre_of(segmenter.time_window)
    known = {}
    for session, own in labels.items():
        known[session] = find_known(latents[session])
        known[session] &= own[offset : offset + len(known[session])] != ""
    drawn = draw_windows(known, JUDGED_WINDOWS, rng)
    drawn = {session: own for session, own in drawn.items() if len(own)}
    if not drawn:
        return {}
    frames = {session: own + offset for session, own in drawn.items()}
    components = component_latents(
        {session: aligned[session] for session in drawn},
        segmenter.time_window,
        segmenter.zdims,
        rng,
    )
    windows = sum(int(find_known(own).sum()) for own in components.values())
    like = replace(segmenter, centres=segmenter.centres[:windows])  # as many as windows allow
    other = fit_segmenter_like(like, components, 0, JUDGED_WINDOWS)
    motifs, clusters = (
        np.concatenate([fitted.label(source[session])[own] for session, own in drawn.items()])
        for fitted, source in ((segmenter, latents), (other, components))
    )
    scores = score_motifs(motifs, labels, frames, rng)
    others = score_motifs(clusters, labels, frames, rng)
    own, blocks = at_frames(labels, frames), blocks_of_frames(frames)
    tables = [count_by_block(own, each, blocks) for each in (motifs, clusters)]
    for name, measure in OF_TABLES.items():
        scores[name] |= lead_interval(*tables, measure, rng)
    points = segmenter.pooling.take(latents, drawn), other.pooling.take(components, drawn)
    probes = score_probes(points, labels, frames, animals, rng)
    return {name: (scores[name], others[name]) for name in scores} | {"probe_f1": probes}


def score_sessions(
    latents: Mapping[str, np.ndarray],
    segmenter: Segmenter,
    sessions: Sequence[Mapping[str, Any]],
    rng: np.random.Generator,
) -> dict[str, dict[str, float]]:
    """Compute the normalised mutual information of motifs and sessions, animals and groups.

    The chance level is that of motifs shifted circularly along all sessions together: bouts have
    the same duration, but no relation to sessions.

    Parameters
    ----------
    sessions
        session, animal and group of each session.

    Returns
    -------
    By session, animal and group, where there are several; animals with one session each are
    left out.
    """
    motifs = [segmenter.label(latents[row["session"]]) for row in sessions]
    lengths = [len(own) for own in motifs]
    motifs = np.concatenate(motifs)
    shifts = rng.integers(len(motifs) // 10, len(motifs) - len(motifs) // 10 + 1, SHIFTS)
    found, seen = {}, []
    for name in ("session", "animal", "group"):
        of_sessions = np.unique([row[name] for row in sessions], return_inverse=True)[1]
        several = len(set(of_sessions[[own > 0 for own in lengths]].tolist())) > 1
        if not several or of_sessions.tolist() in seen:
            continue
        seen.append(of_sessions.tolist())
        of_frames = np.repeat(of_sessions, lengths)

        def score(series, of_frames=of_frames):
            known = series >= 0
            return mutual_information(_count(of_frames[known], series[known]))

        chance = [score(np.roll(motifs, shift)) for shift in shifts]
        found[name] = {
            "value": float(score(motifs)),
            "chance": float(np.mean(chance)),
            "chance_high": float(np.quantile(chance, 0.95)),
        }
    return found


def _count(rows, columns):
    """Count (row, column) frames by two (frame,) series of numbers."""
    shape = int(rows.max(initial=0)) + 1, int(columns.max(initial=0)) + 1
    counts = np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1])
    return counts.reshape(shape)


def blocks_of_frames(frames: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return the (frame,) number of each frame's block: its session, or a part of it.

    Sessions are divided if there are fewer than `FEWEST_SESSIONS`; the parts are far longer than a
    bout.
    """
    cuts = 1 if len(frames) >= FEWEST_SESSIONS else -(-BLOCKS // len(frames))
    parts = [
        cuts * number + (own - own[0]) * cuts // (own[-1] - own[0] + 1)
        for number, own in enumerate(frames.values())
    ]
    return np.concatenate(parts)


def count_by_block(rows: np.ndarray, columns: np.ndarray, blocks: np.ndarray) -> np.ndarray:
    """Count (block, row, column) frames by two (frame,) series of names; rows, columns are sorted.

    Names of rows are also columns, if both are names of the same kind.
    """
    names, row = np.unique(rows, return_inverse=True)
    if rows.dtype.kind == columns.dtype.kind:
        column, size = np.searchsorted(names, columns), len(names)
    else:
        column, size = columns, columns.max() + 1
    _, block = np.unique(blocks, return_inverse=True)
    tables = np.zeros((block.max() + 1, len(names), size))
    np.add.at(tables, (block, row, column), 1)
    return tables


def lead_interval(
    own: np.ndarray,
    other: np.ndarray,
    measure: Callable[[np.ndarray], np.ndarray],
    rng: np.random.Generator,
) -> dict[str, float]:
    """Compute the interval of the difference of a measure between two series.

    A paired bootstrap over blocks: both are resampled with the same weights.

    Parameters
    ----------
    own, other
        (block, row, column), from `count_by_block`.
    measure
        Function of (..., row, column) counts.
    """
    drawn = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=REPLICATES)
    lead = measure(np.tensordot(drawn, own, axes=1)) - measure(np.tensordot(drawn, other, axes=1))
    low, high = np.quantile(lead, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return {"lead_low": float(low), "lead_high": float(high)}


def macro_f1(tables: np.ndarray) -> np.ndarray:
    """Average 2 TP / (2 TP + FP + FN) over labels, of (..., label, predicted) counts."""
    right = np.diagonal(tables, axis1=-2, axis2=-1)
    total = tables.sum(axis=-1) + tables.sum(axis=-2)
    f1 = np.where(total > 0, 2 * right / np.maximum(total, 1), np.nan)
    return np.nanmean(f1, axis=-1)


OF_TABLES = {
    "nmi": mutual_information,
    "purity": lambda tables: tables.max(axis=-2).sum(axis=-1) / tables.sum(axis=(-2, -1)),
}
"""Measures that have an interval, of (..., label, motif) counts."""
