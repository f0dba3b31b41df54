"""Motif numbers kept from a reference: the segmenter of an earlier run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from motif_analysis.numbering import Numbering, match_motifs
from motif_analysis.segmentation import Segmenter, load_segmenter, reorder


def keep_numbers(segmenter: Segmenter, path: str | Path | None) -> Segmenter:
    """Number motifs as in a reference where they are the same; see `numbering.match_motifs`.

    Parameters
    ----------
    path
        A file that `Segmenter.save` wrote; None leaves the segmenter unchanged.

    Raises
    ------
    ValueError
        If the file is not a segmenter, or motifs cannot be matched to its motifs.
    """
    if not path:
        return segmenter
    reference = load_segmenter(path)
    try:
        given, numbering = match_motifs(
            segmenter.fitted, segmenter.numbering, reference.fitted, reference.numbering
        )
    except ValueError as error:
        raise ValueError(f"reference_segmenters: {path}: {error}") from error
    order = numbering.numbers.argsort()
    rising = replace(numbering, numbers=numbering.numbers[order], new=numbering.new[order])
    fitted = segmenter.fitted.renumber(given)
    return reorder(replace(segmenter, numbering=rising, fitted=fitted), order)


def describe_numbering(numbering: Numbering) -> str:
    """Describe how much matches the reference, and which motifs are new or lost."""
    if not numbering.shared_sessions:
        return "Motifs are numbered by falling usage."
    count, n_motifs = int((~numbering.new).sum()), len(numbering.numbers)
    sessions = numbering.shared_sessions
    recordings = f"{sessions} recordings" if sessions > 1 else "the recording"
    parts = [
        f"{count} of {n_motifs} motifs keep their number: {numbering.kept_share:.0%} of the frames "
        f"of {recordings} shared with the reference have the same motif in both"
    ]
    if numbering.new.any():
        parts.append(f"new: {_listed(numbering.numbers[numbering.new].tolist())}")
    if len(numbering.lost):
        parts.append(f"not found again: {_listed(numbering.lost.tolist())}")
    return "; ".join(parts) + "."


def judge_numbering(numbering: Numbering) -> list[tuple[float, str]]:
    """Return the share of frames that keep their motif and a sentence, if there is a reference."""
    known = [(numbering.kept_share, describe_numbering(numbering))]
    return known if numbering.shared_sessions else []


def _listed(numbers: Sequence[int]) -> str:
    names = [str(number) for number in numbers]
    many = len(names) > 1
    return f"motifs {', '.join(names[:-1])} and {names[-1]}" if many else f"motif {names[0]}"
