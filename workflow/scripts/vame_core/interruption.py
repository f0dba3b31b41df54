"""What can interrupt a training: signals, and a second process that writes to the same folder."""

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
    """Note SIGTERM and SIGINT instead of obeying them, so that a step can end before anyone acts.

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
    """Hold `lock` while the block runs; the system releases it however the process ends.

    Raises
    ------
    BlockingIOError
        If another process holds it; the message says which one, where and since when.
    """
    held = FileLock(lock, timeout=0, fallback_to_soft=False)
    holder = lock.with_name(f"{lock.name}-holder")  # Windows lets nobody read a locked file
    try:
        held.acquire()
    except Timeout as error:
        who = holder.read_text(encoding="utf-8") if holder.is_file() else "it left no name"
        raise BlockingIOError(
            f"{lock.parent} is being written by another process: {who}. Wait for it, or end it, "
            "and start again"
        ) from error
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        print(f"WARNING: {lock}: this file system has no locks; start no second process")
    try:
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        me = f"process {os.getpid()} on {socket.gethostname()}, since {since}"
        holder.write_text(me, encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        held.release()
