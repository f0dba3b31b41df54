import hashlib

import numpy as np
import pytest
from formats.aligned import AlignedPoses, save_aligned
from pose_prep.splitting import (
    SplitSettings,
    learn_scaling,
    plan_split,
    pool_limits,
    write_dataset,
)


def settings(**changes):
    return SplitSettings(
        **{
            "test_fraction": 0.1,
            "test_blocks": 3,
            "test_sessions": [],
            "test_groups": [],
            "split_gap": 60,
            "scaling": "per_feature",
        }
        | changes
    )


def plan(usable, groups=None, **changes):
    return plan_split(usable, groups or dict.fromkeys(usable, ""), settings(**changes))


def frames_of(segments, session, side):
    own = [s for s in segments if (s.session, s.side) == (session, side)]
    return np.concatenate([np.arange(s.frames.start, s.frames.stop) for s in own] or [[]])


def test_one_block_is_in_the_middle():
    segments = plan({"a": np.ones(100, bool)}, test_blocks=1, split_gap=5)
    laid = [(s.side, s.start, s.stop, s.first_frame) for s in segments]
    # Test frames are 45 to 54; frames 40 to 44 and 55 to 59 are at most 5 away from them.
    assert laid == [("train", 0, 40, 0), ("train", 40, 80, 60), ("test", 0, 10, 45)]


def test_three_blocks_are_spread_evenly():
    segments = plan({"a": np.ones(300, bool)}, split_gap=0)
    assert [s.first_frame for s in segments if s.side == "test"] == [45, 145, 245]
    assert frames_of(segments, "a", "train").size == 270


def test_blocks_are_counted_in_usable_frames():
    usable = np.ones(200, bool)
    usable[:100] = False
    segments = plan({"a": usable}, test_blocks=1, split_gap=5)
    assert frames_of(segments, "a", "test").tolist() == list(range(145, 155))


@pytest.mark.parametrize("seed", range(20))
def test_every_split_has_these_properties(seed):
    rng = np.random.default_rng(seed)
    usable = {}
    for session in "abc":
        mask = np.ones(rng.integers(2000, 5000), bool)
        for start in rng.integers(0, len(mask), size=rng.integers(0, 12)):
            mask[start : start + rng.integers(1, 80)] = False
        usable[session] = mask
    gap, fraction = int(rng.integers(0, 80)), rng.uniform(0.05, 0.3)
    options = {"split_gap": gap, "test_fraction": fraction, "test_blocks": int(rng.integers(1, 6))}
    segments = plan(usable, **options)
    assert segments == plan(usable, **options)

    for side in ("train", "test"):
        own = [s for s in segments if s.side == side]
        assert [s.start for s in own] == [0, *(s.stop for s in own)][:-1]  # each row once
        assert all(s.stop - s.start >= 2 for s in own)
    for session, mask in usable.items():
        train, test = (frames_of(segments, session, side) for side in ("train", "test"))
        assert mask[train].all()
        assert mask[test].all()
        assert np.unique(np.concatenate([train, test])).size == train.size + test.size
        distance = np.abs(train[:, None] - test[None, :]).min()
        assert distance > gap
        assert abs(test.size / mask.sum() - fraction) < 0.01


def test_segments_are_at_least_two_consecutive_frames():
    usable = np.array([True, True, True, False, True, False, True, True] + [True] * 100)
    segments = plan({"a": usable}, test_blocks=1, split_gap=0)
    train = [(s.first_frame, s.stop - s.start) for s in segments if s.side == "train"]
    assert [first for first, _ in train[:2]] == [0, 6]
    assert train[0] == (0, 3)


