"""Read DeepLabCut's csv and h5, and LightningPose's csv, where movement 0.15 misreads them.

A csv may have a blank first frame, frames that are named rather than numbered, and several index
columns. An h5 may store its table under any key. Columns may be incomplete: in DeepLabCut's
multi-animal projects, individuals may have different keypoints, and unique objects ("single")
have their own ones (movement issue 977). Ensembles append variances as further
coords; a spreadsheet appends ".1" to the scorer's name.
"""

from itertools import takewhile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr
from formats.text import is_hdf5, is_nameless

from pose_prep.contents import (
    check_csv_size,
    check_frame_numbers,
    check_hdf5_size,
    encoding_note,
    header_rows,
    read_body,
    text_start,
    without_empty_end,
)
from pose_prep.dimensions import poses_dataset
from pose_prep.recognition import pandas_tables
from pose_prep.unknown import TEXT, text_kind

HEADER_ROWS = ("scorer", "individuals", "bodyparts", "coords")
LEVELS = HEADER_ROWS[1:]
COORDS = ("x", "y", "z", "likelihood")
LABELS = (
    "; images that were labelled for training are not a recording: use the file that "
    "analyze_videos wrote for a video"
)


def load_deeplabcut(path: Path, fps: float) -> xr.Dataset:
    """Read a csv or h5 with one or several animals."""
    in_hdf5 = is_hdf5(path)
    table = (read_deeplabcut_h5 if in_hdf5 else read_deeplabcut_csv)(path)
    table, tracked, note = _complete_columns(table)
    notes = [note, "" if in_hdf5 else encoding_note(path)]
    individuals, keypoints, coords = (table.columns.unique(level).to_list() for level in LEVELS)
    shape = (len(table), len(individuals), len(keypoints), len(coords))
    values = dict(zip(coords, table.to_numpy().reshape(shape).transpose(3, 0, 2, 1), strict=True))
    confidence = values.pop("likelihood", None)
    position = np.stack([*values.values()], axis=1)
    poses = poses_dataset(position, confidence, individuals, keypoints, fps)
    poses.attrs["notes"] = "; ".join(filter(None, notes))
    return poses if tracked.all() else poses.assign(tracked=tracked)


def read_deeplabcut_csv(path: Path) -> pd.DataFrame:
    """Read a csv as the table that DeepLabCut's own h5 contains.

    The header and the rest are read separately: pandas takes a blank first frame for a part of the
    header (movement issue 716). One row is one frame, so a blank line between two frames is also a
    frame. Labels of a training set have three index columns (folder, video, image), over which
    the header has empty cells.
    """
    header = []
    for row in header_rows(path, len(HEADER_ROWS)):
        header.append(row)
        if not row or row[0] not in HEADER_ROWS or row[0] == "coords":
            break
    names = [row[0] if row else "" for row in header]
    if names not in ([*HEADER_ROWS], [name for name in HEADER_ROWS if name != "individuals"]):
        raise ValueError(
            text_kind(text_start(path), TEXT)
            or "the first column of the header must read scorer, (individuals,) bodyparts, coords; "
            f"it reads {', '.join(repr(name[:40]) for name in names) or 'nothing'}"
        )
    header = without_empty_end(header)
    width = len(header[0])
    check_csv_size(path, width)
    nameless = [all(map(is_nameless, cells)) for cells in zip(*header, strict=True)][1:]
    indices = 1 + sum(1 for _ in takewhile(bool, nameless))
    body = read_body(path, len(header), width, dtype=dict.fromkeys(range(indices), str))
    body = _without_names_of_index(body, indices)
    _check_index(body.iloc[:, :indices])
    columns = pd.MultiIndex.from_arrays([row[indices:] for row in header], names=names)
    return body.iloc[:, indices:].set_axis(columns, axis=1)


def _without_names_of_index(body, indices):
    """Remove the row in which pandas writes the names of an index, between header and data."""
    first, rest = body.iloc[0], body.iloc[1:, indices - 1].dropna()
    names = first[:indices].dropna()
    if (
        first[indices:].notna().any()
        or names.empty
        or names.str.contains(r"\d").any()
        or rest.empty
        or not rest.str.contains(r"\d").all()
    ):
        return body
    return body.iloc[1:].reset_index(drop=True)


