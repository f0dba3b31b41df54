"""Communities and groups with evident results."""

from math import comb

import numpy as np
import pandas as pd
import pytest
from formats.statistics import FEWEST_ANIMALS
from motif_analysis.groups import compare_groups, shares_of_animals
from motif_analysis.hierarchy import (
    communities_of_motifs,
    community_tables,
    find_communities,
    modularity,
)
from motif_analysis.numbering import keep_frames
from motif_analysis.permutation import Design, effect_interval, hedges_g
from motif_analysis.pooling import Pooling
from motif_analysis.segmentation import Segmenter
from scipy import stats

# Motifs 0 and 1 alternate, and so do 3 and 4; 2 is never used.
COUNTS = np.array(
    [
        [0, 9, 0, 1, 0],
        [9, 0, 0, 0, 1],
        [0, 0, 0, 0, 0],
        [1, 0, 0, 0, 4],
        [0, 1, 0, 4, 0],
    ]
)
FRAMES = np.array([50, 40, 0, 30, 20])


def test_motifs_that_follow_each_other_are_a_community():
    table, tree = community_tables(COUNTS, FRAMES, None)
    assert table["community"].tolist() == [0, 0, pd.NA, 1, 1]
    assert sorted(table["order"].dropna()) == [0, 1, 2, 3]
    assert pd.isna(table["order"][2])
    assert tree["motifs"].tolist() == ["0 1", "3 4", "0 1 3 4"]
    np.testing.assert_allclose(tree["height"], [0.1, 0.2, 0.925])


@pytest.mark.parametrize(("n_communities", "given"), [(1, 1), (3, 3), (9, 4)])
def test_the_tree_is_cut_into_the_requested_number_of_communities(n_communities, given):
    table, _ = community_tables(COUNTS, FRAMES, n_communities)
    assert table["community"].nunique() == given


def test_modularity_of_two_separate_pairs_is_a_half():
    counts = np.kron(np.eye(2, dtype=int), [[0, 3], [3, 0]])
    assert modularity(counts, np.array([0, 0, 1, 1])) == pytest.approx(0.5)
    assert modularity(counts, np.zeros(4, int)) == pytest.approx(0)


def test_communities_are_those_of_the_sessions_of_the_fit():
    """0 and 1 alternate in one session, 2 and 3 in the other; a gap has no transition."""
    motifs = {"a": np.array([0, 1] * 5, np.int16), "b": np.array([2, 3, 2, 3, -1, 0], np.int16)}
    centres = np.arange(4.0)[:, None]
    fitted = keep_frames(motifs)
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), centres, fitted=fitted)
    assert communities_of_motifs(find_communities(segmenter, None)[0]) == {0: 0, 1: 0, 2: 1, 3: 1}
    merged, tree = find_communities(segmenter.merge({3: 1}), None)  # 2 now follows 1
    assert communities_of_motifs(merged) == {0: 0, 1: 0, 2: 0}
    assert tree["motifs"].tolist()[-1] == "0 1 2"


@pytest.mark.parametrize(
    ("frames", "community"), [([7, 0], [0, pd.NA]), ([0, 0], [pd.NA, pd.NA]), ([3, 5], [1, 0])]
)
def test_without_transitions_every_used_motif_is_a_community(frames, community):
    table, tree = community_tables(np.zeros((2, 2), int), np.array(frames), None)
    assert table["community"].tolist() == community
    assert tree.empty


def make_usage(shares):
    """Return usage from {(group, animal): [(share of motif 0, share of motif 1), …]}."""
    rows = []
    for (group, animal), sessions in shares.items():
        for number, own in enumerate(sessions):
            for motif, share in enumerate(own):
                name = f"{animal}-{number}"
                frames = round(100 * share)
                rows.append((name, animal, group, motif, frames, share))
    return pd.DataFrame(rows, columns=["session", "animal", "group", "motif", "frames", "share"])


def test_sessions_of_an_animal_are_averaged():
    usage = make_usage({("a", "x"): [(0.2, 0.8), (0.4, 0.6)], ("", "y"): [(1, 0)]})
    shares = shares_of_animals(usage)
    np.testing.assert_allclose(shares.loc[("a", "x")], [0.3, 0.7])
    assert len(shares) == 1  # an animal without a group is excluded


def make_shares(animals):
    """Return shares of two groups without overlap, and of a motif that no animal uses."""
    shares = {("a", f"a{n}"): [(0.1 + n / 100, 0.9 - n / 100, 0.0)] for n in range(animals)}
    return shares | {("b", f"b{n}"): [(0.5 + n / 100, 0.5 - n / 100, 0.0)] for n in range(animals)}


