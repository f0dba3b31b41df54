"""Latents of many recordings, read in parts: together they may be larger than the memory."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

BLOCK = 65_536
"""Windows that are at work at once."""


def open_latents(path: str | Path) -> np.ndarray:
    """(window, latent) float32, memory-mapped; NaN where a window is not usable."""
    return np.load(path, mmap_mode="r")


def blocks_of(length: int, size: int = BLOCK) -> Iterator[slice]:
    """Slices that cover 0 to `length`, in order."""
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def find_known(latents: np.ndarray) -> np.ndarray:
    """(window,) bool: which windows are usable."""
    known = np.zeros(len(latents), dtype=bool)
    for part in blocks_of(len(latents)):
        known[part] = np.isfinite(latents[part]).all(axis=1)
    return known


def find_runs(mask: np.ndarray) -> np.ndarray:
    """(run, 2) start and stop (excluded) of each run of true values."""
    edges = np.flatnonzero(np.diff(np.pad(mask.astype(np.int8), 1)))
    return edges.reshape(-1, 2)


def draw_windows(
    known: Mapping[str, np.ndarray], count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """At most `count` usable windows of all sessions, each as likely, in order within a session."""
    usable = {session: np.flatnonzero(mask) for session, mask in known.items()}
    ends = np.cumsum([len(windows) for windows in usable.values()])
    if not known:
        return {}
    total = int(ends[-1])
    drawn = np.arange(total)
    if total > count:
        drawn = np.sort(rng.choice(total, count, replace=False, shuffle=False))
    parts = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
    starts = ends - [len(windows) for windows in usable.values()]
    return {
        session: windows[part - start]
        for (session, windows), part, start in zip(usable.items(), parts, starts, strict=True)
    }


def take(latents: Mapping[str, np.ndarray], windows: Mapping[str, np.ndarray]) -> np.ndarray:
    """(window, latent) of these windows of these sessions, one session after the other."""
    return np.concatenate([latents[session][own] for session, own in windows.items()])
