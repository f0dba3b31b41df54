"""New processes compute the same numbers from their first call on."""

import os

import pytest
import torch
from vame_core.determinism import use_threads

PROCESSES = 1000


def tanh_in_a_new_process(numbers: torch.Tensor) -> bytes:
    """Return the result of the first tanh in a process that was just forked, with two threads."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        use_threads(2)
        rows = numbers.clone()
        for _ in range(3):  # so that both threads are awake and start at the same time
            rows += 1
            rows -= 1
        rows[:, :6].tanh_()
        os.write(writer, rows.numpy().tobytes())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        result = pipe.read()
    os.waitpid(child, 0)
    return result


@pytest.mark.slow
def test_the_first_tanh_of_every_process_is_the_same():
    numbers = torch.linspace(-2, 2, 800 * 24).reshape(800, 24)
    assert len({tanh_in_a_new_process(numbers) for _ in range(PROCESSES)}) == 1
