"""Surrogates, principal components, and labels with or without a relation to motifs."""

from dataclasses import replace

import numpy as np
import pytest
from formats.aligned import AlignedPoses
from formats.labels import labels_of_sessions, read_labels
from motif_analysis import scores as scores_module
from motif_analysis.baselines import (
    bout_statistics,
    compare_with_surrogates,
    component_latents,
    randomise_phases,
)
from motif_analysis.labels import shift_labels
from motif_analysis.pooling import Pooling
from motif_analysis.scores import (
    MEASURES,
    OF_TABLES,
    blocks_of_frames,
    count_by_block,
    lead_interval,
    macro_f1,
    probe,
    purity,
    score_motifs,
    score_probes,
    score_sessions,
    score_windows,
)
from motif_analysis.segmentation import Segmenter, fit_segmenter
from sklearn.metrics import f1_score

NAMES = np.array(["rest", "walk", "rear"])
TIME_WINDOW = 4
ANIMALS = {"a": "a", "b": "b", "c": "c"}


def fit(latents, n_motifs):
    """Fit motifs of single windows."""
    settings = {"motif_seed": 0, "motif_windows": 10**6}
    settings |= {"pooling_seconds": [], "expected_bout_seconds": 0}
    return fit_segmenter(latents, "kmeans", n_motifs, TIME_WINDOW, 30.0, settings)


def make_aligned(poses, features=("nose_x", "nose_y"), fps=30.0):
    """Return aligned poses with only usable frames."""
    poses = np.asarray(poses, np.float32)
    return AlignedPoses(poses, np.ones(len(poses), bool), list(features), fps)


def make_sessions(*, frames=600, spread=0.4, seed=0, sessions=("a", "b", "c")):
    """Return poses whose first feature is the behaviour, labels, and latents (means of windows)."""
    rng = np.random.default_rng(seed)
    aligned, labels, latents = {}, {}, {}
    for session in sessions:
        states = rng.integers(3, size=frames // 20).repeat(20)
        poses = rng.normal(scale=spread, size=(frames, 2)).astype(np.float32)
        poses[:, 0] += 5 * states
        aligned[session] = make_aligned(poses)
        labels[session] = NAMES[states]
        windows = np.lib.stride_tricks.sliding_window_view(poses, TIME_WINDOW, axis=0)
        latents[session] = windows.mean(axis=2).astype(np.float32)
    return aligned, labels, latents


@pytest.mark.parametrize("length", [64, 65])
def test_a_surrogate_keeps_spectra_and_cross_spectra(length):
    latents = np.random.default_rng(0).normal(size=(length, 3)).cumsum(axis=0)
    surrogate = randomise_phases(latents, np.random.default_rng(1))
    one, other = (np.fft.rfft(each, axis=0) for each in (latents, surrogate))
    np.testing.assert_allclose(
        np.einsum("fi,fj->fij", one, one.conj()),
        np.einsum("fi,fj->fij", other, other.conj()),
        atol=1e-6,
    )
    np.testing.assert_allclose(surrogate.mean(axis=0), latents.mean(axis=0))
    assert np.abs(surrogate - latents).max() > 1


def test_bouts_of_states_are_longer_than_those_of_their_surrogates():
    _, _, latents = make_sessions(frames=3000)
    segmenter = fit(latents, 3)
    found = compare_with_surrogates(latents, segmenter, 3, np.random.default_rng(0))
    assert found["mean_frames"]["value"] > 1.5 * found["mean_frames"]["chance_high"]


def test_bouts_of_surrogates_are_as_long_as_those_of_other_surrogates():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(20_000, 2))
    smooth = np.stack([np.convolve(each, np.ones(15), "same") for each in noise.T], axis=1)
    segmenter = fit({"a": smooth}, 4)
    found = compare_with_surrogates({"a": smooth}, segmenter, 5, rng)
    mean = found["mean_frames"]
    assert mean["value"] == pytest.approx(mean["chance"], rel=0.06)


def test_short_bouts_are_those_of_one_and_two_frames():
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), np.array([[0.0], [1.0]]))
    latents = np.array([0, 1, 1, 0, 0, 0, 1, 1, 1, 1.0])[:, None]
    found = bout_statistics([latents], segmenter)
    assert found == {"mean_frames": 2.5, "short_share": 0.5}


def test_components_are_computed_from_scaled_windows():
    """The scalar is 1000 times the coordinate, and both have the same weight."""
    poses = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32) * [1000, 1]
    aligned = {"a": replace(make_aligned(poses), scalars=make_aligned(poses).features[:1])}
    scores = component_latents(aligned, TIME_WINDOW, 99, np.random.default_rng(0))["a"]
    assert scores.shape == (497, 8)
    np.testing.assert_allclose(scores.var(axis=0).sum(), 8, rtol=0.05)
    assert scores.var(axis=0)[0] < 2


