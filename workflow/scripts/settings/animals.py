"""The animals of a pose file: one session each where a row's individual is `all`."""

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from formats.names import animal_of_prefix, prefix_of
from formats.text import is_hdf5, is_nameless

from settings.headers import (
    Header,
    header_of,
    header_rows,
    import_libraries,
    in_a_child,
    whole_header_of,
)
from settings.names import clean_name

OBJECTS = "single"
"""Individual under which DeepLabCut stores unique objects, besides its animals."""

Row = dict[str, Any]


def rows_of_animals(
    row: Row, config: Mapping[str, Any]
) -> tuple[list[Row], list[str], dict[str, str]]:
    """Return one row per animal for a row whose individual is `all`.

    Returns
    -------
    The rows; their errors; by name, why an individual was excluded.
    """
    path = row["poses"]
    if not Path(path).is_file():
        return [], [f"individual: all requires that {path} already exists"], {}
    names, _ = header_of(path, config["individual_prefixes"])
    aside = no_animals(path, names, config)
    animals = [name for name in names if name not in aside]
    error = ""
    if len(names) < 2:
        error = (
            f"individual: all requires the animals' names, but {path} shows "
            f"{names[0] if names else 'none'} here; write one row per animal, with its name "
            "in this column (to read names from h5 and other HDF5 files, Snakemake's own "
            "environment needs h5py, pandas and pytables)"
        )
    elif not animals:
        error = (
            f"individual: all finds no animal in {path}: {'; '.join(aside.values())}; choose other "
            "keypoints as center and orient"
        )
    elif row["labels"] and len(animals) > 1:
        error = (
            f"labels: {row['labels']} cannot label {len(animals)} animals; write one row per "
            "animal, with its name in the column individual"
        )
    if error:
        return [], [error], {}
    rows = [
        row
        | {
            "session": f"{row['session']}_{clean_name(name)}",
            "individual": name,
            "animal": row["animal"] and f"{row['animal']}_{name}",
        }
        for name in animals
    ]
    return rows, [], aside


def no_animals(path: str, names: Sequence[str], config: Mapping[str, Any]) -> dict[str, str]:
    """Return, by name, the individuals that are objects or cannot be aligned, and why."""
    known = keypoints_of_animals(path, config["individual_prefixes"])
    aside = {}
    for name in names:
        lacking = [
            f"{config[key]} ({key})"
            for key in ("center", "orient")
            if name in known and config[key] not in known[name]
        ]
        if lacking:
            aside[name] = f"{name} has no keypoint {' and no '.join(lacking)}"
        elif name == OBJECTS and name in known and len(whole_header_of(path)[0]) > 1:
            aside[name] = (
                f"{name} is DeepLabCut's name for objects; if it is an animal, give it a row of "
                "its own"
            )
    return aside


def keypoints_of_animals(path: str, prefixes: Sequence[str]) -> dict[str, list[str]]:
    """Return the keypoints by individual; empty if the file does not tell.

    Individuals of DeepLabCut may have different keypoints, and so may those that prefixes make.
    """
    individuals, keypoints = whole_header_of(path)
    if len(individuals) > 1:
        pairs = zip(*deeplabcut_columns(path), strict=True)
    else:
        fitting = [(prefix_of(name, prefixes), name) for name in keypoints]
        pairs = (
            (animal_of_prefix(prefix), name.removeprefix(prefix))
            for prefix, name in fitting
            if prefix
        )
    animals: dict[str, dict[str, None]] = {}
    for individual, keypoint in pairs:
        animals.setdefault(individual, {})[keypoint] = None
    return {individual: list(own) for individual, own in animals.items()}


def deeplabcut_columns(path: str) -> Header:
    """Read individual and keypoint of each column of DeepLabCut's table; empty for other files."""
    if not is_hdf5(path):
        return _columns_of_csv(path)
    import_libraries()
    return in_a_child(_columns_of_hdf5, path)


def _columns_of_csv(path: str) -> Header:
    rows = {row[0]: row[1:] for row in header_rows(path)}
    named = [
        pair
        for pair in zip(rows.get("individuals", []), rows.get("bodyparts", []), strict=False)
        if not any(map(is_nameless, pair))
    ]
    return [animal for animal, _ in named], [keypoint for _, keypoint in named]


def _columns_of_hdf5(path: str) -> Header:
    columns = importlib.import_module("pandas").read_hdf(path, stop=0).columns
    individuals, keypoints = (
        [*map(str, columns.get_level_values(level))] for level in ("individuals", "bodyparts")
    )
    return individuals, keypoints
