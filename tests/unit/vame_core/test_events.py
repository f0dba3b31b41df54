"""TensorBoard reads the same numbers as are in the history."""

import numpy as np
import pytest
import torch
from vame_core.events import NAME, EventFile

ROWS = [
    {"epoch": 1, "seconds": 2.5, "learning_rate": 0.5, "train_loss": 4.0, "test_future": None},
    {"epoch": 2, "seconds": 5.0, "learning_rate": 0.25, "train_loss": 3.0, "test_future": 1.5},
]


def read(folder):
    """(epoch, value) of each scalar, by its name."""
    accumulator = pytest.importorskip(
        "tensorboard.backend.event_processing.event_accumulator"
    ).EventAccumulator(str(folder))
    accumulator.Reload()
    return {
        tag: [(event.step, event.value) for event in accumulator.Scalars(tag)]
        for tag in accumulator.Tags()["scalars"]
    }


def test_tensorboard_reads_every_number_once_it_is_written(tmp_path):
    events = EventFile(tmp_path / NAME, [])
    assert read(tmp_path) == {}
    events.add(ROWS[0])
    assert read(tmp_path) == {"learning_rate": [(1, 0.5)], "loss/train": [(1, 4.0)]}
    events.add(ROWS[1])
    expected = {
        "learning_rate": [(1, 0.5), (2, 0.25)],
        "loss/train": [(1, 4.0), (2, 3.0)],
        "future/test": [(2, 1.5)],
    }
    assert read(tmp_path) == expected


def test_a_training_that_goes_on_has_each_epoch_once(tmp_path):
    EventFile(tmp_path / NAME, ROWS)
    EventFile(tmp_path / NAME, ROWS[:1]).add(ROWS[1])
    assert read(tmp_path)["loss/train"] == [(1, 4.0), (2, 3.0)]
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_no_random_number_is_drawn(tmp_path):
    before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002
    EventFile(tmp_path / NAME, ROWS[:1]).add(ROWS[1])
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_equal(np.random.get_state(), before[1])  # noqa: NPY002
