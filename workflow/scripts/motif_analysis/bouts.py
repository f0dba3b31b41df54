"""Bouts: runs of frames of one motif."""

from typing import NamedTuple

import numpy as np


class Bouts(NamedTuple):
    """Arrays over the bouts of a recording, in its order."""

    motif: np.ndarray
    start: np.ndarray
    stop: np.ndarray  # excluded

    @property
    def frames(self) -> np.ndarray:
        return self.stop - self.start


def find_bouts(motifs: np.ndarray) -> Bouts:
    """Find the bouts of a recording; frames without a motif (-1) separate bouts."""
    edges = np.flatnonzero(np.diff(motifs)) + 1
    start = np.concatenate([[0], edges]).astype(np.int64)[: len(motifs)]
    stop = np.concatenate([edges, [len(motifs)]]).astype(np.int64)[: len(start)]
    own = motifs[start] >= 0
    return Bouts(motifs[start[own]].astype(np.int64), start[own], stop[own])


def count_transitions(bouts: Bouts, n_motifs: int) -> np.ndarray:
    """(from, to) how often a bout of one motif directly follows a bout of another."""
    joined = bouts.stop[:-1] == bouts.start[1:]
    counts = np.zeros((n_motifs, n_motifs), dtype=np.int64)
    np.add.at(counts, (bouts.motif[:-1][joined], bouts.motif[1:][joined]), 1)
    return counts
