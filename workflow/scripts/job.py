"""What every job does: it writes a log, outputs that are whole or absent, and a record."""

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
"""When this module was imported: as the job began."""

NO_SPACE_LEFT = 2**16  # bytes; HDF5 and zip do not say why they could not write
SCRIPTS = str(Path(__file__).resolve().parent)


class Outputs:
    """Paths to write to, by the names of the rule's outputs, and what else a script needs.

    Attributes
    ----------
    terminal
        What was standard error before the log: for a progress bar.
    device
        Where the job computed; a script sets it for the record.
    record
        Where the job's record lies.
    """

    def __init__(self, snakemake: Any, terminal: TextIO, *, aside: bool) -> None:
        self._snakemake = snakemake
        self.terminal = terminal
        self.device: str | None = None
        self.record = record_of(snakemake.log[0], snakemake.rule)
        self.final = {name: Path(path) for name, path in snakemake.output.items() if path}
        self.written = {
            name: aside_of(path) if aside else path for name, path in self.final.items()
        }
        for name, path in self.written.items():
            assert not hasattr(self, name), name
            setattr(self, name, str(path))

    def describe(self) -> dict[str, Any]:
        """The job's record: sha256 of each input and of each output so far, and what it ran with.

        Of an output that is a folder, its files are listed. Names are those of `name_in_record`.
        """
        snakemake, outputs = self._snakemake, {}
        for name, path in self.written.items():
            for file in files_of(path):
                final = self.final[name] / file.relative_to(path)
                outputs[name_in_record(final.as_posix(), self.record)] = sha256(file)
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
    """Run a script's work: log what it prints, name its outputs once they are whole, record it.

    Each output is written beside its place, under a name of the same suffix; it may become a folder
    of files. When the block ends well, outputs are flushed to the disk, the record is written, and
    they get their names; when it fails, what was there before is intact.

    A ValueError that our code raises, and an OSError, are refusals: their sentence goes to the log
    and to the terminal. Any other exception is a mistake of ours and has its traceback in the log.

    Parameters
    ----------
    aside
        If false, the script writes to the outputs' own places, as it goes.
    record
        If false, no record is written: the job only reads those of others.
    """
    terminal = log_to(snakemake.log[0])
    out = Outputs(snakemake, terminal, aside=aside)
    try:
        yield out
        finish(out, snakemake.input, record)
    except Exception as error:
        sentence = refusal(error, out)
        if sentence is None:
            raise
        for stream in (sys.stderr, terminal):
            print(f"ERROR: {sentence}", file=stream, flush=True)
        sys.exit(1)
    finally:
        if aside:
            for path in out.written.values():
                if path.is_dir():
                    shutil.rmtree(path)
                path.unlink(missing_ok=True)


def finish(out: Outputs, inputs: Iterable[str], record: bool) -> None:
    """Flush the outputs to the disk, write the record, and give outputs their names."""
    for path in out.written.values():
        for file in files_of(path) if path.is_dir() else [path]:
            with open(file, "rb+") as written:  # Windows flushes only what may be written
                os.fsync(written.fileno())
    date_after(inputs, out.written.values())
    if record:
        out.record.parent.mkdir(parents=True, exist_ok=True)
        aside = aside_of(out.record)
        write_json(aside, out.describe())
        os.replace(aside, out.record)
    for name, path in out.written.items():
        os.replace(path, out.final[name])


def files_of(path: Path) -> list[Path]:
    """The file itself, or the files of a folder; none where nothing was written yet."""
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.is_file())
    return [path] if path.is_file() else []


def date_after(inputs: Iterable[str], outputs: Iterable[Path]) -> None:
    """Make no output older than an input, lest a clock that was set back make it stale."""
    newest = max((os.stat(path).st_mtime_ns for path in inputs), default=0)
    for path in outputs:
        if os.stat(path).st_mtime_ns < newest:
            os.utime(path, ns=(newest, newest))


def log_to(path: str) -> TextIO:
    """Send descriptors 1 and 2, and so all that the job prints, to the log.

    Returns a stream to what was standard error before.
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


def refusal(error: Exception, out: Outputs) -> str | None:
    """The sentence for the user, if the error is a refusal; None for a mistake of ours."""
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


def raised_by_us(error: Exception) -> bool:
    """True if a `raise` of our own code made the error, and not a call into a library."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    if place is None:
        return False
    file = place.tb_frame.f_code.co_filename
    line = linecache.getline(file, place.tb_lineno)
    return os.path.realpath(file).startswith(SCRIPTS) and line.lstrip().startswith("raise")
