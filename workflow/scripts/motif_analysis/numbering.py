"""Numbers of motifs, and matching of new motifs to those of a reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from formats.words import NAMED, listed
from scipy.optimize import linear_sum_assignment

SAME = 0.5
"""Dice coefficient of their frames above which two motifs count as the same."""


@dataclass(frozen=True)
class Numbering:
    """The number of each motif, and its relation to the motifs of a reference.

    Attributes
    ----------
    numbers
        (motif,) the number of each, ascending
    next_number
        lowest number that no motif has ever had, here or in the references before
    new
        (motif,) bool: not among the motifs of the reference; all False without a reference
    lost
        numbers of the reference's motifs that were not found again
    shared_sessions
        recordings that the reference was also fitted on; 0 without a reference
    kept_share
        share of their frames whose motif has the same number as in the reference; NaN without
        a reference
    """

    numbers: np.ndarray
    next_number: int
    new: np.ndarray
    lost: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    shared_sessions: int = 0
    kept_share: float = np.nan


def number_in_order(n_motifs: int) -> Numbering:
    """Number motifs 0, 1, 2, …"""
    return Numbering(np.arange(n_motifs), n_motifs, np.zeros(n_motifs, dtype=bool))


@dataclass(frozen=True)
class FittedFrames:
    """Motifs of the frames that a segmenter was fitted on, as runs of equal motifs.

    Attributes
    ----------
    sessions
        (session,) names
    session_runs
        (session,) number of runs of each
    run_motifs
        (run,) number of the motif, -1 for frames without one; runs are ordered by session
    run_frames
        (run,) number of frames
    """

    sessions: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.str_))
    session_runs: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    run_motifs: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int16))
    run_frames: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int32))

    def lengths(self) -> dict[str, int]:
        """Return the number of frames of each session."""
        return {session: int(frames.sum()) for session, _, frames in self.runs()}

    def motifs(self, session: str) -> np.ndarray:
        """Return the (frame,) int16 motifs of one session."""
        return next(np.repeat(motifs, n) for name, motifs, n in self.runs() if name == session)

    def renumber(self, numbers: Mapping[int, int]) -> "FittedFrames":
        """Replace the numbers of motifs."""
        known, place = np.unique(self.run_motifs, return_inverse=True)
        other = [numbers.get(motif, -1) for motif in known.tolist()]
        return replace(self, run_motifs=np.array(other, dtype=np.int16)[place])

    def runs(self):
        """Yield each session, the motifs of its runs and the frames of these."""
        stops = np.cumsum(self.session_runs)
        starts = stops - self.session_runs
        for session, start, stop in zip(self.sessions.tolist(), starts, stops, strict=True):
            yield session, self.run_motifs[start:stop], self.run_frames[start:stop]


def keep_frames(motifs: Mapping[str, np.ndarray]) -> FittedFrames:
    """Store the (frame,) motifs of each session, -1 where there is none."""
    starts = {
        session: np.flatnonzero(np.diff(own, prepend=own[0] - 1) != 0) if len(own) else []
        for session, own in motifs.items()
    }
    none = [np.empty(0, dtype=np.int64)]
    run_motifs = [own[starts[session]] for session, own in motifs.items() if len(own)]
    run_frames = [np.diff(starts[s], append=len(own)) for s, own in motifs.items() if len(own)]
    return FittedFrames(
        sessions=np.array(list(motifs), dtype=np.str_),
        session_runs=np.array([len(own) for own in starts.values()], dtype=np.int64),
        run_motifs=np.concatenate(run_motifs or none).astype(np.int16),
        run_frames=np.concatenate(run_frames or none).astype(np.int32),
    )


def match_motifs(
    fitted: FittedFrames, numbering: Numbering, old: FittedFrames, reference: Numbering
) -> tuple[dict[int, int], Numbering]:
    """Match motifs to those of a reference, using the recordings that both were fitted on.

    Two motifs are the same if their Dice coefficient, the number of shared frames divided by the
    mean of their frames, is at least `SAME`. Of these pairs, the one-to-one matching with most
    frames is chosen (the Hungarian method: Kuhn 1955). Other motifs are new, and get the next
    unused numbers, in their order.

    Returns
    -------
    The new number of each motif, by its old one, and the numbering of motifs in
    the order of the old ones.

    Raises
    ------
    ValueError
        If there is no shared recording, or one has a different number of frames.
    """
    shared = _shared_sessions(fitted.lengths(), old.lengths())
    table = np.zeros((reference.next_number, numbering.next_number), dtype=np.int64)
    for session in shared:
        before, now = old.motifs(session), fitted.motifs(session)
        both = (before >= 0) & (now >= 0)
        pairs = before[both].astype(np.int64) * table.shape[1] + now[both]
        table += np.bincount(pairs, minlength=table.size).reshape(table.shape)
    sums = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True)
    same = (table > 0) & (2 * table >= SAME * sums)
    pairs = zip(*linear_sum_assignment(np.where(same, table, 0), maximize=True), strict=True)
    kept = {int(now): int(before) for before, now in pairs if same[before, now]}
    given, next_number = dict(kept), reference.next_number
    for motif in numbering.numbers.tolist():
        if motif not in kept:
            given[motif], next_number = next_number, next_number + 1
    numbers = [given[motif] for motif in numbering.numbers.tolist()]
    frames = sum(table[before, now] for now, before in kept.items())
    return given, Numbering(
        numbers=np.array(numbers),
        next_number=next_number,
        new=np.array([motif not in kept for motif in numbering.numbers.tolist()]),
        lost=np.setdiff1d(reference.numbers, list(kept.values())),
        shared_sessions=len(shared),
        kept_share=float(frames / max(table.sum(), 1)),
    )


def _shared_sessions(lengths: Mapping[str, int], old: Mapping[str, int]) -> Sequence[str]:
    shared = [session for session in lengths if lengths[session] and old.get(session)]
    if not shared:
        raise ValueError(
            f"none of its recordings ({listed(old, NAMED)}) is among those of this fit "
            f"({listed(lengths, NAMED)}); motifs are matched on recordings of the same name"
        )
    other = [session for session in shared if lengths[session] != old[session]]
    if other:
        each = [f"{name} has {old[name]} frames there and {lengths[name]} here" for name in other]
        raise ValueError(
            f"{listed(each, NAMED)}; motifs are matched frame by frame: give a recording that was "
            "cut or resampled another name in the sessions table, or set another reference"
        )
    return shared
