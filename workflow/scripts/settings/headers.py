"""Animals and keypoints of pose files, read from their headers alone.

Snakemake's own environment may lack h5py or pandas. A file that cannot be read here is checked
by import_poses with its own readers.
"""

import contextlib
import csv
import functools
import importlib
import io
import json
import multiprocessing
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

from formats.names import animal_of_prefix, prefix_of
from formats.text import TEXT_TO_READ, encoding_of, is_hdf5, is_nameless, open_text

SECONDS_PER_HEADER = 20
Header = tuple[list[str], list[str]]
"""Individuals and keypoints; empty lists if they cannot be read here."""


def header_of(path: str, prefixes: Sequence[str]) -> Header:
    """Read individuals and keypoints of a pose file, split by prefixes if it has no individuals."""
    return split_header(*whole_header_of(path), prefixes)


@functools.cache
def whole_header_of(path: str) -> Header:
    try:
        if not is_hdf5(path):
            return _try(csv_header, path)
    except OSError:
        return [], []
    import_libraries()
    header = in_a_child(hdf5_header, path)
    return header if header[1] else in_a_child(pandas_header, path)


@functools.cache
def import_libraries() -> None:
    """Import the libraries once, before forking, so that child processes share them."""
    for name in ("h5py", "pandas", "tables"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def in_a_child(read: Callable[[str], Header], path: str) -> Header:
    """Call `read` in a child process; return empty lists if it fails, crashes or hangs.

    The HDF5 library does all of these on damaged files, and would end Snakemake as well. Where
    processes cannot be forked, the file is read without this protection.
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
    except Exception:  # no h5py, pandas or pytables here, or not one of their files
        return [], []


def split_header(individuals: list[str], keypoints: list[str], prefixes: Sequence[str]) -> Header:
    """Split as pose_prep.reading.split_by_prefix does."""
    own = {prefix: [] for prefix in prefixes}
    for name in keypoints:
        if prefix := prefix_of(name, prefixes):
            own[prefix].append(name.removeprefix(prefix))
    own = {prefix: names for prefix, names in own.items() if names}
    if not own or len(individuals) > 1:
        return individuals, keypoints
    return [animal_of_prefix(prefix) for prefix in own], [*chain.from_iterable(own.values())]


def header_rows(path: str) -> list[list[str]]:
    """Return the first four rows of a text file that are not blank."""
    with open_text(path, encoding_of(path, of_start=True), errors="replace") as file:
        start = io.StringIO(file.read(TEXT_TO_READ), newline="")
    return [row for row, _ in zip(csv.reader(start), range(4), strict=False) if row]


def csv_header(path: str) -> Header:
    """Read as pose_prep.deeplabcut and pose_prep.anipose do; empty cells are ignored."""
    rows = header_rows(path)
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
    if "centered_reference_keypoint" in file.attrs:  # of VAME, already aligned
        return [], []
    individuals, keypoints = (
        _text(file[name if name in file else name[:-1]]) for name in ("individuals", "keypoints")
    )
    return individuals, keypoints


def _nwb(file: Any) -> Header:
    """Read as pose_prep.nwb does."""
    places: dict[str, list[str]] = {}

    def look(name: str, item: Any) -> None:
        if item.attrs.get("neurodata_type") == "PoseEstimation":
            places[f"processing/{name}"] = [
                key
                for key, inner in item.items()
                if inner.attrs.get("neurodata_type") == "PoseEstimationSeries"
            ]

    file["processing"].visititems(look)
    names = [place.split("/")[-1] for place in places]
    individuals = [
        name if names.count(name) == 1 else place.removeprefix("processing/")
        for name, place in zip(names, places, strict=True)
    ]
    keypoints = list(dict.fromkeys(name for members in places.values() for name in members))
    return individuals if len(individuals) > 1 else [], keypoints


HDF5_KINDS: dict[str, Callable[[Any], Header]] = {
    "node_names": _sleap_analysis,
    "tracks_json": _sleap_labels,
    "position": _movement,
    "processing": _nwb,
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
