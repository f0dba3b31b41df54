"""What every job does: it writes a log, complete outputs (or none), and a record."""

import errno
import linecache
import os
import platform
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from formats.files import aside_of, sha256, write_json
from formats.records import describe_machine, imported_versions, name_in_record, record_of
from formats.workflow import describe_workflow

STARTED = datetime.now(UTC)
"""Time when this module was imported: the start of the job."""

NO_SPACE_LEFT = 2**16  # bytes; HDF5 and zip do not report why writing failed
SCRIPTS = str(Path(__file__).resolve().parent)


class Outputs:
    """Paths to write to, by the names of the rule's outputs, and other things that a script needs.

    An output of several files is a list of paths.

    Attributes
    ----------
    final
        Of each path that is written to, the output that it becomes.
    terminal
        Standard error before it was redirected to the log: for a progress bar.
    device
        Device of the computation; a script sets it for the record.
    record
        Path of the job's record.
    """

    def __init__(self, snakemake: Any, terminal: TextIO, *, aside: bool) -> None:
        self._snakemake = snakemake
        self.terminal = terminal
        self.device: str | None = None
        self.record = record_of(snakemake.log[0], snakemake.rule)
        self.final: dict[Path, Path] = {}
        for name, output in snakemake.output.items():
            finals = [Path(path) for path in ([output] if isinstance(output, str) else output)]
            written = [aside_of(path) if aside else path for path in finals]
            self.final |= dict(zip(written, finals, strict=True))
            assert not hasattr(self, name), name
            if finals:
                paths = [str(path) for path in written]
                setattr(self, name, paths[0] if isinstance(output, str) else paths)

    def describe(self) -> dict[str, Any]:
        """Return the job's record: sha256 of each input and output, parameters and software.

        For an output that is a folder, its files are listed. Names are those of `name_in_record`.
        """
        snakemake, outputs = self._snakemake, {}
        for path, final in self.final.items():
            for file in files_of(path):
                place = final / file.relative_to(path)
                outputs[name_in_record(place.as_posix(), self.record)] = sha256(file)
        return {
            "rule": snakemake.rule,
            "wildcards": dict(snakemake.wildcards.items()),
            "inputs": {name_in_record(path, self.record): sha256(path) for path in snakemake.input},
            "outputs": outputs,
            "params": dict(snakemake.params.items()),
            "threads": snakemake.threads,
            "device": self.device,
            "started": STARTED.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "workflow": describe_workflow(Path(SCRIPTS).parents[1]),
            "machine": describe_machine(),
            "software": {"python": platform.python_version(), **imported_versions()},
        }


@contextmanager
def job(snakemake: Any, *, aside: bool = True, record: bool = True) -> Iterator[Outputs]:
    """Run a script's work: log what it prints, write its outputs atomically, record it.

    Each output is written to a temporary name in its folder, with the same suffix; it may be a
    folder of files. When the block succeeds, outputs are flushed to disk, the record is written
    and outputs are renamed; when it fails, earlier outputs are unchanged.

    A ValueError that our code raises, and an OSError, are errors of the user: their message goes to
    the log and to the terminal. Any other exception is a bug, and its traceback is in the log.

    Parameters
    ----------
    aside
        If false, the script writes directly to the outputs' final names.
    record
        If false, no record is written: for jobs that only read records.
    """
    terminal = log_to(snakemake.log[0])
    out = Outputs(snakemake, terminal, aside=aside)
    try:
        yield out
        finish(out, snakemake.input, record)
    except Exception as error:
        message = message_for_user(error, out)
        if message is None:
            raise
        for stream in (sys.stderr, terminal):
            print(f"ERROR: {message}", file=stream, flush=True)
        sys.exit(1)
    finally:
        if aside:
            for path in out.final:
                if path.is_dir():
                    shutil.rmtree(path)
                path.unlink(missing_ok=True)


def finish(out: Outputs, inputs: Iterable[str], record: bool) -> None:
    """Flush the outputs to the disk, write the record, and rename the outputs."""
    for path in out.final:
        for file in files_of(path) if path.is_dir() else [path]:
            with open(file, "rb+") as written:  # Windows flushes only what may be written
                os.fsync(written.fileno())
    date_after(inputs, out.final)
    if record:
        out.record.parent.mkdir(parents=True, exist_ok=True)
        aside = aside_of(out.record)
        write_json(aside, out.describe())
        os.replace(aside, out.record)
    for path, final in out.final.items():
        os.replace(path, final)


def files_of(path: Path) -> list[Path]:
    """Return the file itself, or the files of a folder; none if nothing has been written yet."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    return [path] if path.is_file() else []


def date_after(inputs: Iterable[str], outputs: Iterable[Path]) -> None:
    """Make no output older than an input, since a clock that was set back would make it stale."""
    newest = max((os.stat(path).st_mtime_ns for path in inputs), default=0)
    for path in outputs:
        if os.stat(path).st_mtime_ns < newest:
            os.utime(path, ns=(newest, newest))


def log_to(path: str) -> TextIO:
    """Redirect descriptors 1 and 2, and so everything the job prints, to the log.

    Returns a stream to the original standard error.
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


def message_for_user(error: Exception, out: Outputs) -> str | None:
    """Return the message if the error is one of the user; None for a bug."""
    if isinstance(error, OSError) and raised_by_us(error):
        return str(error)
    reason = unwritable(error, [path.parent for path in out.final.values()])
    if reason is not None:
        listed = ", ".join(str(path) for path in out.final.values())
        return f"cannot write {listed}: {os.strerror(reason)}"
    if isinstance(error, OSError) or (isinstance(error, ValueError) and raised_by_us(error)):
        return str(error)
    return None


def unwritable(error: Exception, folders: list[Path]) -> int | None:
    """Return the errno of an unwritable disk or folder, if that is the cause of the error."""
    cannot_write = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
    if isinstance(error, OSError) and error.errno in cannot_write:
        return error.errno
    for folder in folders:
        if shutil.disk_usage(folder).free < NO_SPACE_LEFT:
            return errno.ENOSPC
        if not os.access(folder, os.W_OK):
            return errno.EROFS
    return None


def raised_by_us(error: Exception) -> bool:
    """True if a `raise` of our own code raised the error, rather than a library."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return False
    file = place.tb_frame.f_code.co_filename
    line = linecache.getline(file, place.tb_lineno)
    return os.path.realpath(file).startswith(SCRIPTS) and line.lstrip().startswith("raise")
