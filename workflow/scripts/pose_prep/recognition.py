"""Which program wrote a pose file, told from its content."""

import csv
from pathlib import Path

import h5py
import numpy as np

HDF5 = b"\x89HDF\r\n\x1a\n"
NUMPY = b"\x93NUMPY"
TEXT_TO_READ = 1 << 20
"""Characters of a text file in which its header has to lie."""

DENSE_BYTES = 128 << 20
DENSE_RATIO = 200


def recognise(path: str | Path) -> str:
    """The ``software`` of a pose file, a key of ``reading.LOADERS``.

    LightningPose writes DeepLabCut's layout, which is read alike; its scorer tells them apart.

    Raises
    ------
    ValueError
        The file is none of them.
    """
    with open(path, "rb") as file:
        start = file.read(len(HDF5))
    if start.startswith(NUMPY):
        return "VAME"
    if start == HDF5:
        with h5py.File(path) as file:
            software = _of_hdf5(file)
            held = f"HDF5 with {', '.join(sorted(file)[:8]) or 'nothing'} in it"
    else:
        first = header_rows(path, 1)[0]
        software = _of_header(first)
        held = f"it begins with {','.join(first)[:60]!r}"
    if not software:
        raise ValueError(f"not a pose file that is known here ({held}); name its 'software'")
    return software


def _of_hdf5(file):
    if {"frames", "instances", "metadata"} <= file.keys() or {
        "tracks",
        "node_names",
    } <= file.keys():
        return "SLEAP"
    if "position" in file:
        return "VAME" if is_processed_by_vame(file) else "movement"
    if text_of(file.attrs.get("neurodata_type")) == "NWBFile":
        return "NWB"
    if pandas_tables(file):
        return "DeepLabCut"
    return None


def _of_header(row):
    if row and row[0] == "scorer":
        return "LightningPose" if "heatmap" in "".join(row[1:2]) else "DeepLabCut"
    return "Anipose" if {"fnum", "M_00"} <= set(row) else None


def is_processed_by_vame(file) -> bool:
    """Whether a netCDF (opened by h5py, or as a dataset) holds VAME's own cleaned series."""
    return "position_processed" in file and "centered_reference_keypoint" in file.attrs


def pandas_tables(file: h5py.File) -> list[str]:
    """The groups that pandas wrote tables to."""
    return [
        name
        for name, item in file.items()
        if isinstance(item, h5py.Group) and "pandas_type" in item.attrs
    ]


def header_rows(path: str | Path, count: int) -> list[list[str]]:
    """The first rows of a text file, without a byte-order mark.

    Raises
    ------
    ValueError
        It is not text, or has no lines.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        text = file.read(TEXT_TO_READ)
    if not text.strip() or "\0" in text:
        raise ValueError("holds no text" if text.strip() else "is empty")
    return [row for row, _ in zip(csv.reader(text.splitlines()), range(count), strict=False)]


def check_dense_size(values: int, path: str | Path, what: str) -> None:
    """Refuse a file that says it holds far more than it can: it would fill the memory.

    Compressed gaps make a pose file a few dozen times smaller than its arrays, not thousands.
    """
    stored = Path(path).stat().st_size
    if values * 8 > max(DENSE_BYTES, DENSE_RATIO * stored):
        raise ValueError(
            f"{what} would be {values} values from a file of {stored} bytes: it is damaged, or "
            "frames are numbered wrongly"
        )


def check_hdf5_size(file: h5py.File, path: str | Path) -> None:
    """The same for all that an HDF5 file declares."""
    counts = []

    def count(name, item):
        if isinstance(item, h5py.Dataset) and item.shape is not None:
            wide = max(1, item.dtype.itemsize // 8)
            counts.append(int(np.prod(item.shape, dtype=object)) * wide)

    file.visititems(count)
    check_dense_size(sum(counts), path, "its arrays")


def text_of(value) -> str:
    """A string of an HDF5 file, which h5py gives as bytes or str."""
    return value.decode() if isinstance(value, bytes) else str(value)
