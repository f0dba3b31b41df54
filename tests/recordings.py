"""Recordings of known geometry, and files of them in the formats of trackers.

All functions take only keywords: a test names the values that matter to it.
"""

import datetime
from pathlib import Path

import h5py
import ndx_pose
import numpy as np
import pandas as pd
import pynwb
import sleap_io
import xarray as xr

# Egocentric positions: the tail base is at the origin, and the nose on the positive x axis.
BODY = {"nose": (10.0, 0.0), "left_paw": (6.0, -3.0), "right_paw": (6.0, 3.0), "tail": (0.0, 0.0)}


def make_tracks(*, frames=20, body=BODY, heading=0.0, place=(100.0, 100.0), likelihood=1.0):
    """Return tracks of a rigid animal: (frame, keypoint, 3) x, y, likelihood.

    Heading (radians) and place are constants or one value per frame; ``body`` has the egocentric
    (x, y) of each keypoint, constants or one per frame.
    """
    heading = np.broadcast_to(heading, frames)[:, None]
    place = np.broadcast_to(place, (frames, 2))[:, None]
    own = np.stack([np.broadcast_to(point, (frames, 2)) for point in body.values()], axis=1)
    x, y = own[..., 0], own[..., 1]
    turned = np.stack(
        [x * np.cos(heading) - y * np.sin(heading), x * np.sin(heading) + y * np.cos(heading)],
        axis=-1,
    )
    tracks = np.full((frames, len(body), 3), likelihood, dtype=float)
    tracks[..., :2] = turned + place
    return tracks


def make_lively_tracks(*, frames=300, seed=0):
    """Return tracks of an animal that walks, and moves paws and nose: no feature is constant."""
    rng = np.random.default_rng(seed)
    moving = {name: np.array(xy) + rng.normal(size=(frames, 2)) for name, xy in BODY.items()}
    return make_tracks(
        frames=frames,
        body=moving,
        heading=np.cumsum(rng.normal(scale=0.1, size=frames)),
        place=300 + np.cumsum(rng.normal(size=(frames, 2)), axis=0),
    )


def make_dataset(*, tracks, keypoints=tuple(BODY), fps=10.0, source_file="mouse.csv"):
    """Return the dataset that reading these tracks should give."""
    return xr.Dataset(
        {
            "position": (
                ("time", "space", "keypoints", "individuals"),
                tracks[:, :, :2].transpose(0, 2, 1)[..., None],
            ),
            "confidence": (("time", "keypoints", "individuals"), tracks[:, :, 2][..., None]),
        },
        coords={
            "time": np.arange(len(tracks)) / fps,
            "space": ["x", "y"],
            "keypoints": list(keypoints),
            "individuals": ["id_0"],
        },
        attrs={"fps": fps, "source_file": source_file},
    )


def deeplabcut_table(*, tracks, keypoints=tuple(BODY), individuals=None, likelihood=True):
    """Return DeepLabCut's table; with ``individuals``, tracks have the axis individual, too."""
    levels = {"scorer": ["tracker"]}
    if individuals:
        levels["individuals"] = list(individuals)
    levels |= {"bodyparts": list(keypoints), "coords": ["x", "y", "likelihood"]}
    columns = pd.MultiIndex.from_product(levels.values(), names=levels.keys())
    table = pd.DataFrame(tracks.reshape(len(tracks), -1), columns=columns)
    return table if likelihood else table.drop(columns="likelihood", level="coords")


def write_deeplabcut(*, path, key="df_with_missing", **table):
    """Write csv or h5 as DeepLabCut does, depending on the suffix; see ``deeplabcut_table``."""
    path, table = Path(path), deeplabcut_table(**table)
    if path.suffix == ".h5":
        table.to_hdf(path, key=key, mode="w")
    else:
        table.to_csv(path)
    return path


USUAL = ("track", "xy", "node", "frame")
"""The axes of ``tracks`` in SLEAP's analysis h5."""


def write_sleap_analysis(*, path, tracks, keypoints=tuple(BODY), names=("mouse",), order=USUAL):
    """Write SLEAP's analysis h5 of (frame, track, node, 3) tracks, with axes in any order."""

    def stored(array, axes):
        return np.transpose(array, [axes.index(axis) for axis in order if axis in axes])

    with h5py.File(path, "w") as file:
        file["tracks"] = stored(tracks[..., :2], ["frame", "track", "node", "xy"])
        file["point_scores"] = stored(tracks[..., 2], ["frame", "track", "node"])
        file["node_names"] = np.array(keypoints, dtype="S")
        file["track_names"] = np.array(names, dtype="S")
    return path


