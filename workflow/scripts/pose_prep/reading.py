"""Read what pose trackers write, through ``movement``."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from movement.io import load_dataset, load_poses

HEADER_ROWS = ("scorer", "individuals", "bodyparts", "coords")


def read_poses(
    path: str | Path, software: str, fps: float, individual: str | None = None
) -> xr.Dataset:
    """Read the track of one animal.

    Parameters
    ----------
    software
        A key of ``LOADERS``.
    individual
        Whose track to take; needed only where the file holds several.

    Returns
    -------
    movement's poses dataset: ``position`` (time, space, keypoints, individuals) and ``confidence``
    (time, keypoints, individuals), float64, one individual, NaN where the file says nothing.

    Raises
    ------
    ValueError
        Unknown software or individual, a file of another format, three dimensions.
    """
    if software not in LOADERS:
        raise ValueError(f"{path}: software {software!r} is not one of {', '.join(LOADERS)}")
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such file")
    try:
        poses = LOADERS[software](Path(path), float(fps))
    except (ValueError, KeyError, OSError) as error:
        raise ValueError(f"{path}: cannot be read as {software}: {error}") from error
    if poses.sizes["space"] != 2:
        raise ValueError(f"{path}: holds 3D poses; alignment works in the plane of a 2D recording")
    if not poses.sizes["time"]:
        raise ValueError(f"{path}: holds no frames")
    poses = _select_individual(poses, individual, path).astype(np.float64)
    poses.attrs["source_file"] = str(path)
    return poses


def _load_with_movement(software):
    return lambda path, fps: load_dataset(path, software, fps=fps)


def _load_deeplabcut_style(software):
    def load(path, fps):
        if path.suffix.lower() != ".csv":
            return load_dataset(path, software, fps=fps)
        return load_poses.from_dlc_style_df(read_deeplabcut_csv(path), fps, software)

    return load


LOADERS = {
    "DeepLabCut": _load_deeplabcut_style("DeepLabCut"),
    "LightningPose": _load_deeplabcut_style("LightningPose"),
    "SLEAP": _load_with_movement("SLEAP"),
}


def read_deeplabcut_csv(path: str | Path) -> pd.DataFrame:
    """Read a DeepLabCut csv as the table that DeepLabCut's own h5 holds.

    Header and body are read apart: pandas takes a blank first frame for part of the header,
    and movement 0.15 refuses a byte-order mark and frames that are named rather than numbered.
    One row is one frame, so a blank line between two frames is a frame too.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        header = []
        for row in csv.reader(file):
            header.append(row)
            if not row or row[0] not in HEADER_ROWS or row[0] == "coords":
                break
    names = [row[0] if row else "" for row in header]
    if names not in ([*HEADER_ROWS], [name for name in HEADER_ROWS if name != "individuals"]):
        raise ValueError(
            "the first column of the header must read scorer, (individuals,) bodyparts, coords; "
            f"it reads {', '.join(map(repr, names)) or 'nothing'}"
        )
    body = pd.read_csv(
        path,
        header=None,
        names=range(len(header[0])),
        skiprows=len(header),
        index_col=False,
        skip_blank_lines=False,
        encoding="utf-8-sig",
    )
    body = body[: len(body) - body[::-1].isna().all(axis=1).cummin().sum()]
    _check_frame_numbers(body[0])
    columns = pd.MultiIndex.from_arrays([row[1:] for row in header], names=names)
    table = body.iloc[:, 1:].set_axis(columns, axis=1)
    # Ensembles append their variances as further coords.
    is_pose = columns.get_level_values("coords").isin(["x", "y", "z", "likelihood"])
    return table.loc[:, is_pose].astype(np.float64)


def _check_frame_numbers(index: pd.Series) -> None:
    """Refuse a file that leaves frames out; it may start anywhere ("0", "42150", "frame0001")."""
    numbers = index.astype(str).str.extract(r"(\d+)(?:\.\w+)?$")[0].astype(float)
    if numbers.isna().all():
        return
    row = int(numbers.first_valid_index())
    expected = numbers[row] + np.arange(len(numbers)) - row
    wrong = np.flatnonzero(numbers.notna() & (numbers != expected))
    if wrong.size:
        raise ValueError(
            f"row {wrong[0]} of the data is frame {index[wrong[0]]}, expected "
            f"{expected[wrong[0]]:.0f}: one row per frame, a lost frame as an empty row"
        )


def _select_individual(poses, individual, path):
    names = [str(name) for name in poses.individuals.values]
    if not individual and len(names) > 1:
        raise ValueError(
            f"{path}: holds {len(names)} individuals; name one in the column 'individual': "
            f"{', '.join(names)}"
        )
    if individual and individual not in names:
        raise ValueError(f"{path}: no individual {individual!r}; it holds {', '.join(names)}")
    return poses.sel(individuals=[individual or names[0]])
