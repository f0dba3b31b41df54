"""Recordings of known geometry, and the files that trackers would write of them.

Every function takes keywords only; what a test does not name does not matter to it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

# In the animal's own frame: the tail base at the origin, the nose ahead on the x axis.
BODY = {"nose": (10.0, 0.0), "left_paw": (6.0, -3.0), "right_paw": (6.0, 3.0), "tail": (0.0, 0.0)}


def make_tracks(*, frames=20, body=BODY, heading=0.0, place=(100.0, 100.0), likelihood=1.0):
    """A rigid animal: (frame, keypoint, 3) x, y, likelihood.

    Heading (radians) and place are constants or one value per frame; ``body`` gives each keypoint's
    (x, y) in the animal's frame, constants or one per frame.
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
    """An animal that walks about with paws, and nose, in motion: no feature is constant."""
    rng = np.random.default_rng(seed)
    moving = {name: np.array(xy) + rng.normal(size=(frames, 2)) for name, xy in BODY.items()}
    return make_tracks(
        frames=frames,
        body=moving,
        heading=np.cumsum(rng.normal(scale=0.1, size=frames)),
        place=300 + np.cumsum(rng.normal(size=(frames, 2)), axis=0),
    )


def make_dataset(*, tracks, keypoints=tuple(BODY), fps=10.0, source_file="mouse.csv"):
    """The dataset that reading these tracks gives."""
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
    """DeepLabCut's table; with ``individuals``, tracks are (frame, individual, keypoint, 3)."""
    levels = {"scorer": ["tracker"]}
    if individuals:
        levels["individuals"] = list(individuals)
    levels |= {"bodyparts": list(keypoints), "coords": ["x", "y", "likelihood"]}
    columns = pd.MultiIndex.from_product(levels.values(), names=levels.keys())
    table = pd.DataFrame(tracks.reshape(len(tracks), -1), columns=columns)
    return table if likelihood else table.drop(columns="likelihood", level="coords")


def write_deeplabcut(*, path, **table):
    """Write a csv or h5 as DeepLabCut does, by the suffix; see ``deeplabcut_table``."""
    path, table = Path(path), deeplabcut_table(**table)
    if path.suffix == ".h5":
        table.to_hdf(path, key="df_with_missing", mode="w")
    else:
        table.to_csv(path)
    return path
