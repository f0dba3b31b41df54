"""Annotated behaviours frame by frame, as the files of the column `labels` give them."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from formats.aligned import AlignedPoses
from formats.annotations import label_frames, read_bouts
from formats.text import open_text


def read_labels(path: str | Path, frames: int, fps: float, recorded_fps: float) -> np.ndarray:
    """Read the (frame,) label of each frame; '' where there is none.

    The file has a row per frame as recorded, or bouts (`formats.annotations`). Where recordings
    were resampled to another rate, `fps`, a frame has the label of the recorded frame nearest in
    time.
    """
    bouts = read_bouts(path)
    if bouts is not None:
        recorded = int(np.ceil(frames * recorded_fps / fps))
        labels = label_frames(path, bouts, recorded, recorded_fps)
        return _at_rate(labels, frames, fps, recorded_fps)
    with open_text(path) as file:
        labels = pd.read_csv(file, usecols=["label"], index_col=False, dtype=str)["label"]
    labels = labels.fillna("").str.strip().to_numpy(dtype=str)
    return _at_rate(labels, frames, fps, recorded_fps)


def _at_rate(labels: np.ndarray, frames: int, fps: float, recorded_fps: float) -> np.ndarray:
    nearest = np.rint(np.arange(frames) * recorded_fps / fps).astype(int)
    return labels[np.minimum(nearest, len(labels) - 1)]


def labels_of_sessions(
    sessions: Sequence[Mapping[str, Any]],
    paths: Iterable[str],
    aligned: Mapping[str, AlignedPoses],
) -> dict[str, np.ndarray]:
    """Read the labels of all sessions that have any.

    Parameters
    ----------
    sessions
        session, fps as recorded, and labelled (bool) of each.
    paths
        Files of those that are labelled, in the same order.
    """
    labels = {}
    labelled = [row for row in sessions if row["labelled"]]
    for row, path in zip(labelled, paths, strict=True):
        own = aligned[row["session"]]
        labels[row["session"]] = read_labels(path, len(own.usable), own.fps, row["fps"])
    return labels
