"""Read DeepLabCut's csv and h5, and LightningPose's csv, whatever movement 0.15 misreads in them.

A csv may have a byte-order mark, a blank first frame, and frames that are named rather than
numbered. An h5 may keep its table under any key. Columns may be incomplete: DeepLabCut's
multi-animal projects may give each individual other keypoints, and the objects that they track
("single") have some of their own. Ensembles append variances as further coords; a spreadsheet
appends ".1" to the scorer's name.
"""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr
from movement.io import load_poses

from pose_prep.contents import check_csv_size, check_frame_numbers, check_hdf5_size, header_rows
from pose_prep.recognition import pandas_tables

HEADER_ROWS = ("scorer", "individuals", "bodyparts", "coords")
COORDS = ("x", "y", "z", "likelihood")


def load_deeplabcut(path: Path, fps: float) -> xr.Dataset:
    """Read a csv or h5 with one or several animals."""
    read = read_deeplabcut_csv if path.suffix.lower() == ".csv" else read_deeplabcut_h5
    table, tracked = _complete_columns(read(path))
    poses = load_poses.from_dlc_style_df(table, fps)
    return poses if tracked.all() else poses.assign(tracked=tracked)


def read_deeplabcut_csv(path: Path) -> pd.DataFrame:
    """Read a csv as the table that DeepLabCut's own h5 holds.

    The header and the rest are read separately: pandas takes a blank first frame for a part of the
    header. One row is one frame, so a blank line between two frames is a frame too.
    """
    header = []
    for row in header_rows(path, len(HEADER_ROWS)):
        header.append(row)
        if not row or row[0] not in HEADER_ROWS or row[0] == "coords":
            break
    names = [row[0] if row else "" for row in header]
    if names not in ([*HEADER_ROWS], [name for name in HEADER_ROWS if name != "individuals"]):
        raise ValueError(
            "the first column of the header must read scorer, (individuals,) bodyparts, coords; "
            f"it reads {', '.join(repr(name[:40]) for name in names) or 'nothing'}"
        )
    lengths = sorted({len(row) for row in header})
    if len(lengths) > 1:
        raise ValueError(f"the rows of the header have {lengths} columns")
    check_csv_size(path, lengths[0])
    body = pd.read_csv(
        path,
        header=None,
        names=range(lengths[0]),
        skiprows=len(header),
        index_col=False,
        skip_blank_lines=False,
        encoding="utf-8-sig",
    )
    body = body[: len(body) - body[::-1].isna().all(axis=1).cummin().sum()]
    check_frame_numbers(body[0])
    columns = pd.MultiIndex.from_arrays([row[1:] for row in header], names=names)
    return body.iloc[:, 1:].set_axis(columns, axis=1)


def read_deeplabcut_h5(path: Path) -> pd.DataFrame:
    """Read the one table of poses; movement knows the key `df_with_missing` only.

    The labels of a training set (`CollectedData_*.h5`) lie under `keypoints`, filtered and
    triangulated poses under keys of their own.
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
            f"holds {len(found)} tables with the column level 'bodyparts' (keys: "
            f"{', '.join(keys) or 'none'}); one is needed"
        )
    check_frame_numbers(pd.Series(found[0].index.get_level_values(-1)))
    return found[0]


def _complete_columns(table):
    """The table with a column for every (individual, keypoint, coordinate), as movement needs it.

    The second result, (keypoint, individual), is true where the table had the columns itself.
    """
    levels = ["individuals", "bodyparts", "coords"]
    columns = table.columns.to_frame(index=False).astype(str)
    if "individuals" not in columns:
        columns["individuals"] = "individual_0"
    columns = columns[levels]
    is_pose = columns["coords"].isin(COORDS)
    columns = pd.MultiIndex.from_frame(columns[is_pose])
    if not columns.is_unique:
        twice = columns[columns.duplicated()][0]
        raise ValueError(f"the column {' '.join(twice)} is there twice")
    coords = [name for name in COORDS if name in columns.unique("coords")]
    if coords[:2] != ["x", "y"]:
        raise ValueError(f"needs the coords x and y; it has {', '.join(coords) or 'none'}")
    individuals, keypoints = (columns.unique(level) for level in levels[:2])
    product = pd.MultiIndex.from_product([individuals, keypoints, coords], names=levels)
    poses = table.loc[:, is_pose.to_numpy()].set_axis(columns, axis=1).astype(np.float64)
    tracked = xr.DataArray(
        [[(one, point, "x") in columns for one in individuals] for point in keypoints],
        dims=("keypoints", "individuals"),
    )
    return poses.reindex(columns=product), tracked
