"""Intervals of the difference between two models, over held-out sessions and seeds."""

import numpy as np
from formats.statistics import CONFIDENCE
from scipy import stats

REPLICATES = 10_000


def difference_interval(
    errors: np.ndarray, others: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """Compute a bootstrap interval of the mean of `errors` minus the mean of `others`.

    Sessions are sampled with replacement, the same ones for both models, which pairs them; if a
    model has several seeds, these are also sampled, for each model separately. The percentiles are
    expanded as by Hesterberg (2015, The American Statistician 69:371), which gives the interval
    the width of Student's t: plain ones are too narrow for few sessions.

    Parameters
    ----------
    errors, others
        (seed, session) mean errors; the same sessions in the same order.
    """
    # scipy.stats.bootstrap cannot draw sessions of both models and seeds of each in one replicate.
    _, n = errors.shape
    weights = _draw(n, rng)
    means = [
        np.einsum("rk,ks,rs->r", _draw(len(table), rng), table, weights, optimize=True)
        for table in (errors, others)
    ]
    quantile = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.sqrt(n / (n - 1))
    level = stats.norm.cdf(-quantile)
    low, high = np.quantile(means[0] - means[1], [level, 1 - level])
    return float(low), float(high)


def _draw(n: int, rng: np.random.Generator) -> np.ndarray:
    """Return (replicate, n) weights of n items that are sampled n times with replacement."""
    return rng.multinomial(n, np.full(n, 1 / n), size=REPLICATES) / n
