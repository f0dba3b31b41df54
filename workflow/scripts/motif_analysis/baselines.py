"""What motifs are held against: principal components of the same windows, surrogate latents."""

from collections.abc import Mapping

import numpy as np
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from motif_analysis.frames import Aligned
from motif_analysis.latents import find_known, find_runs
from motif_analysis.segmentation import Segmenter
from motif_analysis.tables import find_bouts

SURROGATE_WINDOWS = 50_000  # that surrogates are made of, at most
SHORTEST_STRETCH = 16
LONGEST_STRETCH = 10_000
SHORT_FRAMES = 2


def component_scores(
    recordings: Mapping[str, Aligned], windows: Mapping[str, np.ndarray], time_window: int, n: int
) -> dict[str, np.ndarray]:
    """(window, component) of each session: principal components of the scaled poses of windows.

    Parameters
    ----------
    windows
        First frames of usable windows of each session.
    n
        Components, as many as the model has latents (or as the windows allow).
    """
    features = next(iter(recordings.values())).features
    flat = []
    for session, own in windows.items():
        aligned = recordings[session]
        order = [aligned.features.index(name) for name in features]
        frames = own[:, None] + np.arange(time_window)
        flat.append(aligned.poses[frames][..., order])
    poses = np.concatenate(flat)
    mean, std = poses.mean(axis=(0, 1)), poses.std(axis=(0, 1))
    scaled = ((poses - mean) / np.where(std > 0, std, 1)).reshape(len(poses), -1)
    n = min(n, *scaled.shape)
    scores = PCA(n, svd_solver="covariance_eigh").fit_transform(scaled.astype(np.float64))
    parts = np.split(scores, np.cumsum([len(own) for own in windows.values()])[:-1])
    return dict(zip(windows, parts, strict=True))


def cluster_scores(scores: Mapping[str, np.ndarray], n_motifs: int, seed: int) -> dict:
    """k-means motifs of components, for each session."""
    together = np.concatenate(list(scores.values()))
    fitted = KMeans(n_motifs, n_init=10, random_state=seed).fit(together)
    return {session: fitted.predict(own) for session, own in scores.items()}


def randomise_phases(latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A surrogate (window, latent) with the spectra and cross-spectra of the original, no more.

    The same random phases are added to all latents (Prichard & Theiler 1994): it is as smooth and
    as correlated, but Gaussian and without states.
    """
    spectrum = np.fft.rfft(latents, axis=0)
    phases = rng.uniform(0, 2 * np.pi, size=(len(spectrum), 1))
    phases[0] = 0  # the mean stays
    if len(latents) % 2 == 0:
        phases[-1] = 0  # and what alternates stays real
    return np.fft.irfft(spectrum * np.exp(1j * phases), n=len(latents), axis=0)


def bout_statistics(stretches: list[np.ndarray], segmenter: Segmenter) -> dict[str, float]:
    """Mean frames of a bout, and the share of bouts of one or two frames, in these stretches."""
    bouts = [find_bouts(segmenter.label(own)).frames for own in stretches]
    frames = np.concatenate(bouts) if bouts else np.empty(0)
    if not len(frames):
        return {"mean_frames": np.nan, "short_share": np.nan}
    return {
        "mean_frames": float(frames.mean()),
        "short_share": float((frames <= SHORT_FRAMES).mean()),
    }


def choose_stretches(
    latents: Mapping[str, np.ndarray], rng: np.random.Generator
) -> list[np.ndarray]:
    """Usable stretches of all sessions, in random order, until they hold `SURROGATE_WINDOWS`."""
    pieces = [
        (session, start, min(start + LONGEST_STRETCH, stop))
        for session, own in latents.items()
        for first, stop in find_runs(find_known(own)).tolist()
        for start in range(first, stop, LONGEST_STRETCH)
    ]
    pieces = [piece for piece in pieces if piece[2] - piece[1] >= SHORTEST_STRETCH]
    chosen, held = [], 0
    for number in rng.permutation(len(pieces)):
        if held >= SURROGATE_WINDOWS:
            break
        session, start, stop = pieces[number]
        chosen.append(np.asarray(latents[session][start:stop], dtype=np.float64))
        held += stop - start
    return chosen


def compare_with_surrogates(
    latents: Mapping[str, np.ndarray], segmenter: Segmenter, count: int, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Bout statistics beside those of phase-randomised latents, labelled by the same segmenter.

    Returns
    -------
    For each statistic its value, and the mean, lowest and highest of the surrogates.
    """
    stretches = choose_stretches(latents, rng)
    own = bout_statistics(stretches, segmenter)
    surrogates = [
        bout_statistics([randomise_phases(each, rng) for each in stretches], segmenter)
        for _ in range(count)
    ]
    return {
        name: {
            "value": value,
            "chance": float(np.mean([each[name] for each in surrogates])),
            "chance_low": float(np.min([each[name] for each in surrogates])),
            "chance_high": float(np.max([each[name] for each in surrogates])),
        }
        for name, value in own.items()
    }
