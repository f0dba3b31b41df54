"""What ``movement`` 0.15 refuses or misreads, put right before it sees it.

Each function names what is wrong and where such files come from. What is right already is left to
``movement``'s own loaders.
"""

import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import xarray as xr
from movement.io import load_dataset, load_poses

from pose_prep.recognition import (
    check_dense_size,
    check_hdf5_size,
    header_rows,
    is_processed_by_vame,
    pandas_tables,
    text_of,
)

HEADER_ROWS = ("scorer", "individuals", "bodyparts", "coords")
COORDS = ("x", "y", "z", "likelihood")
MOST_COLUMNS = 20_000
PLURALS = {"keypoint": "keypoints", "individual": "individuals"}


# --- DeepLabCut and LightningPose -----------------------------------------------------------------


def load_deeplabcut(path: Path, fps: float, software: str = "DeepLabCut") -> xr.Dataset:
    """A csv or h5 of DeepLabCut, or a csv of LightningPose, single or multi animal."""
    is_text = path.suffix.lower() == ".csv"
    table = read_deeplabcut_csv(path) if is_text else read_deeplabcut_h5(path)
    table, tracked = _complete_columns(table)
    poses = load_poses.from_dlc_style_df(table, fps, software)
    return poses if tracked.all() else poses.assign(tracked=tracked)


def read_deeplabcut_csv(path: str | Path) -> pd.DataFrame:
    """Read a DeepLabCut csv as the table that DeepLabCut's own h5 holds.

    Header and body are read apart: pandas takes a blank first frame for part of the header,
    and movement refuses a byte-order mark and frames that are named rather than numbered.
    One row is one frame, so a blank line between two frames is a frame too.
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
    lengths = {len(row) for row in header}
    if len(lengths) > 1 or max(lengths) > MOST_COLUMNS:
        raise ValueError(f"the rows of the header have {sorted(lengths)} columns")
    _check_csv_size(path, len(header[0]))
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
    return body.iloc[:, 1:].set_axis(columns, axis=1)


def _check_csv_size(path, columns):
    lines = 0
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            lines += chunk.count(b"\n") + chunk.count(b"\r")
    check_dense_size(lines * columns, path, "its table")


def read_deeplabcut_h5(path: str | Path) -> pd.DataFrame:
    """Read DeepLabCut's table under whatever key it lies; movement knows ``df_with_missing`` alone.

    The labels of a training set (``CollectedData_*.h5``) lie under ``keypoints``, those of filtered
    and of triangulated poses under keys of their own.
    """
    with h5py.File(path) as file:
        check_hdf5_size(file, path)
        keys = pandas_tables(file)
    tables = {key: pd.read_hdf(path, key=key) for key in keys}
    found = [
        table
        for table in tables.values()
        if isinstance(table, pd.DataFrame) and "bodyparts" in table.columns.names
    ]
    if len(found) != 1:
        raise ValueError(
            f"holds {len(found)} tables with the column level 'bodyparts' (keys: "
            f"{', '.join(keys) or 'none'}); one is needed"
        )
    _check_frame_numbers(pd.Series(found[0].index.get_level_values(-1)))
    return found[0]


def _complete_columns(table):
    """The table with every (individual, keypoint, coordinate), and which of these it really has.

    movement takes that for granted. DeepLabCut's multi-animal projects may give each individual
    other keypoints, and the objects that they track ("single") have some of their own; ensembles
    append variances as further coords; a spreadsheet appends ".1" to the scorer's name.
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


def _check_frame_numbers(index: pd.Series) -> None:
    """Refuse a file that leaves frames out; it may start anywhere ("0", "42150", "frame0001")."""
    numbers = index.astype(str).str.extract(r"(\d{1,15})(?:\.\w+)?$")[0].astype(float)
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


# --- SLEAP ----------------------------------------------------------------------------------------


def load_sleap(path: Path, fps: float) -> xr.Dataset:
    with h5py.File(path) as file:
        check_hdf5_size(file, path)
        if "tracks" in file:
            order = _axis_order(file)
            if order != USUAL_ORDER:
                return _load_reordered_analysis(file, order, fps)
        else:
            _check_labels(file, path)
    return load_dataset(path, "SLEAP", fps=fps)


