"""Motifs are found in latents with known clusters."""

import itertools

import numpy as np
import pytest
from motif_analysis import latents as latents_module
from motif_analysis import segmentation
from motif_analysis.latents import draw_stretches, draw_windows, find_known, find_stretches
from motif_analysis.pooling import pool_stretch
from motif_analysis.segmentation import cheapest_path, fit_segmenter, load_segmenter


def make_latents(*, centres=((-5.0, 0.0), (5.0, 0.0), (0.0, 9.0)), states, spread=0.5, seed=0):
    """Return (window, 2) latents around the centre of each window's state; NaN for the state -1."""
    rng = np.random.default_rng(seed)
    latents = np.array(centres)[states] + rng.normal(scale=spread, size=(len(states), 2))
    latents[np.array(states) < 0] = np.nan
    return latents.astype(np.float32)


def fit(latents, algorithm="kmeans", n_motifs=3, *, motif_windows=1000, pooling=(), bout_seconds=0):
    settings = {"motif_seed": 0, "motif_windows": motif_windows}
    settings |= {"pooling_seconds": pooling, "expected_bout_seconds": bout_seconds}
    return fit_segmenter(latents, algorithm, n_motifs, 8, fps=10.0, settings=settings)


STATES = np.repeat([2, 1, 0, -1, 2, 1], [60, 30, 10, 5, 60, 30])
IN_ORDER_OF_USAGE = np.array([2, 1, 0, -1])  # motifs of the states 0, 1, 2, -1


@pytest.mark.parametrize("algorithm", ["kmeans", "hmm"])
def test_motifs_are_the_clusters_in_order_of_usage(algorithm):
    latents = {"a": make_latents(states=STATES), "b": make_latents(states=STATES, seed=1)}
    segmenter = fit(latents, algorithm)
    assert segmenter.frames.tolist() == [240, 120, 20]
    np.testing.assert_array_equal(segmenter.label(latents["a"]), IN_ORDER_OF_USAGE[STATES])
    np.testing.assert_allclose(segmenter.centres, [[0, 9], [5, 0], [-5, 0]], atol=0.4)


@pytest.mark.parametrize("algorithm", ["kmeans", "hmm"])
def test_a_saved_segmenter_gives_a_new_recording_the_same_motifs(algorithm, tmp_path):
    fitted = fit({"a": make_latents(states=STATES)}, algorithm, pooling=[0.2], bout_seconds=0.3)
    fitted.save(tmp_path / "segmenter.npz")
    segmenter = load_segmenter(tmp_path / "segmenter.npz")
    new = make_latents(states=STATES[::-1], seed=2)
    np.testing.assert_array_equal(segmenter.label(new), fitted.label(new))
    np.testing.assert_array_equal(segmenter.pooling.scale, fitted.pooling.scale)
    assert (segmenter.time_window, segmenter.bout_frames) == (8, 3)


@pytest.mark.parametrize("missing", ["reaches", "scale", "change_cost", "centres", "numbers"])
def test_a_segmenter_without_one_of_its_arrays_is_refused(missing, tmp_path):
    fit({"a": make_latents(states=STATES)}, pooling=[0.2]).save(tmp_path / "segmenter.npz")
    with np.load(tmp_path / "segmenter.npz") as arrays:
        np.savez(tmp_path / "damaged.npz", **{n: arrays[n] for n in arrays if n != missing})
    with pytest.raises(ValueError, match=f"not a segmenter that this workflow wrote .*{missing}"):
        load_segmenter(tmp_path / "damaged.npz")


def test_a_segmenter_of_an_earlier_version_pools_without_logarithms(tmp_path):
    latents = make_latents(states=STATES)
    fitted = fit({"a": latents}, pooling=[0.2])
    fitted.save(tmp_path / "segmenter.npz")
    with np.load(tmp_path / "segmenter.npz") as arrays:
        np.savez(tmp_path / "earlier.npz", **{n: arrays[n] for n in arrays if n != "typical"})
    earlier = load_segmenter(tmp_path / "earlier.npz")
    parts = [part[:10] for part in pool_stretch(latents[:100].astype(float), 1)]
    expected = np.hstack([part / s for part, s in zip(parts, fitted.pooling.scale, strict=True)])
    np.testing.assert_allclose(earlier.pooling.apply(latents, 0, 10), expected, rtol=1e-5)


