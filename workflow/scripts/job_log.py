"""Point a job's output at its log."""

import os
import sys
from typing import TextIO


def log_to(path: str) -> TextIO:
    """Send descriptors 1 and 2, and so all that the job prints, to the log.

    Returns a stream to what was standard error before, for a progress bar on a terminal.
    """
    terminal = os.fdopen(os.dup(2), "w", encoding="utf-8")
    sys.stdout.flush()
    sys.stderr.flush()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    sys.stdout.reconfigure(line_buffering=True)
    return terminal
