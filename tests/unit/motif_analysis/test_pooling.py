"""Pooled latents are mean, standard deviation and mean absolute change around a window."""

import numpy as np
import pytest
from motif_analysis import pooling as pooling_module
from motif_analysis.pooling import (
    PARTS,
    WEIGHTS,
    Pooling,
    fit_pooling,
    pool_stretch,
    reaches_of,
    to_logarithms,
    weights_of,
)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def unscaled(*reaches):
    return Pooling(np.array(reaches))


def test_statistics_are_those_of_windows_within_reach():
    """They equal those of numpy for each window; at the ends of a run, fewer windows are pooled."""
    latents = noise(12, 2) + 1e4
    mean, deviation, change = pool_stretch(latents, 3)
    for number in range(12):
        around = latents[max(0, number - 3) : number + 4]
        np.testing.assert_allclose(mean[number], around.mean(axis=0))
        np.testing.assert_allclose(deviation[number], around.std(axis=0), rtol=1e-6)
        steps = np.abs(np.diff(around, axis=0)).mean(axis=0)
        np.testing.assert_allclose(change[number], steps)


def test_a_run_of_one_window_has_no_variation():
    mean, deviation, change = pool_stretch(np.array([[3.0, 4.0]]), 2)
    assert (mean.tolist(), deviation.tolist(), change.tolist()) == ([[3, 4]], [[0, 0]], [[0, 0]])


def test_nothing_is_pooled_across_a_gap():
    latents = np.vstack([np.zeros((10, 1)), [[np.nan]], np.full((10, 1), 5.0)])
    pooled = unscaled(4).apply(latents)
    assert np.isnan(pooled[10]).all()
    assert pooled[:10].tolist() == [[0, 0, 0]] * 10
    assert pooled[11:].tolist() == [[5, 0, 0]] * 10


@pytest.mark.parametrize(("start", "stop"), [(0, 40), (7, 9), (30, 40), (12, 30)])
def test_a_slice_is_pooled_as_in_the_whole_recording(start, stop):
    latents = noise(40, 3)
    latents[20] = np.nan
    whole = unscaled(2, 6).apply(latents)
    np.testing.assert_allclose(unscaled(2, 6).apply(latents, start, stop), whole[start:stop])


def test_selected_windows_are_pooled_as_in_the_whole_recording(monkeypatch):
    monkeypatch.setattr(
        pooling_module, "blocks_of", lambda n: (slice(i, i + 8) for i in range(0, n, 8))
    )
    latents = {"a": noise(40, 3), "b": noise(30, 3, seed=1)}
    windows = {"a": np.array([0, 7, 8, 30]), "b": np.array([29])}
    pooled = unscaled(5).take(latents, windows)
    whole = [unscaled(5).apply(latents[session])[own] for session, own in windows.items()]
    np.testing.assert_allclose(pooled, np.concatenate(whole))


def test_statistics_have_weights_and_latents_keep_their_proportions():
    latents = {"a": noise(5000, 2) * [1.0, 10.0]}
    pooling = fit_pooling(latents, np.array([3, 9]), np.random.default_rng(0))
    pooled = pooling.apply(latents["a"])
    variances = pooled.var(axis=0).reshape(2 * PARTS, 2)
    np.testing.assert_allclose(variances.sum(axis=1), weights_of(pooling.reaches) ** 2, rtol=0.01)
    np.testing.assert_allclose(variances[:, 1] / variances[:, 0], 100, rtol=0.3)


def test_16_times_the_length_has_half_the_weight():
    single = WEIGHTS.tolist()
    assert weights_of(np.array([7])).tolist() == single
    half = [weight / 2 for weight in single]
    np.testing.assert_allclose(weights_of(np.array([4, 64])), single + half)


def test_equal_ratios_of_movement_are_equal_distances():
    """From faint to moderate movement, and from moderate to vigorous, the distance is the same."""
    typical = np.full((PARTS, 2), [1.0, 50.0])
    amplitudes = np.array([0.4, 2.4, 12.4])  # plus 0.1: factors of 5
    parts = np.repeat(amplitudes[:, None], PARTS, axis=1)[:, :, None] * typical
    mean, deviation, change = to_logarithms(parts, typical).swapaxes(0, 1)
    np.testing.assert_array_equal(mean, parts[:, 0])
    for part in (deviation, change):
        np.testing.assert_allclose(np.diff(part, axis=0), [[np.log(5), 50 * np.log(5)]] * 2)


def test_fitted_pooling_divides_logarithms_by_a_scale_of_each_statistic():
    latents = noise(200, 2)
    fitted = fit_pooling({"a": latents}, np.array([3]), np.random.default_rng(0))
    mean, deviation, _ = pool_stretch(latents, 3)
    typical = np.sqrt((deviation**2).mean(axis=0))
    expected = typical * np.log(deviation / typical + 0.1)
    pooled = np.split(fitted.apply(latents), PARTS, axis=1)
    np.testing.assert_allclose(pooled[0], mean / np.sqrt(mean.var(axis=0).sum()))
    np.testing.assert_allclose(
        pooled[1], expected * WEIGHTS[1] / np.sqrt(expected.var(axis=0).sum())
    )


def test_a_constant_statistic_is_not_divided_by_zero():
    pooling = fit_pooling({"a": np.ones((50, 2))}, np.array([3]), np.random.default_rng(0))
    assert np.isfinite(pooling.apply(np.ones((50, 2)))).all()


def test_without_lengths_latents_are_not_changed():
    latents = noise(10, 3)
    pooling = fit_pooling({"a": latents}, reaches_of([], 30.0), np.random.default_rng(0))
    assert pooling.width(3) == 3
    np.testing.assert_array_equal(pooling.apply(latents, 2, 7), latents[2:7])


@pytest.mark.parametrize(
    ("fps", "reaches"), [(30.0, [8, 30]), (120.0, [30, 120]), (2.0, [2]), (0.5, [])]
)
def test_lengths_are_in_seconds_with_any_frame_rate(fps, reaches):
    """Lengths are 0.5 s and 2 s; a length with a single frame is not pooled."""
    assert reaches_of([0.5, 2], fps).tolist() == reaches
