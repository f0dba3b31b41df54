"""Motifs as clusters of pooled latents (k-means) or as states of a hidden Markov model."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from formats.runs import blocks_of, find_runs
from scipy.spatial.distance import cdist

from motif_analysis.frames import motifs_of_frames
from motif_analysis.latents import draw_stretches, draw_windows, find_known, find_stretches
from motif_analysis.numbering import FittedFrames, Numbering, keep_frames, number_in_order
from motif_analysis.pooling import Pooling, fit_pooling, reaches_of

BATCH, RUN = 8192, 512  # windows of a mini-batch, and of each run in it
MARGIN_WINDOWS = 20_000  # from which the typical margin between two motifs is measured
DECODED_AT_ONCE = 50_000  # windows of a stretch whose most likely path is found at once
ADDED_LATER = "typical"  # older files lack this array of the pooling
MARGIN = 1_000  # windows on either side that the path may depend on: paths meet after some dozens


@dataclass(frozen=True)
class Segmenter:
    """A clustering that assigns a motif to every window.

    Attributes
    ----------
    algorithm
        kmeans or hmm
    time_window
        frames of a window
    zdims
        latents of the model
    pooling
        pooling of latents over time
    frames
        (motif,) number of windows of each motif in the sessions of the fit
    centres
        (motif, pooled latent) means
    bout_frames
        expected duration of a bout in frames
    change_cost
        cost of a change of motif in k-means' labels, in squared distance
    variances, start, transitions
        (motif, pooled latent), (motif,), (motif, motif) of the hidden Markov model; empty for
        k-means
    fitted
        motifs of the frames of the sessions that it was fitted on
    numbering
        the number of each motif, 0, 1, 2, … unless a reference is used
    tried
        (number, column) of `n_motifs.TRIED`: the candidates for the number of motifs;
        empty if the number was set
    """

    algorithm: str
    time_window: int
    zdims: int
    pooling: Pooling
    frames: np.ndarray
    centres: np.ndarray
    bout_frames: float = 0.0
    change_cost: float = 0.0
    variances: np.ndarray = field(default_factory=lambda: np.empty(0))
    start: np.ndarray = field(default_factory=lambda: np.empty(0))
    transitions: np.ndarray = field(default_factory=lambda: np.empty(0))
    tried: np.ndarray = field(default_factory=lambda: np.empty(0))
    fitted: FittedFrames = field(default_factory=FittedFrames)
    numbering: Numbering | None = None

    def __post_init__(self) -> None:
        if self.numbering is None:
            object.__setattr__(self, "numbering", number_in_order(len(self.centres)))

    @property
    def n_motifs(self) -> int:
        return len(self.centres)

    def label(self, latents: np.ndarray) -> np.ndarray:
        """Return (window,) int16: number of each window's motif, -1 where it is not usable.

        Labels are the most likely path through each stretch of usable windows; paths do not
        continue across unusable windows.
        """
        if latents.shape[1] != self.zdims:
            raise ValueError(
                f"the segmenter was fitted on {self.zdims} latents, but there are "
                f"{latents.shape[1]}: it belongs to another model"
            )
        motifs = np.full(len(latents), -1, dtype=np.int16)
        decode = _DECODERS[self.algorithm](self)
        for first, stop in find_runs(find_known(latents)).tolist():
            for part in blocks_of(stop - first, DECODED_AT_ONCE):
                left = max(first, first + part.start - MARGIN)
                right = min(stop, first + part.stop + MARGIN)
                path = decode(self.pooling.apply(latents, left, right))
                inside = slice(first + part.start - left, first + part.stop - left)
                own = self.numbering.numbers[path[inside]]
                motifs[first + part.start : first + part.stop] = own
        return motifs

    def distances(self, latents: np.ndarray, motifs: np.ndarray) -> np.ndarray:
        """Return the (window,) float32 distance of each window to the centre of its motif.

        The distance is Euclidean, between pooled latents; the centre of a state of the hidden
        Markov model is its mean. For merged motifs, it is that to the nearest centre.

        Parameters
        ----------
        motifs
            The result of `label`; where it is -1, the distance is NaN.
        """
        distances = np.full(len(motifs), np.nan, dtype=np.float32)
        for first, stop in find_runs(motifs >= 0).tolist():
            for part in blocks_of(stop - first, DECODED_AT_ONCE):
                own = slice(first + part.start, first + part.stop)
                apart = cdist(self.pooling.apply(latents, own.start, own.stop), self.centres)
                apart[motifs[own, None] != self.numbering.numbers] = np.inf
                distances[own] = apart.min(axis=1)
        return distances

    def merge(self, merged: Mapping[int, int]) -> "Segmenter":
        """Return the same clustering, in which some motifs have the number of another one."""
        numbers = {number: merged.get(number, number) for number in self.numbering.numbers.tolist()}
        numbering = replace(self.numbering, numbers=np.array(list(numbers.values())))
        return replace(self, numbering=numbering, fitted=self.fitted.renumber(numbers))

    def save(self, path: str | Path) -> None:
        values = asdict(self)
        parts = [values.pop(name) for name in _PARTS]
        np.savez(path, **{name: array for part in parts for name, array in part.items()}, **values)


def load_segmenter(path: str | Path) -> Segmenter:
    """Load a file of `Segmenter.save`, which must not contain pickles."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            parts = {name: _read(kind, arrays) for name, kind in _PARTS.items()}
            return _read(Segmenter, arrays, **parts)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: not a segmenter that this workflow wrote ({error})") from error


