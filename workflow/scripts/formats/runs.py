"""Runs of true values, and arrays in blocks: recordings may be larger than memory."""

from collections.abc import Iterator

import numpy as np

BLOCK = 65_536
"""Rows that are processed at once."""


def find_runs(mask: np.ndarray) -> np.ndarray:
    """Find runs of true values in a 1D mask: (run, 2) start and stop (excluded)."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return edges.reshape(-1, 2)


def blocks_of(length: int, size: int = BLOCK) -> Iterator[slice]:
    """Yield slices that cover 0 to `length`, in order."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))