def write_sleap_labels(*, path, tracks, keypoints=tuple(BODY), names=("mouse",), frames=None):
    """Write a .slp of (frame, track, node, 3) tracks; ``frames`` are their numbers, or 0, 1, …"""
    skeleton = sleap_io.Skeleton(list(keypoints))
    video = sleap_io.Video("mouse.mp4", open_backend=False)
    animals = [sleap_io.Track(name) for name in names]
    labelled = [
        sleap_io.LabeledFrame(
            video=video,
            frame_idx=int(number),
            instances=[
                sleap_io.PredictedInstance.from_numpy(
                    points[:, :2], skeleton, points[:, 2], 1.0, animals[n] if animals else None
                )
                for n, points in enumerate(frame)
            ],
        )
        for number, frame in zip(
            range(len(tracks)) if frames is None else frames, tracks, strict=True
        )
    ]
    labels = sleap_io.Labels(labelled, [video], [skeleton], animals)
    sleap_io.save_slp(labels, str(path), verbose=False)
    return path


def write_nwb(*, path, tracks, keypoints=tuple(BODY), containers=("PoseEstimation",), times=None):
    """Write an NWB file with one ``PoseEstimation`` of ndx-pose per (frame, keypoint, 3) tracks."""
    started = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile("a mouse", "mouse", started)
    module = file.create_processing_module("behavior", "poses")
    skeletons = []
    for container, track in zip(containers, tracks, strict=True):
        nodes = [name.replace("/", "-") for name in keypoints]
        skeletons.append(ndx_pose.Skeleton(name=f"of {container}", nodes=nodes))
        series = [
            ndx_pose.PoseEstimationSeries(
                name=name,
                data=track[:, n, :2],
                confidence=track[:, n, 2],
                unit="pixels",
                reference_frame="top left",
                timestamps=np.arange(len(track)) / 10.0 if times is None else times,
            )
            for n, name in enumerate(nodes)
        ]
        module.add(
            ndx_pose.PoseEstimation(
                name=container, pose_estimation_series=series, skeleton=skeletons[-1]
            )
        )
    module.add(ndx_pose.Skeletons(skeletons=skeletons))
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def write_anipose(*, path, tracks, keypoints=tuple(BODY)):
    """Write a triangulated csv of (frame, keypoint, 4) tracks: x, y, z, score."""
    columns = [f"{name}_{part}" for name in keypoints for part in ("x", "y", "z", "score")]
    table = pd.DataFrame(tracks.reshape(len(tracks), -1), columns=columns)
    for name in ("M_00", "M_01", "center_0"):
        table[name] = 0.0
    table["fnum"] = np.arange(len(table))
    table.to_csv(path, index=False)
    return path


def write_nwb_series(*, path, animals):
    """Write an NWB file of single series, each with its own times.

    ``animals``: {(module, container): {keypoint: arguments of PoseEstimationSeries}}; ``data`` is
    (row, 2), and ``conversion`` or ``offset`` may be included.
    """
    file = pynwb.NWBFile("mice", "mice", datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC))
    for (module, container), keypoints in animals.items():
        if module not in file.processing:
            file.create_processing_module(module, "poses")
        series = [
            ndx_pose.PoseEstimationSeries(
                **{"name": name, "unit": "pixels", "reference_frame": "top left"}
                | {"confidence": np.ones(len(given["data"]))}
                | given
            )
            for name, given in keypoints.items()
        ]
        skeleton = ndx_pose.Skeleton(name=f"of {container}", nodes=list(keypoints))
        file.processing[module].add(
            ndx_pose.PoseEstimation(
                name=container, pose_estimation_series=series, skeleton=skeleton
            )
        )
        if "Skeletons" not in file.processing[module].data_interfaces:
            file.processing[module].add(ndx_pose.Skeletons())
        file.processing[module]["Skeletons"].add_skeletons(skeleton)
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(file)
    return path


def write_sleap_instances(
    *, path, frames, tracks=("mouse",), videos=("mouse.mp4",), fps=None, keypoints=tuple(BODY)
):
    """Write a .slp of single instances.

    ``frames``: {number: [(points, track or None, kind), …]}, or {(video, number): …}; points are
    (keypoint, 2); kind is ``predicted``, ``user``, or ``corrected`` (by a person, and linked to the
    last prediction of the frame).
    """
    skeleton = sleap_io.Skeleton(list(keypoints))
    films = [sleap_io.Video(name, open_backend=False) for name in videos]
    for film in films:
        film.backend_metadata["fps"] = fps
    animals = {name: sleap_io.Track(name) for name in tracks}
    labelled = []
    for key, given in frames.items():
        video, number = key if isinstance(key, tuple) else (0, key)
        instances, prediction = [], None
        for points, track, kind in given:
            animal = animals[track] if track else None
            if kind == "predicted":
                score = np.ones(len(keypoints))
                prediction = sleap_io.PredictedInstance.from_numpy(
                    points, skeleton, score, 1.0, animal
                )
                instances.append(prediction)
            else:
                made = sleap_io.Instance.from_numpy(points, skeleton, track=animal)
                made.from_predicted = prediction if kind == "corrected" else None
                instances.append(made)
        labelled.append(
            sleap_io.LabeledFrame(video=films[video], frame_idx=int(number), instances=instances)
        )
    labels = sleap_io.Labels(labelled, films, [skeleton], list(animals.values()))
    sleap_io.save_slp(labels, str(path), verbose=False)
    return path