@pytest.mark.parametrize("held_out", [{"test_sessions": ["b"]}, {"test_groups": ["old"]}])
def test_whole_sessions_are_held_out_by_name_or_group(held_out):
    usable = {name: np.ones(50, bool) for name in "abc"}
    segments = plan(usable, groups={"a": "young", "b": "old", "c": "young"}, **held_out)
    assert [(s.session, s.side, s.start, s.stop) for s in segments] == [
        ("a", "train", 0, 50),
        ("b", "test", 0, 50),
        ("c", "train", 50, 100),
    ]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"test_fraction": 0.0}, "the test split has no frames: raise test_fraction"),
        (
            {"split_gap": 500},
            "the train split has no frames: lower test_fraction, test_blocks or split_gap",
        ),
        ({"test_sessions": ["a"]}, "the train split has no frames: hold fewer sessions out"),
    ],
)
def test_an_impossible_split_is_refused_with_a_cure(changes, complaint):
    with pytest.raises(ValueError, match=complaint):
        plan({"a": np.ones(300, bool)}, **changes)


def test_scaling_over_parts_equals_scaling_over_the_whole():
    rows = np.random.default_rng(0).normal([1e4, -2], [1, 3], size=(1000, 2)).astype(np.float32)
    scaling = learn_scaling(np.split(rows, [1, 300]), ["a_x", "a_y"])
    np.testing.assert_allclose(scaling.mean, rows.astype(float).mean(axis=0))
    np.testing.assert_allclose(scaling.std, rows.astype(float).std(axis=0))


def test_pooled_scaling_equals_that_of_all_values_together():
    rows = np.random.default_rng(0).normal([5, -2], [1, 3], size=(1000, 2))
    pooled = learn_scaling([rows], ["a_x", "a_y"]).pooled(np.array([True, True]))
    np.testing.assert_allclose(pooled.mean, [rows.mean()] * 2)
    np.testing.assert_allclose(pooled.std, [rows.std()] * 2)


def test_coordinates_have_their_own_means_and_one_standard_deviation():
    rows = np.array([[0, 10, 5], [2, 24, 6]], dtype=np.float32)  # standard deviations 1, 7, 0.5
    scaling = learn_scaling([rows], ["a_x", "a_y", "speed"])
    scaling = scaling.with_one_unit(np.array([True, True, False]))
    assert scaling.mean.tolist() == [1, 17, 5.5]
    assert scaling.std.tolist() == [5, 5, 0.5]  # 5² is the mean of 1² and 7²


def test_without_coordinates_every_feature_has_its_own_scaling():
    own = learn_scaling([np.array([[0, 10], [2, 24]])], ["speed", "turning"])
    assert own.with_one_unit(np.array([False, False])).std.tolist() == [1, 7]


def test_extra_features_have_their_own_scaling():
    rows = np.random.default_rng(0).normal([5, -2, 800], [1, 3, 90], size=(1000, 3))
    scaling = learn_scaling([rows], ["a_x", "a_y", "speed"])
    pooled = scaling.pooled(np.array([True, True, False]))
    np.testing.assert_allclose(pooled.mean, [*[rows[:, :2].mean()] * 2, rows[:, 2].mean()])
    np.testing.assert_allclose(pooled.std, [*[rows[:, :2].std()] * 2, rows[:, 2].std()])


def test_a_constant_feature_is_named():
    rows = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    rows[:, 1] = 0.1
    with pytest.raises(ValueError, match="constant over all training frames: b_y;"):
        learn_scaling([rows[:20], rows[20:]], ["a_x", "b_y"])


def write_aligned(path, *, frames=400, seed=0, features=("nose_x", "paw_x"), lost=(), fps=30.0):
    poses = np.random.default_rng(seed).normal(40, 5, (frames, len(features))).astype(np.float32)
    usable = np.ones(frames, bool)
    usable[list(lost)] = False
    poses[~usable] = np.nan
    save_aligned(AlignedPoses(poses, usable, list(features), fps), path)
    return poses


