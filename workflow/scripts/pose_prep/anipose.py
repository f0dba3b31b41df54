"""Read Anipose's triangulated csv."""

from pathlib import Path

import numpy as np
import xarray as xr

from pose_prep.contents import (
    check_csv_size,
    check_frame_numbers,
    encoding_note,
    header_rows,
    read_body,
    without_empty_end,
)
from pose_prep.dimensions import poses_dataset


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
    shape = (len(table), len(keypoints), 3)
    position = table[needed].to_numpy(np.float64).reshape(shape).transpose(0, 2, 1)
    scores = [f"{keypoint}_score" for keypoint in keypoints]
    confidence = table.reindex(columns=scores).to_numpy(np.float64)
    poses = poses_dataset(position[..., None], confidence[..., None], ["id_0"], keypoints, fps)
    return poses.assign_attrs(notes=encoding_note(path))
