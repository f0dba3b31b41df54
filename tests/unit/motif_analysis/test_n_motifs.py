"""The number of motifs is chosen correctly for latents with known clusters."""

import numpy as np
import pandas as pd
import pytest
from motif_analysis import n_motifs
from motif_analysis.findings import of_n_motifs
from motif_analysis.n_motifs import TRIED, choose, choose_n_motifs, describe_choice, tabulate_tried
from motif_analysis.segmentation import fit_segmenter, load_segmenter

NUMBERS = [2, 3, 5, 8]
SETTINGS = {
    "motif_seed": 0,
    "motif_windows": 2000,
    "pooling_seconds": [],
    "expected_bout_seconds": 0.3,
}


def make_latents(*, states, dimensions=5, spread=8.0, windows=1000, seed=0):
    """Return latents of two sessions that stay near one of several centres for about 30 windows.

    Centres are corners of a simplex, so that all distances are equal.
    """
    rng = np.random.default_rng(seed)
    centres = spread * np.eye(dimensions)[:states]
    latents = {}
    for session in ("a", "b"):
        change = np.cumsum(rng.random(windows) < 1 / 30)
        state = rng.integers(states, size=change[-1] + 1)[change]
        noise = rng.normal(size=(windows, dimensions))
        for window in range(1, windows):  # as smooth as latents are
            noise[window] = 0.8 * noise[window - 1] + 0.6 * noise[window]
        latents[session] = (centres[state] + noise).astype(np.float32)
    return latents


def choose_from(latents, numbers=NUMBERS, algorithm="kmeans", **settings):
    return choose_n_motifs(latents, algorithm, numbers, 8, 30.0, SETTINGS | settings)


@pytest.mark.parametrize("states", [3, 5])
@pytest.mark.parametrize("algorithm", ["kmeans", "hmm"])
def test_the_number_of_clusters_is_found(states, algorithm):
    number, tried = choose_from(make_latents(states=states), algorithm=algorithm)
    assert number == states
    table = pd.DataFrame(tried, columns=list(TRIED)).set_index("n_motifs")
    assert table.index.tolist() == NUMBERS
    assert table["chosen"].idxmax() == states
    assert table["chosen"].sum() == 1
    assert table.loc[states, "agreement"] > 0.95
    assert (table["agreement_low"] <= table["agreement"]).all()
    assert (table["agreement"] <= table["agreement_high"]).all()
    assert table.loc[states, "gap"] > 5 * table.loc[states, "gap_se"]
    assert table.loc[states, "bout_seconds"] == pytest.approx(30 / 30, rel=0.35)


def test_latents_without_clusters_give_the_smallest_number_with_a_note():
    latents = make_latents(states=1)
    number, tried = choose_from(latents)
    assert number == 2
    assert describe_choice(tried)[1] == "none"
    held_out, of_surrogates = tried[:, 1], tried[:, 2]
    np.testing.assert_allclose(held_out, of_surrogates, rtol=0.1)


def test_more_motifs_leave_less_unexplained_of_latents_and_of_surrogates():
    _, tried = choose_from(make_latents(states=4), [2, 4, 11])
    table = pd.DataFrame(tried, columns=list(TRIED))
    for name in ("held_out", "held_out_surrogates"):
        assert table[name].between(0, 1).all()
        assert table[name].is_monotonic_decreasing


def test_a_single_number_is_chosen_without_reading_data():
    number, tried = choose_from({}, [7])
    assert number == 7
    assert tried.shape == (0, len(TRIED))


def test_the_choice_is_reproducible_with_the_seed():
    latents = make_latents(states=4)
    one, other = (choose_from(latents, [2, 4, 6]) for _ in range(2))
    np.testing.assert_array_equal(one[1], other[1])
    assert not np.array_equal(one[1], choose_from(latents, [2, 4, 6], motif_seed=1)[1])


def test_too_short_recordings_are_refused_and_large_numbers_left_out():
    short = {"a": make_latents(states=2)["a"][:250]}
    with pytest.raises(ValueError, match="only 250 are in runs of 16 or more: set a number"):
        choose_from(short)
    few = {"a": make_latents(states=2)["a"][:400]}
    assert choose_from(few, [2, 4, 40, 41])[1][:, 0].tolist() == [2, 4, 40]


def test_only_usable_windows_are_used():
    latents = make_latents(states=3)
    latents["b"][::15] = np.nan  # no run is long enough
    alone = choose_from({"a": latents["a"]})
    assert alone[0] == 3
    np.testing.assert_array_equal(choose_from(latents)[1][:, 0], alone[1][:, 0])


def make_tried(*, gap, excess, gap_se=0.01, error=0.02):
    """Return the columns of `TRIED` with these curves."""
    gap, excess = np.array(gap), np.array(excess)
    table = pd.DataFrame(dict.fromkeys(TRIED, 0.5), index=range(len(gap)))
    table["n_motifs"] = 4.0 + np.arange(len(gap))
    return table.assign(
        **{"gap": gap, "gap_se": gap_se, "gap_difference_se": error},
        **{"agreement": excess, "excess": excess, "excess_difference_se": error},
    )


@pytest.mark.parametrize(
    ("gap", "excess", "chosen", "way"),
    [
        ([0.1, 0.3, 0.31, 0.2], [0.5, 0.5, 0.2, 0.1], 1, "gap"),
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.4, 0.2, 0.1], 1, "agreement"),
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.1, 0.2, 0.2], 3, "largest"),
        ([0.01, 0.01, 0.03, 0.02], [0.1, 0.3, 0.2, 0.2], 0, "none"),
        ([0.4, 0.3, 0.2, 0.1], [0.1, 0.3, 0.2, 0.2], 0, "gap"),
        ([0.1, 0.2, 0.3, 0.2], [0.1, 0.9, 0.85, 0.2], 2, "gap"),  # both refits agree by 0.8
    ],
)
def test_the_rule_of_choice_follows_the_curves(gap, excess, chosen, way):
    tried = make_tried(gap=gap, excess=excess)
    assert choose(tried) == (chosen, way)
    number, described, sentence = describe_choice(tried.to_numpy())
    assert (number, described) == (4 + chosen, way)
    assert sentence.startswith(f"Of 4 to 7 motifs, {number} were chosen: {n_motifs.WAYS[way]}")


def test_a_segmenter_contains_the_numbers_that_were_tried(tmp_path):
    latents = make_latents(states=3)
    fitted = fit_segmenter(latents, "kmeans", 3, 8, 30.0, SETTINGS)
    assert of_n_motifs(fitted) == []
    assert tabulate_tried(fitted).empty
    object.__setattr__(fitted, "tried", make_tried(gap=[0.1, 0.3], excess=[0.4, 0.4]).to_numpy())
    fitted.save(tmp_path / "segmenter.npz")
    segmenter = load_segmenter(tmp_path / "segmenter.npz")
    (found,) = of_n_motifs(segmenter)
    assert (found["value"], found["verdict"]) == (
        5,
        "doubtful",
    )  # the largest number that was tried
    table = tabulate_tried(segmenter)
    assert table["n_motifs"].tolist() == [4, 5]
    assert {"unexplained_variance", "unexplained_variance_surrogates"} <= set(table)