@pytest.mark.parametrize("algorithm", ["kmeans", "hmm"])
def test_the_order_of_sessions_has_no_effect(algorithm):
    latents = {"a": make_latents(states=STATES)}
    one, other = fit(latents, algorithm), fit(latents, algorithm)
    np.testing.assert_array_equal(one.centres, other.centres)


def test_a_hidden_markov_model_does_not_continue_across_a_gap():
    """A doubtful window next to a motif that never ends joins it, but not after a gap."""
    states = np.array([0] * 200 + [1] * 200)
    latents = {"a": make_latents(states=states, spread=1.5)}
    latents["b"] = latents["a"][::-1]
    segmenter = fit(latents, "hmm", 2)
    (of_zero,) = segmenter.label(np.array([[-5.0, 0.0]], np.float32))
    doubtful = np.array([[0.6, 0.0]], np.float32)  # a little nearer to the other one
    before = np.full((50, 2), [-5.0, 0.0], np.float32)
    gap = np.full((1, 2), np.nan, np.float32)
    assert segmenter.label(np.concatenate([before, doubtful]))[-1] == of_zero
    assert segmenter.label(np.concatenate([before, gap, doubtful]))[-1] != of_zero


@pytest.mark.parametrize("algorithm", ["kmeans", "hmm"])
def test_long_runs_decoded_in_parts_give_the_same_motifs(algorithm, monkeypatch):
    states = np.random.default_rng(1).integers(0, 3, 40).repeat(25)
    latents = make_latents(states=states, spread=3.0)
    segmenter = fit({"a": latents}, algorithm, pooling=[0.3, 0.8], bout_seconds=0.5)
    whole = segmenter.label(latents)
    monkeypatch.setattr(segmentation, "DECODED_AT_ONCE", 130)
    monkeypatch.setattr(segmentation, "MARGIN", 60)
    np.testing.assert_array_equal(segmenter.label(latents), whole)
    assert len(np.unique(whole)) == 3


@pytest.mark.parametrize("algorithm", ["kmeans", "hmm"])
def test_many_windows_can_be_fitted_in_parts(algorithm, monkeypatch):
    monkeypatch.setattr(latents_module, "LONGEST_STRETCH", 40)
    states = np.tile(STATES, 20)
    segmenter = fit({"a": make_latents(states=states)}, algorithm, motif_windows=500)
    assert segmenter.frames.tolist() == [2400, 1200, 200]
    np.testing.assert_allclose(segmenter.centres, [[0, 9], [5, 0], [-5, 0]], atol=0.4)


def test_the_path_has_the_lowest_cost_of_all_paths():
    """It is compared with all possible paths; without a cost of changes, states are the nearest."""
    costs = np.random.default_rng(0).random((6, 3))
    paths = np.array(list(itertools.product(range(3), repeat=6)))
    for change in (0.0, 0.2, 0.5, 5.0):
        totals = costs[np.arange(6), paths].sum(axis=1)
        totals += change * (np.diff(paths, axis=1) != 0).sum(axis=1)
        np.testing.assert_array_equal(cheapest_path(costs, change), paths[totals.argmin()])


@pytest.mark.parametrize(("excursion", "kept"), [(3, False), (8, True)])
def test_a_bout_shorter_than_expected_is_kept_only_if_it_is_clear(excursion, kept):
    """All windows are at the centres of two states, so that all are equally clear."""
    states = np.repeat([0, 1, 0, 1], [60, excursion, 60, 60])
    latents = {"a": make_latents(states=states, spread=0.0)}
    assert fit(latents, n_motifs=2).label(latents["a"]).tolist().count(1) == 60 + excursion
    motifs = fit(latents, n_motifs=2, bout_seconds=0.5).label(latents["a"])  # five windows
    assert (motifs[61] != motifs[0]) == kept
    assert (motifs == motifs[-1]).sum() == 60 + excursion * kept


def test_labels_do_not_continue_across_a_gap():
    """A single window next to a long bout joins it, but not after a gap."""
    states = np.repeat([0, 1], 100)
    segmenter = fit({"a": make_latents(states=states)}, n_motifs=2, bout_seconds=1)
    long, single = np.full((50, 2), [-5.0, 0.0]), np.array([[5.0, 0.0]])
    gap = np.full((1, 2), np.nan)
    assert segmenter.label(np.concatenate([long, single])).tolist()[-2:] in ([0, 0], [1, 1])
    before, _, after = segmenter.label(np.concatenate([long, gap, single]))[-3:]
    assert before != after


