"""Example bouts of a motif: positions of the animal's points at the times of a film's frames."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from formats.aligned import AlignedPoses, open_aligned

from figures.skeletons import in_image, poses_of, seen_from

FPS = 20
CONTEXT_SECONDS = 0.25
"""Seconds shown before and after a bout, in grey."""
LONGEST_SECONDS = 3.0


@dataclass(frozen=True)
class Bout:
    """A bout and its context, at the film's frames.

    Attributes
    ----------
    session
        Session of the bout.
    seconds
        (frame,) time in the recording.
    points
        (frame, keypoint, 2) pixels of the image, NaN where the animal's position is unknown.
    shown
        The same points, from the animal's perspective at the start of the bout.
    inside
        (frame,) bool: true within the bout, false before and after it.
    """

    session: str
    seconds: np.ndarray
    points: np.ndarray
    shown: np.ndarray
    inside: np.ndarray


def cut_bout(session: str, aligned: AlignedPoses, center: str, first: int, last: int) -> Bout:
    """Take the frames `first` to `last` of a recording, and those around them, at `FPS`."""
    fps, frames = aligned.fps, len(aligned.poses)
    start, end = first / fps, min((last + 1) / fps, first / fps + LONGEST_SECONDS)
    whole = np.arange(start - CONTEXT_SECONDS, end + CONTEXT_SECONDS, 1 / FPS)
    whole = whole[(whole > -1e-9) & (whole <= (frames - 1) / fps)].clip(0)
    from_frame = max(0, int(whole[0] * fps))
    part = slice(from_frame, int(np.ceil(whole[-1] * fps)) + 1)
    _, poses = poses_of(aligned.as_recorded(part), aligned.features, center)
    track = aligned.track[part].astype(float)
    points = in_image(poses, track)
    shown = seen_from(points, track, first - from_frame)
    at = whole * fps - from_frame
    return Bout(
        session=session,
        seconds=whole,
        points=_at(points, at),
        shown=_at(shown, at),
        inside=(whole >= start - 1e-9) & (whole < end - 1e-9),
    )


def load_bouts(
    examples: pd.DataFrame, aligned: Mapping[str, str | Path], center: str
) -> dict[int, list[Bout]]:
    """Load the example bouts of each motif, in the order of their ranks.

    Parameters
    ----------
    examples
        Rows of `examples.csv`.
    aligned
        Aligned poses by session.
    """
    bouts: dict[int, list[Bout]] = {}
    for row in examples.sort_values(["motif", "rank"]).itertuples():
        recording = open_aligned(aligned[row.session])
        bout = cut_bout(row.session, recording, center, row.first_frame, row.last_frame)
        bouts.setdefault(row.motif, []).append(bout)
    return bouts


def _at(points: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Interpolate (frame, keypoint, 2) between frames; NaN where one of both is unknown."""
    low = np.floor(at + 1e-9).astype(int).clip(0, len(points) - 1)
    high = np.minimum(low + 1, len(points) - 1)
    part = (at - low).clip(0, 1)[:, None, None]
    return np.where(part < 1e-6, points[low], (1 - part) * points[low] + part * points[high])
