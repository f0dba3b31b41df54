# What pose files hold, by their headers alone: read at parse time, for the checks of the sheet and
# for `individual: all`. Snakemake's own environment need not have h5py or pandas; a file that
# cannot be read here is checked by import_poses, with its own readers.
import csv
import functools
import importlib
import json
import multiprocessing
import re
from pathlib import Path

SECONDS_PER_HEADER = 20


def header_of(path, prefixes):
    """(individuals, keypoints) of a pose file; empty lists where they cannot be told here."""
    return split_header(*whole_header_of(path), prefixes)


@functools.cache
def whole_header_of(path):
    if Path(path).suffix.lower() == ".csv":
        return csv_header(path)
    import_libraries()
    header = in_a_child(hdf5_header, path)
    return header if header[1] else in_a_child(pandas_header, path)


@functools.cache
def import_libraries():
    """Once, before children are forked, which then have them."""
    for name in ("h5py", "pandas", "tables"):
        try:
            importlib.import_module(name)
        except ImportError:
            pass


def in_a_child(read, path):
    """What `read` makes of a file; empty lists if it fails, crashes or does not end.

    The HDF5 library does all of these on damaged files, and would take Snakemake with it.
    """
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def work():
        try:
            header = read(path)
        except Exception:  # no h5py, pandas or pytables here, or not their file
            header = [], []
        sender.send(header)

    child = context.Process(target=work, daemon=True)
    child.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(SECONDS_PER_HEADER) else ([], [])
    except EOFError:
        return [], []
    finally:
        child.kill()
        child.join()


def split_header(individuals, keypoints, prefixes):
    """As pose_prep.reading.split_by_prefix has it."""
    own = [
        prefix
        for prefix in prefixes
        if any(name.startswith(prefix) for name in keypoints)
    ]
    if not own or len(individuals) > 1:
        return individuals, keypoints
    names = [
        name.removeprefix(prefix)
        for prefix in own
        for name in keypoints
        if name.startswith(prefix)
    ]
    return [prefix.rstrip("_-. ") or prefix for prefix in own], names


def csv_header(path):
    individuals, keypoints = [], []
    with open(path, newline="", encoding="utf-8-sig", errors="replace") as file:
        for row, _ in zip(csv.reader(file), range(4)):
            if row and row[0] == "individuals":
                individuals = list(dict.fromkeys(row[1:]))
            elif row and row[0] == "bodyparts":
                keypoints = list(dict.fromkeys(row[1:]))
            elif row and "fnum" in row:
                keypoints = [name[:-2] for name in row if name.endswith("_x")]
    return individuals, keypoints


def hdf5_header(path):
    import h5py

    with h5py.File(path) as file:
        if "node_names" in file:  # SLEAP's analysis
            return text_of(file["track_names"]), text_of(file["node_names"])
        if "tracks_json" in file:  # SLEAP's labels
            nodes = json.loads(file["metadata"].attrs["json"])["nodes"]
            tracks = [json.loads(entry)[1] for entry in text_of(file["tracks_json"])]
            return tracks, [node["name"] for node in nodes]
        if "position" in file and "centered_reference_keypoint" not in file.attrs:
            names = [
                text_of(file[name if name in file else name[:-1]])
                for name in ("individuals", "keypoints")
            ]
            return tuple(names)
        if "processing/behavior" in file:  # NWB
            places = file["processing/behavior"]
            kinds = {
                name: item.attrs["neurodata_type"] for name, item in places.items()
            }
            found = [name for name in kinds if kinds[name] == "PoseEstimation"]
            names = [
                name
                for place in found
                for name, item in places[place].items()
                if getattr(item, "attrs", {}).get("neurodata_type")
                == "PoseEstimationSeries"
            ]
            return found if len(found) > 1 else [], names
    return [], []


def pandas_header(path):
    import pandas

    columns = pandas.read_hdf(path, stop=0).columns
    names = [
        list(columns.unique(level)) if level in columns.names else []
        for level in ("individuals", "bodyparts")
    ]
    return tuple(names)


def text_of(dataset):
    return [
        entry.decode() if isinstance(entry, bytes) else entry for entry in dataset[:]
    ]


def rows_of_animals(row, prefixes):
    """One row per animal of a row whose individual is `all`, and what is wrong with that."""
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