def test_phases_of_a_movement_are_one_motif_once_latents_are_pooled():
    """Two movements are circles around the same centre, and one of them is twice as wide."""
    phase = np.arange(400) * 2 * np.pi / 10
    width = np.repeat([1.0, 2.0, 1.0, 2.0], 100)
    circle = (width * np.stack([np.cos(phase), np.sin(phase)])).T.astype(np.float32)
    alone = fit({"a": circle}, n_motifs=2).label(circle)
    pooled = fit({"a": circle}, n_motifs=2, pooling=[1.0]).label(circle)
    wide = width == 2
    assert max((alone == wide).mean(), (alone != wide).mean()) < 0.8
    assert max((pooled == wide).mean(), (pooled != wide).mean()) > 0.95


def test_a_state_that_is_never_left_or_used_is_not_an_error():
    latents = {"a": make_latents(states=np.zeros(50, int), spread=0.001)}
    segmenter = fit(latents, "hmm", 3)
    assert segmenter.frames.sum() == 50
    assert (segmenter.label(latents["a"]) >= 0).all()


def test_fewer_windows_than_motifs_are_refused():
    with pytest.raises(ValueError, match="4 usable windows in all sessions for 5 motifs: lower"):
        fit({"a": make_latents(states=[0, 1, 2, -1, 0])}, n_motifs=5)


def test_latents_of_another_model_are_refused():
    segmenter = fit({"a": make_latents(states=STATES)})
    with pytest.raises(ValueError, match="fitted on 2 latents, but there are 5"):
        segmenter.label(np.zeros((3, 5), np.float32))


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "segmenter.npz").write_text("text")
    with pytest.raises(ValueError, match="not a segmenter that this workflow wrote"):
        load_segmenter(tmp_path / "segmenter.npz")


def test_a_recording_without_a_window_has_no_motif():
    segmenter = fit({"a": make_latents(states=STATES)})
    assert segmenter.label(np.empty((0, 2), np.float32)).tolist() == []


def test_usable_windows_of_every_session_are_sampled():
    known = {"a": np.array([1, 0, 1, 1], bool), "b": np.zeros(3, bool), "c": np.ones(2, bool)}
    everything = draw_windows(known, 9, np.random.default_rng(0))
    assert {name: own.tolist() for name, own in everything.items()} == {
        "a": [0, 2, 3],
        "b": [],
        "c": [0, 1],
    }
    for seed in range(5):
        drawn = draw_windows(known, 3, np.random.default_rng(seed))
        assert sum(map(len, drawn.values())) == 3
        assert all(set(drawn[name]) <= set(everything[name]) for name in known)


def test_without_sessions_no_window_is_sampled():
    assert draw_windows({}, 3, np.random.default_rng(0)) == {}


def test_runs_are_those_of_usable_windows():
    latents = np.array([[1, 2], [np.nan, np.nan], [3, 4], [5, 6]], np.float32)
    known = {"a": find_known(latents), "b": np.zeros(2, bool)}
    assert known["a"].tolist() == [True, False, True, True]
    assert find_stretches(known) == [("a", 0, 1), ("a", 2, 4)]


def test_runs_are_sampled_until_they_have_enough_windows(monkeypatch):
    monkeypatch.setattr(latents_module, "LONGEST_STRETCH", 40)
    known = {"a": np.ones(100, bool), "b": np.ones(10, bool)}
    everything = draw_stretches(known, 10**6, np.random.default_rng(0))
    assert sorted(everything) == [("a", 0, 40), ("a", 40, 80), ("a", 80, 100), ("b", 0, 10)]
    long = draw_stretches(known, 10**6, np.random.default_rng(0), shortest=20)
    assert sorted(long) == [("a", 0, 40), ("a", 40, 80), ("a", 80, 100)]
    for seed in range(5):
        drawn = draw_stretches(known, 50, np.random.default_rng(seed))
        lengths = [stop - start for _, start, stop in drawn]
        assert sum(lengths) >= 50 > sum(lengths[:-1])
    assert draw_stretches({}, 50, np.random.default_rng(0)) == []
