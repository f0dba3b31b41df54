"""Motifs as clusters of latents (k-means) or as states of a hidden Markov model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np
from formats.runs import blocks_of, find_runs
from scipy.spatial.distance import cdist

from motif_analysis.latents import (
    draw_stretches,
    draw_windows,
    find_known,
    find_stretches,
    take,
)

SEEDING_WINDOWS = 50_000  # on which the first centres of the mini-batches are found
BATCH, RUN = 8192, 512  # windows of a mini-batch, and of each of the runs that it consists of
DECODED_AT_ONCE = 100_000  # windows of a stretch whose most likely path is found at once
MARGIN = 1_000  # windows on either side that the path may depend on: paths meet within some dozens


@dataclass(frozen=True)
class Segmenter:
    """A clustering that assigns a motif to every window.

    Attributes
    ----------
    algorithm
        kmeans or hmm
    time_window
        frames of a window
    frames
        (motif,) windows of each motif in the sessions that it was fitted on, in falling order
    centres
        (motif, latent) means
    variances, start, transitions
        (motif, latent), (motif,), (motif, motif) of the hidden Markov model; empty for k-means
    """

    algorithm: str
    time_window: int
    frames: np.ndarray
    centres: np.ndarray
    variances: np.ndarray = field(default_factory=lambda: np.empty(0))
    start: np.ndarray = field(default_factory=lambda: np.empty(0))
    transitions: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def n_motifs(self) -> int:
        return len(self.centres)

    def label(self, latents: np.ndarray) -> np.ndarray:
        """(window,) int16: the motif of each window, -1 where it is not usable.

        States of the hidden Markov model do not continue across a window that is not usable.
        """
        if latents.shape[1] != self.centres.shape[1]:
            raise ValueError(
                f"the segmenter was fitted on {self.centres.shape[1]} latents, these are "
                f"{latents.shape[1]}: it belongs to another model"
            )
        known = find_known(latents)
        motifs = np.full(len(latents), -1, dtype=np.int16)
        if self.algorithm == "kmeans":
            for part in blocks_of(len(latents)):
                own = known[part]
                if own.any():
                    distances = cdist(latents[part][own], self.centres, "sqeuclidean")
                    motifs[part][own] = distances.argmin(axis=1)
            return motifs
        model = _hidden_markov_model(self)
        for first, stop in find_runs(known).tolist():
            for part in blocks_of(stop - first, DECODED_AT_ONCE):
                begin = max(first, first + part.start - MARGIN)
                end = min(stop, first + part.stop + MARGIN)
                path = model.decode(latents[begin:end].astype(np.float64))[1]
                inside = slice(first + part.start - begin, first + part.stop - begin)
                motifs[first + part.start : first + part.stop] = path[inside]
        return motifs

    def save(self, path: str | Path) -> None:
        np.savez(path, **asdict(self))


def load_segmenter(path: str | Path) -> Segmenter:
    """Load what `Segmenter.save` wrote; pickles are refused."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = {each.name: arrays[each.name] for each in fields(Segmenter)}
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a segmenter that this workflow wrote ({error})") from error
    algorithm, time_window = str(values.pop("algorithm")), int(values.pop("time_window"))
    return Segmenter(algorithm, time_window, **values)


def fit_segmenter(
    latents: Mapping[str, np.ndarray],
    algorithm: str,
    n_motifs: int,
    time_window: int,
    seed: int,
    motif_windows: int,
) -> Segmenter:
    """Fit motifs on all usable windows of all sessions together.

    Where there are more than `motif_windows`, k-means is fitted to all of them in mini-batches, and
    the hidden Markov model to a sample of stretches.

    Parameters
    ----------
    latents
        (window, latent) of each session, such as memory maps.

    Raises
    ------
    ValueError
        Fewer windows than motifs.
    """
    known = {session: find_known(own) for session, own in latents.items()}
    total = sum(int(own.sum()) for own in known.values())
    if total < n_motifs:
        raise ValueError(
            f"{total} usable windows in all sessions for {n_motifs} motifs: lower n_motifs, or "
            "bring longer recordings"
        )
    frames = np.zeros(n_motifs, dtype=np.int64)
    fitted = _FITS[algorithm](latents, known, n_motifs, seed, motif_windows)
    segmenter = Segmenter(algorithm, time_window, frames, **fitted)
    for own in latents.values():
        motifs = segmenter.label(own)
        frames += np.bincount(motifs[motifs >= 0], minlength=n_motifs)
    return _renumber(segmenter)


