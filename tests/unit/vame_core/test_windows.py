import os

import numpy as np
import pytest
import torch
from tiny_models import make_config
from vame_core.windows import Windows, open_windows


def make_rows(frames):
    """Return frames whose values identify their row: column 0 is the row."""
    rows = torch.arange(frames, dtype=torch.float32)
    return torch.stack([rows, -rows], dim=1)


def enumerate_windows(segments, length):
    """Return the first rows of all windows."""
    return [
        first for start, stop in segments for first in range(start, stop) if first + length <= stop
    ]


def random_segments(seed):
    """Return segments, some with gaps between them, and many too short for a window."""
    rng = np.random.default_rng(seed)
    edges = np.cumsum(rng.integers(0, 12, size=24))
    pairs = list(zip(edges[:-1:2].tolist(), edges[1::2].tolist(), strict=True))
    return [(start, stop) for start, stop in pairs if stop > start], int(edges[-1]) + 1


def test_windows_are_those_of_two_segments():
    windows = Windows(make_rows(10), [(0, 4), (5, 8)], 3)
    assert len(windows) == 3
    assert windows.rows(torch.arange(3)).tolist() == [0, 1, 5]
    assert windows.take(torch.tensor([2]))[0, :, 0].tolist() == [5, 6, 7]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("length", [1, 2, 5])
def test_every_window_appears_once_and_is_within_one_segment(seed, length):
    segments, frames = random_segments(seed)
    windows = Windows(make_rows(frames), segments, length)
    expected = enumerate_windows(segments, length)
    assert len(windows) == len(expected)
    taken = windows.take(torch.arange(len(windows)))
    rows = np.array(expected)[:, None] + np.arange(length)
    np.testing.assert_array_equal(taken[:, :, 0].numpy(), rows)
    np.testing.assert_array_equal(taken[:, :, 1].numpy(), -rows)
    for window in rows:
        assert any(start <= window[0] and window[-1] < stop for start, stop in segments)


def test_neighbouring_segments_are_not_joined():
    windows = Windows(make_rows(6), [(0, 3), (3, 6)], 3)
    assert windows.rows(torch.arange(len(windows))).tolist() == [0, 3]


def test_a_window_may_be_as_long_as_its_segment():
    assert len(Windows(make_rows(5), [(0, 5)], 5)) == 1


@pytest.mark.parametrize("segments", [[(0, 4), (5, 7)], []])
def test_too_short_segments_are_an_error_with_the_longest_one(segments):
    with pytest.raises(ValueError, match="no window of 5 frames") as error:
        Windows(make_rows(10), segments, 5)
    assert f"has {4 if segments else 0}." in str(error.value)


