"""Baselines of motifs: principal components of the same windows, and surrogate latents."""

from collections.abc import Mapping

import numpy as np
from formats.aligned import AlignedPoses
from sklearn.decomposition import PCA

from motif_analysis.bouts import find_bouts
from motif_analysis.latents import draw_stretches, find_known
from motif_analysis.segmentation import Segmenter

SURROGATE_WINDOWS = 50_000  # of which surrogates are made, at most
SHORTEST_STRETCH = 16  # windows of a stretch that a surrogate is made of
SHORT_FRAMES = 2  # of a bout that counts as short


def component_scores(
    aligned: Mapping[str, AlignedPoses],
    windows: Mapping[str, np.ndarray],
    time_window: int,
    n: int,
) -> np.ndarray:
    """(window, component) principal components of windows of scaled poses.

    Parameters
    ----------
    windows
        First frames of usable windows of each session.
    n
        Components: as many as the model has latents, or as the windows allow.
    """
    features = next(iter(aligned.values())).features
    flat = []
    for session, own in windows.items():
        order = [aligned[session].features.index(name) for name in features]
        flat.append(aligned[session].poses[own[:, None] + np.arange(time_window)][..., order])
    poses = np.concatenate(flat)
    mean, std = poses.mean(axis=(0, 1)), poses.std(axis=(0, 1))
    scaled = ((poses - mean) / np.where(std > 0, std, 1)).reshape(len(poses), -1)
    n = min(n, *scaled.shape)
    return PCA(n, svd_solver="covariance_eigh").fit_transform(scaled.astype(np.float64))


def randomise_phases(latents: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Make a (window, latent) surrogate with the spectra and cross-spectra of the original.

    The same random phases are added to all latents (Prichard & Theiler 1994): the surrogate is as
    smooth and as correlated, but Gaussian and without states.
    """
    spectrum = np.fft.rfft(latents, axis=0)
    phases = rng.uniform(0, 2 * np.pi, size=(len(spectrum), 1))
    phases[0] = 0  # the mean stays
    if len(latents) % 2 == 0:
        phases[-1] = 0  # and the highest frequency stays real
    return np.fft.irfft(spectrum * np.exp(1j * phases), n=len(latents), axis=0)


def bout_statistics(stretches: list[np.ndarray], segmenter: Segmenter) -> dict[str, float]:
    """Mean frames of a bout, and the share of bouts of at most `SHORT_FRAMES`."""
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
    Of each statistic its value, and the mean, lowest and highest of the surrogates.
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
