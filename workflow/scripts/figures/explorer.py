"""One page to look through motifs: their map, ethograms, bouts, and the animal at any moment."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from bokeh.resources import Resources
from formats.addresses import address_of
from formats.aligned import AlignedPoses
from formats.runs import find_runs

from figures.explorer_charts import CHARTS
from figures.explorer_page import PAGE, STYLE
from figures.explorer_player import PLAYER
from figures.explorer_views import VIEWS
from figures.motif_marks import COLOURS, colours_of, default_colour, ink_on, names_of, shares_of
from figures.skeletons import edges_of, mean_animal, poses_of

MOST_BYTES = 29_000_000
"""Size of a page. If the poses of all frames would make it larger, it has those of some bouts."""
LEAST_BYTES = 2_000_000
"""Size of the poses, however large the rest is."""
LEAST_PER_NUMBER = 0.5
"""Bytes that a coordinate takes at least, packed; more often it is one or two."""
CONTEXT_SECONDS = 0.5
"""Kept before and after such a bout."""
UNKNOWN = np.iinfo(np.int16).min
CATEGORIES = ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", *COLOURS[12:30]]
"""Colours of communities, sessions, groups and labels, other than those of the first motifs: six of
Okabe & Ito's (2008), and more for those that have more."""
STEPS = 2**14
"""Into which the largest coordinate of a recording is divided."""

TABLES = ("usage", "profile", "communities", "bouts", "latent_map")


def explore(
    key: Sequence[str],
    tables: Mapping[str, pd.DataFrame],
    sessions: Sequence[Mapping[str, Any]],
    aligned: Mapping[str, AlignedPoses],
    *,
    page: str | Path,
    digest: str,
    named: tuple[Mapping[Sequence[str], str], Sequence[Mapping[str, str]]],
    labels: Mapping[str, np.ndarray],
    skeleton: Sequence[Sequence[str]] | None,
    center: str,
    orient: str,
) -> str:
    """Write the page, which needs no other file but the videos.

    Parameters
    ----------
    key
        Model, seed and segmentation.
    tables
        `usage`, `profile`, `communities`, `bouts` and `latent_map`.
    sessions
        session, animal and group of each, and the path or address of its video, or ''.
    aligned
        Aligned poses of each session.
    page
        Path of the page, from which videos are addressed.
    digest
        Of the segmenter, for the file of names that the page saves.
    named
        What `formats.motif_names.read_rows` returns of the file of names that there is.
    labels
        (frame,) annotated behaviour, '' where there is none, of each session that has any.
    """
    model, seed, segmentation = key
    title = f"Motifs: {segmentation}, model {model}, seed {seed}"
    names, mean = mean_animal(tables["profile"], center)
    bouts = tables["bouts"]
    data = {
        "title": title,
        "key": [*key, digest],
        "digests": [[*other, known] for other, known in named[0].items()],
        "rows": list(named[1]),
        "keypoints": names,
        "edges": [list(map(int, edge)) for edge in edges_of(names, mean, skeleton)],
        "head": names.index(orient) if orient in names else -1,
        "motifs": motif_rows(tables, center),
        "bouts": columns_of(bouts, sessions, ("start", "stop", "motif", "distance")),
        "map": columns_of(tables["latent_map"], sessions, ("frame", "motif", "x", "y"))
        | labels_of_points(tables["latent_map"], labels),
        "palette": CATEGORIES,
    }
    recordings = {each["session"]: aligned[each["session"]] for each in sessions}
    room = MOST_BYTES - len(_render(title, data, []))
    packed = pack_what_fits(recordings, bouts, center, max(room, LEAST_BYTES))
    poses = [each.pop("poses") for each in packed]
    data["sessions"] = _describe(sessions, packed, page)
    data["partial"] = any(each["kept"] != [[0, each["frames"]]] for each in packed)
    return _render(title, data, poses)


def _describe(sessions, packed, page):
    return [
        {name: each[name] for name in ("session", "animal", "group")}
        | {"video": address_of(each["video"], page)}
        | own
        for each, own in zip(sessions, packed, strict=True)
    ]


def _render(title, data, poses):
    """Poses lie beside the data, for a browser need not read them to show the rest."""
    block = '<script type="text/plain" id="poses{}">{}</script>'
    return PAGE.format(
        title=escape(title),
        style=STYLE,
        bokeh="\n".join(Resources("inline", components=["bokeh", "bokeh-api"]).js_raw),
        data=json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        poses="\n".join(block.format(number, text) for number, text in enumerate(poses)),
        script=PLAYER + CHARTS + VIEWS,
    )


def motif_rows(tables: Mapping[str, pd.DataFrame], center: str) -> list[dict[str, Any]]:
    """What the list of motifs shows of each: colour, community, usage, bouts and mean pose."""
    usage, profile = tables["usage"], tables["profile"]
    names, given = names_of(usage), colours_of(usage)
    community = tables["communities"].set_index("motif")["community"]
    features = list(dict.fromkeys(profile["feature"]))
    frames = usage.groupby(["group", "motif"])["frames"].sum().unstack("group", fill_value=0)
    groups = (frames / frames.sum().clip(lower=1)).round(4)
    bouts = tables["bouts"]
    seconds = (bouts["stop_seconds"] - bouts["start_seconds"]).groupby(bouts["motif"]).median()
    rows = []
    for motif, share in shares_of(usage).items():
        own = profile[profile["motif"] == motif].set_index("feature").loc[features, "mean"]
        _, pose = poses_of(own.to_numpy(float)[None], features, center)
        default = default_colour(int(motif))
        colour = given.get(int(motif), default)
        rows.append(
            {
                "motif": int(motif),
                "name": names.get(int(motif), ""),
                "colour": colour,
                "default": default,
                "ink": ink_on(colour),
                "community": int(community.get(motif, -1)),
                "share": round(float(share), 4),
                "bouts": int((bouts["motif"] == motif).sum()),
                "seconds": round(float(seconds.get(motif, 0)), 3),
                "groups": {name: float(groups.loc[motif, name]) for name in groups if name},
                "pose": None if np.isnan(pose).any() else pose[0].round(2).tolist(),
            }
        )
    return rows