def _check_index(index: pd.DataFrame) -> None:
    """Raise an error unless frames are consecutive; (frame, level), the last level counts them."""
    filled = index.dropna(axis=1, how="all")
    if filled.empty:
        return
    names = filled.iloc[:, -1]
    text = filled.dropna().astype(str)
    folders = [text[level] for level in text.columns[:-1]]
    folders += [text.iloc[:, -1].str.extract(r"^(.*)[/\\]")[0].dropna()]
    several = [sorted(set(each)) for each in folders if each.nunique() > 1]
    if several:
        raise ValueError(
            f"its frames belong to several videos or folders ({', '.join(several[0][:3])}, …) and "
            f"are not one recording{LABELS}"
        )
    pictures = len(text.columns) > 1 or any(map(len, folders))
    check_frame_numbers(names.reset_index(drop=True), LABELS if pictures else "")


def read_deeplabcut_h5(path: Path) -> pd.DataFrame:
    """Read the single table of poses; movement knows only the key `df_with_missing`.

    The labels of a training set (`CollectedData_*.h5`) are under `keypoints`, filtered and
    triangulated poses under other keys.
    """
    check_hdf5_size(path)
    with h5py.File(path) as file:
        keys = pandas_tables(file)
    tables = [pd.read_hdf(path, key=key) for key in keys]
    found = [
        table
        for table in tables
        if isinstance(table, pd.DataFrame) and "bodyparts" in table.columns.names
    ]
    if len(found) != 1:
        raise ValueError(
            f"contains {len(found)} tables with the column level 'bodyparts' (keys: "
            f"{', '.join(keys) or 'none'}); exactly one is needed"
        )
    table = found[0]
    # A csv with three index columns that was read as if it had one is saved with the others
    # among its columns.
    nameless = [all(map(is_nameless, map(str, names))) for names in table.columns]
    lost = table.loc[:, nameless].select_dtypes(exclude="number").reset_index(drop=True)
    levels = [pd.Series(table.index.get_level_values(n)) for n in range(table.index.nlevels)]
    index = pd.concat([*levels, lost], axis=1)
    _check_index(index.set_axis(range(index.shape[1]), axis=1))
    return table


def _complete_columns(table):
    """Add a column for every (individual, keypoint, coordinate), which movement requires.

    The second result, (keypoint, individual), is true where the table had the columns. The
    third is a note on what was left out, or ''.
    """
    is_pose, columns, note = _pose_columns(table.columns.to_frame(index=False))
    coords = [name for name in COORDS if name in columns.unique("coords")]
    if coords[:2] != ["x", "y"]:
        raise ValueError(f"needs the coords x and y; it has {', '.join(coords) or 'none'}")
    individuals, keypoints = (columns.unique(level) for level in LEVELS[:2])
    product = pd.MultiIndex.from_product([individuals, keypoints, coords], names=LEVELS)
    poses = table.loc[:, is_pose].set_axis(columns, axis=1).astype(np.float64)
    tracked = xr.DataArray(
        [[(one, point, "x") in columns for one in individuals] for point in keypoints],
        dims=("keypoints", "individuals"),
    )
    return poses.reindex(columns=product), tracked, note


def _pose_columns(header):
    """Return which columns of a header are poses, their `LEVELS`, and a note on other columns."""
    names = header.where(header.notna(), "").astype(str)
    names = names.mask(names.map(is_nameless), "")
    if "individuals" not in names:
        names["individuals"] = "individual_0"
    names = names[list(LEVELS)]
    is_pose = names["coords"].isin(COORDS)
    of_animal = is_pose & (names["individuals"] != "")
    unowned = ", ".join(dict.fromkeys(names["bodyparts"][is_pose & ~of_animal]))
    if unowned and not of_animal.any():
        raise ValueError(
            f"the header names no animal for {unowned}: fill in its row individuals, or remove "
            "that row if there is one animal"
        )
    unnamed = np.flatnonzero(of_animal & (names["bodyparts"] == ""))
    if unnamed.size:
        raise ValueError(
            f"the header names no keypoint for its coordinate {unnamed[0] + 1}: write the name in "
            "each cell of its row bodyparts"
        )
    columns = pd.MultiIndex.from_frame(names[of_animal])
    if not columns.is_unique:
        twice = columns[columns.duplicated()][0]
        raise ValueError(f"the column {' '.join(twice)} appears twice")
    axes = {axis: {name[:2] for name in columns if name[2] == axis} for axis in "xy"}
    halves = sorted(axes["x"] ^ axes["y"])
    if halves and axes["x"] and axes["y"]:
        raise ValueError(
            f"{' '.join(halves[0])} has one of the coords x and y, but not the other; each cell "
            "of the header's rows needs its name"
        )
    note = f"columns without an animal, left out: {unowned}" if unowned else ""
    return of_animal.to_numpy(), columns, note
