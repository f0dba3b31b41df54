"""Read SLEAP's labels (.slp) and analysis h5, where movement 0.15 misreads them."""

import contextlib
import json
from pathlib import Path

import h5py
import numpy as np
import sleap_io
import xarray as xr
from movement.io import load_dataset

from pose_prep.contents import check_dense_size, check_hdf5_size, check_unique, text_of
from pose_prep.dimensions import poses_dataset, with_plurals

USUAL_ORDER = ("track", "xy", "node", "frame")
USER_INSTANCE = 0
"""The `instance_type` of instances labelled by hand; that of predictions is 1."""
OTHER_ORDERS = (("frame", "node", "xy", "track"), ("frame", "track", "node", "xy"))


def load_sleap(path: Path, fps: float) -> xr.Dataset:
    """Read labels (.slp) of one video, or an analysis h5.

    Instances labelled by hand replace predictions of the same track. Those without a track
    are used if their animal is unambiguous; see `_assign_tracks`.
    """
    check_hdf5_size(path)
    with h5py.File(path) as file:
        if "tracks" not in file:
            return _load_labels(file, path, fps)
        for key, what in (("track_names", "tracks"), ("node_names", "keypoints")):
            check_unique(map(text_of, file[key][:]), what)
        if (order := _axis_order(file)) != USUAL_ORDER:
            return _load_reordered_analysis(file, order, fps)
    return with_plurals(load_dataset(path, "SLEAP", fps=fps))


