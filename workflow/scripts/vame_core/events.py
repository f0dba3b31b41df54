"""The history of a training for TensorBoard, written during training."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tensorboardX import SummaryWriter

SECONDS = 1  # until an epoch is on disk: SummaryWriter writes in its own thread


@contextmanager
def open_events(folder: Path, history: list[dict[str, Any]]) -> Iterator[SummaryWriter]:
    """Start a new event file in the folder, with the epochs of `history` (rows of `Epoch.row`).

    Event files of an earlier start are removed, so that each epoch appears once.
    """
    for earlier in folder.glob("events.out.tfevents.*"):
        earlier.unlink()
    writer = SummaryWriter(str(folder), flush_secs=SECONDS)
    for row in history:
        add_epoch(writer, row, time.time() + row["seconds"] - history[-1]["seconds"])
    try:
        yield writer
    finally:
        with suppress(OSError):  # full disk: saving a state or a model reports it
            writer.close()


def add_epoch(writer: SummaryWriter, row: dict[str, Any], ended: float | None = None) -> None:
    """Add the numbers of an epoch that ended now, or at time `ended`.

    `train_loss` and `test_loss` are called loss/train and loss/test, so that they share a panel.
    """
    for name, value in row.items():
        if name not in ("epoch", "seconds") and value is not None:
            split, _, term = name.partition("_")
            tag = f"{term}/{split}" if split in ("train", "test") else name
            writer.add_scalar(tag, value, row["epoch"], ended)
