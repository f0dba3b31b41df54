"""Animals and keypoints of pose files, read from their headers alone.

Snakemake's own environment need not have h5py or pandas. A file that cannot be read here is checked
by import_poses, with its own readers.
"""

import contextlib
import csv
import functools
import importlib
import io
import json
import multiprocessing
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from formats.text import encoding_of, is_nameless, open_text

SECONDS_PER_HEADER = 20
TEXT_TO_READ = 1 << 20
HDF5 = b"\x89HDF\r\n\x1a\n"
Header = tuple[list[str], list[str]]
"""Individuals and keypoints; empty lists where they cannot be told here."""


def header_of(path: str, prefixes: Sequence[str]) -> Header:
    """Individuals and keypoints of a pose file, told apart by prefixes where it knows none."""
    return split_header(*whole_header_of(path), prefixes)


@functools.cache
def whole_header_of(path: str) -> Header:
    try:
        with open(path, "rb") as file:
            is_hdf5 = file.read(len(HDF5)) == HDF5
    except OSError:
        return [], []
    if not is_hdf5:
        return _try(csv_header, path)
    import_libraries()
    header = in_a_child(hdf5_header, path)
    return header if header[1] else in_a_child(pandas_header, path)


@functools.cache
def import_libraries() -> None:
    """Import them once, before children are forked, which then have them."""
    for name in ("h5py", "pandas", "tables"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def in_a_child(read: Callable[[str], Header], path: str) -> Header:
    """What `read` makes of a file; empty lists if it fails, crashes or does not end.

    The HDF5 library does all of these on damaged files, and would take Snakemake with it. Where
    processes cannot be forked, the file is read without that protection.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        return _try(read, path)
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(_try(read, path)), daemon=True)
    child.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(SECONDS_PER_HEADER) else ([], [])
    except EOFError:
        return [], []
    finally:
        child.kill()
        child.join()


def _try(read, path):
    try:
        return read(path)
    except Exception:  # no h5py, pandas or pytables here, or not their file
        return [], []


def split_header(individuals: list[str], keypoints: list[str], prefixes: Sequence[str]) -> Header:
    """As pose_prep.reading.split_by_prefix has it."""
    own = [prefix for prefix in prefixes if any(name.startswith(prefix) for name in keypoints)]
    if not own or len(individuals) > 1:
        return individuals, keypoints
    names = [
        name.removeprefix(prefix) for prefix in own for name in keypoints if name.startswith(prefix)
    ]
    return [prefix.rstrip("_-. ") or prefix for prefix in own], names


def csv_header(path: str) -> Header:
    """As pose_prep.deeplabcut and pose_prep.anipose have it; cells without a name name nothing."""
    with open_text(path, encoding_of(path, of_start=True), errors="replace") as file:
        start = io.StringIO(file.read(TEXT_TO_READ), newline="")
    rows = [row for row, _ in zip(csv.reader(start), range(4), strict=False) if row]
    if rows and "fnum" in rows[0]:
        return [], [name[:-2] for name in rows[0] if name.endswith("_x")]
    named = {row[0]: row[1:] for row in rows}
    points = named.get("bodyparts", [])
    animals = named.get("individuals", points)
    individuals, keypoints = (
        list(dict.fromkeys(own[n] for n, name in enumerate(animals) if not is_nameless(name)))
        for own in (animals, points)
    )
    return individuals if "individuals" in named else [], keypoints


def hdf5_header(path: str) -> Header:
    h5py = importlib.import_module("h5py")
    with h5py.File(path) as file:
        for key, read in HDF5_KINDS.items():
            if key in file:
                return read(file)
    return [], []


def _sleap_analysis(file: Any) -> Header:
    return _text(file["track_names"]), _text(file["node_names"])


def _sleap_labels(file: Any) -> Header:
    nodes = json.loads(file["metadata"].attrs["json"])["nodes"]
    tracks = [json.loads(entry)[1] for entry in _text(file["tracks_json"])]
    return tracks, [node["name"] for node in nodes]


def _movement(file: Any) -> Header:
    if "centered_reference_keypoint" in file.attrs:  # VAME's, aligned already
        return [], []
    individuals, keypoints = (
        _text(file[name if name in file else name[:-1]]) for name in ("individuals", "keypoints")
    )
    return individuals, keypoints


def _nwb(file: Any) -> Header:
    places = {
        name: item
        for name, item in file["processing/behavior"].items()
        if item.attrs["neurodata_type"] == "PoseEstimation"
    }
    names = [
        name
        for place in places.values()
        for name, item in place.items()
        if getattr(item, "attrs", {}).get("neurodata_type") == "PoseEstimationSeries"
    ]
    return list(places) if len(places) > 1 else [], names


HDF5_KINDS: dict[str, Callable[[Any], Header]] = {
    "node_names": _sleap_analysis,
    "tracks_json": _sleap_labels,
    "position": _movement,
    "processing/behavior": _nwb,
}


def pandas_header(path: str) -> Header:
    columns = importlib.import_module("pandas").read_hdf(path, stop=0).columns
    individuals, keypoints = (
        [name for name in map(str, columns.unique(level)) if not is_nameless(name)]
        if level in columns.names
        else []
        for level in ("individuals", "bodyparts")
    )
    return individuals, keypoints


def _text(dataset: Any) -> list[str]:
    return [entry.decode() if isinstance(entry, bytes) else entry for entry in dataset[:]]


def rows_of_animals(
    row: dict[str, Any], prefixes: Sequence[str]
) -> tuple[list[dict[str, Any]], list[str]]:
    """One row per animal of a row whose individual is `all`, or what is wrong with that."""
    if not Path(row["poses"]).is_file():
        return [], [f"individual: all needs {row['poses']} to be there already"]
    names, _ = header_of(row["poses"], prefixes)
    if len(names) < 2:
        return [], [
            f"individual: all needs to read the animals' names, and {row['poses']} shows "
            f"{names[0] if names else 'none'} here; write one row per animal, with its name "
            "in this column (h5 and other HDF5 files also need h5py, pandas and pytables in "
            "Snakemake's own environment)"
        ]
    if row["labels"]:
        return [], [
            f"labels: {row['labels']} cannot label {len(names)} animals; write one row per "
            "animal, with its name in the column individual"
        ]
    return [
        row
        | {
            "session": f"{row['session']}_{re.sub('[^A-Za-z0-9_.-]+', '-', name)}",
            "individual": name,
            "animal": row["animal"] and f"{row['animal']}_{name}",
        }
        for name in names
    ], []