def _read(kind, arrays, **known):
    """Create a dataclass from these arrays; those of no axes become plain values."""
    names = {each.name for each in fields(kind)} - known.keys()
    read = {name: arrays[name] for name in names if name in arrays or name != ADDED_LATER}
    plain = {name: array.item() for name, array in read.items() if not array.ndim}
    return kind(**read | plain | known)


def fit_segmenter(
    latents: Mapping[str, np.ndarray],
    algorithm: str,
    n_motifs: int,
    time_window: int,
    fps: float,
    settings: Mapping[str, Any],
) -> Segmenter:
    """Fit motifs to all usable windows of all sessions.

    If there are more than `motif_windows`, k-means is fitted to a sample and refined with all of
    them in mini-batches; the hidden Markov model is fitted to a sample of stretches.

    Parameters
    ----------
    latents
        (window, latent) of each session, such as memory maps.
    settings
        pooling_seconds, expected_bout_seconds, motif_seed and motif_windows

    Raises
    ------
    ValueError
        If there are fewer windows than motifs.
    """
    like = new_segmenter(algorithm, n_motifs, time_window, fps, settings)
    return fit_segmenter_like(like, latents, settings["motif_seed"], settings["motif_windows"])


def new_segmenter(
    algorithm: str, n_motifs: int, time_window: int, fps: float, settings: Mapping[str, Any]
) -> Segmenter:
    """Return a segmenter to fit others like it: algorithm, number of motifs and durations."""
    reaches = reaches_of(settings["pooling_seconds"], fps)
    bout_frames = settings["expected_bout_seconds"] * fps
    empty = np.empty((n_motifs, 0))
    return Segmenter(algorithm, time_window, 0, Pooling(reaches), empty, empty, bout_frames)


