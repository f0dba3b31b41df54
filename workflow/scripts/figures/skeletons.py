"""An animal as points and the lines between them, and where it is in the arena."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

NEARLY = 0.1
"""Lines so little longer than the shortest that join the same points are drawn as well."""


def split_features(features: Sequence[str]) -> tuple[list[str], dict[tuple[str, int], int]]:
    """Keypoints among a model's features, and the feature of each (keypoint, axis).

    A keypoint is what has an x or y; other features are numbers per frame.
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
    """Names and (frame, keypoint, 2) of the animal as seen from above, from (frame, feature).

    Coordinates that the alignment makes constant are no features: they are 0. That are both of
    `center`, which is added, and y of the keypoint that the animal is turned by.
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
    """Pairs of points to draw lines between: those of the setting, or the shortest that join all.

    Of a symmetric animal, the shortest tree is lopsided; so each line is drawn that belongs to
    one of the trees that are nearly the shortest. A named keypoint that is not there is left out.
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
    detour = length.copy()  # the longest step of the way between two points whose steps are short
    for middle in range(len(names)):
        detour = np.minimum(detour, np.maximum(detour[:, [middle]], detour[[middle]]))
    return [
        (one, other)
        for one, other in zip(*np.triu_indices(len(names), 1), strict=True)
        if length[one, other] <= (1 + NEARLY) * detour[one, other]
    ]


def mean_animal(profile: pd.DataFrame, center: str) -> tuple[list[str], np.ndarray]:
    """Names and (keypoint, 2) mean pose over all motifs of `profile.csv` that are used."""
    features = list(dict.fromkeys(profile["feature"]))  # in the order of the aligned recordings
    means = profile.pivot(index="motif", columns="feature", values="mean").dropna()[features]
    names, poses = poses_of(means.to_numpy(float), features, center)
    return names, poses.mean(axis=0) if len(poses) else np.zeros((len(names), 2))


def in_image(poses: np.ndarray, track: np.ndarray) -> np.ndarray:
    """(frame, keypoint, 2) egocentric poses, set back to where the animal was in the image.

    ``track`` is (frame, 3): x, y and heading; where it is not known throughout, as in recordings
    that came aligned, the animal stays at the origin.
    """
    if np.isnan(track).all():
        return poses
    return track[:, None, :2] + turned(poses, track[:, 2])


def seen_from(points: np.ndarray, track: np.ndarray, onset: int) -> np.ndarray:
    """(frame, point, 2) of the image, moved and turned to how the animal stands at frame `onset`.

    There it is at the origin and looks along the first axis.
    """
    if np.isnan(track).all():
        return points
    return turned(points - track[onset, :2], np.full(len(points), -track[onset, 2]))


def turned(points: np.ndarray, angle: np.ndarray) -> np.ndarray:
    """(frame, point, 2) turned by (frame,) radians, from the first axis toward the second."""
    cosine, sine = np.cos(angle)[:, None], np.sin(angle)[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
