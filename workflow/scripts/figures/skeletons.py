"""An animal as points with lines between them, and its place in the arena."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

NEARLY = 0.1
"""Lines at most this much longer than the shortest connection of the same points are also drawn."""


def split_features(features: Sequence[str]) -> tuple[list[str], dict[tuple[str, int], int]]:
    """Return keypoints among a model's features, and the feature of each (keypoint, axis).

    A keypoint has an x or y; other features are scalars.
    """
    columns = {
        (name, "xyz".index(axis)): column
        for column, (name, _, axis) in enumerate(feature.rpartition("_") for feature in features)
        if name and axis in "xyz" and axis
    }
    seen = {name for name, axis in columns if axis < 2}
    columns = {key: column for key, column in columns.items() if key[0] in seen}
    return list(dict.fromkeys(name for name, _ in columns)), columns


def poses_of(
    series: np.ndarray, features: Sequence[str], center: str
) -> tuple[list[str], np.ndarray]:
    """Return names and (frame, keypoint, 2) as seen from above, from (frame, feature).

    Coordinates that are constant after alignment are not features: they are 0. These are both of
    `center`, which is added, and y of the keypoint that determines the heading.
    """
    names, columns = split_features(features)
    if not names:
        return [], np.empty((len(series), 0, 2))
    names = names if center in names else [*names, center]
    poses = np.zeros((len(series), len(names), 2))
    for (name, axis), column in columns.items():
        if axis < 2:
            poses[:, names.index(name), axis] = series[:, column]
    poses[np.isnan(poses).any(axis=(1, 2))] = np.nan
    return names, poses


def edges_of(
    names: Sequence[str], pose: np.ndarray, skeleton: Sequence[Sequence[str]] | None
) -> list[tuple[int, int]]:
    """Choose pairs of points to connect: those of the setting, or the shortest that connect all.

    The shortest tree of a symmetric animal is not symmetric; therefore each line is drawn that is
    part of a nearly shortest tree. Named keypoints that do not exist are left out.
    """
    if skeleton is not None:
        place = {name: index for index, name in enumerate(names)}
        return [
            (place[one], place[other])
            for line in skeleton
            for one, other in pairwise(line)
            if one in place and other in place
        ]
    length = np.linalg.norm(pose[:, None] - pose[None], axis=-1)
    detour = length.copy()  # the longest step on the path with short steps between two points
    for middle in range(len(names)):
        detour = np.minimum(detour, np.maximum(detour[:, [middle]], detour[[middle]]))
    return [
        (one, other)
        for one, other in zip(*np.triu_indices(len(names), 1), strict=True)
        if length[one, other] <= (1 + NEARLY) * detour[one, other]
    ]


def mean_animal(profile: pd.DataFrame, center: str) -> tuple[list[str], np.ndarray]:
    """Return names and (keypoint, 2) mean pose over all used motifs of `profile.csv`."""
    features = list(dict.fromkeys(profile["feature"]))  # in the order of the aligned recordings
    means = profile.pivot(index="motif", columns="feature", values="mean").dropna()[features]
    names, poses = poses_of(means.to_numpy(float), features, center)
    return names, poses.mean(axis=0) if len(poses) else np.zeros((len(names), 2))


def in_image(poses: np.ndarray, track: np.ndarray) -> np.ndarray:
    """Move (frame, keypoint, 2) egocentric poses back to the animal's place in the image.

    ``track`` is (frame, 3): x, y and heading; where it is unknown in all frames, as in recordings
    that were already aligned, the animal stays at the origin.
    """
    if np.isnan(track).all():
        return poses
    return track[:, None, :2] + turned(poses, track[:, 2])


def seen_from(points: np.ndarray, track: np.ndarray, onset: int) -> np.ndarray:
    """Move and rotate (frame, point, 2) of the image to the animal's perspective at frame `onset`.

    In this frame it is at the origin and faces along the first axis.
    """
    if np.isnan(track).all():
        return points
    return turned(points - track[onset, :2], np.full(len(points), -track[onset, 2]))


def turned(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """Rotate (frame, point, 2) by (frame,) radians, from the first axis toward the second."""
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
