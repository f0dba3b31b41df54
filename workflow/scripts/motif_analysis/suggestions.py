"""Bouts to label next: those whose labels would be most informative, and that are diverse."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from formats.motifs import centre_of
from sklearn.cluster import KMeans
from sklearn.pipeline import Pipeline

from motif_analysis.latents import draw_windows, find_known
from motif_analysis.scores import new_probe
from motif_analysis.segmentation import Segmenter

SUGGESTED = 50
CANDIDATES = 10
"""Candidates per suggestion: the most uncertain bouts, from which diverse ones are chosen."""
SHORTEST_SECONDS = 0.2
"""Shorter bouts are not suggested."""
LABELLED = 0.5
"""Share of a bout's frames from which on it counts as labelled."""
FITTED_WINDOWS = 20_000
COLUMNS = [
    *("rank", "session", "motif", "name", "start", "stop", "start_seconds", "stop_seconds"),
    *("uncertainty", "likely", "probability", "second", "second_probability"),
]


def suggest_bouts(
    bouts: pd.DataFrame,
    latents: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    segmenter: Segmenter,
    count: int = SUGGESTED,
) -> pd.DataFrame:
    """Choose up to `count` bouts to label next, the most informative first.

    With labels, a logistic regression of pooled latents predicts how uncertain the label of each
    other bout is. The most uncertain ones are clustered, into as many clusters as bouts are wanted,
    and the most uncertain of each cluster is chosen (after Zhdanov 2019, "Diverse mini-batch active
    learning", arXiv:1901.05954). With fewer than two labels, each motif gives as many bouts as any
    other: the most central of each cluster of its bouts.

    Parameters
    ----------
    bouts
        `bouts.csv`.
    latents
        (window, latent) of each session.
    labels
        (frame,) of each session that has any, '' where there is none.

    Returns
    -------
    Of each bout its rank from 1 and `COLUMNS`. `uncertainty` is the entropy of the predicted label,
    from 0 to 1, mean over the bout; `likely` and `second` are the most probable labels.
    """
    frames = bouts["stop"] - bouts["start"]
    labelled = np.array([_share_labelled(row, labels) for row in bouts.itertuples()])
    long = bouts["seconds"] >= SHORTEST_SECONDS
    own = bouts[long & (frames > 0) & (labelled < LABELLED)].reset_index(drop=True)
    probe = fit_probe(latents, labels, segmenter)
    known = [_look_at(row, latents, segmenter, probe) for row in own.itertuples()]
    points = np.array([point for point, _ in known])
    told = pd.DataFrame([told for _, told in known], index=own.index)
    table = pd.concat([own, told], axis=1).reindex(columns=COLUMNS)
    if len(own) and probe:
        order = choose_uncertain(points, told["uncertainty"].to_numpy(), count)
    elif len(own):
        order = choose_of_motifs(points, own["motif"].to_numpy(), count)
    else:
        order = []
    table = table.iloc[order].reset_index(drop=True)
    return table.assign(rank=np.arange(1, len(table) + 1))


def fit_probe(
    latents: Mapping[str, np.ndarray], labels: Mapping[str, np.ndarray], segmenter: Segmenter
) -> Pipeline | None:
    """Fit a logistic regression of labels from pooled latents; None with fewer than two labels."""
    offset = centre_of(segmenter.time_window)
    known = {}
    for session, own in labels.items():
        known[session] = find_known(latents[session])
        known[session] &= own[offset : offset + len(known[session])] != ""
    drawn = draw_windows(known, FITTED_WINDOWS, np.random.default_rng(0))
    drawn = {session: own for session, own in drawn.items() if len(own)}
    truth = [labels[session][own + offset] for session, own in drawn.items()]
    if not truth or len(np.unique(np.concatenate(truth))) < 2:
        return None
    return new_probe().fit(segmenter.pooling.take(latents, drawn), np.concatenate(truth))


def choose_uncertain(points: np.ndarray, uncertainty: np.ndarray, count: int) -> np.ndarray:
    """Return the most uncertain point of each cluster, in falling order of uncertainty."""
    near = np.argsort(-uncertainty, kind="stable")[: CANDIDATES * count]
    weights = uncertainty[near] + 1e-9
    clusters = _cluster(points[near], count, weights)
    first = np.unique(clusters, return_index=True)[1]  # they are in falling order
    return near[np.sort(first)]


def choose_of_motifs(points: np.ndarray, motifs: np.ndarray, count: int) -> np.ndarray:
    """Return rows in turns: a first one of each motif, then a second one of each, …"""
    wanted = dict.fromkeys(np.unique(motifs).tolist(), 0)
    rooms = {motif: int((motifs == motif).sum()) for motif in wanted}
    for _ in range(min(count, len(points))):
        least = min((m for m in wanted if wanted[m] < rooms[m]), key=lambda m: (wanted[m], m))
        wanted[least] += 1
    turns = []
    for motif, number in wanted.items():
        own = np.flatnonzero(motifs == motif)
        for turn, row in enumerate(_central(points[own], number)):
            turns.append((turn, motif, own[row]))
    return np.array([row for _, _, row in sorted(turns)], dtype=int)


def _central(points: np.ndarray, count: int) -> list[int]:
    """Return the most central point of each cluster, those of large clusters first."""
    if not count:
        return []
    clusters = _cluster(points, count)
    found = []
    for cluster in np.unique(clusters):
        own = np.flatnonzero(clusters == cluster)
        apart = np.linalg.norm(points[own] - points[own].mean(axis=0), axis=1)
        found.append((-len(own), int(own[apart.argmin()])))
    return [row for _, row in sorted(found)]


def _cluster(points, count, weights=None):
    """Return the (point,) cluster of each point; at most one cluster per different point."""
    count = min(count, len(np.unique(points, axis=0)))
    fitted = KMeans(count, n_init=3, random_state=0).fit(points, sample_weight=weights)
    return fitted.labels_


def _share_labelled(row, labels):
    own = labels.get(row.session)
    return 0.0 if own is None else float((own[row.start : row.stop] != "").mean())


def _look_at(row, latents, segmenter, probe):
    """Return the mean of a bout's pooled latents, and the prediction of the probe."""
    offset = centre_of(segmenter.time_window)
    windows = segmenter.pooling.apply(latents[row.session], row.start - offset, row.stop - offset)
    if not probe:
        return windows.mean(axis=0), {}
    chance = probe.predict_proba(windows)
    entropy = -(chance * np.log(np.maximum(chance, 1e-300))).sum(axis=1) / np.log(chance.shape[1])
    chance = chance.mean(axis=0)
    first, second = np.argsort(-chance, kind="stable")[:2]
    return windows.mean(axis=0), {
        "uncertainty": entropy.mean(),
        "likely": probe.classes_[first],
        "probability": chance[first],
        "second": probe.classes_[second],
        "second_probability": chance[second],
    }
