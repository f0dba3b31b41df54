"""Segmenters that keep the motif numbers of an earlier one, and files that depend on them."""

from dataclasses import replace

import numpy as np
import pytest
from motif_analysis.findings import finding
from motif_analysis.numbering import Numbering
from motif_analysis.reference import describe_numbering, judge_numbering, keep_numbers
from motif_analysis.segmentation import fit_segmenter, load_segmenter
from test_segmentation import STATES, fit, make_latents

MORE = np.repeat([0, 1], [300, 50])  # another animal with other behaviours


@pytest.fixture(params=["kmeans", "hmm"])
def runs(request, tmp_path):
    """Return a reference, and latents of another model for the same and one more animal."""
    how = {"algorithm": request.param, "bout_seconds": 0.3}
    first = fit({"a": make_latents(states=STATES)}, **how)
    first.save(tmp_path / "reference.npz")
    centres = ((4.0, 4.0), (-9.0, 0.0), (0.0, -5.0))
    latents = {
        name: make_latents(centres=centres, states=states, seed=seed)
        for name, states, seed in (("a", STATES, 3), ("b", MORE, 4))
    }
    return tmp_path / "reference.npz", latents, fit(latents, **how)


def test_one_more_animal_does_not_renumber_motifs(runs):
    path, latents, fitted = runs
    before = load_segmenter(path).fitted.motifs("a")
    assert fitted.label(latents["a"])[0] != before[4]  # numbers by usage would differ
    kept = keep_numbers(fitted, path)
    motifs = kept.label(latents["a"])
    same = motifs == before[4 : 4 + len(motifs)]
    assert same.mean() > 0.98
    np.testing.assert_array_equal(kept.fitted.motifs("a")[4 : 4 + len(motifs)], motifs)
    assert kept.numbering.numbers.tolist() == [0, 1, 2]
    counted = np.bincount(np.concatenate([kept.label(own) for own in latents.values()]) + 1)
    assert kept.frames.tolist() == counted[1:].tolist()


def test_only_numbers_differ_from_a_fit_without_a_reference(runs, tmp_path):
    path, latents, fitted = runs
    kept = keep_numbers(fitted, path)
    kept.save(tmp_path / "kept.npz")
    again = load_segmenter(tmp_path / "kept.npz")
    pairs = set()
    for own in latents.values():
        pairs |= set(zip(fitted.label(own).tolist(), kept.label(own).tolist(), strict=True))
        np.testing.assert_array_equal(again.label(own), kept.label(own))
    assert len(pairs) == 4  # one to one, including -1
    own = latents["b"]
    np.testing.assert_array_equal(
        fitted.distances(own, fitted.label(own)), again.distances(own, again.label(own))
    )
    np.testing.assert_array_equal(again.numbering.new, kept.numbering.new)
    assert keep_numbers(fitted, None) is fitted


def test_more_motifs_than_in_the_reference_are_new(tmp_path):
    fit({"a": make_latents(states=STATES)}, n_motifs=2).save(tmp_path / "two.npz")
    kept = keep_numbers(fit({"a": make_latents(states=STATES)}), tmp_path / "two.npz")
    assert kept.numbering.numbers.tolist() == [0, 1, 2]
    assert kept.numbering.new.tolist() == [False, False, True]


def test_a_reference_that_cannot_be_used_is_named(runs, tmp_path):
    path, latents, fitted = runs
    np.savez(tmp_path / "other.npz", centres=np.zeros(3))
    with pytest.raises(ValueError, match=rf"^{tmp_path}/other.npz: not a segmenter"):
        keep_numbers(fitted, tmp_path / "other.npz")
    short = fit({"a": latents["a"][:-1], "b": latents["b"]})
    with pytest.raises(ValueError, match=rf"^reference_segmenters: {path}: a has 202 frames there"):
        keep_numbers(short, path)


def test_matching_works_with_another_window(runs):
    """A window of 8 frames starts 4 frames before its centre, and one of 5 frames 2 before."""
    path, latents, _ = runs
    own = latents["a"]
    longer = {"a": np.concatenate([own[:2], own, own[-1:]])}  # for the same 202 frames
    how = {"pooling_seconds": [], "expected_bout_seconds": 0, "motif_seed": 0}
    fitted = fit_segmenter(longer, "kmeans", 3, 5, 10.0, how | {"motif_windows": 1000})
    kept = keep_numbers(fitted, path)
    assert kept.numbering.kept_share > 0.98
    np.testing.assert_array_equal(kept.fitted.motifs("a")[[4, -5]], kept.label(own)[[0, -1]])


NUMBERING = Numbering(
    numbers=np.array([0, 2, 15]),
    next_number=16,
    new=np.array([False, False, True]),
    lost=np.array([1, 3, 4]),
    shared_sessions=2,
    kept_share=0.9,
)


def test_a_sentence_lists_matched_and_new_motifs():
    assert describe_numbering(NUMBERING) == (
        "2 of 3 motifs keep their number: 90% of the frames of 2 recordings shared with the "
        "reference have the same motif in both; new: motif 15; not found again: motifs 1, 3 and 4."
    )
    alone = Numbering(np.arange(2), 2, np.zeros(2, bool), shared_sessions=1, kept_share=1.0)
    assert describe_numbering(alone) == (
        "2 of 2 motifs keep their number: 100% of the frames of the recording shared with the "
        "reference have the same motif in both."
    )


@pytest.mark.parametrize(("share", "verdict"), [(0.9, "good"), (0.6, "doubtful"), (0.3, "bad")])
def test_the_share_of_frames_that_keep_their_motif_has_a_verdict(share, verdict):
    ((value, sentence),) = judge_numbering(replace(NUMBERING, kept_share=share))
    assert finding("kept_motifs", value, sentence)["verdict"] == verdict


def test_without_a_reference_there_is_no_finding():
    assert judge_numbering(fit({"a": make_latents(states=STATES)}).numbering) == []