def fit_segmenter_like(
    like: Segmenter, latents: Mapping[str, np.ndarray], seed: int, motif_windows: int
) -> Segmenter:
    """Fit motifs to other latents with a segmenter's algorithm, number of motifs and durations."""
    known = {session: find_known(own) for session, own in latents.items()}
    total = sum(int(own.sum()) for own in known.values())
    if total < like.n_motifs:
        raise ValueError(
            f"{total} usable windows in all sessions for {like.n_motifs} motifs: lower n_motifs, "
            "or add longer recordings"
        )
    pooling = fit_pooling(latents, like.pooling.reaches, np.random.default_rng(seed))
    zdims = next(iter(latents.values())).shape[1]
    frames = np.zeros(like.n_motifs, dtype=np.int64)
    numbering = number_in_order(like.n_motifs)
    segmenter = replace(like, zdims=zdims, pooling=pooling, frames=frames, numbering=numbering)
    segmenter = replace(segmenter, **_FITS[like.algorithm](segmenter, latents, seed, motif_windows))
    of_frames = {}
    for session, own in latents.items():
        motifs = segmenter.label(own)
        frames += np.bincount(motifs[motifs >= 0], minlength=like.n_motifs)
        recorded = len(own) + like.time_window - 1 if len(own) else 0
        of_frames[session] = motifs_of_frames(motifs, recorded, like.time_window)
    order = np.argsort(-frames, kind="stable")  # numbers are by decreasing usage
    fitted = keep_frames(of_frames).renumber({int(old): new for new, old in enumerate(order)})
    return reorder(replace(segmenter, fitted=fitted), order)


def reorder(segmenter: Segmenter, order: np.ndarray) -> Segmenter:
    """Reorder the data that a segmenter has of each motif; numbers do not move.

    Parameters
    ----------
    order
        (motif,) rows, in their new order.
    """
    arrays = {
        name: getattr(segmenter, name) for name in ("frames", "centres", "variances", "start")
    }
    changed = {name: array[order] for name, array in arrays.items() if len(array)}
    if len(segmenter.transitions):
        changed["transitions"] = segmenter.transitions[np.ix_(order, order)]
    return replace(segmenter, **changed)


def _fit_kmeans(segmenter, latents, seed, motif_windows):
    from sklearn.cluster import KMeans, MiniBatchKMeans  # noqa: PLC0415  not needed for labelling

    n_motifs, pooling = segmenter.n_motifs, segmenter.pooling
    known = {session: find_known(own) for session, own in latents.items()}
    rng = np.random.default_rng(seed)
    sample = pooling.take(latents, draw_windows(known, motif_windows, rng))
    fitted = KMeans(n_motifs, n_init=10, random_state=seed).fit(sample)
    if sum(int(own.sum()) for own in known.values()) > len(sample):
        fitted = MiniBatchKMeans(
            n_motifs,
            init=fitted.cluster_centers_,
            n_init=1,
            batch_size=BATCH,
            random_state=seed,
            reassignment_ratio=0,  # the initial centres are good: none is reassigned
        )
        for batch in _batches(latents, pooling, rng):
            fitted.partial_fit(batch)
    centres = fitted.cluster_centers_.astype(np.float64)
    return {"centres": centres, "change_cost": change_cost(sample, centres, segmenter.bout_frames)}


