"""Agreement of partitions equals independent implementations and values computed by hand."""

import numpy as np
import pytest
from motif_analysis.agreement import (
    adjusted_rand,
    agreement_row,
    compare_seeds,
    count_blocks,
    matched_share,
    mutual_information,
)
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix


def random_motifs(seed, frames=1200, n_motifs=4):
    """Return random motifs with bouts of 20 frames."""
    rng = np.random.default_rng(seed)
    return rng.integers(n_motifs, size=frames // 20).repeat(20).astype(np.int16)


def test_measures_equal_those_of_scikit_learn():
    one, other = random_motifs(0), random_motifs(0)
    other[::3] = random_motifs(1)[::3]
    table = contingency_matrix(one, other)
    assert adjusted_rand(table) == pytest.approx(adjusted_rand_score(one, other))
    assert mutual_information(table) == pytest.approx(normalized_mutual_info_score(one, other))


def test_the_numbers_of_motifs_have_no_effect():
    one = random_motifs(0)
    renamed = np.array([2, 0, 3, 1], np.int16)[one]
    table = compare_seeds(iter([one, renamed]), ["kmeans-4"], [0, 7], ["a"])
    row = table.iloc[0]
    assert (row["seed_a"], row["seed_b"]) == (0, 7)
    numbers = ["adjusted_rand", "adjusted_rand_low", "nmi", "nmi_high", "matched_share"]
    np.testing.assert_allclose(row[numbers].astype(float), 1)


def test_agreement_by_chance_is_zero_and_within_its_interval():
    blocks = count_blocks({"a": random_motifs(0, 12_000)}, {"a": random_motifs(1, 12_000)}, 4)
    row = agreement_row(blocks, np.random.default_rng(0))
    assert abs(row["adjusted_rand"]) < 0.02
    assert row["adjusted_rand_low"] < row["adjusted_rand"] < row["adjusted_rand_high"]


def test_the_interval_is_wider_with_fewer_frames():
    def width(frames):
        one, other = random_motifs(0, frames), random_motifs(0, frames)
        other[: frames // 2] = random_motifs(1, frames)[: frames // 2]
        rng = np.random.default_rng(0)
        mixed = rng.permutation(frames // 200).repeat(200) * 200 + np.tile(
            np.arange(200), frames // 200
        )
        row = agreement_row(count_blocks({"a": one[mixed]}, {"a": other[mixed]}, 4), rng)
        return row["nmi_high"] - row["nmi_low"]

    assert width(1200) > 1.5 * width(12_000)


def test_motifs_are_matched_one_to_one():
    """0 with 1 and 1 with 0 share 5 + 4 of 12 frames; 0 with 0 would share 3 less."""
    assert matched_share(np.array([[3, 5], [4, 0]])) == pytest.approx(9 / 12)


def test_frames_without_a_motif_are_not_counted():
    one, other = np.array([0, 0, -1, 1], np.int16), np.array([0, -1, 0, 1], np.int16)
    assert count_blocks({"a": one}, {"a": other}, 2).sum(axis=0).tolist() == [[1, 0], [0, 1]]


def test_blocks_are_sessions_if_there_are_many():
    sessions = {f"s{n}": random_motifs(n, 400) for n in range(6)}
    assert len(count_blocks(sessions, sessions, 4)) == 6
    few = {"a": random_motifs(0, 400), "b": random_motifs(1, 300)}
    assert len(count_blocks(few, few, 4)) == 7


def test_a_single_seed_is_not_compared():
    table = compare_seeds(iter([random_motifs(0)]), ["kmeans-4"], [0], ["a"])
    assert table.empty
    assert list(table)[:3] == ["segmentation", "seed_a", "seed_b"]


def test_three_seeds_are_compared_by_pairs():
    table = compare_seeds(map(random_motifs, (0, 1, 2)), ["kmeans-4"], [0, 1, 2], ["a"])
    assert table[["seed_a", "seed_b"]].to_numpy().tolist() == [[0, 1], [0, 2], [1, 2]]


def test_every_segmentation_compares_its_own_motifs_session_by_session():
    """Seeds agree in the first segmentation, and not in the second."""
    a, b = random_motifs(0), random_motifs(1, 600)
    motifs = [a, b, a, b, a, b, random_motifs(2), random_motifs(3, 600)]
    table = compare_seeds(iter(motifs), ["hmm-4", "kmeans-4"], [0, 1], ["a", "b"])
    assert table["segmentation"].tolist() == ["hmm-4", "kmeans-4"]
    assert table["matched_share"][0] == 1 > table["matched_share"][1]