def test_sampling_depends_only_on_the_generator():
    windows = Windows(make_rows(100), [(0, 100)], 4)
    before = torch.get_rng_state()
    draws = [windows.draw(32, torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_samples_are_in_range_and_include_every_window():
    segments, length = [(0, 4), (5, 8), (10, 13)], 3
    windows = Windows(make_rows(13), segments, length)
    drawn = windows.draw(200, torch.Generator().manual_seed(0))
    assert drawn.shape == (200, 3, 2)
    assert set(drawn[:, 0, 0].tolist()) == set(enumerate_windows(segments, length))
    assert torch.equal(drawn[:, 1:, 0] - drawn[:, :-1, 0], torch.ones(200, 2))


def test_each_window_is_equally_likely_in_any_segment():
    windows = Windows(make_rows(30), [(0, 3), (3, 10), (12, 16)], 3)
    n = 40_000
    first = windows.draw(n, torch.Generator().manual_seed(1))[:, 0, 0]
    _, counts = first.unique(return_counts=True)
    expected = n / len(windows)
    assert len(counts) == len(windows) == 8
    assert (counts - expected).abs().max() < 5 * expected**0.5


@pytest.mark.parametrize(("n", "numbers"), [(1, [0]), (2, [0, 5]), (5, [0, 2, 4, 6, 8])])
def test_spread_is_even(n, numbers):
    assert Windows(make_rows(10), [(0, 10)], 1).spread(n).tolist() == numbers


def test_spread_returns_all_windows_if_there_are_fewer():
    assert Windows(make_rows(4), [(0, 4)], 1).spread(10).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("n", [3, 7, 60, 96])
def test_spread_is_the_same_on_every_call_and_without_gaps(n):
    windows = Windows(make_rows(100), [(0, 100)], 4)
    numbers = windows.spread(n)
    assert torch.equal(numbers, windows.spread(n))
    steps = numbers.diff()
    assert (len(numbers), int(numbers[0])) == (n, 0)
    assert steps.max() - steps.min() <= 1
    assert len(windows) - numbers[-1] <= steps.max() + 1


@pytest.mark.parametrize("size", [1, 4, 7, 100])
def test_batches_have_every_window_in_order(size):
    windows = Windows(make_rows(20), [(0, 9), (11, 20)], 3)
    numbers = windows.spread(len(windows))
    batches = list(windows.batches(numbers, size))
    assert all(len(batch) == size for batch in batches[:-1])
    assert torch.equal(torch.cat(batches), windows.take(numbers))


def describe(*segments):
    return {
        "segments": [
            {"session": "a", "side": side, "start": start, "stop": stop, "first_frame": 0}
            for side, start, stop in segments
        ]
    }


def open_split(path, description, side, **settings):
    settings = {"time_window": 3, "prediction_steps": 1} | settings
    return open_windows(path, description, side, make_config(**settings), torch.device("cpu"))


def first_rows(windows):
    return windows.rows(torch.arange(len(windows))).tolist()


def test_a_dataset_is_opened_with_the_segments_of_its_split(tmp_path):
    np.save(tmp_path / "train.npy", make_rows(20).numpy())
    description = describe(("train", 0, 5), ("test", 3, 20), ("train", 5, 9))
    windows = open_split(tmp_path / "train.npy", description, "train")
    assert first_rows(windows) == [0, 1, 5]
    assert torch.equal(windows.take(torch.tensor([1]))[0], make_rows(20)[1:5])


def test_windows_sampled_as_in_vame_cross_joins_and_omit_the_last_one(tmp_path):
    np.save(tmp_path / "train.npy", make_rows(9).numpy())
    description = describe(("train", 0, 5), ("train", 5, 9))
    windows = open_split(
        tmp_path / "train.npy", description, "train", vame_quirks=["windows_across_joins"]
    )
    # Windows of 6 frames can start at 0 to 3; VAME samples 0 to 2.
    assert first_rows(windows) == [0, 1, 2]
    assert windows.take(torch.tensor([2])).shape == (1, 6, 2)


def test_a_dataset_without_windows_is_named(tmp_path):
    path = tmp_path / "test.npy"
    np.save(path, make_rows(6).numpy())
    with pytest.raises(ValueError, match="no window of 8 frames") as error:
        open_split(path, describe(("test", 0, 6)), "test", time_window=7)
    assert str(path) in str(error.value)


# --- arrays larger than a device ------------------------------------------------------------------


def open_rows(path, device, order="C"):
    np.save(path, np.asarray(make_rows(200).numpy(), order=order))
    description = {"segments": [{"side": "train", "start": 0, "stop": 200}]}
    return open_windows(path, description, "train", make_config(), torch.device(device))


@pytest.mark.parametrize(("large", "order"), [(1, "C"), (1, "F"), (2**28, "C")])
def test_windows_of_a_file_are_the_same_with_any_access(tmp_path, monkeypatch, large, order):
    monkeypatch.setattr("vame_core.windows.LARGE", large)
    windows = open_rows(tmp_path / "train.npy", "cpu", order)
    assert bool(windows._read) == (large == 1 and order == "C")
    numbers = torch.tensor([3, 180, 0, 3])
    expected = make_rows(200)[numbers[:, None] + torch.arange(windows.length)]
    for _ in range(2):
        assert torch.equal(windows.take(numbers), expected)


def test_a_truncated_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("vame_core.windows.LARGE", 1)
    path = tmp_path / "train.npy"
    windows = open_rows(path, "cpu")
    os.truncate(path, path.stat().st_size - 1)
    with pytest.raises(OSError, match=r"train\.npy: ends before row 200"):
        windows.take(torch.tensor([len(windows) - 1]))


@pytest.mark.parametrize(("free", "where"), [(1e9, "meta"), (1e2, "cpu")])
def test_frames_that_do_not_fit_on_the_device_remain_on_the_host(
    tmp_path, monkeypatch, free, where
):
    monkeypatch.setattr("vame_core.windows.free_memory", lambda device: free)
    windows = open_rows(tmp_path / "train.npy", "meta")
    assert windows.frames.device.type == where
    assert windows.device.type == "meta"
