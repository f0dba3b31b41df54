"""Give a job's outputs their names once they are whole."""

import errno
import os
import platform
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

NO_SPACE_LEFT = 2**16  # bytes; HDF5 and zip do not say why they could not write


@contextmanager
def written_aside(outputs, inputs: Iterable[str]) -> Iterator[SimpleNamespace]:
    """Paths to write to, by the names of the rule's outputs; renamed where the block ends well.

    Each lies in its output's folder under another name of the same suffix; it may become a folder
    of files. What was written is flushed to the disk before it is renamed, and removed if the block
    fails. The job's record is not among them: it is written when they have their names.

    Raises
    ------
    OSError
        Naming the output, where the disk is full or the folder cannot be written to.
    """
    final = {name: Path(path) for name, path in outputs.items() if name != "record"}
    # On a disk of several machines, where a job's lost copy may still be writing its own.
    writer = f"{platform.node()}-{os.getpid()}"
    aside = {
        name: path.with_name(f".{path.stem}.{writer}.part{path.suffix}")
        for name, path in final.items()
    }
    try:
        yield SimpleNamespace(**{name: str(path) for name, path in aside.items()})
        for path in aside.values():
            for written in sorted(path.iterdir()) if path.is_dir() else [path]:
                with open(written, "rb") as file:
                    os.fsync(file.fileno())
        date_after(inputs, aside.values())
        for name, path in aside.items():
            os.replace(path, final[name])
    except Exception as error:
        reason = _reason(error, [path.parent for path in final.values()])
        if reason is None:
            raise
        listed = ", ".join(str(path) for path in final.values())
        raise OSError(reason, f"cannot write {listed}: {os.strerror(reason)}") from error
    finally:
        for path in aside.values():
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)


def date_after(inputs: Iterable[str], outputs: Iterable[str | Path]) -> None:
    """Make no output older than an input, lest a clock that was set back make it stale."""
    newest = max((os.stat(path).st_mtime_ns for path in inputs), default=0)
    for path in outputs:
        if os.stat(path).st_mtime_ns < newest:
            os.utime(path, ns=(newest, newest))


def _reason(error: Exception, folders: list[Path]) -> int | None:
    """The errno of a disk or folder that takes nothing, if that is what the error comes from."""
    cannot_write = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
    if isinstance(error, OSError) and error.errno in cannot_write:
        return error.errno
    for folder in folders:
        if shutil.disk_usage(folder).free < NO_SPACE_LEFT:
            return errno.ENOSPC
        if not os.access(folder, os.W_OK):
            return errno.EROFS
    return None
