"""Atomic writing of files, checksums, and JSON."""

import hashlib
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

LINKS = ".snakemake/names/"
"""Folder in which settings.files.plain_name links files whose names Snakemake cannot use."""


def aside_of(path: Path) -> Path:
    """Return a hidden name in the folder of `path`, with its suffix, that no other process uses.

    It contains the host, since on a shared disk a lost copy of the job may still be writing.
    """
    return path.with_name(f".{path.stem}.{platform.node()}-{os.getpid()}.part{path.suffix}")


def write_atomically(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Call `write` with a temporary file, flush it to disk and rename it to `path`.

    Raises
    ------
    OSError
        Naming `path`, if the disk is full or the folder read-only; an earlier file is unchanged.
    """
    aside = aside_of(path)
    try:
        with open(aside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise OSError(
            error.errno,
            f"cannot write it ({error.strerror}); an existing file is unchanged",
            str(path),
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def own_name(path: str) -> str:
    """Return the name that the user gave a file, if a job has it through a link."""
    start, link, name = path.rpartition(LINKS)
    return str(Path(*map(unquote, Path(name).parts))) if link and not start else path


def sha256(path: str | Path) -> str:
    """Compute the hex digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: str | Path) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, content: Any) -> None:
    Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