USUAL_ORDER = ("track", "xy", "node", "frame")
OTHER_ORDERS = (("frame", "node", "xy", "track"), ("frame", "track", "node", "xy"))


def _axis_order(file):
    """The axes of ``tracks``: as written beside them, else the first order that fits the names.

    SLEAP wrote the usual order turned about where it was told not to transpose; sleap-io writes a
    third one by ``preset="standard"``, and in either case says so in ``dims``.
    """
    tracks = file["tracks"]
    if len(tracks.shape) != 4:
        raise ValueError(f"its tracks have {len(tracks.shape)} axes, not 4")
    if "dims" in tracks.attrs:
        return tuple(json.loads(tracks.attrs["dims"]))
    nodes, animals = len(file["node_names"]), len(file["track_names"])
    for order in (USUAL_ORDER, *OTHER_ORDERS):
        size = dict(zip(order, tracks.shape, strict=True))
        if size["xy"] == 2 and size["node"] == nodes and size["track"] == max(animals, 1):
            return order
    raise ValueError(
        f"its tracks {tracks.shape} are not {animals} tracks of {nodes} nodes in any known order"
    )


def _load_reordered_analysis(file, order, fps):
    def reorder(name, wanted):
        stored = [axis for axis in order if axis in wanted]
        return np.transpose(file[name][:], [stored.index(axis) for axis in wanted])

    position = reorder("tracks", ("frame", "xy", "node", "track")).astype(np.float32)
    confidence = None
    if "point_scores" in file:
        confidence = reorder("point_scores", ("frame", "node", "track")).astype(np.float32)
    names = {key: [text_of(name) for name in file[key][:]] for key in ("track_names", "node_names")}
    return load_poses.from_numpy(
        position_array=position,
        confidence_array=confidence,
        individual_names=names["track_names"] or None,
        keypoint_names=names["node_names"],
        fps=fps,
        source_software="SLEAP",
    )


def _check_labels(file, path):
    """Refuse what movement would drop without a word, and frame numbers that no video has."""
    frames, instances = file["frames"][:], file["instances"][:]
    if not len(frames) or not len(instances):
        raise ValueError("holds no frames")
    if len(np.unique(frames["video"])) > 1:
        raise ValueError(
            f"holds frames of {len(np.unique(frames['video']))} videos; export one file per video"
        )
    animals = max(len(file["tracks_json"]), 1)
    points = max(int(instances["point_id_end"][0]) - int(instances["point_id_start"][0]), 1)
    last = int(frames["frame_idx"].max())
    check_dense_size((last + 1) * animals * points * 3, path, "its tracks")
    if not len(file["tracks_json"]):
        pairs = np.stack([instances["frame_id"], instances["instance_type"].astype(np.uint64)])
        most = np.unique(pairs, axis=1, return_counts=True)[1].max()
        if most > 1:
            raise ValueError(
                f"holds up to {most} animals in a frame, and no tracks that tell them apart; track "
                "them in SLEAP first"
            )


# --- NWB ------------------------------------------------------------------------------------------


def load_nwb(path: Path, fps: float) -> xr.Dataset:
    """Every ``PoseEstimation`` of the file, each an individual where there are several.

    movement reads one by its name and returns keypoints by the alphabet; the file's ``nodes`` or
    skeleton have their order. The time of a frame is its timestamp over the commonest interval:
    two of the three programs that we have files of write frame numbers there.
    """
    with h5py.File(path) as file:
        check_hdf5_size(file, path)
        found = _pose_estimations(file)
        if not found:
            raise ValueError("holds no PoseEstimation of ndx-pose")
        layouts = [_nwb_layout(file[place], place) for place in found]
    animals = []
    for place, (order, times) in zip(found, layouts, strict=True):
        _, module, container = place.split("/")
        poses = load_dataset(
            path, "NWB", processing_module_key=module, pose_estimation_key=container
        )
        poses = poses.sel(keypoints=order) if order else poses
        if len(found) > 1:
            poses = poses.assign_coords(individuals=[container])
        animals.append(_spread_over_frames(poses, times, path).drop_vars("time"))
    frames = max(poses.sizes["time"] for poses in animals)
    animals = [poses.pad(time=(0, frames - poses.sizes["time"])) for poses in animals]
    merged = xr.concat(animals, "individuals", join="outer", combine_attrs="override")
    return merged.assign_coords(time=np.arange(frames) / fps)


