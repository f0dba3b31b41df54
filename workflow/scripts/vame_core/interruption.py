"""Interruptions of a training: signals, and a second process that writes to the same folder."""

from __future__ import annotations

import errno
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


class Signals:
    """Record SIGTERM and SIGINT without ending the process, so that the current step can finish.

    Slurm sends SIGTERM before a time limit or a preemption; a terminal sends SIGINT on Ctrl-C.
    """

    def __init__(self) -> None:
        self.seen: signal.Signals | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: object) -> None:
        self.seen = signal.Signals(number)


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Hold `lock` while the block runs; the system releases it when the process ends.

    Raises
    ------
    BlockingIOError
        If another process holds it; the message names the process, its host and start time.
    """
    held = FileLock(lock, timeout=0, fallback_to_soft=False)
    holder = lock.with_name(f"{lock.name}-holder")  # Windows does not allow reading a locked file
    try:
        held.acquire()
    except Timeout as error:
        who = holder.read_text(encoding="utf-8") if holder.is_file() else "its name is unknown"
        raise BlockingIOError(
            f"{lock.parent} is being written by another process: {who}. Wait until it ends, or "
            "stop it, and start again"
        ) from error
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        print(f"WARNING: {lock}: no file locks on this file system; do not start a second process")
    try:
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        me = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
        holder.write_text(me, encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        held.release()
