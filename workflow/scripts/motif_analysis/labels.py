"""Agreement of motifs and latents with labels, each measure with its chance level."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from formats.aligned import AlignedPoses
from formats.motifs import centre_of
from formats.text import open_text
from sklearn.cluster import KMeans
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

from motif_analysis.baselines import component_scores
from motif_analysis.latents import draw_windows, find_known, take
from motif_analysis.segmentation import Segmenter

JUDGED_WINDOWS = 20_000
SHIFTS = 30  # circular shifts of the labels that give a measure's chance level
PROBE_SHIFTS = 3
PROBE_WINDOWS = 6_000
FOLDS = 5


def read_labels(path: str | Path, frames: int, fps: float, recorded_fps: float) -> np.ndarray:
    """(frame,) label of each frame, '' where it has none.

    The file has a row per frame as recorded. Where recordings were resampled to another rate,
    `fps`, a frame has the label of the recorded frame nearest in time.
    """
    with open_text(path) as file:
        labels = pd.read_csv(file, usecols=["label"], index_col=False, dtype=str)["label"]
    labels = labels.fillna("").str.strip().to_numpy(dtype=str)
    nearest = np.rint(np.arange(frames) * recorded_fps / fps).astype(int)
    return labels[np.minimum(nearest, len(labels) - 1)]


def labels_of_sessions(
    sessions: Sequence[Mapping[str, Any]],
    paths: Sequence[str],
    aligned: Mapping[str, AlignedPoses],
) -> dict[str, np.ndarray]:
    """Read the labels of all sessions that have any.

    Parameters
    ----------
    sessions
        session, fps as recorded, and labelled (bool) of each.
    paths
        Files of those that are labelled, in the same order.
    """
    labels = {}
    labelled = [row for row in sessions if row["labelled"]]
    for row, path in zip(labelled, paths, strict=True):
        own = aligned[row["session"]]
        labels[row["session"]] = read_labels(path, len(own.usable), own.fps, row["fps"])
    return labels


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
    """Shift labels circularly within each session by a random number of frames.

    Shifted labels are as frequent and last as long, but are unrelated to the motifs: what the two
    still share gives the chance level.
    """
    return {
        session: np.roll(own, int(rng.integers(len(own) // 10, len(own) - len(own) // 10)))
        for session, own in labels.items()
    }


def at_frames(labels: Mapping[str, np.ndarray], frames: Mapping[str, np.ndarray]) -> np.ndarray:
    """Labels at these frames, one session after the other."""
    return np.concatenate([labels[session][own] for session, own in frames.items()])


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


def probe(
    points: np.ndarray,
    labels: Mapping[str, np.ndarray],
    frames: Mapping[str, np.ndarray],
    rng: np.random.Generator,
) -> dict[str, float] | None:
    """Macro F1 of a logistic regression from latents to labels; whole sessions are held out.

    None with fewer than two sessions that have labels.

    Parameters
    ----------
    points
        (frame, latent) at these frames, one session after the other.
    """
    session = np.repeat(np.arange(len(frames)), [len(own) for own in frames.values()])
    keep = np.sort(rng.permutation(len(session))[:PROBE_WINDOWS])

    def score(shifted):
        own = at_frames(shifted, frames)[keep]
        known = own != ""
        x, y, groups = points[keep][known], own[known], session[keep][known]
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
    aligned: Mapping[str, AlignedPoses],
    labels: Mapping[str, np.ndarray],
    segmenter: Segmenter,
    rng: np.random.Generator,
) -> dict[str, tuple[dict[str, float] | None, dict[str, float] | None]]:
    """Score motifs and latents on a sample of windows, beside principal components of the same.

    Parameters
    ----------
    labels
        (frame,) of each session that has any.

    Returns
    -------
    `MEASURES` of motifs and of clustered components, and as `probe_f1` those of latents and of
    components; nothing where no usable window has a label at its centre.
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
    motifs = [segmenter.label(latents[session])[own] for session, own in drawn.items()]
    zdims = segmenter.centres.shape[1]
    components = component_scores(aligned, drawn, segmenter.time_window, zdims)
    n_clusters = min(segmenter.n_motifs, len(components))
    clusters = KMeans(n_clusters, n_init=10, random_state=0).fit(components).predict(components)
    scores = score_motifs(np.concatenate(motifs), labels, frames, rng)
    others = score_motifs(clusters, labels, frames, rng)
    points = take(latents, drawn)
    probes = probe(points, labels, frames, rng), probe(components, labels, frames, rng)
    return {name: (scores[name], others[name]) for name in scores} | {"probe_f1": probes}