def _pose_estimations(file):
    places = []

    def look(name, item):
        kind = item.attrs.get("neurodata_type")
        if kind == "PoseEstimation" and name.startswith("processing/") and name.count("/") == 2:
            places.append(name)

    file.visititems(look)
    return places


def _nwb_layout(container, place):
    """The order of the keypoints, where it is written down, and the frames' timestamps."""
    series = {
        name: item
        for name, item in container.items()
        if isinstance(item, h5py.Group) and "data" in item
    }
    if not series:
        raise ValueError(f"{place} holds no PoseEstimationSeries")
    order = []
    for holder in (container, *container.values()):  # ndx-pose below 0.2, and the skeleton since
        if isinstance(holder, h5py.Group) and "nodes" in holder and not order:
            order = [text_of(name) for name in holder["nodes"][:]]
    if set(order) != set(series):
        order = []
    lengths = {len(item["data"]) for item in series.values()}
    if len(lengths) > 1:
        raise ValueError(f"{place} has keypoints of {sorted(lengths)} frames")
    times = [item["timestamps"][:] for item in series.values() if "timestamps" in item]
    if any(not np.array_equal(one, times[0]) for one in times[1:]):
        raise ValueError(f"{place} has keypoints with timestamps that differ")
    return order, times[0] if times else None


# --- Anipose --------------------------------------------------------------------------------------


def load_anipose(path: Path, fps: float) -> xr.Dataset:
    """Triangulated poses. movement sorts the keypoints and wants columns that it does not use."""
    header = header_rows(path, 1)[0]
    if len(header) > MOST_COLUMNS:
        raise ValueError(f"the header has {len(header)} columns")
    keypoints = [name[:-2] for name in header if name.endswith("_x")]
    absent = [
        f"{keypoint}_{axis}"
        for keypoint in keypoints
        for axis in ("x", "y", "z")
        if f"{keypoint}_{axis}" not in header
    ]
    if not keypoints or absent:
        raise ValueError(f"lacks the columns {', '.join(absent) or '<keypoint>_x, _y, _z'}")
    _check_csv_size(path, len(header))
    table = pd.read_csv(path, encoding="utf-8-sig")
    if "fnum" in table:
        _check_frame_numbers(table["fnum"])
    for keypoint in keypoints:
        if f"{keypoint}_score" not in table:
            table[f"{keypoint}_score"] = np.nan
    return load_poses.from_anipose_style_df(table, fps).sel(keypoints=keypoints)


# --- netCDF of movement and VAME, npy of VAME -----------------------------------------------------


def load_movement(path: Path, fps: float) -> xr.Dataset:
    """A dataset that movement saved; since 0.17 it names its dimensions in the singular."""
    with _open_netcdf(path) as file:
        poses = file.load()
    if "position" not in poses or "keypoints" not in poses.coords:
        raise ValueError("holds no position with the dimension keypoints")
    if "individuals" not in poses.dims:
        poses = poses.expand_dims(individuals=["individual_0"], axis=-1)
    if "confidence" not in poses:
        poses["confidence"] = poses.position.isel(space=0, drop=True) * np.nan
    position = poses.position.transpose("time", "space", "keypoints", "individuals")
    confidence = poses.confidence.transpose("time", "keypoints", "individuals")
    made = load_poses.from_numpy(
        position_array=position.values,
        confidence_array=confidence.values,
        individual_names=[str(name) for name in poses.individuals.values],
        keypoint_names=[str(name) for name in poses.keypoints.values],
        fps=fps,
        source_software=str(poses.attrs.get("source_software", "movement")),
    )
    scalars = _scalars_of(poses)
    if scalars is not None:
        made = made.assign(features=scalars.drop_vars("time", errors="ignore"))
    times = poses.time.values if "time" in poses.coords else None
    made = _spread_over_frames(made.drop_vars("time"), times, path)
    return made.assign_coords(time=np.arange(made.sizes["time"]) / fps)


