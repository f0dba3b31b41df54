"""Run a reader in a child process: HDF5 may crash or hang on damaged files."""

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
    """Call `function(path, *arguments)` in a child process and return its result.

    An error in it, a crash, and a child that does not end in time raise a ValueError. Where
    processes cannot be forked (Windows), the call is made in this process.
    """
    if "fork" in multiprocessing.get_all_start_methods():
        seconds = SECONDS + SECONDS_PER_MEGABYTE * path.stat().st_size / 1e6
        result, error = _call_in_child(seconds, function, path, *arguments)
    else:
        result, error = _call(function, path, *arguments)
    if error is not None:
        raise ValueError(error)
    return result


def _call(function, *arguments):
    """Return (result, None), or (None, description of the error)."""
    try:
        return function(*arguments), None
    except ValueError as error:
        return None, str(error)
    except Exception as error:  # raised by pandas, pytables, h5py, pynwb and others
        return None, f"it is damaged or of another format ({type(error).__name__}: {error})"


def _call_in_child(seconds, *call):
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work():
        # The alarm ends the child even if its parent is gone, and even inside a library.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, seconds + 1)
        sender.send(_call(*call))

    child = context.Process(target=work, daemon=True)
    child.start()
    sender.close()
    try:
        if not connection.wait([receiver], seconds):
            return None, f"it is damaged: reading did not end within {seconds:.0f} seconds"
        return receiver.recv()
    except EOFError:
        child.join()
        name = signal.Signals(-child.exitcode).name if child.exitcode < 0 else "no result"
        return None, f"it is damaged: its library crashed while reading it ({name})"
    finally:
        child.kill()
        child.join()
