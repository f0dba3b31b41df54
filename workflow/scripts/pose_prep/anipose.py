"""Read Anipose's triangulated csv."""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from movement.io import load_poses

from pose_prep.contents import check_csv_size, check_frame_numbers, header_rows


def load_anipose(path: Path, fps: float) -> xr.Dataset:
    """Read a csv; movement 0.15 sorts the keypoints and needs columns that it does not use."""
    header = header_rows(path, 1)[0]
    check_csv_size(path, len(header))
    keypoints = [name[:-2] for name in header if name.endswith("_x")]
    needed = [f"{keypoint}_{axis}" for keypoint in keypoints for axis in "xyz"]
    absent = [name for name in needed if name not in header]
    if not keypoints or absent:
        raise ValueError(f"lacks the columns {', '.join(absent) or '<keypoint>_x, _y, _z'}")
    table = pd.read_csv(path, encoding="utf-8-sig")
    if "fnum" in table:
        check_frame_numbers(table["fnum"])
    for keypoint in keypoints:
        if f"{keypoint}_score" not in table:
            table[f"{keypoint}_score"] = np.nan
    return load_poses.from_anipose_style_df(table, fps).sel(keypoints=keypoints)
