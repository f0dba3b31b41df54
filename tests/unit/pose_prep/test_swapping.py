"""Swapped frames are found in recordings in which head and tail are swapped on purpose."""

import numpy as np
import pytest
from pose_prep.alignment import align_recording
from pose_prep.simulation import KEYPOINTS, simulate_recording
from pose_prep.swapping import find_swapped, settle_swaps
from recordings import make_dataset, make_lively_tracks
from test_alignment import settings

CENTER, ORIENT = KEYPOINTS.index("tail_base"), KEYPOINTS.index("nose")
PAIR = [CENTER, ORIENT]


def simulate(seed, frames=1800, fps=30.0, space=2):
    """Return (frame, keypoint, axis) positions and which are measured; in 3D, it rears."""
    tracks, labels = simulate_recording(np.random.default_rng(seed), frames, fps, "active")
    positions, measured = tracks[..., :2], tracks[..., 2] >= 0.9
    if space == 3:
        up = np.convolve(labels == "rear", np.ones(9) / 9, mode="same")[:, None]
        height = up * [50, 40, 40, 3, 3, 0] + np.random.default_rng(seed).normal(size=(frames, 6))
        positions = np.concatenate([positions, height[..., None]], axis=-1)
    return positions, measured


def random_runs(rng, frames, share, mean):
    """Return (frame,) bool: runs at random places and of random lengths."""
    swapped = np.zeros(frames, dtype=bool)
    while swapped.mean() < share:
        start = rng.integers(frames)
        swapped[start : start + 1 + int(rng.exponential(mean))] = True
    return swapped


def swap(positions, measured, swapped):
    positions, measured = positions.copy(), measured.copy()
    rows = np.ix_(swapped, PAIR)
    positions[rows], measured[rows] = positions[rows][:, ::-1], measured[rows][:, ::-1]
    return positions, measured


@pytest.mark.parametrize("space", [2, 3])
@pytest.mark.parametrize("fps", [100.0, 30.0, 10.0, 5.0])
@pytest.mark.parametrize("seed", range(4))
def test_an_animal_that_turns_has_no_swaps(seed, fps, space):
    positions, measured = simulate(seed, fps=fps, space=space)
    assert not find_swapped(positions, measured, CENTER, ORIENT, fps).any()


@pytest.mark.parametrize("space", [2, 3])
@pytest.mark.parametrize(("share", "mean"), [(0.05, 1), (0.22, 5), (0.22, 60), (0.4, 20)])
def test_swaps_are_found(share, mean, space):
    for seed in range(3):
        positions, measured = simulate(seed, space=space)
        swapped = random_runs(np.random.default_rng(seed), len(positions), share, mean)
        positions, measured = swap(positions, measured, swapped)
        found = find_swapped(positions, measured, CENTER, ORIENT, 30.0)
        judged = measured[:, PAIR].all(axis=1)
        assert found[judged & swapped].mean() > 0.97
        assert found[judged & ~swapped].mean() < 0.005


def test_without_other_keypoints_the_shorter_run_is_the_swapped_one():
    positions, _ = simulate(0)
    ends, seen = positions[:, PAIR], np.ones((len(positions), 2), dtype=bool)
    ends[:] = simulate_recording(np.random.default_rng(0), 1800, 30.0)[0][:1, PAIR, :2]
    ends += np.random.default_rng(1).normal(size=ends.shape)  # an animal at rest
    ends[:40], ends[300:310] = ends[:40, ::-1], ends[300:310, ::-1]
    found = find_swapped(ends, seen, 0, 1, 30.0)
    assert np.flatnonzero(found).tolist() == [*range(40), *range(300, 310)]


def turning(angles, pivot):
    """Return an animal of four keypoints that turns about the point `pivot` along its body."""
    along = np.array([1.0, 0.7, 0.2, 0.0]) - pivot
    turned = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    return 300 + 60 * along[:, None] * turned[:, None]


@pytest.mark.parametrize("pivot", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("frames", [1, 2, 5])
def test_a_turn_by_half_a_circle_within_a_few_frames_is_not_a_swap(frames, pivot):
    """This also holds within one frame and about the middle: other keypoints also turn."""
    angles = np.pi * np.clip((np.arange(200) - 100) / frames, 0, 1)
    positions = turning(angles, pivot)
    positions += np.random.default_rng(0).normal(scale=0.5, size=positions.shape)
    assert not find_swapped(positions, np.ones((200, 4), dtype=bool), 3, 0, 10.0).any()


def test_a_swap_is_found_across_a_short_gap():
    positions, measured = simulate(1)
    measured[:] = True
    swapped = np.zeros(len(positions), dtype=bool)
    swapped[500:560] = True
    positions, measured = swap(positions, measured, swapped)
    measured[495:505, ORIENT] = measured[530:533] = False
    found = find_swapped(positions, measured, CENTER, ORIENT, 30.0)
    assert np.flatnonzero(found).tolist() == list(range(505, 560))


@pytest.mark.parametrize("empty", ["no frame", "one frame", "one place"])
def test_recordings_without_information_have_no_swaps(empty):
    positions, measured = np.ones((9, 3, 2)), np.zeros((9, 3), dtype=bool)
    measured[: {"no frame": 0, "one frame": 1, "one place": 9}[empty]] = True
    assert not find_swapped(positions, measured, 0, 1, 30.0).any()


def test_swapped_ends_are_exchanged_or_marked_as_not_measured():
    positions = np.arange(12.0).reshape(2, 3, 2)
    missing = np.array([[False, False, False], [True, False, False]])
    swapped = np.array([False, True])
    same, lost = settle_swaps(positions, missing, swapped, [0, 2], "report")
    assert (same.tolist(), lost.tolist()) == (positions.tolist(), missing.tolist())
    back, lost = settle_swaps(positions, missing, swapped, [0, 2], "fix")
    assert back[1].tolist() == [[10, 11], [8, 9], [6, 7]]
    assert lost.tolist() == [[False] * 3, [False, False, True]]
    assert back[0].tolist() == positions[0].tolist()
    same, lost = settle_swaps(positions, missing, swapped, [0, 2], "drop")
    assert same.tolist() == positions.tolist()
    assert lost.tolist() == [[False] * 3, [True, False, True]]


def test_corrected_poses_equal_those_without_swaps():
    tracks = make_lively_tracks()
    swapped = tracks.copy()
    swapped[50:90, [0, 3]] = tracks[50:90, [3, 0]]
    right, wrong, fixed = (
        align_recording(make_dataset(tracks=own), settings(swapped_ends=how))
        for own, how in ((tracks, "report"), (swapped, "report"), (swapped, "fix"))
    )
    np.testing.assert_array_equal(fixed.poses, right.poses)
    assert not np.allclose(wrong.poses[50:90], right.poses[50:90])
    dropped = align_recording(make_dataset(tracks=swapped), settings(swapped_ends="drop"))
    assert np.flatnonzero(~dropped.usable).tolist() == list(range(50, 90))
