"""Describe the probable format of an unreadable file, and what to export or change.

The sentences follow the file's name. In each table the first matching condition is used.
"""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

START = 4096
"""Bytes from which a kind of file is recognised."""

KNOWN = "DeepLabCut's csv or h5, SLEAP's analysis h5 or .slp, NWB, Anipose's csv, movement's netCDF"
CONVERT = (
    "write its poses as DeepLabCut's csv (header rows scorer, bodyparts and coords, then one row "
    "per frame), or as movement's netCDF (movement.io.load_poses.from_numpy, then to_netcdf)"
)
SHEET = (
    "save it with commas between the cells and decimal points (in a spreadsheet as 'CSV UTF-8 "
    "(comma delimited)' with English number formats; in pandas with to_csv)"
)
TRACKED = "run DeepLabCut's stitch_tracklets, and use the h5 or csv that it writes"
POSES = f"use a file of poses ({KNOWN})"

BINARY: dict[str, tuple[bytes, str]] = {
    # key: (pattern of the first bytes, then a line with the file's name; sentence)
    "detections": (
        rb"\x80[\x02-\x05].*\n.*_full",
        f"it seems to be DeepLabCut's pickle of detections before tracking: {TRACKED}",
    ),
    "analysis": (
        rb"\x80[\x02-\x05].*\n.*_meta",
        "it seems to be DeepLabCut's pickle about an analysis, which contains no poses: use the "
        "h5 or csv next to it",
    ),
    "pickle": (
        rb"\x80[\x02-\x05]",
        f"it seems to be a Python pickle, such as DeepLabCut's tracklets (_el.pickle): {TRACKED}",
    ),
    "workbook": (
        rb"PK\x03.*(xl/|\[Content_Types\]|\n.*\.xls)|\xd0\xcf\x11\xe0",
        "it seems to be an Excel workbook: save its sheet as 'CSV UTF-8 (comma delimited)'",
    ),
    "npz": (rb"PK\x03.*(\.npy|\n.*\.npz)", f"it seems to be NumPy's npz: {CONVERT}"),
    "archive": (
        rb"PK\x03|7z\xbc\xaf|Rar!|.{257}ustar",
        f"it seems to be an archive: unpack it, and use a file from it: {KNOWN}",
    ),
    "packed": (
        rb"BZh[1-9]1AY|\xfd7zXZ|\x28\xb5\x2f\xfd",
        "it seems to be compressed with bzip2, xz or zstd: decompress it (only gzip can be read)",
    ),
    "not text": (
        rb"\x89HDF|\x93NUMPY",
        "it contains HDF5 or NumPy's npy, not text: decompress it; leave 'software' empty",
    ),
    "MATLAB": (rb"MATLAB \d", f"it seems to be a .mat of MATLAB: {CONVERT}"),
    "parquet": (rb"PAR1|ARROW1|FEA1", f"it seems to be a parquet or feather table: {CONVERT}"),
    "picture": (
        rb"\x89PNG|\xff\xd8\xff|GIF8|II\*\0|MM\0\*|BM.{4}\0\0\0\0",
        f"it seems to be an image: {POSES}",
    ),
    "video": (
        rb".{4}(ftyp|moov|mdat|wide|free)|\x1aE\xdf\xa3|\0\0\x01[\xb3\xba]|RIFF.{4}AVI",
        f"it seems to be a video, which belongs in the column video: {POSES}",
    ),
    "PDF": (rb"%PDF-", f"it seems to be a PDF: {POSES}"),
    "netCDF 3": (
        rb"CDF[\x01\x02\x05]",
        "it seems to be netCDF of version 3: save it as version 4 (to_netcdf with "
        "engine='netcdf4')",
    ),
    "UTF-16": (
        rb"([^\0]\0){8}|(\0[^\0]){8}",
        "it seems to be text in UTF-16 without a byte-order mark: save it as UTF-8",
    ),
}


def binary_kind(start: bytes, path: str | Path) -> str:
    """Return the probable kind of a non-text file that starts with these bytes; '' if unknown."""
    shown = start[:START] + b"\n" + Path(path).name.lower().encode(errors="replace")
    for pattern, sentence in BINARY.values():
        if re.match(pattern, shown, re.DOTALL):
            return sentence
    return ""


Rows = list[list[str]]
COORDS = {"x", "y", "z", "likelihood", ""}