def write_two(tmp_path, **second):
    poses = {
        "a": write_aligned(tmp_path / "a.npz"),
        "b": write_aligned(tmp_path / "b.npz", seed=1, lost=range(100, 110), **second),
    }
    arrays = {side: tmp_path / f"{side}.npy" for side in ("train", "test")}
    description = write_dataset(
        {name: tmp_path / f"{name}.npz" for name in poses}, {"a": "", "b": ""}, settings(), arrays
    )
    return poses, {side: np.load(path) for side, path in arrays.items()}, description


def test_the_written_rows_are_the_scaled_frames_of_their_segments(tmp_path):
    poses, arrays, description = write_two(tmp_path)
    mean, std = (np.array(description["scaling"][key]) for key in ("mean", "std"))
    seen = {"train": 0, "test": 0}
    for segment in description["segments"]:
        rows = arrays[segment["side"]][segment["start"] : segment["stop"]]
        first = segment["first_frame"]
        frames = poses[segment["session"]][first : first + len(rows)]
        np.testing.assert_allclose(rows * std + mean, frames, rtol=1e-5)
        seen[segment["side"]] += len(rows)
    assert seen == {side: len(array) for side, array in arrays.items()}


def test_only_training_rows_define_the_scaling(tmp_path):
    _, arrays, _ = write_two(tmp_path)
    train = arrays["train"].astype(float)
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(train.std(axis=0), 1, atol=1e-6)
    assert arrays["train"].dtype == arrays["test"].dtype == np.float32
    assert np.isfinite(arrays["test"]).all()
    assert abs(arrays["test"].mean()) > 1e-4


def test_more_features_than_frames_are_not_transposed(tmp_path):
    features = [f"paw{n}_x" for n in range(30)]
    poses = write_aligned(tmp_path / "a.npz", frames=20, features=features)
    arrays = {side: tmp_path / f"{side}.npy" for side in ("train", "test")}
    split = settings(test_blocks=1, split_gap=0)
    description = write_dataset({"a": tmp_path / "a.npz"}, {"a": ""}, split, arrays)
    test = np.load(arrays["test"])
    assert test.shape == (2, 30)
    mean, std = (np.array(description["scaling"][key]) for key in ("mean", "std"))
    np.testing.assert_allclose(test * std + mean, poses[9:11], rtol=1e-5)


def test_the_description_names_its_inputs(tmp_path):
    _, _, description = write_two(tmp_path)
    assert description["features"] == ["nose_x", "paw_x"]
    assert description["scalars"] == []
    assert description["fps"] == {"a": 30.0, "b": 30.0}
    assert description["sessions"] == ["a", "b"]
    assert description["split_gap"] == 60
    assert set(description["sha256"]) == {"train.npy", "test.npy", "a.npz", "b.npz"}
    for name, digest in description["sha256"].items():
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_the_limits_of_sessions_are_pooled_by_the_median():
    limits = [{"a": [0, 1], "b": [-1, 1]}, {"a": [2, 7]}, {"a": [1, 3]}]
    assert pool_limits(limits) == {"a": [1, 3], "b": [-1, 1]}
    assert pool_limits([{}, {}]) == {}


def test_sessions_with_other_features_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"of a;.*b: lacks paw_x; adds ear_x"):
        write_two(tmp_path, features=("nose_x", "ear_x"))


def test_the_same_features_in_another_order_are_sorted(tmp_path):
    poses, arrays, description = write_two(tmp_path, features=("paw_x", "nose_x"))
    assert description["features"] == ["nose_x", "paw_x"]
    mean, std = (np.array(description["scaling"][key]) for key in ("mean", "std"))
    own = [one for one in description["segments"] if one["session"] == "b"]
    assert own
    for one in own:
        rows = arrays[one["side"]][one["start"] : one["stop"]]
        frames = poses["b"][one["first_frame"] : one["first_frame"] + len(rows), ::-1]
        np.testing.assert_allclose(rows * std + mean, frames, rtol=1e-5)


def test_sessions_of_different_frame_rate_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"set resample_fps .* \(25 fps: b; 30 fps: a\)"):
        write_two(tmp_path, fps=25.0)
