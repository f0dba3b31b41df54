"""Motifs are matched to those of a reference by shared frames."""

import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motif_analysis.numbering import keep_frames, match_motifs, number_in_order

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))


def labels(**runs):
    """Return (frame,) motifs of each session from runs (motif, frames)."""
    return {name: np.repeat(*np.array(own).T).astype(np.int16) for name, own in runs.items()}


def match(new, old, n_new=None, reference=None):
    numbers = number_in_order(n_new or 1 + max(int(own.max()) for own in new.values()))
    reference = reference or number_in_order(1 + max(int(own.max()) for own in old.values()))
    return match_motifs(keep_frames(new), numbers, keep_frames(old), reference)


def test_motifs_get_the_numbers_that_their_frames_have_in_the_reference():
    old = labels(a=[(0, 50), (1, 30), (-1, 5), (2, 20)])
    new = labels(a=[(1, 50), (2, 30), (-1, 5), (0, 20)], b=[(0, 100)])
    given, numbering = match(new, old)
    assert given == {1: 0, 2: 1, 0: 2}
    assert numbering.numbers.tolist() == [2, 0, 1]
    assert (numbering.kept_share, numbering.shared_sessions) == (1, 1)
    assert not numbering.new.any()
    assert numbering.lost.tolist() == []
    assert numbering.next_number == 3


def test_the_larger_part_of_a_split_motif_keeps_the_number():
    old = labels(a=[(0, 60), (1, 40)])
    new = labels(a=[(2, 40), (1, 20), (0, 40)])
    given, numbering = match(new, old)
    assert given == {2: 0, 0: 1, 1: 2}
    assert numbering.new.tolist() == [False, True, False]
    assert numbering.kept_share == pytest.approx(0.8)


def test_the_larger_of_two_merged_motifs_gives_the_number():
    old = labels(a=[(0, 60), (1, 40), (2, 30)])
    given, numbering = match(labels(a=[(0, 100), (1, 30)]), old)
    assert given == {0: 0, 1: 2}
    assert numbering.lost.tolist() == [1]
    assert numbering.kept_share == pytest.approx(90 / 130)


def test_motifs_that_share_less_than_half_of_their_frames_do_not_match():
    old = labels(a=[(0, 50), (1, 50)])
    new = labels(
        a=[(0, 20), (1, 20), (2, 20), (0, 20), (1, 20)]
    )  # each shares half of its frames with both
    given, numbering = match(new, old)
    assert given == {0: 2, 1: 3, 2: 4}
    assert numbering.new.all()
    assert numbering.lost.tolist() == [0, 1]
    assert numbering.kept_share == 0


def test_the_matching_maximises_the_shared_frames():
    """Motif 0 shares most with 0, but then motif 1 would have no number of the reference."""
    old = labels(a=[(0, 58), (1, 52)])
    new = labels(a=[(0, 30), (1, 28), (0, 28), (1, 24)])
    given, numbering = match(new, old)
    assert given == {0: 1, 1: 0}
    assert numbering.kept_share == pytest.approx((28 + 28) / 110)


def test_a_number_is_never_given_twice():
    """Motif 2 of the first run was lost in the second; a new motif of the third is different."""
    first = labels(a=[(0, 50), (1, 30), (2, 20)])
    second = labels(a=[(0, 50), (1, 50)])
    _, numbering = match(second, first)
    assert (numbering.lost.tolist(), numbering.next_number) == ([2], 3)
    third = labels(a=[(0, 25), (2, 25), (1, 50)])
    given, numbering = match(third, second, reference=numbering)
    assert sorted(given.values()) == [0, 1, 3]
    assert numbering.next_number == 4


def test_an_unused_motif_is_new():
    given, numbering = match(labels(a=[(0, 10), (1, 9)]), labels(a=[(1, 10), (0, 9)]), n_new=3)
    assert given == {0: 1, 1: 0, 2: 2}
    assert numbering.new.tolist() == [False, False, True]


def test_a_recording_of_another_length_is_refused_with_both_lengths():
    with pytest.raises(ValueError, match="a has 5 frames there and 4 here; motifs are matched"):
        match(labels(a=[(0, 4)], b=[(0, 4)]), labels(a=[(0, 5)], b=[(0, 4)]))


def test_a_reference_of_other_recordings_is_refused_with_their_names():
    with pytest.raises(ValueError, match=r"none of its recordings \(c\) is among .* \(a and b\)"):
        match(labels(a=[(0, 4)], b=[(0, 4)]), labels(c=[(0, 5)]))


def test_a_recording_without_a_window_in_one_run_is_ignored():
    old = labels(a=[(0, 9)]) | {"b": np.empty(0, np.int16)}
    _, numbering = match(labels(a=[(0, 9)], b=[(0, 9)]), old, reference=number_in_order(1))
    assert numbering.shared_sessions == 1


series = st.lists(st.integers(-1, 4), max_size=40).map(lambda own: np.array(own, np.int16))


@settings(max_examples=10 * EXAMPLES, deadline=None)
@given(motifs=st.dictionaries(st.text(min_size=1).filter(str.isidentifier), series, max_size=4))
def test_motifs_of_frames_can_be_restored(motifs):
    kept = keep_frames(motifs)
    assert kept.lengths() == {session: len(own) for session, own in motifs.items()}
    for session, own in motifs.items():
        np.testing.assert_array_equal(kept.motifs(session), own)
        swapped = kept.renumber({0: 4, 4: 0, 1: 1, 2: 2, 3: 3}).motifs(session)
        np.testing.assert_array_equal(swapped, np.array([4, 1, 2, 3, 0, -1])[own])


@settings(max_examples=10 * EXAMPLES, deadline=None)
@given(
    n_motifs=st.integers(1, 12),
    more=st.integers(0, 3),
    start=st.integers(0, 5),
    sessions=st.integers(1, 4),
    changed=st.floats(0, 0.1),
    seed=st.integers(0, 10_000),
)
def test_motifs_that_changed_little_keep_any_numbers(
    n_motifs, more, start, sessions, changed, seed
):
    """Old motifs have random numbers; new ones are a permutation with a few other frames."""
    rng = np.random.default_rng(seed)
    own = np.sort(rng.choice(np.arange(start, start + n_motifs + more), n_motifs, replace=False))
    reference = replace(number_in_order(n_motifs), numbers=own, next_number=start + n_motifs + more)
    new, old, order = {}, {}, rng.permutation(n_motifs)
    for number in range(sessions):
        positions = rng.permutation(np.repeat(np.arange(n_motifs), 60))
        other = positions.copy()
        few = rng.random(len(positions)) < changed
        other[few] = rng.integers(0, n_motifs, few.sum())
        old[f"s{number}"] = own[positions].astype(np.int16)
        new[f"s{number}"] = order[other].astype(np.int16)
    given, numbering = match(new, old, n_new=n_motifs, reference=reference)
    assert given == {int(order[position]): int(own[position]) for position in range(n_motifs)}
    assert numbering.kept_share >= 1 - 2 * changed - 0.1
    assert not numbering.new.any()