def change_cost(sample: np.ndarray, centres: np.ndarray, bout_frames: float) -> float:
    """Choose the cost of a change: a bout must be as clear as usual, or longer than expected.

    A bout of another motif between two of the same requires two changes. It reduces the total cost
    if it lasts for `bout_frames` at the typical margin: the median over windows of the difference
    (in squared distance) between the nearest other centre and their own centre.
    """
    if len(centres) < 2:
        return 0.0
    few = sample[:: -(-len(sample) // MARGIN_WINDOWS)]
    nearest = np.partition(cdist(few, centres, "sqeuclidean"), 1, axis=1)
    return float(np.median(nearest[:, 1] - nearest[:, 0])) * bout_frames / 2


def cheapest_path(costs: np.ndarray, change_cost: float) -> np.ndarray:
    """Find the (window,) states of the path with the lowest total cost (Viterbi 1967).

    Parameters
    ----------
    costs
        (window, state) cost of each state.
    change_cost
        Cost of every change of state.
    """
    if not change_cost:
        return costs.argmin(axis=1)
    total, states = costs[0].copy(), np.arange(costs.shape[1])
    came_from = np.empty(costs.shape, dtype=np.int16)
    for window in range(1, len(costs)):
        best = total.argmin()
        limit = total[best] + change_cost
        came_from[window] = np.where(total <= limit, states, best)
        total = np.minimum(total, limit) + costs[window]
    path = np.empty(len(costs), dtype=np.int16)
    state = total.argmin()
    for window in range(len(costs) - 1, -1, -1):
        path[window] = state
        state = came_from[window, state]
    return path


def _batches(latents, pooling, rng):
    """Yield all usable windows once, in batches of short runs from all sessions."""
    runs = [
        (session, part.start, part.stop)
        for session, own in latents.items()
        for part in blocks_of(len(own), RUN)
    ]
    order = rng.permutation(len(runs))
    for part in blocks_of(len(runs), BATCH // RUN):
        chosen = [runs[number] for number in order[part]]
        batch = np.concatenate([pooling.apply(latents[s], *bounds) for s, *bounds in chosen])
        batch = batch[np.isfinite(batch).all(axis=1)]
        if len(batch):
            yield batch


def _fit_hidden_markov_model(segmenter, latents, seed, motif_windows):
    pooling = segmenter.pooling
    known = {session: find_known(own) for session, own in latents.items()}
    pieces = find_stretches(known)
    if sum(stop - first for _, first, stop in pieces) > motif_windows:
        pieces = draw_stretches(known, motif_windows, np.random.default_rng(seed))
    windows = [pooling.apply(latents[session], first, stop) for session, first, stop in pieces]
    lengths = [len(own) for own in windows]
    windows = np.concatenate(windows)
    model = fit_states(windows, lengths, segmenter.n_motifs, segmenter.bout_frames, seed)
    return {
        "centres": model.means_,
        "variances": np.array([np.diag(matrix) for matrix in model.covars_]),
        "start": model.startprob_,
        "transitions": model.transmat_,
    }


def fit_states(
    windows: np.ndarray,
    lengths: Sequence[int],
    n_motifs: int,
    bout_frames: float,
    seed: int,
    iterations: int = 50,
) -> Any:
    """Fit hmmlearn's hidden Markov model, with separate variances for each motif.

    Parameters
    ----------
    windows
        (window, pooled latent) of stretches, one after the other.
    lengths
        Windows of each stretch.
    bout_frames
        Expected duration of a bout, the initial value of the fit.
    iterations
        Maximum number.
    """
    from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415  not needed for k-means

    model = GaussianHMM(
        n_motifs,
        covariance_type="diag",
        n_iter=iterations,
        tol=1e-4 * len(windows),  # nats over all windows
        random_state=seed,
        implementation="scaling",
        init_params="mc",  # means and variances, from k-means
        # A hundredth of a count keeps every row a distribution, also for a motif that is never
        # left.
        startprob_prior=1.01,
        transmat_prior=1.01,
    )
    # hmmlearn's own initial transitions are random, and the fit may converge to motifs that
    # alternate at every window.
    leave = 1 / max(bout_frames, 2)
    model.startprob_ = np.full(n_motifs, 1 / n_motifs)
    model.transmat_ = np.full((n_motifs, n_motifs), leave / (n_motifs - 1))
    np.fill_diagonal(model.transmat_, 1 - leave)
    return model.fit(windows, lengths=lengths)


def _kmeans_decoder(segmenter):
    def decode(windows):
        costs = cdist(windows, segmenter.centres, "sqeuclidean")
        return cheapest_path(costs, segmenter.change_cost)

    return decode


def _hidden_markov_decoder(segmenter):
    from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415  not needed for k-means

    model = GaussianHMM(segmenter.n_motifs, covariance_type="diag")
    model.startprob_, model.transmat_ = segmenter.start, segmenter.transitions
    model.means_, model.covars_ = segmenter.centres, segmenter.variances
    return lambda windows: model.decode(windows)[1]


_PARTS = {"pooling": Pooling, "numbering": Numbering, "fitted": FittedFrames}
_FITS = {"kmeans": _fit_kmeans, "hmm": _fit_hidden_markov_model}
_DECODERS = {"kmeans": _kmeans_decoder, "hmm": _hidden_markov_decoder}
