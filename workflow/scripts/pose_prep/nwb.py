"""Read NWB files with ndx-pose, whatever movement 0.15 misreads in them.

movement reads one `PoseEstimation` by its name, and returns keypoints in alphabetical order.
"""

from pathlib import Path

import h5py
import numpy as np
import xarray as xr
from movement.io import load_dataset

from pose_prep.contents import check_hdf5_size, spread_over_frames, text_of


def load_nwb(path: Path, fps: float) -> xr.Dataset:
    """Read every `PoseEstimation` of the file; where there are several, each is an individual.

    Keypoints have the order of the file's `nodes` or skeleton. The time of a frame is its timestamp
    over the commonest interval: of the three programs that we have files of, two write frame
    numbers there.
    """
    check_hdf5_size(path)
    with h5py.File(path) as file:
        found = _pose_estimations(file)
        if not found:
            raise ValueError("holds no PoseEstimation of ndx-pose")
        layouts = [_layout(file[place], place) for place in found]
    animals = []
    for place, (order, times) in zip(found, layouts, strict=True):
        _, module, container = place.split("/")
        poses = load_dataset(
            path, "NWB", processing_module_key=module, pose_estimation_key=container
        )
        poses = poses.sel(keypoints=order) if order else poses
        if len(found) > 1:
            poses = poses.assign_coords(individuals=[container])
        animals.append(spread_over_frames(poses, times, path).drop_vars("time"))
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


def _layout(container, place):
    """The keypoints in their order (empty where the file does not say), and timestamps or None."""
    groups = {name: item for name, item in container.items() if isinstance(item, h5py.Group)}
    series = {name: item for name, item in groups.items() if "data" in item}
    if not series:
        raise ValueError(f"{place} holds no PoseEstimationSeries")
    lengths = {len(item["data"]) for item in series.values()}
    if len(lengths) > 1:
        raise ValueError(f"{place} has keypoints of {sorted(lengths)} frames")
    times = [item["timestamps"][:] for item in series.values() if "timestamps" in item]
    if any(not np.array_equal(one, times[0]) for one in times[1:]):
        raise ValueError(f"{place} has keypoints with timestamps that differ")
    # ndx-pose below 0.2 keeps nodes in the container, later ones in the skeleton.
    nodes = [holder["nodes"] for holder in (container, *groups.values()) if "nodes" in holder]
    order = [text_of(name) for name in nodes[0][:]] if nodes else []
    return order if set(order) == set(series) else [], times[0] if times else None