def test_components_do_not_amplify_a_coordinate_that_hardly_moves():
    poses = np.random.default_rng(0).normal(size=(500, 2)).astype(np.float32) * [1, 0.01]
    scores = component_latents({"a": make_aligned(poses)}, 1, 2, np.random.default_rng(0))["a"]
    first, second = scores.var(axis=0)
    assert second < 0.001 * first


def test_components_of_unusable_windows_are_unknown():
    aligned = {"a": make_aligned(np.random.default_rng(0).normal(size=(50, 2)))}
    aligned["a"].usable[20] = False
    scores = component_latents(aligned, TIME_WINDOW, 3, np.random.default_rng(0))["a"]
    unknown = np.isnan(scores).all(axis=1)
    assert np.flatnonzero(unknown).tolist() == [17, 18, 19, 20]
    assert np.isfinite(scores[~unknown]).all()


def test_purity_of_a_known_table():
    labels = np.array(["a", "a", "b", "b", "b"])
    assert purity(labels, np.array([0, 0, 0, 1, 1])) == pytest.approx(4 / 5)


def test_motifs_equal_to_the_labels_score_one_and_chance_is_low():
    _, labels, _ = make_sessions(frames=2000)
    frames = {session: np.arange(2000) for session in labels}
    motifs = np.searchsorted(np.sort(NAMES), np.concatenate(list(labels.values())))
    scores = score_motifs(motifs, labels, frames, np.random.default_rng(0))
    for name in ("nmi", "ami", "homogeneity", "purity"):
        assert scores[name]["value"] == pytest.approx(1)
        assert scores[name]["chance"] < scores[name]["chance_high"] < 0.5
    assert scores["purity"]["chance"] > 0.3  # three behaviours: a third by chance


def test_motifs_without_a_relation_are_as_good_as_chance():
    _, labels, _ = make_sessions(frames=2000)
    _, others, _ = make_sessions(frames=2000, seed=1)
    motifs = np.searchsorted(np.sort(NAMES), np.concatenate(list(others.values())))
    frames = {session: np.arange(2000) for session in labels}
    scores = score_motifs(motifs, labels, frames, np.random.default_rng(0))
    assert scores["nmi"]["value"] < 2 * scores["nmi"]["chance_high"]


def test_shifted_labels_keep_frequency_and_duration():
    own = np.array(["a"] * 30 + ["b"] * 70)
    shifted = shift_labels({"s": own}, np.random.default_rng(0))["s"]
    assert sorted(shifted) == sorted(own)
    assert (shifted[1:] != shifted[:-1]).sum() <= 2
    assert (shifted != own).any()


def test_windows_are_scored_at_their_centre_and_compared_with_components():
    aligned, labels, latents = make_sessions()
    labels["c"] = np.full(600, "")  # a session without labels is not scored
    segmenter = fit(latents, 3)
    scores = score_windows(latents, aligned, labels, ANIMALS, segmenter, np.random.default_rng(0))
    assert list(scores) == ["nmi", "ami", "homogeneity", "purity", "probe_f1"]
    motifs, components = scores["nmi"]
    assert motifs["value"] > 0.75
    assert components["value"] > 0.6
    for found in scores["probe_f1"]:
        assert found["value"] > 0.9
        assert found["chance_high"] < 0.6


def test_a_probe_needs_two_animals():
    _, labels, latents = make_sessions(sessions=("a", "b"))
    frames = {session: np.arange(len(own)) for session, own in latents.items()}
    points = np.concatenate(list(latents.values()))
    both = points, points
    animals = {"a": "mouse", "b": "mouse"}
    rng = np.random.default_rng(0)
    assert score_probes(both, labels, frames, animals, rng) == (None, None)


def test_a_probe_is_not_trained_on_the_held_out_animal():
    """Latents and labels depend only on the animal."""
    labels = np.repeat(["a", "b", "c"], 100)
    predicted = probe(np.arange(3.0).repeat(100)[:, None], labels, np.repeat([0, 1, 2], 100))
    assert (predicted != labels).all()