def columns_of(
    table: pd.DataFrame, sessions: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[str, list]:
    """Columns as lists, and `session` as the number of the session."""
    number = {each["session"]: index for index, each in enumerate(sessions)}
    columns = {"session": table["session"].map(number).tolist()}
    return columns | {name: table[name].round(3).tolist() for name in names}


def labels_of_points(
    latent_map: pd.DataFrame, labels: Mapping[str, np.ndarray]
) -> dict[str, list[Any]]:
    """The labels there are, `labels`, and of each point of the map the number of its own or -1."""
    own = np.full(len(latent_map), "", dtype=object)
    for session, of_frames in labels.items():
        here = (latent_map["session"] == session).to_numpy()
        own[here] = of_frames[latent_map.loc[here, "frame"].to_numpy(int)]
    names = sorted(set(own) - {""})
    number = {name: place for place, name in enumerate(names)}
    return {"labels": names, "label": [number.get(name, -1) for name in own]}


def pack_what_fits(
    recordings: Mapping[str, AlignedPoses], bouts: pd.DataFrame, center: str, room: int
) -> list[dict[str, Any]]:
    """Pack every frame of these recordings or, if that takes more bytes, the bouts that fit."""
    kept = {session: [[0, len(each.usable)]] for session, each in recordings.items()}
    ordered = order_bouts(bouts)
    numbers = max(len(each.features) for each in recordings.values())
    most = room / numbers / LEAST_PER_NUMBER
    while True:
        frames = sum(stop - start for own in kept.values() for start, stop in own)
        if frames <= most:
            packed = [pack_recording(each, center, kept[s]) for s, each in recordings.items()]
            size = sum(len(each["poses"]) for each in packed)
            if size <= room:
                return packed
            most = 0.97 * frames * room / size
        kept = keep_bouts(ordered, recordings, most)


def order_bouts(bouts: pd.DataFrame) -> pd.DataFrame:
    """Put bouts first that one may want to see, where a page cannot hold all poses.

    Of each motif and recording come by turns the nearest to the motif's centre, the farthest from
    it, and one at random.
    """
    shuffled = bouts.reset_index(drop=True).sample(frac=1, random_state=0)
    near = shuffled.sort_values("distance", kind="stable")
    ways = [
        3 * table.groupby(["session", "motif"]).cumcount() + turn
        for turn, table in enumerate([near, near[::-1], shuffled])
    ]
    return shuffled.loc[pd.concat(ways, axis=1).min(axis=1).sort_values(kind="stable").index]


def keep_bouts(
    ordered: pd.DataFrame, recordings: Mapping[str, AlignedPoses], most: float
) -> dict[str, list[list[int]]]:
    """Choose the first bouts that have `most` frames; starts and stops of each recording."""
    inside = {session: np.zeros(len(each.usable), bool) for session, each in recordings.items()}
    left = most
    for row in ordered.itertuples():
        reach = round(CONTEXT_SECONDS * recordings[row.session].fps)
        part = inside[row.session][max(0, row.start - reach) : row.stop + reach]
        added = len(part) - np.count_nonzero(part)
        if added <= left:
            part[:] = True
            left -= added
    return {session: find_runs(own).tolist() for session, own in inside.items()}


def pack_recording(aligned: AlignedPoses, center: str, kept: list[list[int]]) -> dict[str, Any]:
    """Pack poses and track of these frames as text: int16 steps, as differences, deflated.

    The numbers of a frame are x and y of each keypoint as the animal sees them, then x, y and
    heading of the track, in steps of `step` (the track's place: of `track_step`, from its `origin`;
    the heading: of 1/5000 radian). `reach` is the 99th percentile of the distance from `center`.
    """
    parts = [aligned.as_recorded(slice(start, stop)) for start, stop in kept]
    poses = np.concatenate(parts) if parts else aligned.poses[:0]
    parts = [aligned.track[start:stop] for start, stop in kept]
    track = np.concatenate(parts) if parts else aligned.track[:0]
    _, points = poses_of(poses, aligned.features, center)
    flat = points.reshape(len(points), -1)
    step = _step_of(flat)
    known = np.isfinite(track).all(axis=1)
    origin = track[known, :2].mean(axis=0) if known.any() else np.zeros(2)
    place = track[:, :2] - origin
    heading = (track[:, 2:] + np.pi) % (2 * np.pi) - np.pi
    track_step = _step_of(place)
    values = np.hstack([flat / step, place / track_step, heading * 5000])
    numbers = np.where(np.isfinite(values), np.rint(np.nan_to_num(values)), UNKNOWN)
    numbers = numbers.astype(np.int16)
    changes = np.diff(numbers, axis=0, prepend=np.zeros_like(numbers[:1]))  # wrapping around
    distance = np.linalg.norm(points, axis=-1)
    return {
        "fps": aligned.fps,
        "frames": len(aligned.usable),
        "kept": kept,
        "step": step,
        "track_step": track_step,
        "origin": [float(value) for value in origin],
        "reach": float(np.nanpercentile(distance, 99)) if np.isfinite(distance).any() else 1.0,
        "poses": base64.b64encode(zlib.compress(changes.astype("<i2").tobytes(), 6)).decode(),
    }


def _step_of(values: np.ndarray) -> float:
    largest = float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 0.0
    return largest / STEPS or 1.0
