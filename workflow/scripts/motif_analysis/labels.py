"""Motifs and latents beside true behaviours, each with its level under chance."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import (
    adjusted_mutual_info_score,
    f1_score,
    homogeneity_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import contingency_matrix
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from motif_analysis.baselines import cluster_scores, component_scores
from motif_analysis.frames import Aligned, centre_of
from motif_analysis.latents import draw_windows, find_known
from motif_analysis.segmentation import Segmenter

JUDGED_WINDOWS = 20_000
SHIFTS = 30
"""Circular shifts of the labels: the level under chance of every measure is over so many."""
PROBE_SHIFTS = 3
PROBE_WINDOWS = 6_000
FOLDS = 5


def read_labels(path: str | Path, frames: int, fps: float, recorded_fps: float) -> np.ndarray:
    """(frame,) the behaviour of each frame, '' where it has none.

    The file has a row per frame as recorded; where recordings were brought to another rate, `fps`,
    a frame has the label of the recorded one nearest in time.
    """
    labels = pd.read_csv(path, encoding="utf-8-sig", dtype={"label": str})["label"]
    labels = labels.fillna("").str.strip().to_numpy(dtype=str)
    nearest = np.rint(np.arange(frames) * recorded_fps / fps).astype(int)
    return labels[np.minimum(nearest, len(labels) - 1)]


def purity(labels: np.ndarray, motifs: np.ndarray) -> float:
    """Share of frames whose label is the most frequent one of their motif."""
    return float(contingency_matrix(labels, motifs).max(axis=0).sum() / len(labels))


MEASURES = {
    "nmi": normalized_mutual_info_score,
    "ami": adjusted_mutual_info_score,
    "homogeneity": homogeneity_score,
    "purity": purity,
}


def shift_labels(
    labels: Mapping[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Labels turned round within each session by a random number of frames.

    What is left is what two courses share that have nothing to do with each other, but last as
    long and are as frequent.
    """
    return {
        session: np.roll(own, int(rng.integers(len(own) // 10, len(own) - len(own) // 10)))
        for session, own in labels.items()
    }


def at_frames(labels: Mapping[str, np.ndarray], frames: Mapping[str, np.ndarray]) -> np.ndarray:
    """Labels at these frames, one session after the other."""
    return np.concatenate([labels[session][own] for session, own in frames.items()])


def score_motifs(
    motifs: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, dict[str, float]]:
    """Every one of `MEASURES`, with its mean and 95th percentile under shifted labels.

    Parameters
    ----------
    motifs
        Of these frames: (one of the frames,) for each session.
    labels
        (frame,) for each session, '' where there is none.
    frames
        Which frames of each session count, those without a label left aside.
    """
    found = np.concatenate([motifs[session] for session in frames])

    def scores(shifted):
        own = at_frames(shifted, frames)
        known = own != ""
        return {name: measure(own[known], found[known]) for name, measure in MEASURES.items()}

    chance = pd.DataFrame([scores(shift_labels(labels, rng)) for _ in range(SHIFTS)])
    return {
        name: {
            "value": float(value),
            "chance": float(chance[name].mean()),
            "chance_high": float(chance[name].quantile(0.95)),
        }
        for name, value in scores(labels).items()
    }


def probe(
    points: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, float] | None:
    """Macro-F1 of a logistic regression from latents to labels, whole sessions held out.

    None with fewer than two sessions that have labels.

    Parameters
    ----------
    points
        (one of the frames, latent) for each session.
    """
    session = np.repeat(np.arange(len(frames)), [len(own) for own in frames.values()])
    everything = np.concatenate([points[name] for name in frames])
    keep = np.sort(rng.permutation(len(session))[:PROBE_WINDOWS])

    def score(shifted):
        own = at_frames(shifted, frames)[keep]
        known = own != ""
        x, y, groups = everything[keep][known], own[known], session[keep][known]
        if len(np.unique(groups)) < 2:
            return None
        predicted = np.empty_like(y)
        for train, test in GroupKFold(min(FOLDS, len(np.unique(groups)))).split(x, y, groups):
            if len(np.unique(y[train])) < 2:
                predicted[test] = y[train][0]
                continue
            model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=200, tol=1e-3))
            predicted[test] = model.fit(x[train], y[train]).predict(x[test])
        return float(f1_score(y, predicted, average="macro"))

    value = score(labels)
    if value is None:
        return None
    chance = [score(shift_labels(labels, rng)) for _ in range(PROBE_SHIFTS)]
    return {"value": value, "chance": float(np.mean(chance)), "chance_high": float(max(chance))}


def score_windows(
    latents: Mapping[str, np.ndarray],
    aligned: Mapping[str, Aligned],
    labels: Mapping[str, np.ndarray],
    segmenter: Segmenter,
    rng: np.random.Generator,
) -> tuple[dict | None, dict | None, tuple[dict | None, dict | None]]:
    """Score motifs, and those of principal components of the same windows, on a sample of windows.

    Parameters
    ----------
    labels
        (frame,) for each session that has any.

    Returns
    -------
    `score_motifs` of both, and `probe` of latents and components; None throughout where no usable
    window has a label at its centre.
    """
    offset = centre_of(segmenter.time_window)
    known = {}
    for session, own in labels.items():
        known[session] = find_known(latents[session])
        known[session] &= own[offset : offset + len(known[session])] != ""
    drawn = draw_windows(known, JUDGED_WINDOWS, rng)
    drawn = {session: own for session, own in drawn.items() if len(own)}
    if not drawn:
        return None, None, (None, None)
    count, zdims = sum(map(len, drawn.values())), segmenter.centres.shape[1]
    frames = {session: own + offset for session, own in drawn.items()}
    motifs = {session: segmenter.label(latents[session])[own] for session, own in drawn.items()}
    components = component_scores(aligned, drawn, segmenter.time_window, zdims)
    clusters = cluster_scores(components, min(segmenter.n_motifs, count), 0)
    points = {session: latents[session][own] for session, own in drawn.items()}
    return (
        score_motifs(motifs, labels, frames, rng),
        score_motifs(clusters, labels, frames, rng),
        (probe(points, labels, frames, rng), probe(components, labels, frames, rng)),
    )
