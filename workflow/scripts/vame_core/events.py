"""The history of a training as TensorBoard reads it, while it goes on.

One file of a fixed name; no thread, and no number is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter

NAME = "history.tfevents"  # TensorBoard looks for files with `tfevents` in their name


class EventFile:
    """Scalars of each epoch, by names such as `reconstruction/test`; what is None is left out.

    The file begins anew with the history that is gone on from, so each epoch is in it once.

    Parameters
    ----------
    path
        Written to at once; what is added is on the disk when `add` returns.
    rows
        Rows of `Epoch.row` so far.
    """

    def __init__(self, path: Path, rows: Iterable[dict[str, Any]]) -> None:
        rows = list(rows)
        self._began = time.time() - (rows[-1]["seconds"] if rows else 0)
        self._file = RecordWriter(str(path))
        self._write(Event(wall_time=self._began, file_version="brain.Event:2"))
        for row in rows:
            self.add(row)

    def add(self, row: dict[str, Any]) -> None:
        """Write one epoch; its time is when it ended, pauses of the training not counted."""
        values = [
            Summary.Value(tag=_tag(name), simple_value=value)
            for name, value in row.items()
            if name not in ("epoch", "seconds") and value is not None
        ]
        self._write(
            Event(
                wall_time=self._began + row["seconds"],
                step=row["epoch"],
                summary=Summary(value=values),
            )
        )

    def _write(self, event: Event) -> None:
        self._file.write(event.SerializeToString())
        self._file.flush()


def _tag(name: str) -> str:
    """`train_loss` and `test_loss` share a panel: loss/train, loss/test."""
    side, _, term = name.partition("_")
    return f"{term}/{side}" if side in ("train", "test") else name
