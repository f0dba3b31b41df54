"""Read NWB files with ndx-pose directly: movement 0.15 reads one container and no times.

movement's loader takes one `PoseEstimation` by its name, sorts its keypoints, counts their rows
instead of using their times, and does not scale the data. To report to movement: timestamps,
`starting_time`, `conversion` and `offset` of a PoseEstimationSeries are not used.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from pose_prep.clock import are_frame_numbers, assign_frames_together, check_times
from pose_prep.contents import check_dense_size, check_hdf5_size, text_of
from pose_prep.dimensions import poses_dataset

CURE = "save the file again with as many timestamps as rows"


@dataclass
class Series:
    """One keypoint of one animal: row n of the data has the time n, or is frame n without times."""

    position: np.ndarray
    confidence: np.ndarray
    times: np.ndarray | None
    scale: str


def load_nwb(path: Path, fps: float) -> xr.Dataset:
    """Read every `PoseEstimation` of the file; if there are several, each is an individual.

    All animals and keypoints share one clock. Frame 0 is the first time in the file, since NWB's
    times count from any moment of a session; a note gives this time. A keypoint without a row in a
    frame is empty there. Times may be frame numbers: two of the three programs that we have files
    of write these. Keypoints have the order of the file's `nodes` or skeleton.
    """
    check_hdf5_size(path)
    with h5py.File(path) as file:
        places = pose_estimations(file)
        if not places:
            raise ValueError("contains no PoseEstimation of ndx-pose")
        animals = [_read_animal(file[place], place, fps) for place in places]
    every = [
        (n, name, series) for n, animal in enumerate(animals) for name, series in animal.items()
    ]
    frames, attributes, notes = _assign_frames([series for _, _, series in every], fps)
    notes += sorted({series.scale for _, _, series in every if series.scale})
    keypoints = list(dict.fromkeys(name for _, name, _ in every))
    axes = {series.position.shape[1] for _, _, series in every}
    if len(axes) > 1:
        raise ValueError("has both 2D and 3D keypoints; export only one kind")
    count = 1 + max((int(rows[-1]) for rows in frames if len(rows)), default=-1)
    shape = (count, *axes, len(keypoints), len(animals))
    check_dense_size(int(np.prod(shape, dtype=object)), path, "its tracks, with missing frames,")
    position = np.full(shape, np.nan)
    confidence = np.full((count, *shape[2:]), np.nan)
    for (n, name, series), rows in zip(every, frames, strict=True):
        position[rows, :, keypoints.index(name), n] = series.position
        confidence[rows, keypoints.index(name), n] = series.confidence
    names = unique_names(places)
    poses = poses_dataset(position, confidence, names, keypoints, fps)
    tracked = [[name in animal for animal in animals] for name in keypoints]
    if not np.all(tracked):
        poses["tracked"] = ("keypoints", "individuals"), tracked
    return poses.assign_attrs(attributes, notes="; ".join(notes))


def pose_estimations(file: h5py.File) -> list[str]:
    """Find the containers `PoseEstimation` in processing modules, of any name and depth."""
    places = []

    def look(name, item):
        if item.attrs.get("neurodata_type") == "PoseEstimation" and name.startswith("processing/"):
            places.append(name)

    file.visititems(look)
    return places


def unique_names(places: list[str]) -> list[str]:
    """Return names of containers, with those of their modules where several have the same."""
    names = [place.split("/")[-1] for place in places]
    times = Counter(names)
    return [
        name if times[name] == 1 else place.removeprefix("processing/")
        for name, place in zip(names, places, strict=True)
    ]


def _read_animal(container, place, fps):
    """Read series by the names of keypoints, in their order."""
    groups = {name: item for name, item in container.items() if isinstance(item, h5py.Group)}
    found = {  # a video that is linked there has data, too
        name: item
        for name, item in groups.items()
        if item.attrs.get("neurodata_type") == "PoseEstimationSeries"
    }
    if not found:
        raise ValueError(f"{place} contains no PoseEstimationSeries")
    # ndx-pose below 0.2 keeps nodes in the container, later ones in the skeleton.
    nodes = [holder["nodes"] for holder in (container, *groups.values()) if "nodes" in holder]
    order = [text_of(name) for name in nodes[0][:]] if nodes else []
    order = order if set(order) == set(found) else list(found)
    return {name: _read_series(found[name], f"{name!r} of {place}", fps) for name in order}


def _read_series(item, whose, fps):
    data = item["data"]
    position = np.asarray(data[:], np.float64)
    if position.ndim != 2 or position.shape[1] not in (2, 3):
        raise ValueError(f"{whose} has data of the shape {position.shape}, not (frame, 2 or 3)")
    confidence = np.full(len(position), np.nan)
    if "confidence" in item:
        confidence = np.asarray(item["confidence"][:], np.float64)
    if confidence.shape != (len(position),):
        raise ValueError(
            f"{whose} has {len(position)} rows of data and {confidence.size} of confidence; save "
            "the file again with one confidence per row"
        )
    conversion, offset = (
        float(data.attrs.get(name, usual)) for name, usual in (("conversion", 1), ("offset", 0))
    )
    if not (np.isfinite([conversion, offset]).all() and conversion):
        raise ValueError(f"{whose} has the conversion {conversion}; correct this attribute")
    scale = ""
    if (conversion, offset) != (1, 0):
        unit = text_of(data.attrs.get("unit", "unknown"))
        added = f", offset {offset:g}" if offset else ""
        scale = f"NWB's conversion {conversion:g}{added} was applied; the unit is {unit}"
    return Series(position * conversion + offset, confidence, _times(item, whose, fps), scale)


def _times(item, whose, fps):
    """Return the (row,) times of a series; None if it has none."""
    rows = len(item["data"])
    if "timestamps" in item:
        times = np.asarray(item["timestamps"][:], np.float64)
        if times.shape != (rows,):
            raise ValueError(f"{whose} has {rows} rows of data and {times.size} timestamps; {CURE}")
        check_times(times, f"the timestamps of {whose}")
        return times
    if "starting_time" not in item:
        return None
    start = float(item["starting_time"][()])
    rate = float(item["starting_time"].attrs.get("rate", 0))
    if not rate > 0:
        # To report to sleap-io: the rate of an exported series is truncated to a whole number.
        return None
    if rate == int(fps):  # sleap-io writes 29 for 29.97
        rate = fps
    times = start + np.arange(rows) / rate
    check_times(times, f"the times of {whose}, by its starting_time and rate,")
    return times


def _assign_frames(every, fps):
    """Return the frames of each series' rows, the file's rate, and notes."""
    timed = [series for series in every if series.times is not None]
    if not any(len(series.times) for series in timed):
        lengths = {len(series.position) for series in every}
        if len(lengths) > 1:
            raise ValueError(
                f"has series without times, of {', '.join(map(str, sorted(lengths)))} rows: their "
                "frames are ambiguous; save the file again with timestamps"
            )
        return [np.arange(len(series.position)) for series in every], {}, []
    if len(timed) < len(every):
        raise ValueError(
            f"{len(timed)} of its {len(every)} series have times, but the others do not; {CURE}"
        )
    times = [series.times for series in every]
    frames, interval, first = assign_frames_together(times, fps)
    counted = are_frame_numbers(np.unique(np.concatenate(times)))
    attributes = {} if counted else {"file_fps": 1 / interval}
    notes = []
    if abs(first) > interval / 2:
        unit = "its frame number" if counted else "the time"
        notes = [f"frame 0 is the first of the file, at {unit} {first:.10g}"]
    return frames, attributes, notes
