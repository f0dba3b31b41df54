"""Permutation tests equal those of scipy, and values computed by hand."""

import numpy as np
import pandas as pd
import pytest
from formats.statistics import FEWEST_PAIRS, FEWEST_WAYS
from motif_analysis.permutation import (
    Design,
    assignments,
    compare,
    count_ways,
    difference,
    effect_interval,
    note_of_pairs,
    p_values,
    q_values,
)
from scipy import stats


def rng(seed=0):
    return np.random.default_rng(seed)


def pairs(differences, at=0.5):
    """Return a design of one motif in animals with these differences between two conditions."""
    a = np.full((1, len(differences)), at)
    return Design(a, a + np.array([differences]), paired=True)


@pytest.mark.parametrize("animals", [2, 5, 6, 8])
def test_pairs_that_all_change_equally_are_one_of_all_sign_flips(animals):
    """Of 2ⁿ sign flips, one at each end is as extreme."""
    p = p_values(pairs([0.1] * animals), 10_000, rng())
    assert p == pytest.approx(2 / 2**animals)


def test_one_of_three_pairs_changes_in_the_other_direction():
    """Of eight sums, six are at least as extreme as 1+2-4, and four as 4+2-1."""
    assert p_values(pairs([0.1, 0.2, -0.4]), 100, rng()) == pytest.approx(1)
    assert p_values(pairs([0.4, 0.2, -0.1]), 100, rng()) == pytest.approx(0.5)


def test_six_pairs_are_the_fewest_that_can_differ():
    assert 2 * 0.5 ** (FEWEST_PAIRS - 1) > 0.05 >= 2 * 0.5**FEWEST_PAIRS
    assert pytest.approx(0.05) == 2 / FEWEST_WAYS
    assert note_of_pairs(FEWEST_PAIRS) is None


@pytest.mark.parametrize("paired", [True, False])
def test_p_equals_that_of_scipy(paired):
    a, b = rng(1).random((3, 6)), rng(2).random((3, 6)) + 0.2
    other = stats.permutation_test(
        (a, b),
        lambda x, y, axis: y.mean(axis=axis) - x.mean(axis=axis),
        permutation_type="samples" if paired else "independent",
        vectorized=True, axis=1, n_resamples=10_000,
    )  # fmt: skip
    np.testing.assert_allclose(p_values(Design(a, b, paired), 10_000, rng()), other.pvalue)


@pytest.mark.parametrize("paired", [True, False])
def test_random_permutations_approximate_all_permutations(paired):
    a, b = rng(1).random((5, 8)), rng(2).random((5, 8)) + 0.1
    design = Design(a, b, paired)
    exact = p_values(design, 20_000, rng())
    np.testing.assert_allclose(p_values(design, 200, rng()), exact, atol=0.12)
    assert p_values(pairs([0.1] * 20), 99, rng()) == pytest.approx(
        2 / 99
    )  # the observed permutation counts


def test_animals_are_exchanged_only_within_their_block():
    """Two blocks of two and two animals without overlap: one of 6 · 6 permutations at each end."""
    blocks = np.array(["f", "f", "m", "m"])
    a, b = np.array([[0.1, 0.2, 0.5, 0.6]]), np.array([[0.3, 0.4, 0.7, 0.8]])
    design = Design(a, b, blocks_a=blocks, blocks_b=blocks, factors=["sex"])
    assert count_ways(design.in_b, design.blocks) == 36
    assert p_values(design, 10_000, rng()) == pytest.approx(2 / 36)
    assert p_values(Design(a, b), 10_000, rng()) > 0.05  # the sexes differ more than the groups
    assert design.note == (
        "too few animals in blocks of equal sex (36 ways to assign them to the groups; at least 40 "
        "are needed)"
    )
    assert np.isnan(effect_interval(design, rng())).all()


def test_all_permutations_occur_once_and_random_ones_keep_blocks():
    in_b, blocks = np.array([1, 0, 0, 1, 1, 0], bool), np.array([0, 0, 0, 1, 1, 1])
    ways = assignments(in_b, blocks, 100, rng())
    assert len(ways) == len(np.unique(ways, axis=0)) == 9
    drawn = assignments(in_b, blocks, 8, rng())
    assert len(drawn) == 8
    assert (drawn[0] == in_b).all()
    for each in (ways, drawn):
        assert (each[:, :3].sum(axis=1) == 1).all()
        assert (each[:, 3:].sum(axis=1) == 2).all()


