"""Usable windows of many recordings, read in parts: together they may exceed memory."""

from collections.abc import Mapping

import numpy as np
from formats.runs import blocks_of, find_runs

LONGEST_STRETCH = 10_000  # windows: longer stretches are cut before sampling

Stretch = tuple[str, int, int]
"""Session, first window, last window + 1; all windows between are usable."""


def find_known(latents: np.ndarray) -> np.ndarray:
    """Return (window,) bool: which windows are usable."""
    known = np.zeros(len(latents), dtype=bool)
    for part in blocks_of(len(latents)):
        known[part] = np.isfinite(latents[part]).all(axis=1)
    return known


def draw_windows(
    known: Mapping[str, np.ndarray], count: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Sample up to `count` usable windows of all sessions uniformly; sorted within a session."""
    if not known:
        return {}
    usable = {session: np.flatnonzero(mask) for session, mask in known.items()}
    ends = np.cumsum([len(windows) for windows in usable.values()])
    total = int(ends[-1])
    drawn = np.arange(total)
    if total > count:
        drawn = np.sort(rng.choice(total, count, replace=False, shuffle=False))
    parts = np.split(drawn, np.searchsorted(drawn, ends[:-1]))
    return {
        session: windows[part - (end - len(windows))]
        for (session, windows), part, end in zip(usable.items(), parts, ends, strict=True)
    }


def take(latents: Mapping[str, np.ndarray], windows: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return (window, latent) of the chosen windows, one session after the other."""
    return np.concatenate([latents[session][own] for session, own in windows.items()])


def find_stretches(known: Mapping[str, np.ndarray]) -> list[Stretch]:
    """Find all stretches of usable windows, in order."""
    return [
        (session, start, stop)
        for session, own in known.items()
        for start, stop in find_runs(own).tolist()
    ]


def draw_stretches(
    known: Mapping[str, np.ndarray],
    count: int,
    rng: np.random.Generator,
    shortest: int = 1,
    longest: int | None = None,
) -> list[Stretch]:
    """Sample stretches of `shortest` to `longest` windows until they contain `count`.

    Stretches are cut at `LONGEST_STRETCH` unless another length is given.
    """
    pieces = [
        (session, start + part.start, start + part.stop)
        for session, start, stop in find_stretches(known)
        for part in blocks_of(stop - start, longest or LONGEST_STRETCH)
        if part.stop - part.start >= shortest
    ]
    order = rng.permutation(len(pieces))
    held = np.cumsum([pieces[number][2] - pieces[number][1] for number in order])
    return [pieces[number] for number in order[: int(np.searchsorted(held, count)) + 1]]