def load_movement_scalars(path: Path) -> pd.DataFrame:
    """The numbers per frame of any netCDF with the dimension ``time``."""
    with _open_netcdf(path) as file:
        scalars = _scalars_of(file.load()) if "time" in file.dims else None
    if scalars is None:
        raise ValueError("holds no numbers with the dimension time alone")
    return pd.DataFrame(scalars.values, columns=[str(name) for name in scalars.feature.values])


def load_vame(path: Path, fps: float) -> xr.Dataset:
    """Series that VAME has cleaned and aligned: an old project's npy, a new one's netCDF.

    Old projects hold (feature, frame) arrays without names, ``{session}-PE-seq.npy``. New ones have
    ``position_processed``, of which VAME leaves out both coordinates of the centred keypoint and
    the x of the oriented one; so does this. VAME turns the animal upwards, not to the right.
    """
    names, series = _vame_array(path) if path.suffix == ".npy" else _vame_netcdf(path)
    if not series.size:
        raise ValueError("holds no frames")
    return xr.Dataset(
        {"features": (("time", "feature"), series.astype(np.float64))},
        coords={"feature": names, "time": np.arange(len(series)) / fps},
    )


def _vame_array(path):
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.ndim != 2 or array.dtype.kind not in "fiu":
        raise ValueError(f"holds {array.dtype} of shape {array.shape}, not (feature, frame)")
    if array.shape[0] > array.shape[1]:
        raise ValueError(
            f"has {array.shape[0]} features of {array.shape[1]} frames; VAME's files are "
            "(feature, frame)"
        )
    return [f"feature{number}" for number in range(len(array))], array.T


def _vame_netcdf(path):
    with _open_netcdf(path) as file:
        if not is_processed_by_vame(file):
            raise ValueError(
                "holds no position_processed: VAME has not preprocessed it; leave 'software' "
                "empty to read its raw poses"
            )
        whole = file.load()
    center = str(whole.attrs["centered_reference_keypoint"])
    orient = str(whole.attrs["orientation_reference_keypoint"])
    if whole.sizes["individuals"] > 1:
        raise ValueError("holds several individuals, of which VAME trains on the first alone")
    position = whole.position_processed.isel(individuals=0).transpose("time", "keypoints", "space")
    names = [
        f"{keypoint}_{axis}"
        for keypoint in position.keypoints.values
        for axis in position.space.values
    ]
    series = dict(zip(names, position.values.reshape(len(position), -1).T, strict=True))
    for constant in (f"{center}_x", f"{center}_y", f"{orient}_x"):
        del series[constant]
    scalars = _scalars_of(whole)
    if scalars is not None:
        series |= dict(zip(scalars.feature.values, scalars.values.T, strict=True))
    return list(series), np.stack(list(series.values()), axis=1)


def _open_netcdf(path):
    with h5py.File(path) as file:
        check_hdf5_size(file, path)
    file = xr.open_dataset(path, engine="netcdf4")
    return file.rename({old: new for old, new in PLURALS.items() if old in file.dims})


def _scalars_of(file):
    """(time, feature) numbers that a netCDF has per frame, beside the poses."""
    found = {
        str(name): values.values.reshape(-1).astype(np.float64)
        for name, values in file.data_vars.items()
        if values.dims in (("time",), ("time", "individuals"))
        and values.size == file.sizes["time"]
        and values.dtype.kind in "fiub"
    }
    if not found:
        return None
    return xr.DataArray(
        np.stack(list(found.values()), axis=1),
        dims=("time", "feature"),
        coords={"feature": list(found)},
    )


def _spread_over_frames(poses, times, path):
    """Put rows where their times say: a frame that the file leaves out becomes an empty one."""
    if times is None or len(times) < 2:
        return poses
    steps = np.diff(times.astype(np.float64))
    interval = np.median(steps)
    if not (np.isfinite(steps).all() and interval > 0 and (steps > 0).all()):
        raise ValueError("its times do not rise from frame to frame")
    frames = np.concatenate([[0], np.cumsum(np.maximum(np.rint(steps / interval), 1))])
    if frames[-1] == len(times) - 1:
        return poses
    values = sum(array.size // len(times) for array in poses.data_vars.values())
    check_dense_size(int(frames[-1] + 1) * values, path, "its tracks, with the frames left out,")
    rows = poses.assign_coords(time=frames.astype(np.int64))
    return rows.reindex(time=np.arange(int(frames[-1]) + 1))