def _axis_order(file):
    """Return the axes of `tracks`: from `dims`, else the first order that fits the names.

    SLEAP reverses its default order if told not to transpose; sleap-io writes a third order with
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
    individuals = names["track_names"] or None
    confidence = reorder("point_scores", ("frame", "node", "track")) if scored else None
    position = reorder("tracks", ("frame", "xy", "node", "track"))
    return poses_dataset(position, confidence, individuals, names["node_names"], fps)


def _load_labels(file, path, fps):
    videos = (
        [json.loads(entry) for entry in file["videos_json"][:]] if "videos_json" in file else []
    )
    video = _check_instances(file, path, videos)
    check_unique((json.loads(entry)[1] for entry in file["tracks_json"][:]), "tracks")
    check_unique(_nodes(file), "keypoints")
    tracks, notes = _assign_tracks(file)
    if tracks is not None or 0 < video < len(videos):
        poses = _build_tracks(file, path, video, tracks, fps)
    else:
        poses = with_plurals(load_dataset(path, "SLEAP", fps=fps))
    rate = (videos[video].get("backend") or {}).get("fps") if video < len(videos) else None
    attributes = {"file_fps": float(rate)} if isinstance(rate, int | float) and rate > 0 else {}
    return poses.assign_attrs(attributes, notes="; ".join(notes))


def _check_instances(file, path, videos):
    """Raise an error for labels that movement would drop silently, and for invalid frame numbers.

    Returns the number of the video that all instances belong to.
    """
    frames, instances = file["frames"][:], file["instances"][:]
    used = frames[frames["instance_id_end"] > frames["instance_id_start"]]
    if not len(used) or not len(instances):
        raise ValueError("contains no frames")
    numbers = np.unique(used["video"])
    if len(numbers) > 1:
        names = ", ".join(_name_of(videos[n]) for n in numbers if n < len(videos))
        raise ValueError(
            f"contains frames of {len(numbers)} videos ({names}); save one file per video in SLEAP"
        )
    tracks = len(file["tracks_json"])
    points = max(int(instances["point_id_end"][0]) - int(instances["point_id_start"][0]), 1)
    last = int(frames["frame_idx"].max())
    check_dense_size((last + 1) * max(tracks, 1) * points * 3, path, "its tracks")
    if not tracks:
        pairs = np.stack([instances["frame_id"], instances["instance_type"].astype(np.uint64)])
        most = np.unique(pairs, axis=1, return_counts=True)[1].max()
        if most > 1:
            raise ValueError(
                f"has up to {most} animals in a frame, and no tracks to distinguish them; track "
                "them in SLEAP first"
            )
    return int(numbers[0])


def _nodes(file):
    """Read the nodes of the skeleton that is used from metadata; none if these differ in layout."""
    with contextlib.suppress(KeyError, IndexError, TypeError):
        metadata = json.loads(file["metadata"].attrs["json"])
        used = [node["id"] for node in metadata["skeletons"][-1]["nodes"]]
        return [metadata["nodes"][number]["name"] for number in used]
    return []


def _name_of(video):
    return str(video.get("filename") or (video.get("backend") or {}).get("filename") or "unnamed")


def _assign_tracks(file):
    """Assign instances without a track to their animal, where it is unambiguous.

    A correction gets the track of the prediction that it was made from. If only one track is
    used, an instance belongs to it if the frame has no other instance of its kind; a prediction
    only if the track is absent. Other predictions without a track are left out, as in SLEAP's own
    export. movement also leaves out corrections; SLEAP did so too (talmolab/sleap issue 637). To
    report to movement: user instances without a track vanish if others have one.

    Returns (instance,) tracks, or None if none changes; and notes.

    Raises
    ------
    ValueError
        If an instance labelled by hand may belong to several animals.
    """
    frames, instances = file["frames"][:], file["instances"][:]
    tracks = instances["track"].astype(np.int64)
    if not (count := len(file["tracks_json"])) or (tracks >= 0).all():
        return None, []
    by_hand = instances["instance_type"] == USER_INSTANCE
    owner = _frame_rows(frames, len(instances))
    used = np.unique(tracks[tracks >= 0])
    if count > 1 and not len(used):
        raise ValueError(f"lists {count} tracks, but no instance has one; assign them in SLEAP")
    origin = instances["from_predicted"].astype(np.int64)
    linked = (tracks < 0) & by_hand & (origin >= 0) & (origin < len(tracks))
    given = np.where(linked, tracks[np.where(linked, origin, 0)], tracks)
    if len(used) < 2:
        alone = _sizes_of_groups(owner, by_hand) == 1
        absent = ~np.isin(owner, owner[given >= 0])
        given = np.where((given < 0) & alone & (by_hand | absent), [*used, 0][0], given)
    twice = by_hand & (_sizes_of_groups(owner, np.where(by_hand, given, -2)) > 1)
    unclear = np.flatnonzero(by_hand & (tracks < 0) & (twice | (given < 0)))
    if len(unclear):
        raise ValueError(
            f"frame {frames['frame_idx'][owner[unclear[0]]]} has an instance labelled by hand "
            f"without a track, besides others ({len(unclear)} such instances): it may belong to "
            "several animals; assign its track in SLEAP, or delete it"
        )
    notes = []
    if changed := int(((tracks < 0) & (given >= 0)).sum()):
        notes.append(f"{changed} instances without a track were assigned to their animal")
    if left := int((given < 0).sum()):
        notes.append(f"{left} predictions without a track were left out")
    return given if changed else None, notes


def _frame_rows(frames, count):
    """Return (instance,) the row of the frame that has the instance; -1 for none."""
    starts = frames["instance_id_start"].astype(np.int64)
    sizes = frames["instance_id_end"].astype(np.int64) - starts
    rows = np.repeat(np.arange(len(frames)), sizes)
    owner = np.full(count, -1)
    owner[np.arange(len(rows)) - np.repeat(np.cumsum(sizes) - sizes - starts, sizes)] = rows
    return owner


def _sizes_of_groups(*keys):
    """Return (row,) how many rows have the keys of each row."""
    _, group, sizes = np.unique(np.stack(keys), axis=1, return_inverse=True, return_counts=True)
    return sizes[group.reshape(-1)]


def _build_tracks(file, path, video, tracks, fps):
    """Build tracks from one video's labels, as movement does, but with the given tracks.

    To report to movement: an option to choose the video; it reads the first one of the project.
    """
    labels = sleap_io.load_slp(str(path), open_videos=False)
    numbers = np.asarray(file["instances"]["track"], np.int64) if tracks is None else tracks
    numbers = numbers if labels.tracks else np.zeros_like(numbers)
    nodes = labels.skeletons[-1].node_names
    last = max(frame.frame_idx for frame in labels.labeled_frames)
    shape = (last + 1, 3, len(nodes), max(len(labels.tracks), 1))
    poses = np.full(shape, np.nan, np.float32)
    for row, frame in zip(file["frames"][:], labels.labeled_frames, strict=True):
        if len(labels.videos) > 1 and row["video"] != video:
            continue
        numbered = [*zip(numbers[int(row["instance_id_start"]) :], frame.instances, strict=False)]
        for predicted in (True, False):  # so that labels by hand come last
            for number, instance in numbered:
                if isinstance(instance, sleap_io.PredictedInstance) == predicted and number >= 0:
                    points = instance.numpy(scores=True) if predicted else instance.numpy()
                    poses[frame.frame_idx, :, :, number] = np.nan
                    poses[frame.frame_idx, : points.shape[1], :, number] = points.T
    names = [track.name for track in labels.tracks]
    return poses_dataset(poses[:, :2], poses[:, 2], names or None, nodes, fps)
