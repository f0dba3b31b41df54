"""Autocorrelation times of series with known times, and suggestions from them."""

import json
import os

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_prep.timescales import autocorrelation_times, describe_timescales
from recordings import make_tracks
from test_quality import inspect

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))


def decaying(*, seconds, fps, frames, seed=0):
    """Return an autoregressive series (frame,) with the autocorrelation exp(-lag / seconds)."""
    rng = np.random.default_rng(seed)
    keep = np.exp(-1 / (seconds * fps))
    series = np.zeros(frames)
    for frame in range(1, frames):
        series[frame] = keep * series[frame - 1] + rng.normal()
    return series


@pytest.mark.parametrize(("fps", "frames"), [(20.0, 40_000), (60.0, 100_000)])
def test_the_time_of_an_autoregressive_series_is_found(fps, frames):
    series = decaying(seconds=0.5, fps=fps, frames=frames)[:, None]
    (time,) = autocorrelation_times(series + 7, np.ones(frames, bool), fps)
    assert time == pytest.approx(0.5, rel=0.1)


def test_the_time_of_a_sine_is_a_fraction_of_its_period():
    """Its autocorrelation is 1/e at the lag period * arccos(1/e) / (2 pi)."""
    series = np.sin(2 * np.pi * np.arange(10_000) / 100)[:, None]  # a period of 10 s
    (time,) = autocorrelation_times(series, np.ones(10_000, bool), 10.0)
    assert time == pytest.approx(10 * np.arccos(1 / np.e) / (2 * np.pi), rel=0.01)


def test_a_series_with_one_change_has_no_time_and_a_constant_one_is_ignored():
    series = np.column_stack([np.repeat([0.0, 1.0], 500), np.full(1000, 3.0)])
    assert autocorrelation_times(series, np.ones(1000, bool), 2.0).tolist() == [np.inf]
    assert len(autocorrelation_times(series, np.zeros(1000, bool), 10.0)) == 0
    assert len(autocorrelation_times(np.full((9, 1), np.nan), np.ones(9, bool), 10.0)) == 0


def time_by_pairs(series, usable, fps):
    """Compute the time from its definition, pair by pair."""
    stretch = np.cumsum(np.diff(usable.astype(int), prepend=0) != 0)
    centred = series - series[usable].mean()
    before = 1.0
    for lag in range(1, min(int(30 * fps), len(series) - 1) + 1):
        pairs = [
            centred[frame] * centred[frame + lag]
            for frame in range(len(series) - lag)
            if usable[frame] and usable[frame + lag] and stretch[frame] == stretch[frame + lag]
        ]
        if len(pairs) < 0.1 * usable.sum():
            return np.inf
        now = np.mean(pairs) / np.mean(centred[usable] ** 2)
        if now < 1 / np.e:
            return (lag - 1 + (before - 1 / np.e) / (before - now)) / fps
        before = now
    return np.inf


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    frames=st.integers(5, 120),
    fps=st.sampled_from([1.0, 12.5, 30.0]),
    smooth=st.integers(1, 15),
    gaps=st.lists(st.tuples(st.integers(0, 119), st.integers(1, 20)), max_size=5),
    seed=st.integers(0, 1000),
)
def test_only_pairs_within_runs_are_counted(frames, fps, smooth, gaps, seed):
    rng = np.random.default_rng(seed)
    series = np.convolve(rng.normal(size=frames + smooth), np.ones(smooth), "valid")[:frames]
    usable = np.ones(frames, bool)
    for start, length in gaps:
        usable[start : start + length] = False
    series[~usable] = np.nan
    times = autocorrelation_times(series[:, None], usable, fps)
    if usable.sum() < 2:
        assert len(times) == 0
    else:
        np.testing.assert_allclose(times, [time_by_pairs(series, usable, fps)], rtol=1e-6)


def test_times_of_poses_and_speed_are_found():
    """A paw has a period of 2 s, and the speed of the animal one of 8 s."""
    seconds = np.arange(1200) / 10
    swing = np.column_stack([6 + np.sin(np.pi * seconds), np.full(1200, -3.0)])
    body = {"nose": (10.0, 0.0), "left_paw": swing, "right_paw": (6.0, 3.0), "tail": (0.0, 0.0)}
    along = np.cumsum(10 + 5 * np.sin(2 * np.pi * seconds / 8)) / 10
    tracks = make_tracks(frames=1200, body=body, place=np.column_stack([along, 0 * along]))
    summary = inspect(tracks).summary
    share = np.arccos(1 / np.e) / (2 * np.pi)
    assert summary["pose_seconds"] == pytest.approx(2 * share, rel=0.05)
    assert summary["speed_seconds"] == pytest.approx(8 * share, rel=0.05)


def test_times_that_are_unknown_are_empty():
    summary = inspect(make_tracks(frames=50)).summary  # the animal does not move
    assert (summary["pose_seconds"], summary["speed_seconds"]) == (None, None)
    json.dumps(summary)


def table(*rows):
    return pd.DataFrame(rows, columns=["pose_seconds", "speed_seconds"], dtype=object)


@pytest.mark.parametrize(
    ("pooling_seconds", "ending"),
    [
        ([0.5, 2], "the current [0.5, 2] is within a factor of 4 of that."),
        ([2], "the current [2] has no length within a factor of 4 of 0.3 s."),
        ([10], "the current [10] has no length within a factor of 4 of 0.3 s or 1.2 s."),
        ([], "latents are currently not pooled."),
    ],
)
def test_times_suggest_lengths_compared_with_the_setting(pooling_seconds, ending):
    described = describe_timescales(table((1.2, 0.3), (1.0, None), (9.0, 0.3)), pooling_seconds)
    assert described == (
        "The autocorrelation falls below 1/e after 1.2 s (poses) and 0.3 s (speed), medians over "
        f"sessions, which suggests pooling_seconds of about [0.3, 1.2]; {ending}"
    )


def test_nothing_is_suggested_if_no_time_is_known():
    assert "suggest no length" in describe_timescales(table((None, None)), [0.5])
    alone = describe_timescales(table((0.4, None)), [0.5])
    assert "after 0.4 s (poses), medians" in alone
    assert "[0.4]; the current [0.5] is within" in alone