def separated_by(separator: str) -> Callable[[str, Rows], bool]:
    """Return a condition: the first line has this separator, and more of them than commas."""

    def holds(text, rows):
        first = next(filter(str.strip, text.splitlines()), "")
        return first.count(separator) > first.count(",")

    return holds


def separated_by_spaces(text: str, rows: Rows) -> bool:
    lines = [len(line.split()) for line in text.splitlines()[1:4]]
    return len(lines) > 1 and lines[0] > 2 and len(set(lines)) == 1 and "," not in text


def is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*([-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|nan|)\s*", cell, re.I) is not None


def names_coordinates(text: str, rows: Rows) -> bool:
    """True for names like nose_x and nose_y, x_nose and y_nose, or nose.x and nose.y."""
    names = {name.strip().lower() for name in rows[0]}
    x_alone = r"(?<![a-z0-9])x(?![a-z0-9])|(?<=_)x$|^x(?=_)"
    with_x = {name for name in names if re.search(x_alone, name)} - {"x"}
    return any(re.sub(x_alone, "y", name) in names for name in with_x)


TABLES: dict[str, tuple[Callable[[str, Rows], object], str]] = {
    # key: (condition on the start of the text and its first rows, sentence)
    "semicolons": (
        separated_by(";"),
        f"its cells are separated by semicolons, and its numbers may have decimal commas: {SHEET}",
    ),
    "tabs": (
        separated_by("\t"),
        f"its cells are separated by tabs, and its numbers may have decimal commas: {SHEET}",
    ),
    "spaces": (separated_by_spaces, f"its cells are separated by spaces: {SHEET}"),
}
TEXT: dict[str, tuple[Callable[[str, Rows], object], str]] = {
    "Git LFS": (
        lambda text, rows: text.startswith("version https://git-lfs"),
        "it is a pointer of Git LFS, not the file itself: run 'git lfs pull' in its repository",
    ),
    "web page": (
        lambda text, rows: re.match(r"\s*<(!doctype|html|\?xml)", text, re.I),
        "it seems to be a web page or XML, such as a download that failed: download the file again",
    ),
    "JSON": (
        lambda text, rows: re.match(r"\s*(\{\s*\"|\{\s*\}|\[\s*[\[{\]\d\"-])", text),
        f"it seems to be JSON: {CONVERT}",
    ),
    **TABLES,
    "SLEAP": (
        lambda text, rows: "frame_idx" in rows[0] and {"track", "instance.score"} & {*rows[0]},
        "it seems to be SLEAP's csv, with one row per animal and frame: export the analysis h5 in "
        "SLEAP ('Export Analysis HDF5'), or use the project's .slp",
    ),
    "no scorer": (
        lambda text, rows: rows[0][0] in ("individuals", "bodyparts", "coords"),
        "its header has no row 'scorer', like the csv of DeepLabCut-live: use the h5 next to it, "
        "or add a first row: scorer, then any name in each further cell",
    ),
    "no names of rows": (
        lambda text, rows: any({"x", "y"} <= {*row} <= COORDS for row in rows[1:]),
        "it seems to be DeepLabCut's table without its first column, which reads scorer, "
        "bodyparts, coords and then the frames: write it with its index (pandas: index=True)",
    ),
    "other letters": (
        lambda text, rows: rows[0][0].strip().lower() == "scorer",
        "the first cell must be 'scorer', in small letters and without blanks",
    ),
    "no header": (
        lambda text, rows: len(rows[0]) > 1 and all(map(is_number, rows[0])),
        f"it seems to be a table of numbers without a header: {CONVERT}",
    ),
    "one row of names": (
        names_coordinates,
        "it seems to be a table with one row of names such as nose_x and nose_y (if Anipose wrote "
        f"it, write Anipose in the column software): {CONVERT}",
    ),
}


def text_kind(text: str, kinds: dict[str, tuple[Callable[[str, Rows], object], str]]) -> str:
    """Return the probable kind of a text file, of `TEXT` or `TABLES`; '' if unknown."""
    rows = [
        row for row, _ in zip(csv.reader(io.StringIO(text, newline="")), range(6), strict=False)
    ]
    rows = [row for row in rows if row]
    for holds, sentence in kinds.values():
        if rows and holds(text, rows):
            return sentence
    return ""
