"""TensorBoard reads the same numbers as the history has."""

import time

import numpy as np
import pytest
import torch
from vame_core.events import add_epoch, open_events

ROWS = [
    {"epoch": 1, "seconds": 2.5, "learning_rate": 0.5, "train_loss": 4.0, "test_future": None},
    {"epoch": 2, "seconds": 5.0, "learning_rate": 0.25, "train_loss": 3.0, "test_future": 1.5},
]
FIRST = {"learning_rate": [(1, 0.5)], "loss/train": [(1, 4.0)]}
BOTH = {
    "learning_rate": [(1, 0.5), (2, 0.25)],
    "loss/train": [(1, 4.0), (2, 3.0)],
    "future/test": [(2, 1.5)],
}


def accumulated(folder):
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator(str(folder))
    return accumulator.Reload()


def read(folder):
    """Return (epoch, value) of each scalar by its name."""
    events = accumulated(folder)
    return {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in events.Tags()["scalars"]
    }


def read_soon(folder, expected):
    """Return the content when it is as expected, or after ten seconds."""
    deadline = time.monotonic() + 10
    while (found := read(folder)) != expected and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_tensorboard_reads_every_number_during_training(tmp_path):
    with open_events(tmp_path, []) as writer:
        assert read(tmp_path) == {}
        add_epoch(writer, ROWS[0])
        assert read_soon(tmp_path, FIRST) == FIRST
        add_epoch(writer, ROWS[1])
        assert read_soon(tmp_path, BOTH) == BOTH


def test_all_numbers_are_there_when_the_writer_is_closed(tmp_path):
    with open_events(tmp_path, []) as writer:
        for row in ROWS:
            add_epoch(writer, row)
    assert read(tmp_path) == BOTH


def test_a_resumed_training_has_each_epoch_once(tmp_path):
    with open_events(tmp_path, ROWS):
        pass
    (tmp_path / "history.csv").touch()
    with open_events(tmp_path, ROWS[:1]) as writer:
        add_epoch(writer, ROWS[1])
    assert read(tmp_path) == BOTH
    first, second = sorted(path.name for path in tmp_path.iterdir())
    assert first.startswith("events.out.tfevents.")
    assert second == "history.csv"


def test_epochs_before_a_restart_have_their_times(tmp_path):
    with open_events(tmp_path, ROWS):
        pass
    first, second = accumulated(tmp_path).Scalars("loss/train")
    assert second.wall_time - first.wall_time == pytest.approx(2.5, abs=0.1)
    assert second.wall_time == pytest.approx(time.time(), abs=60)


def test_writing_uses_no_random_numbers(tmp_path):
    before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    with open_events(tmp_path, ROWS[:1]) as writer:
        add_epoch(writer, ROWS[1])
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002


def test_a_full_disk_at_the_end_hides_no_other_error(tmp_path, monkeypatch):
    def full(writer):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vame_core.events.SummaryWriter.close", full)
    with pytest.raises(KeyError), open_events(tmp_path, ROWS):
        raise KeyError