def test_a_difference_in_blocks_equals_that_of_a_linear_model():
    """Group b has more males, which have higher values; within a sex, b has 0.1 less."""
    sex_a, sex_b = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1, 1])
    noise = rng().normal(0, 0.01, 9)
    a, b = 0.3 + 0.4 * sex_a + noise[:4], 0.2 + 0.4 * sex_b + noise[4:]
    blocks = [np.array(["f", "m"])[sex] for sex in (sex_a, sex_b)]
    design = Design(a[None], b[None], blocks_a=blocks[0], blocks_b=blocks[1], factors=["sex"])
    columns = np.column_stack([np.ones(9), np.r_[sex_a, sex_b], np.repeat([0, 1], [4, 5])])
    fitted = np.linalg.lstsq(columns, np.r_[a, b], rcond=None)[0]
    assert difference(design.a, design.b, design)[0] == pytest.approx(fitted[2])
    table = compare(design, 1000, rng())
    assert table["difference"][0] == pytest.approx(fitted[2])
    assert fitted[2] < -0.08
    assert (table["share_b"] > table["share_a"]).all()  # means without blocks would be misleading


def test_intervals_of_pairs_resample_pairs():
    """Animals differ much and change equally, so that an unpaired interval includes zero."""
    a = rng(0).random((1, 12))
    b = a + 0.2 + 0.01 * rng(1).random((1, 12))
    low, high = effect_interval(Design(a, b, paired=True), rng())
    assert 0 < low[0] < high[0]
    unpaired, _ = effect_interval(Design(a, b), rng())
    assert unpaired[0] < 0


def test_impossible_comparisons_have_no_p_and_a_reason():
    for animals in (0, 1):
        table = compare(Design(np.zeros((2, animals)), np.ones((2, animals)), True), 100, rng())
        assert table["p_value"].isna().all()
        assert table["animals_a"].tolist() == [animals] * 2
        assert table["note"][0] == f"too few animals in both ({animals}; at least 6 are needed)"
    unused = compare(Design(np.zeros((1, 7)), np.zeros((1, 7)), True), 100, rng())
    assert unused["p_value"].isna().all()


@pytest.mark.parametrize("kind", ["paired", "blocks", "drawn"])
def test_under_the_null_p_is_uniform_at_its_lower_end(kind):
    """Of 2,000 comparisons without a difference, 5% have a p of 0.05 or less.

    Animals and blocks differ, but groups do not.
    """
    draws, most = 2_000, 200 if kind == "drawn" else 10_000
    random = rng(3)
    animal = random.normal(0.5, 0.1, size=(draws, 8))
    a, b = (animal + random.normal(0, 0.05, size=(draws, 8)) for _ in "ab")
    if kind == "blocks":
        sex_a, sex_b = np.array([0, 0, 0, 0, 0, 1, 1, 1]), np.array([0, 0, 0, 1, 1, 1, 1, 1])
        a, b = random.normal(sex_a, 0.1, (draws, 8)), random.normal(sex_b, 0.1, (draws, 8))
        plain = p_values(Design(a + 2, b + 2), most, rng())
        assert (plain <= 0.05).mean() < 0.02  # without blocks, their differences are noise
        design = Design(a + 2, b + 2, blocks_a=sex_a, blocks_b=sex_b, factors=["sex"])
    else:
        design = Design(a, b, paired=True)
    p = p_values(design, most, rng())
    if kind == "drawn":  # all motifs of a comparison have the same permutations: take 50 of each
        parts = [slice(start, start + 50) for start in range(0, draws, 50)]
        p = np.concatenate([p_values(Design(a[x], b[x], True), most, random) for x in parts])
    found = (p <= 0.05).mean()
    assert 0.03 < found < 0.065


def test_q_is_computed_from_all_known_p():
    p = np.array([0.01, np.nan, 0.04, 0.03])
    expected = [0.03, np.nan, 0.04, 0.04]
    np.testing.assert_allclose(q_values(pd.Series(p)), expected)
    assert q_values(pd.Series([np.nan])).isna().all()
