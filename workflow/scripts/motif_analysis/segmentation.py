"""Motifs as clusters of latents (k-means) or as states of a hidden Markov model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import numpy as np
from scipy.spatial.distance import cdist

from motif_analysis.latents import blocks_of, draw_windows, find_known, find_runs, take

SEEDING_WINDOWS = 50_000  # that the mini-batches' first centres are found on
BATCH, RUN = 8192, 512  # windows of a mini-batch, and of each of the runs that it consists of
LONGEST_PIECE = 10_000  # windows of a piece of the hidden Markov model's sample
DECODED_AT_ONCE = 100_000  # windows of a stretch that the most likely path is found for at once
MARGIN = 1_000  # windows on either side that it may depend on: paths meet within some dozens


@dataclass(frozen=True)
class Segmenter:
    """What gives every window its motif.

    Attributes
    ----------
    algorithm
        kmeans or hmm
    time_window
        frames of a window
    frames
        (motif,) windows of each motif in the sessions that it was fitted on, falling
    centres
        (motif, latent) means
    variances, start, transitions
        (motif, latent), (motif,), (motif, motif) of the hidden Markov model; empty for k-means
    """

    algorithm: str
    time_window: int
    frames: np.ndarray
    centres: np.ndarray
    variances: np.ndarray
    start: np.ndarray
    transitions: np.ndarray

    @property
    def n_motifs(self) -> int:
        return len(self.centres)

    def label(self, latents: np.ndarray) -> np.ndarray:
        """(window,) int16: the motif of each window, -1 where it is not usable.

        Nothing runs across a window that is not usable.
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
    """A segmenter that `Segmenter.save` wrote; no pickle is opened."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = {field.name: arrays[field.name] for field in fields(Segmenter)}
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a segmenter that this workflow wrote ({error})") from error
    return Segmenter(
        **values
        | {"algorithm": str(values["algorithm"]), "time_window": int(values["time_window"])}
    )


def fit_segmenter(
    latents: Mapping[str, np.ndarray],
    algorithm: str,
    n_motifs: int,
    time_window: int,
    seed: int,
    motif_windows: int,
) -> Segmenter:
    """Fit on all usable windows of all sessions together.

    Beyond `motif_windows` of them, k-means learns from all of them in mini-batches, and the hidden
    Markov model from a sample of stretches.

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
    fit = _FITS[algorithm]
    segmenter = replace(fit(latents, known, n_motifs, seed, motif_windows), time_window=time_window)
    frames = np.zeros(n_motifs, dtype=np.int64)
    for own in latents.values():
        motifs = segmenter.label(own)
        frames += np.bincount(motifs[motifs >= 0], minlength=n_motifs)
    return _renumber(replace(segmenter, frames=frames))


def _renumber(segmenter):
    """Motifs in order of falling use."""
    order = np.argsort(-segmenter.frames, kind="stable")
    changed = {name: getattr(segmenter, name)[order] for name in ("frames", "centres")}
    if segmenter.algorithm == "hmm":
        changed |= {name: getattr(segmenter, name)[order] for name in ("variances", "start")}
        changed["transitions"] = segmenter.transitions[np.ix_(order, order)]
    return replace(segmenter, **changed)


def _fit_kmeans(latents, known, n_motifs, seed, motif_windows):
    from sklearn.cluster import KMeans, MiniBatchKMeans  # noqa: PLC0415  labelling needs it not

    rng = np.random.default_rng(seed)
    total = sum(int(own.sum()) for own in known.values())
    few = total <= motif_windows
    drawn = draw_windows(known, total if few else max(SEEDING_WINDOWS, n_motifs), rng)
    fitted = KMeans(n_motifs, n_init=10, random_state=seed).fit(take(latents, drawn))
    if not few:
        centres = fitted.cluster_centers_
        fitted = MiniBatchKMeans(
            n_motifs,
            init=centres,
            n_init=1,
            batch_size=BATCH,
            random_state=seed,
            reassignment_ratio=0,  # the first centres are good: none is thrown elsewhere
        )
        for batch in _batches(latents, known, rng):
            fitted.partial_fit(batch)
    none = np.empty(0)
    centres = fitted.cluster_centers_.astype(np.float64)
    return Segmenter("kmeans", 0, none, centres, none, none, none)


def _batches(latents, known, rng):
    """All usable windows once, in batches of short runs from all over the sessions."""
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
    from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415  k-means needs it not

    pieces = [
        (session, first, stop)
        for session, own in known.items()
        for first, stop in find_runs(own).tolist()
    ]
    if sum(stop - first for _, first, stop in pieces) > motif_windows:
        pieces = _draw_pieces(pieces, motif_windows, np.random.default_rng(seed))
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
    # To begin with, motifs last ten windows: hmmlearn's own first transitions are drawn at random,
    # and the fit may stay with motifs that take turns at every window.
    model.startprob_ = np.full(n_motifs, 1 / n_motifs)
    model.transmat_ = np.full((n_motifs, n_motifs), 0.1 / (n_motifs - 1))
    np.fill_diagonal(model.transmat_, 0.9)
    model.fit(windows.astype(np.float64), lengths=[stop - first for _, first, stop in pieces])
    return Segmenter(
        algorithm="hmm",
        time_window=0,
        frames=np.empty(0),
        centres=model.means_,
        variances=np.array([np.diag(matrix) for matrix in model.covars_]),
        start=model.startprob_,
        transitions=model.transmat_,
    )


def _draw_pieces(pieces, count, rng):
    """Pieces of stretches, drawn until they hold `count` windows."""
    short = [
        (session, first + part.start, first + part.stop)
        for session, first, stop in pieces
        for part in blocks_of(stop - first, LONGEST_PIECE)
    ]
    order = rng.permutation(len(short))
    held = np.cumsum([short[number][2] - short[number][1] for number in order])
    return [short[number] for number in order[: int(np.searchsorted(held, count)) + 1]]


def _hidden_markov_model(segmenter):
    from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415  k-means needs it not

    model = GaussianHMM(segmenter.n_motifs, covariance_type="diag")
    model.startprob_, model.transmat_ = segmenter.start, segmenter.transitions
    model.means_, model.covars_ = segmenter.centres, segmenter.variances
    return model


_FITS = {"kmeans": _fit_kmeans, "hmm": _fit_hidden_markov_model}
