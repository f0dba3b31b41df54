"""Baselines of motifs: principal components of the same windows, and surrogate latents."""

from collections.abc import Mapping

import numpy as np
from formats.aligned import AlignedPoses
from formats.runs import blocks_of
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.decomposition import PCA

from motif_analysis.bouts import find_bouts
from motif_analysis.latents import draw_stretches, draw_windows, find_known, take
from motif_analysis.segmentation import Segmenter

COMPONENT_WINDOWS = 20_000  # to which principal components are fitted
SURROGATE_WINDOWS = 50_000  # maximum from which surrogates are generated
SHORTEST_STRETCH = 16  # windows, at least, of a stretch for a surrogate
SHORT_FRAMES = 2  # of a bout that counts as short, at most


def component_latents(
    aligned: Mapping[str, AlignedPoses], time_window: int, n: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Compute (window, component) principal components of each session's scaled windows.

    They are used like a model's latents: NaN where a window is not usable. Pose coordinates have
    one common standard deviation, scalars their own, as under the default of `scaling`.

    Parameters
    ----------
    n
        Number of components: as many as the model has latents, or as the windows allow.
    """
    first = next(iter(aligned.values()))
    features = first.features
    windows = {
        session: sliding_window_view(_columns(own, features), time_window, axis=0)
        for session, own in aligned.items()
    }
    known = {
        session: sliding_window_view(own.usable, time_window).all(axis=1)
        for session, own in aligned.items()
    }
    sample = take(windows, draw_windows(known, COMPONENT_WINDOWS, rng)).astype(np.float64)
    mean = sample.mean(axis=(0, 2), keepdims=True)
    std = sample.std(axis=(0, 2), keepdims=True)
    coordinates = ~np.isin(features, list(first.scalars))
    if coordinates.any():
        std[:, coordinates] = np.sqrt(np.mean(std[:, coordinates] ** 2))
    std = np.where(std > 0, std, 1)

    def flat(part):
        return ((part - mean) / std).reshape(len(part), -1)

    sample = flat(sample)
    pca = PCA(min(n, *sample.shape), svd_solver="covariance_eigh").fit(sample)
    latents = {}
    for session, own in windows.items():
        latents[session] = np.full((len(own), pca.n_components_), np.nan, dtype=np.float32)
        for part in blocks_of(len(own)):
            rows = part.start + np.flatnonzero(known[session][part])
            if len(rows):
                latents[session][rows] = pca.transform(flat(own[rows]))
    return latents


def _columns(aligned, features):
    if aligned.features == features:
        return aligned.poses  # memory-mapped
    return aligned.poses[:, [aligned.features.index(name) for name in features]]


def randomise_phases(latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Generate a (window, latent) surrogate with the spectra and cross-spectra of the original.

    The same random phases are added to all latents (Prichard & Theiler 1994): the surrogate is
    equally smooth and correlated, but Gaussian and without states.
    """
    spectrum = np.fft.rfft(latents, axis=0)
    phases = rng.uniform(0, 2 * np.pi, size=(len(spectrum), 1))
    phases[0] = 0  # the mean is unchanged
    if len(latents) % 2 == 0:
        phases[-1] = 0  # the highest frequency is real
    return np.fft.irfft(spectrum * np.exp(1j * phases), n=len(latents), axis=0)


def bout_statistics(stretches: list[np.ndarray], segmenter: Segmenter) -> dict[str, float]:
    """Compute mean frames per bout, and the share of bouts of at most `SHORT_FRAMES`."""
    bouts = [find_bouts(segmenter.label(own)).frames for own in stretches]
    frames = np.concatenate([np.empty(0, int), *bouts])
    if not len(frames):
        return {"mean_frames": np.nan, "short_share": np.nan}
    return {
        "mean_frames": float(frames.mean()),
        "short_share": float((frames <= SHORT_FRAMES).mean()),
    }


def compare_with_surrogates(
    latents: Mapping[str, np.ndarray], segmenter: Segmenter, count: int, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Compare bout statistics with those of `count` surrogates that the same segmenter labels.

    Returns
    -------
    Each statistic with its value, and the mean, lowest and highest of the surrogates.
    """
    known = {session: find_known(own) for session, own in latents.items()}
    stretches = [
        np.asarray(latents[session][start:stop], dtype=np.float64)
        for session, start, stop in draw_stretches(known, SURROGATE_WINDOWS, rng, SHORTEST_STRETCH)
    ]
    surrogates = [
        bout_statistics([randomise_phases(each, rng) for each in stretches], segmenter)
        for _ in range(count)
    ]
    found = {}
    for name, value in bout_statistics(stretches, segmenter).items():
        chance = np.array([each[name] for each in surrogates])
        found[name] = {
            "value": value,
            "chance": float(chance.mean()),
            "chance_low": float(chance.min()),
            "chance_high": float(chance.max()),
        }
    return found
