"""Files that are whole or absent, their checksums, and JSON."""

import hashlib
import json
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

LINKS = ".snakemake/names/"
"""Where settings.files.plain_name puts links to files whose names Snakemake does not take."""


def aside_of(path: Path) -> Path:
    """A hidden name beside `path`, of the same suffix, which no other process writes to.

    The host is in it, since on a shared disk a job's lost copy may still be writing its own.
    """
    return path.with_name(f".{path.stem}.{platform.node()}-{os.getpid()}.part{path.suffix}")


def write_atomically(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Let `write` fill a file beside `path`, flush it to the disk and rename it to `path`.

    Raises
    ------
    OSError
        Naming `path`, if the disk is full or the folder read-only; what was there is intact.
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
            f"cannot write it ({error.strerror}); what was there is untouched",
            str(path),
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def own_name(path: str) -> str:
    """The name that the user gave a file, which a job may have by a link."""
    start, link, name = path.rpartition(LINKS)
    return str(Path(*map(unquote, Path(name).parts))) if link and not start else path


def sha256(path: str | Path) -> str:
    """Hex digest of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_json(path: str | Path) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_json(path: str | Path, content: Any) -> None:
    Path(path).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
