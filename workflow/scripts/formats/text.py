"""Files from users and other programs, recognised by their bytes, not by their names.

It is used in Snakemake's own environment to read headers, so it needs no library.
"""

import codecs
import gzip
import io
import re
from pathlib import Path
from typing import BinaryIO, TextIO, cast

TEXT_TO_READ = 1 << 20
"""Number of characters at the start of a text file that must contain the header."""

HDF5 = b"\x89HDF\r\n\x1a\n"
GZIP = b"\x1f\x8b"
CHUNK = 1 << 20
FALLBACK = "latin-1"
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark is its start
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def starts_with(path: str | Path, magic: bytes) -> bool:
    with open(path, "rb") as file:
        return file.read(len(magic)) == magic


def is_hdf5(path: str | Path) -> bool:
    return starts_with(path, HDF5)


def is_packed(path: str | Path) -> bool:
    """True if gzip wrote the file."""
    return starts_with(path, GZIP)


def open_unpacked(path: str | Path) -> BinaryIO:
    """Open a file for reading bytes; gzip-compressed files are decompressed."""
    return cast(BinaryIO, gzip.open(path)) if is_packed(path) else open(path, "rb")


def encoding_of(path: str | Path, of_start: bool = False) -> str:
    """Return the encoding of a byte-order mark, else UTF-8, or `FALLBACK` if it is not UTF-8.

    Parameters
    ----------
    of_start
        Look only at the first `CHUNK` bytes.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    with open_unpacked(path) as file:
        chunk = file.read(CHUNK)
        for mark, encoding in MARKS.items():
            if chunk.startswith(mark):
                return encoding
        try:
            while chunk:
                decoder.decode(chunk)
                chunk = b"" if of_start else file.read(CHUNK)
            decoder.decode(b"", final=not of_start)
        except UnicodeDecodeError:
            return FALLBACK
    return "utf-8"


def open_text(path: str | Path, encoding: str = "", errors: str = "strict") -> TextIO:
    """Open a text file with line ends unchanged; the encoding is detected unless given."""
    encoding = encoding or encoding_of(path)
    return io.TextIOWrapper(open_unpacked(path), encoding, errors, newline="")


def is_nameless(name: str) -> bool:
    """True for an empty cell of a header, and for pandas' name of an unnamed column."""
    return re.fullmatch(r"\s*(Unnamed: \d+(_level_\d+)?)?\s*", name) is not None
