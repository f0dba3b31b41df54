"""Run a reader where it may crash: the HDF5 library does on some damaged files, or never ends."""

import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing import connection
from pathlib import Path
from typing import Any

SECONDS = 60
SECONDS_PER_MEGABYTE = 5
"""Ten times what the slowest reader needs."""


def in_a_process(function: Callable[..., Any], path: Path, *arguments: Any) -> Any:
    """``function(path, *arguments)``, from a process of its own.

    Raises
    ------
    ValueError
        What the function raises, as a sentence; that its process crashed, or was not done in time.
    """
    kind = "fork" if "fork" in multiprocessing.get_all_start_methods() else None
    context = multiprocessing.get_context(kind)
    receiver, sender = context.Pipe(duplex=False)
    seconds = SECONDS + SECONDS_PER_MEGABYTE * path.stat().st_size / 1e6
    work = (sender, seconds, function, path, *arguments)
    process = context.Process(target=_work, args=work, daemon=True)
    process.start()
    sender.close()
    try:
        if not connection.wait([receiver], seconds):
            raise ValueError(f"it is damaged: not read within {seconds:.0f} seconds")
        succeeded, result = receiver.recv()
    except EOFError:
        process.join()
        name = signal.Signals(-process.exitcode).name if process.exitcode < 0 else "no result"
        raise ValueError(f"it is damaged: its library crashed on it ({name})") from None
    finally:
        process.kill()
        process.join()
    if not succeeded:
        raise ValueError(result)
    return result


def _work(sender, seconds, function, path, *arguments):
    # It ends even if nobody is left to end it, and even inside a library.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)
    try:
        outcome = (True, function(path, *arguments))
    except ValueError as error:
        outcome = (False, str(error))
    except Exception as error:  # of pandas, pytables, h5py, pynwb and others
        outcome = (False, f"{type(error).__name__}: {error}")
    sender.send(outcome)
