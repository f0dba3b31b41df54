"""Scalars, numbers per frame besides the poses: speed, light, whether a pellet is in reach."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from formats.text import is_hdf5, is_nameless, open_text

from pose_prep.contents import (
    check_csv_size,
    check_rows,
    encoding_note,
    header_rows,
    text_start,
    without_empty_end,
)
from pose_prep.isolation import in_a_process
from pose_prep.labels import check_frames, check_length
from pose_prep.netcdf import load_numbers
from pose_prep.unknown import TABLES, text_kind

FRAMES = re.compile(r"frames?(number|num|no|nr|index|idx|id|count)?|fnum|framenr")
"""Names of columns that count frames, in small letters, letters only."""

CLOCKS = re.compile(
    r"index|idx|row(number|num|names?|index)|"
    r"(elapsed|recording|trial|system|unix|video|camera|frame|clock)?times?(in)?(stamps?)?"
    r"(s|ms|us|ns|secs?|seconds?|milliseconds?|msecs?|min|minutes?)?|"
    r"(milli|micro|nano)?seconds?|m?secs?|minutes|ms|clock|datetime|date"
)
"""Names of columns that count rows or contain times."""


def add_scalars(
    poses: xr.Dataset, path: str | Path | None, chosen: Sequence[str] | None
) -> xr.Dataset:
    """Return the poses with `features` (time, feature): those of the pose file and those of `path`.

    Counters and times, recognised by name, are features only if `chosen` names them; otherwise
    `attrs["notes"]` lists them as left out. A different number of frames, and an unknown or
    repeated name, raise a ValueError.

    Parameters
    ----------
    path
        A csv or netCDF with one row per frame; see `read_scalars`.
    chosen
        Columns to keep, in this order; if None, all but counters and times.
    """
    table = pd.DataFrame(index=range(poses.sizes["time"]))
    if "features" in poses:
        table[[str(name) for name in poses.feature.values]] = poses.features.values
    left_out = [] if chosen is not None else [name for name in table if is_counter(name)]
    table = table.drop(columns=left_out)
    notes = [poses.attrs.get("notes", "")]
    if path:
        added, counters = read_scalars(path, chosen or ())
        left_out += [] if chosen is not None else counters
        notes += [] if is_hdf5(path) else [encoding_note(path)]
        check_length(path, len(added), len(table), "rows")
        twice = [name for name in added if name in table]
        if twice:
            raise ValueError(f"{path}: {', '.join(twice)} is also in the pose file; rename it")
        table = pd.concat([table, added.set_axis(table.index)], axis=1)
    if chosen is not None:
        absent = [name for name in chosen if name not in table]
        if absent:
            raise ValueError(
                f"{path or poses.attrs['source_file']}: extra_features: there is no "
                f"{', '.join(absent)}; the columns are: {', '.join(table.columns) or 'none'}"
            )
        table = table[list(chosen)]
    if left_out:
        notes.append(
            f"counters or times are not features, left out: {', '.join(left_out)} (list them in "
            "extra_features to use them)"
        )
    poses = poses.drop_vars(["features", "feature"], errors="ignore")
    if any(notes):
        poses = poses.assign_attrs(notes="; ".join(filter(None, notes)))
    if table.empty:
        return poses
    return poses.assign(features=(("time", "feature"), table.to_numpy(np.float64))).assign_coords(
        feature=list(table.columns)
    )


def is_counter(name: str) -> bool:
    """True for a column whose name indicates a count of frames or rows, or times, or is missing."""
    plain = re.sub(r"[^a-z]", "", name.lower())
    return is_nameless(name) or any(names.fullmatch(plain) for names in (FRAMES, CLOCKS))


def read_scalars(path: str | Path, wanted: Collection[str] = ()) -> tuple[pd.DataFrame, list[str]]:
    """Read the columns of a csv, or the per-frame variables of a netCDF.

    Returns
    -------
    The scalars, without counters and times that are not `wanted`, and the names of those.
    """
    try:
        table = _read_table(path)
        counters = [name for name in table if is_counter(name) and name not in wanted]
        numbers = table.drop(columns=counters).astype(np.float64)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read as scalars per frame: {error}") from error
    for name in table:
        if FRAMES.fullmatch(re.sub(r"[^a-z]", "", name.lower())) and not is_hdf5(path):
            check_frames(path, table[name])
    if numbers.empty:
        besides = f" besides {', '.join(counters)}" if counters else ""
        raise ValueError(f"{path}: contains no scalars per frame{besides}")
    return numbers, counters


def _read_table(path):
    if is_hdf5(path):
        return in_a_process(load_numbers, Path(path))
    if kind := text_kind(text_start(path), TABLES):
        raise ValueError(kind)
    header = header_rows(path, 1)
    (named,) = without_empty_end(header)
    check_csv_size(path, len(header[0]))
    check_rows(path, 1, len(header[0]), len(named))
    with open_text(path) as file:
        table = pd.read_csv(
            file, usecols=range(len(header[0])), index_col=False, skip_blank_lines=False
        )
    empty = [name for name in table if is_nameless(name) and table[name].isna().all()]
    return table.drop(columns=empty)
