"""Latents pooled over time: their distribution around a frame, rather than their current value.

A latent depends on the phase of a movement: when latents are clustered directly, a walk is split
into the phases of its step. Behaviours differ in the mean, the standard deviation and the mean
absolute change of latents over a second or a few (statistics pooling: Snyder et al. 2018,
"X-vectors"), the last two on a logarithmic scale.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from formats.runs import blocks_of, find_runs

from motif_analysis.latents import draw_windows, find_known, take

WEIGHTS = np.array([1.0, 0.5, 0.5])
"""Weights of the mean, the standard deviation and the mean absolute change of each length. The last
two are nearly redundant: at full weight, motifs of labelled mice were less informative."""
PARTS = len(WEIGHTS)
DECAY = 0.25
"""Exponent by which the weight of a length decreases: with 16 times the length, half the weight. At
equal weights, the longest length dominates, and motifs of short behaviours blur."""
FAINTEST = 0.1  # of the typical standard deviation or change: below, there is mostly noise
SCALING_WINDOWS = 20_000


@dataclass(frozen=True)
class Pooling:
    """Lengths over which latents are pooled, and the weight of each part of the result.

    Attributes
    ----------
    reaches
        (length,) windows on either side of a window that are pooled with it. Empty without pooling.
    typical
        (length · `PARTS`, latent) root mean square of each part, for `to_logarithms`; empty without
        logarithms, as in older segmenters
    scale
        (length · `PARTS`,) divisor of each part; empty if parts are not scaled. A part is scaled as
        a whole: standardising latents one by one would give those that contain noise the weight of
        behaviour.
    """

    reaches: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    typical: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    scale: np.ndarray = field(default_factory=lambda: np.empty(0))

    def width(self, zdims: int) -> int:
        """Return the number of columns of `apply`, given that of the latents."""
        return zdims * max(1, PARTS * len(self.reaches))

    def apply(self, latents: np.ndarray, start: int = 0, stop: int | None = None) -> np.ndarray:
        """Pool (window, latent) latents around each of the windows `start` to `stop` (excluded).

        At the edge of a stretch of usable windows, only windows inside it are pooled.

        Returns
        -------
        (stop - start, width) float64, NaN where a window is not usable.
        """
        stop = len(latents) if stop is None else stop
        if not len(self.reaches):
            return np.asarray(latents[start:stop], dtype=np.float64)
        parts = pool(latents, self.reaches, start, stop)
        if len(self.typical):
            parts = to_logarithms(parts, self.typical)
        if len(self.scale):
            parts = parts / self.scale[:, None]
        return parts.reshape(len(parts), -1)

    def take(
        self, latents: Mapping[str, np.ndarray], windows: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Pool around the chosen windows, one session after the other.

        Windows of a session are in ascending order.
        """
        if not len(self.reaches):
            return take(latents, windows)
        pooled = []
        for session, own in windows.items():
            for part in blocks_of(len(latents[session])):
                inside = own[np.searchsorted(own, part.start) : np.searchsorted(own, part.stop)]
                if len(inside):
                    near = self.apply(latents[session], inside[0], inside[-1] + 1)
                    pooled.append(near[inside - inside[0]])
        return np.concatenate(pooled)


def pool(latents: np.ndarray, reaches: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Pool (window, latent) latents around each of the windows `start` to `stop` (excluded).

    Returns
    -------
    (stop - start, length · `PARTS`, latent) float64, NaN where a window is not usable.
    """
    first = max(0, start - int(reaches.max()))
    around = np.asarray(latents[first : stop + int(reaches.max())], dtype=np.float64)
    pooled = np.full((len(around), PARTS * len(reaches), latents.shape[1]), np.nan)
    for run_start, run_stop in find_runs(find_known(around)).tolist():
        stretch = around[run_start:run_stop]
        parts = [part for reach in reaches.tolist() for part in pool_stretch(stretch, reach)]
        pooled[run_start:run_stop] = np.stack(parts, axis=1)
    return pooled[start - first : stop - first]


def to_logarithms(parts: np.ndarray, typical: np.ndarray) -> np.ndarray:
    """Replace standard deviations and changes by their logarithms.

    Their distributions are skewed: without logarithms, k-means divides vigorous movements finely
    and joins all faint ones. Each logarithm is multiplied by the typical value, so that latents
    keep their proportions.

    Parameters
    ----------
    parts
        (window, length · `PARTS`, latent) of `pool`.
    typical
        (length · `PARTS`, latent)
    """
    spread = np.arange(len(typical)) % PARTS > 0
    changed = parts.copy()
    changed[:, spread] = typical[spread] * np.log(parts[:, spread] / typical[spread] + FAINTEST)
    return changed


def pool_stretch(latents: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute mean, standard deviation and mean absolute change of usable windows around each.

    Parameters
    ----------
    latents
        (window, latent) of consecutive usable windows.
    reach
        Windows before and after, as far as there are any.

    Returns
    -------
    Three arrays (window, latent).
    """
    number = np.arange(len(latents))
    low, high = np.maximum(number - reach, 0), np.minimum(number + reach + 1, len(latents))

    def mean_of(values, high):
        sums = np.pad(np.cumsum(values, axis=0), ((1, 0), (0, 0)))
        return (sums[high] - sums[low]) / np.maximum(high - low, 1)[:, None]

    centre = latents.mean(axis=0)  # avoids cancellation in the squares
    mean = mean_of(latents - centre, high)
    variance = mean_of((latents - centre) ** 2, high) - mean**2
    change = mean_of(np.abs(np.diff(latents, axis=0)), high - 1)
    return mean + centre, np.sqrt(np.maximum(variance, 0)), change


def reaches_of(seconds: Sequence[float], fps: float) -> np.ndarray:
    """Convert lengths in seconds to windows before and after; lengths of one frame are left out."""
    reaches = np.array([round(length * fps / 2) for length in seconds], dtype=np.int64)
    return np.unique(reaches[reaches > 0])


def fit_pooling(
    latents: Mapping[str, np.ndarray], reaches: np.ndarray, rng: np.random.Generator
) -> Pooling:
    """Scale each part so that its standard deviation, over all latents, equals its weight.

    The standard deviation is the root of the variance summed over latents, on a sample of windows.
    The weight is that of the part in `WEIGHTS`, times that of the length; see `DECAY`.

    Parameters
    ----------
    latents
        (window, latent) of each session.
    reaches
        See `Pooling` and `reaches_of`.
    """
    unscaled = Pooling(reaches)
    drawn = draw_windows({s: find_known(own) for s, own in latents.items()}, SCALING_WINDOWS, rng)
    if not len(reaches) or not sum(map(len, drawn.values())):
        return unscaled
    pooled = unscaled.take(latents, drawn)
    parts = pooled.reshape(len(pooled), PARTS * len(reaches), -1)
    typical = _or_1(np.sqrt(np.square(parts).mean(axis=0)))
    scale = _or_1(np.sqrt(to_logarithms(parts, typical).var(axis=0).sum(axis=1)))
    return Pooling(reaches, typical, scale / weights_of(reaches))


def weights_of(reaches: np.ndarray) -> np.ndarray:
    """Return the (length · `PARTS`,) weight of each part; the shortest length has weight 1."""
    return np.outer((reaches[0] / reaches) ** DECAY, WEIGHTS).ravel()


def _or_1(divisor):
    return np.where(divisor > 0, divisor, 1)