def test_animals_are_assigned_to_groups_in_every_way():
    """With four and four animals without overlap, p is 2/70: 1 of 70 assignments at each end."""
    table = compare_groups(make_usage(make_shares(4)), 10_000, np.random.default_rng(0))
    np.testing.assert_allclose(table["p_value"], [2 / 70, 2 / 70, np.nan])
    np.testing.assert_allclose(table["q_value"], [2 / 70, 2 / 70, np.nan])
    np.testing.assert_allclose(table["difference"], [0.4, -0.4, 0])
    assert (table["hedges_g_low"][:2] < table["hedges_g"][:2]).all()
    assert (table["hedges_g_high"][:2] > table["hedges_g"][:2]).all()
    assert table["hedges_g_low"].isna().tolist() == [False, False, True]
    assert table[["animals_a", "animals_b"]].to_numpy().tolist() == [[4, 4]] * 3
    assert table["note"].isna().all()


def test_groups_of_three_animals_cannot_differ():
    """With three and three animals without overlap, p is 0.1: 1 of 20 assignments at each end."""
    table = compare_groups(make_usage(make_shares(3)), 10_000, np.random.default_rng(0))
    np.testing.assert_allclose(table["p_value"], [0.1, 0.1, np.nan])
    np.testing.assert_allclose(table["hedges_g"], [32, -32, np.nan], rtol=1e-9)  # 40 · 0.8
    assert table["hedges_g_low"].isna().all()
    assert set(table["note"]) == {"too few animals (3 and 3; at least 4 per group are needed)"}


@pytest.mark.parametrize("animals", [1, 2, 5])
def test_a_single_animal_is_compared_with_no_group(animals):
    shares = make_shares(animals)
    shares = {key: own for key, own in shares.items() if key[0] == "a" or key[1] == "b0"}
    table = compare_groups(make_usage(shares), 1000, np.random.default_rng(0))
    assert table["p_value"].isna().all()
    assert table[["animals_a", "animals_b"]].to_numpy().tolist() == [[animals, 1]] * 3


def test_groups_of_four_animals_are_the_smallest_that_can_differ():
    smallest = [2 / comb(2 * animals, animals) for animals in (FEWEST_ANIMALS - 1, FEWEST_ANIMALS)]
    assert smallest[0] > 0.05 > smallest[1]


def test_the_interval_is_that_of_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.random((3, 5)), rng.random((3, 4)) + 1
    other = stats.bootstrap(
        (a, b), lambda a, b, axis: hedges_g(a, b), n_resamples=2000, method="percentile",
        axis=1, rng=np.random.default_rng(7),
    ).confidence_interval  # fmt: skip
    np.testing.assert_allclose(effect_interval(Design(a, b), np.random.default_rng(7)), other)


def test_more_sessions_do_not_count_as_more_animals():
    one = {(group, group): [(share, 1 - share)] * 50 for group, share in (("a", 0.1), ("b", 0.9))}
    table = compare_groups(make_usage(one), 1000, np.random.default_rng(0))
    assert table[["animals_a", "animals_b"]].to_numpy().tolist() == [[1, 1]] * 2
    assert table["p_value"].isna().all()


def test_under_the_null_small_p_values_are_rare():
    rng = np.random.default_rng(0)
    hits = []
    for _ in range(200):
        shares = {(g, f"{g}{n}"): [(s, 1 - s)] for g in "ab" for n, s in enumerate(rng.random(4))}
        table = compare_groups(make_usage(shares), 100, rng)
        hits.append(table["p_value"][0] <= 0.05)
    assert np.mean(hits) < 0.09


@pytest.mark.parametrize("groups", [["a"], [""], []])
def test_fewer_than_two_groups_are_not_compared(groups):
    usage = make_usage({(group, "x"): [(0.5, 0.5)] for group in groups})
    table = compare_groups(usage, 100, np.random.default_rng(0))
    assert table.empty
    assert "q_value" in table


def test_three_groups_are_compared_by_pairs():
    shares = {(g, f"{g}{n}"): [(n / 10, 1 - n / 10)] for g in "abc" for n in range(3)}
    table = compare_groups(make_usage(shares), 100, np.random.default_rng(0))
    assert table[["group_a", "group_b"]].drop_duplicates().to_numpy().tolist() == [
        ["a", "b"],
        ["a", "c"],
        ["b", "c"],
    ]
    assert len(table) == 6
    assert (table["q_value"] == 1).all()


