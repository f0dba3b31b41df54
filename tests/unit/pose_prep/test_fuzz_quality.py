"""Plausibility and quality of recordings with random sizes, names and places."""

import os

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pose_prep.cleaning import find_beyond, outlier_limits
from pose_prep.plausibility import correct_readings, find_zeros, scale_likelihood
from pose_prep.quality import inspect_recording
from pose_prep.recording import clean_recording
from pose_prep.swapping import find_swapped
from recordings import make_dataset, make_lively_tracks, make_tracks
from test_alignment import settings as alignment

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))  # `make fuzz` tries more
tried = settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 10)

seeds = st.integers(0, 2**32 - 1)
scales = st.floats(0.01, 1000)  # from metres to pixels of large images


@st.composite
def animals(draw):
    """Return (frame, keypoint, 3) tracks of an animal, and names of its keypoints."""
    count, frames = draw(st.integers(3, 9)), draw(st.integers(50, 600))
    rng = np.random.default_rng(draw(seeds))
    places = np.stack([np.linspace(0, 10, count), rng.uniform(-3, 3, count)], axis=1)
    name = st.text("abxyz_ ", min_size=1)
    names = draw(st.lists(name, min_size=count, max_size=count, unique=True))
    body = {
        name: place + rng.normal(scale=0.2, size=(frames, 2))
        for name, place in zip(names, places, strict=True)
    }
    tracks = make_tracks(
        frames=frames,
        body=body,
        heading=np.cumsum(rng.normal(scale=0.1, size=frames)),
        place=100 + np.cumsum(rng.normal(scale=0.5, size=(frames, 2)), axis=0),
    )
    tracks[..., :2] *= draw(scales)
    return tracks, names


@tried
@given(animals(), st.floats(0.01, 0.95), seeds, st.sampled_from([np.nan, 1.0]))
def test_zeros_are_missing_in_any_keypoints_and_frames(animal, share, seed, likelihood):
    tracks, names = animal
    rng = np.random.default_rng(seed)
    lost = (rng.random(tracks.shape[:2]) < share) & (rng.random(len(names)) < 0.5)
    assume(not lost.all(axis=0).any())
    tracks[lost, :2], tracks[..., 2] = 0, likelihood
    notes = []
    poses = correct_readings(make_dataset(tracks=tracks, keypoints=names), notes)
    positions = poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values
    np.testing.assert_array_equal(np.isnan(positions).all(axis=-1), lost)
    np.testing.assert_array_equal(positions[~lost], tracks[~lost, :2])
    assert all(any(name in note for note in notes) for name in np.array(names)[lost.any(axis=0)])


@tried
@given(seeds, st.integers(10, 400), st.integers(10, 400), st.integers(200, 3000), st.floats(0, 0.3))
def test_zeros_of_independent_integers_are_not_missing(seed, wide, high, frames, cut):
    rng = np.random.default_rng(seed)
    size = np.array([wide, high])
    positions = np.floor(rng.uniform(-cut * size, size, (frames, 1, 2))).clip(0)
    assert not find_zeros(positions, np.full((frames, 1), np.nan)).any()


@tried
@given(animals(), st.integers(0, 8))
def test_the_center_of_egocentric_poses_is_not_missing(animal, which):
    tracks, names = animal
    center = which % len(names)
    tracks[..., :2] -= tracks[:, [center], :2]
    assert not find_zeros(tracks[..., :2], np.full(tracks.shape[:2], np.nan)).any()


@tried
@given(st.lists(st.floats(0, 1), min_size=5, max_size=300), st.floats(0.2, 1))
def test_percent_and_shares_are_distinguished(shares, highest):
    shares = np.array([*shares, *[highest] * (1 + len(shares) // 20)])
    np.testing.assert_array_equal(scale_likelihood(shares, []), shares)
    np.testing.assert_array_equal(scale_likelihood(1.2 * shares, []), 1.2 * shares)
    np.testing.assert_allclose(scale_likelihood(100 * shares, []), shares)


@tried
@given(seeds, st.integers(100, 3000), st.floats(0, 0.2), st.floats(20, 1e6), scales)
def test_far_jumps_are_the_outliers_and_no_others(seed, frames, share, distance, scale):
    rng = np.random.default_rng(seed)
    positions, far = rng.uniform(-1, 1, (frames, 1, 2)), np.zeros((frames, 1), dtype=bool)
    far[rng.permutation(frames)[: int(share * frames)]] = True
    positions[far] += distance * rng.choice([-1, 1])
    limits = outlier_limits(scale * positions, 4)
    np.testing.assert_array_equal(find_beyond(scale * positions, limits), far)


@tried
@given(animals(), seeds, st.floats(0, 0.3), st.integers(1, 50), st.sampled_from([5.0, 30.0, 120.0]))
def test_swapped_ends_are_found_in_animals_of_any_size(animal, seed, share, mean, fps):
    tracks, _ = animal
    rng, frames = np.random.default_rng(seed), len(tracks)
    ends = [0, tracks.shape[1] - 1]
    swapped = np.zeros(frames, dtype=bool)
    while swapped.mean() < share:
        start = rng.integers(frames)
        swapped[start : start + rng.integers(1, mean + 1)] = True
    assume(swapped.mean() < 0.45)
    rows = np.ix_(swapped, ends)
    tracks[rows] = tracks[rows][:, ::-1]
    measured = np.ones(tracks.shape[:2], dtype=bool)
    found = find_swapped(tracks[..., :2], measured, *ends, fps)
    assert (found != swapped).sum() <= 2 + 0.02 * frames


@tried
@given(seeds, st.floats(0, 0.4), st.sampled_from(["report", "drop", "fix"]), st.booleans())
def test_any_recording_can_be_inspected(seed, share, how, empty):
    rng = np.random.default_rng(seed)
    tracks = make_lively_tracks(frames=int(rng.integers(1, 200)), seed=seed)
    tracks[rng.random(tracks.shape[:2]) < share] = np.nan if empty else 0
    recording = make_dataset(tracks=tracks)
    found = inspect_recording(clean_recording(recording, alignment(swapped_ends=how)), 0.5)
    assert 0 <= found.summary["swapped_share"] <= 1
