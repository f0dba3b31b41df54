"""Read SLEAP's labels (.slp) and analysis h5, whatever movement 0.15 misreads in them."""

import json
from pathlib import Path

import h5py
import numpy as np
import xarray as xr
from movement.io import load_dataset, load_poses

from pose_prep.contents import check_dense_size, check_hdf5_size, text_of

USUAL_ORDER = ("track", "xy", "node", "frame")
OTHER_ORDERS = (("frame", "node", "xy", "track"), ("frame", "track", "node", "xy"))


def load_sleap(path: Path, fps: float) -> xr.Dataset:
    check_hdf5_size(path)
    with h5py.File(path) as file:
        if "tracks" not in file:
            _check_instances(file, path)
        elif (order := _axis_order(file)) != USUAL_ORDER:
            return _load_reordered_analysis(file, order, fps)
    return load_dataset(path, "SLEAP", fps=fps)


def _axis_order(file):
    """The axes of `tracks`: as `dims` names them, else the first order that fits the names.

    SLEAP reverses the usual order if it is told not to transpose; sleap-io writes a third one by
    `preset="standard"`, and names the axes in either case.
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
        array = np.transpose(file[name][:], [stored.index(axis) for axis in wanted])
        return array.astype(np.float32)

    scored = "point_scores" in file
    names = {key: [text_of(name) for name in file[key][:]] for key in ("track_names", "node_names")}
    return load_poses.from_numpy(
        position_array=reorder("tracks", ("frame", "xy", "node", "track")),
        confidence_array=reorder("point_scores", ("frame", "node", "track")) if scored else None,
        individual_names=names["track_names"] or None,
        keypoint_names=names["node_names"],
        fps=fps,
    )


def _check_instances(file, path):
    """Refuse labels that movement would drop silently, and frame numbers that no video has."""
    frames, instances = file["frames"][:], file["instances"][:]
    if not len(frames) or not len(instances):
        raise ValueError("holds no frames")
    videos = len(np.unique(frames["video"]))
    if videos > 1:
        raise ValueError(f"holds frames of {videos} videos; export one file per video")
    tracks = len(file["tracks_json"])
    points = max(int(instances["point_id_end"][0]) - int(instances["point_id_start"][0]), 1)
    last = int(frames["frame_idx"].max())
    check_dense_size((last + 1) * max(tracks, 1) * points * 3, path, "its tracks")
    if not tracks:
        pairs = np.stack([instances["frame_id"], instances["instance_type"].astype(np.uint64)])
        most = np.unique(pairs, axis=1, return_counts=True)[1].max()
        if most > 1:
            raise ValueError(
                f"holds up to {most} animals in a frame, and no tracks that tell them apart; track "
                "them in SLEAP first"
            )