def shares_in(groups):
    """Return usage from {group: {animal: share of motif 0}}."""
    return {(g, n): [(share, 1 - share)] for g, own in groups.items() for n, share in own.items()}


def compared(groups, factors=None):
    table = compare_groups(make_usage(shares_in(groups)), 10_000, np.random.default_rng(0), factors)
    return table[table["motif"] == 0].iloc[0]


YOUNG = {f"m{n}": 0.1 * n for n in range(1, 7)}
ADULT = {name: share + 0.05 for name, share in YOUNG.items()}


def test_an_animal_in_two_groups_is_compared_with_itself():
    """Six animals have 0.05 more as adults: 2 of 64 sign flips, although animals differ more."""
    own = compared({"young": YOUNG, "adult": ADULT})
    assert own[["group_a", "group_b", "design"]].tolist() == ["adult", "young", "paired"]
    assert own["p_value"] == pytest.approx(2 / 64)
    assert own["difference"] == pytest.approx(-0.05)
    assert own[["animals_a", "animals_b", "left_out"]].tolist() == [6, 6, ""]
    assert own["note"] is None


def test_a_mixed_design_uses_animals_in_both_groups_if_there_are_enough():
    own = compared({"young": YOUNG | {"x": 0.9}, "adult": ADULT | {"y": 0.1, "z": 0.2}})
    assert own[["animals_a", "animals_b"]].tolist() == [6, 6]
    assert own["left_out"] == "y; z; x"
    assert own["p_value"] == pytest.approx(2 / 64)


def test_a_mixed_design_uses_animals_in_one_group_if_pairs_are_too_few():
    young = {"both": 0.9} | {f"y{n}": 0.1 + n / 100 for n in range(4)}
    adult = {"both": 0.1} | {f"a{n}": 0.5 + n / 100 for n in range(4)}
    own = compared({"young": young, "adult": adult})
    assert own[["design", "left_out"]].tolist() == ["independent", "both"]
    assert own[["animals_a", "animals_b"]].tolist() == [4, 4]
    assert own["p_value"] == pytest.approx(2 / 70)


def test_if_neither_are_enough_the_note_is_about_pairs():
    own = compared({"young": {"x": 0.1, "y": 0.2, "z": 0.3}, "adult": {"x": 0.1, "y": 0.3}})
    assert own["design"] == "paired"
    assert own["note"] == "too few animals in both (2; at least 6 are needed)"
    assert own["left_out"] == "z"


def test_factors_keep_animals_in_their_blocks():
    """Each group has three females and three males without overlap: 20 · 20 permutations."""
    one = {f"a{n}": 0.1 + n / 100 + 0.5 * (n % 2) for n in range(6)}
    other = {f"b{n}": 0.2 + n / 100 + 0.5 * (n % 2) for n in range(6)}
    factors = {f"{g}{n}": {"sex": "fm"[n % 2]} for g in "ab" for n in range(6)}
    own = compared({"a": one, "b": other}, factors)
    assert own["p_value"] == pytest.approx(2 / 400)
    assert own["difference"] == pytest.approx(0.1)
    assert compared({"a": one, "b": other})["p_value"] > 0.2  # sexes differ more than groups
    factors["a0"], factors["b1"] = {"sex": "unknown"}, {"sex": "rare"}  # each is alone in its block
    own = compared({"a": one, "b": other}, factors)
    assert own["left_out"] == "a0; b1"
    assert own[["animals_a", "animals_b"]].tolist() == [5, 5]
    assert own["p_value"] == pytest.approx(2 / (10 * 10))


def test_a_factor_equal_to_the_group_leaves_nothing_to_compare():
    groups = {g: {f"{g}{n}": n / 10 for n in range(5)} for g in "ab"}
    factors = {f"{g}{n}": {"sex": g, "batch": "1"} for g in "ab" for n in range(5)}
    own = compared(groups, factors)
    assert np.isnan(own["p_value"])
    assert own["note"] == (
        "too few animals in blocks of equal sex and batch (1 way to assign them to the groups; at "
        "least 40 are needed)"
    )


def test_hedges_g_of_two_pairs():
    """Means are 1 and 3, standard deviations √2: d is √2, and the correction 1 - 3/7."""
    g = hedges_g(np.array([[0.0, 2.0]]), np.array([[2.0, 4.0]]))
    assert g[0] == pytest.approx(np.sqrt(2) * 4 / 7)
