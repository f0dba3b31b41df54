"""What can come between a training and its end: signals, a second process, a person's wish."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path


class Signals:
    """SIGTERM and SIGINT, noted instead of obeyed, so that a step can end before anyone acts.

    Slurm sends SIGTERM before a time limit or a preemption, a terminal SIGINT at Ctrl-C.
    """

    def __init__(self) -> None:
        self.seen: signal.Signals | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.seen = signal.Signals(number)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold `lock` while the block runs; the kernel lets go of it however the process ends.

    Raises
    ------
    RuntimeError
        If another process holds it: which one, where and since when.
    """
    with open(lock, "a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
                print(f"WARNING: {lock}: this file system has no locks; start no second process")
            else:
                file.seek(0)
                raise RuntimeError(
                    f"{lock.parent} is being written by another process: {file.read().strip()}. "
                    "Wait for it, or end it, and start again"
                ) from error
        file.truncate(0)
        file.write(
            f"process {os.getpid()} on {socket.gethostname()}, "
            f"since {datetime.now().astimezone().isoformat(timespec='seconds')}\n"
        )
        file.flush()
        yield
        file.truncate(0)