def _renumber(segmenter):
    """Number motifs by falling usage."""
    order = np.argsort(-segmenter.frames, kind="stable")
    arrays = {
        name: getattr(segmenter, name) for name in ("frames", "centres", "variances", "start")
    }
    changed = {name: array[order] for name, array in arrays.items() if len(array)}
    if len(segmenter.transitions):
        changed["transitions"] = segmenter.transitions[np.ix_(order, order)]
    return replace(segmenter, **changed)


def _fit_kmeans(latents, known, n_motifs, seed, motif_windows):
    from sklearn.cluster import KMeans, MiniBatchKMeans  # noqa: PLC0415  labelling does without

    rng = np.random.default_rng(seed)
    total = sum(int(own.sum()) for own in known.values())
    few = total <= motif_windows
    drawn = draw_windows(known, total if few else max(SEEDING_WINDOWS, n_motifs), rng)
    fitted = KMeans(n_motifs, n_init=10, random_state=seed).fit(take(latents, drawn))
    if not few:
        fitted = MiniBatchKMeans(
            n_motifs,
            init=fitted.cluster_centers_,
            n_init=1,
            batch_size=BATCH,
            random_state=seed,
            reassignment_ratio=0,  # the first centres are good: none is moved elsewhere
        )
        for batch in _batches(latents, known, rng):
            fitted.partial_fit(batch)
    return {"centres": fitted.cluster_centers_.astype(np.float64)}


def _batches(latents, known, rng):
    """Yield all usable windows once, in batches of short runs from all sessions."""
    runs = [
        (session, part.start, part.stop)
        for session, own in latents.items()
        for part in blocks_of(len(own), RUN)
    ]
    order = rng.permutation(len(runs))
    for part in blocks_of(len(runs), BATCH // RUN):
        chosen = [runs[number] for number in order[part]]
        batch = [latents[s][start:stop][known[s][start:stop]] for s, start, stop in chosen]
        batch = np.concatenate(batch)
        if len(batch):
            yield batch


def _fit_hidden_markov_model(latents, known, n_motifs, seed, motif_windows):
    from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415  k-means does without

    pieces = find_stretches(known)
    if sum(stop - first for _, first, stop in pieces) > motif_windows:
        pieces = draw_stretches(known, motif_windows, np.random.default_rng(seed))
    windows = np.concatenate([latents[session][first:stop] for session, first, stop in pieces])
    model = GaussianHMM(
        n_motifs,
        covariance_type="diag",
        n_iter=50,
        tol=1e-4 * len(windows),  # nats over all windows
        random_state=seed,
        implementation="scaling",
        init_params="mc",  # means and variances, from k-means
        # A hundredth of a count keeps every row of a motif that is never left a distribution.
        startprob_prior=1.01,
        transmat_prior=1.01,
    )
    # At the start, motifs last ten windows: hmmlearn's own first transitions are random, and the
    # fit may stay with motifs that alternate at every window.
    model.startprob_ = np.full(n_motifs, 1 / n_motifs)
    model.transmat_ = np.full((n_motifs, n_motifs), 0.1 / (n_motifs - 1))
    np.fill_diagonal(model.transmat_, 0.9)
    model.fit(windows.astype(np.float64), lengths=[stop - first for _, first, stop in pieces])
    return {
        "centres": model.means_,
        "variances": np.array([np.diag(matrix) for matrix in model.covars_]),
        "start": model.startprob_,
        "transitions": model.transmat_,
    }


def _hidden_markov_model(segmenter):
    from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415  k-means does without

    model = GaussianHMM(segmenter.n_motifs, covariance_type="diag")
    model.startprob_, model.transmat_ = segmenter.start, segmenter.transitions
    model.means_, model.covars_ = segmenter.centres, segmenter.variances
    return model


_FITS = {"kmeans": _fit_kmeans, "hmm": _fit_hidden_markov_model}
