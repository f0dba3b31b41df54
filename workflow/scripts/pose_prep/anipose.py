"""Read Anipose's triangulated csv."""

from pathlib import Path

import numpy as np
import xarray as xr
from movement.io import load_poses

from pose_prep.contents import (
    check_csv_size,
    check_frame_numbers,
    encoding_note,
    header_rows,
    read_body,
    without_empty_end,
)
from pose_prep.dimensions import with_plurals


def load_anipose(path: Path, fps: float) -> xr.Dataset:
    """Read a csv; movement 0.15 sorts the keypoints and requires columns that it does not use.

    To report to movement: keypoints should keep the file's order, and scores may be missing.
    """
    (header,) = without_empty_end(header_rows(path, 1))
    check_csv_size(path, len(header))
    keypoints = [name[:-2] for name in header if name.endswith("_x")]
    needed = [f"{keypoint}_{axis}" for keypoint in keypoints for axis in "xyz"]
    absent = [name for name in needed if name not in header]
    if not keypoints or absent:
        raise ValueError(f"lacks the columns {', '.join(absent) or '<keypoint>_x, _y, _z'}")
    twice = [name for name in needed if header.count(name) > 1]
    if twice:
        raise ValueError(f"the column {twice[0]} appears twice")
    table = read_body(path, 1, len(header)).set_axis(header, axis=1)
    if "fnum" in table:
        check_frame_numbers(table["fnum"])
    for keypoint in keypoints:
        if f"{keypoint}_score" not in table:
            table[f"{keypoint}_score"] = np.nan
    poses = with_plurals(load_poses.from_anipose_style_df(table, fps)).sel(keypoints=keypoints)
    return poses.assign_attrs(notes=encoding_note(path))