def test_the_interval_of_a_lead_is_above_zero_only_if_there_is_a_lead():
    """One set of motifs equals the labels, and the other differs in a fifth of the frames."""
    rng = np.random.default_rng(0)
    labels = rng.integers(3, size=6000)
    worse = np.where(rng.random(6000) < 0.2, rng.integers(3, size=6000), labels)
    blocks = np.repeat(np.arange(60), 100)
    right, wrong = (count_by_block(labels, each, blocks) for each in (labels, worse))
    for measure in (*OF_TABLES.values(), macro_f1):
        ahead = lead_interval(right, wrong, measure, np.random.default_rng(0))
        behind = lead_interval(wrong, right, measure, np.random.default_rng(0))
        equal = lead_interval(wrong, wrong, measure, np.random.default_rng(0))
        assert 0 < ahead["lead_low"] < ahead["lead_high"] < 1
        assert behind["lead_high"] < 0
        assert equal == {"lead_low": 0, "lead_high": 0}


def test_measures_of_tables_equal_those_of_series():
    rng = np.random.default_rng(0)
    labels = NAMES[rng.integers(3, size=500)]
    motifs, predicted = rng.integers(4, size=500), NAMES[rng.integers(3, size=500)]
    table = count_by_block(labels, motifs, np.zeros(500))
    for name, measure in OF_TABLES.items():
        assert measure(table)[0] == pytest.approx(MEASURES[name](labels, motifs))
    table = count_by_block(labels, predicted, np.zeros(500))
    assert macro_f1(table)[0] == pytest.approx(f1_score(labels, predicted, average="macro"))


def test_blocks_are_sessions_or_parts_of_few_sessions():
    few = blocks_of_frames({"a": np.arange(600), "b": np.arange(0, 1200, 2)})
    assert len(np.unique(few)) == 60
    assert np.bincount(few).tolist() == [20] * 60
    many = blocks_of_frames({name: np.arange(5) for name in "abcdef"})
    assert many.tolist() == np.repeat(np.arange(6), 5).tolist()


def test_motifs_equal_to_the_session_distinguish_sessions_and_shared_ones_do_not():
    sessions = [
        {"session": s, "animal": s, "group": g} for s, g in zip("abcd", "xxyy", strict=True)
    ]
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), np.arange(4.0)[:, None])
    own = {s: np.full((500, 1), number, np.float32) for number, s in enumerate("abcd")}
    found = score_sessions(own, segmenter, sessions, np.random.default_rng(0))
    assert list(found) == ["session", "group"]  # animals are the sessions
    assert found["session"]["value"] == pytest.approx(1)
    assert found["session"]["chance"] < found["session"]["value"]
    motifs = np.random.default_rng(0).integers(4, size=(4, 500, 1)).astype(np.float32)
    shared = dict(zip("abcd", motifs, strict=True))
    found = score_sessions(shared, segmenter, sessions, np.random.default_rng(0))
    assert found["session"]["value"] < 0.01


def test_without_labels_nothing_is_scored():
    aligned, _, latents = make_sessions()
    segmenter = fit(latents, 3)
    assert score_windows(latents, aligned, {}, ANIMALS, segmenter, np.random.default_rng(0)) == {}


def test_labels_are_those_of_the_nearest_recorded_frame(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("frame,label\n0,a\n1,\n2,b\n3,c\n")
    assert read_labels(path, 4, 30.0, 30.0).tolist() == ["a", "", "b", "c"]
    assert read_labels(path, 2, 15.0, 30.0).tolist() == ["a", "b"]
    assert read_labels(path, 8, 60.0, 30.0).tolist()[::2] == ["a", "", "b", "c"]
    path.write_text("start_seconds,stop_seconds,label\n0,0.04,a\n0.06,0.1,b\n")
    assert read_labels(path, 4, 30.0, 30.0).tolist() == ["a", "", "b", ""]
    path.write_bytes("frame,label,\n0,läuft,\n1,ruht,\n".encode("latin-1"))
    assert read_labels(path, 2, 30.0, 30.0).tolist() == ["läuft", "ruht"]


def test_only_sessions_with_labels_have_labels(tmp_path):
    """Only the second of three has labels, and half the rate of its recording."""
    (tmp_path / "b.csv").write_text("frame,label\n0,x\n1,y\n2,z\n3,x\n")
    rows = [{"session": name, "fps": 30.0, "labelled": name == "b"} for name in "abc"]
    aligned = {name: make_aligned(np.zeros((2, 2)), fps=15.0) for name in "abc"}
    labels = labels_of_sessions(rows, [str(tmp_path / "b.csv")], aligned)
    assert {name: own.tolist() for name, own in labels.items()} == {"b": ["x", "z"]}


def test_only_a_sample_of_many_windows_is_scored(monkeypatch):
    monkeypatch.setattr(scores_module, "JUDGED_WINDOWS", 100)
    aligned, labels, latents = make_sessions()
    segmenter = fit(latents, 3)
    scores = score_windows(latents, aligned, labels, ANIMALS, segmenter, np.random.default_rng(0))
    percent = 100 * scores["purity"][0]["value"]
    assert percent == pytest.approx(round(percent))
