"""Tables of a segmentation: usage of motifs, transitions, mean poses, examples, groups."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from formats.aligned import AlignedPoses
from formats.intervals import Interval
from formats.motifs import centre_of
from formats.runs import blocks_of
from scipy.sparse import csr_array

from motif_analysis.bouts import Bouts, count_transitions, find_bouts
from motif_analysis.groups import compare_groups
from motif_analysis.hierarchy import communities_of_motifs, find_communities
from motif_analysis.n_motifs import tabulate_tried
from motif_analysis.over_time import UsageOverTime
from motif_analysis.segmentation import Segmenter

MOTION_SECONDS = 0.1
"""Time before and after a frame over which speed and turning are measured: between two frames
there is more jitter than movement."""
EXAMPLES = 3  # of each motif
UNITS = {"speed": "px/s", "turning": "deg/s"}
"""Motion that every profile has, whatever features the model has."""
MOTION_UNITS = {
    "forward_speed": "body lengths/s",
    "sideways_speed": "body lengths/s",
    "turning": "deg/s",
    "height": "body lengths",
}
"""Of the features that the alignment measures."""


def tabulate(
    recordings: Iterable[tuple[Mapping[str, Any], np.ndarray, np.ndarray, AlignedPoses]],
    segmenter: Segmenter,
    latent_map: pd.DataFrame,
    communities: int | None,
    permutations: int,
    names: Mapping[int, str] | None = None,
    colours: Mapping[int, str] | None = None,
    intervals: Sequence[Interval] = (),
    time_bins: float | None = None,
) -> dict[str, pd.DataFrame]:
    """Tabulate a segmentation: tables by the names of their files in `results/motif_tables`.

    Parameters
    ----------
    recordings
        Row of each (session, animal, group; fps as recorded; factors of the animal); (frame,)
        motifs; (window, latent) latents; poses. Taken one by one, so that one is in memory.
    communities
        How many, or None for those of the greatest modularity.
    permutations
        At most so many for each p-value.
    names, colours
        Of motifs that have one.
    intervals, time_bins
        As in `over_time.UsageOverTime`.
    """
    numbers = np.unique(segmenter.numbering.numbers)  # with gaps, if motifs were merged or lost
    n_motifs = int(numbers[-1]) + 1
    over_time = UsageOverTime(numbers, intervals, time_bins)
    usage, counts, all_bouts, profile, factors = [], {}, [], None, {}
    latent_map = latent_map.assign(motif=-1)[["session", "frame", "motif", "x", "y"]]
    for row, motifs, latents, aligned in recordings:
        session, bouts = row["session"], find_bouts(motifs)
        own = _of_motifs(usage_of_motifs(bouts, n_motifs, aligned.fps), numbers)
        usage.append(_rows_of(row, own))
        over_time.add(row, motifs, aligned.fps, row.get("fps", aligned.fps))
        factors[row["animal"]] = row.get("factors", {})
        counts[session] = count_transitions(bouts, n_motifs)
        profile = profile or Profile(n_motifs, aligned.features, aligned.scalars)
        profile.add(aligned, motifs)
        all_bouts.append(bout_table(session, bouts, latents, segmenter, aligned.fps))
        here = latent_map["session"] == session
        latent_map.loc[here, "motif"] = motifs[latent_map.loc[here, "frame"].to_numpy(int)]
    assert profile is not None, "no recordings"
    usage, all_bouts = (pd.concat(tables, ignore_index=True) for tables in (usage, all_bouts))
    all_counts = {**counts, "all": sum(counts.values())}
    tables = {
        "usage": usage.assign(color=[(colours or {}).get(motif, "") for motif in usage["motif"]]),
        "transitions": _of_motifs(transition_table(all_counts), numbers),
        "profile": _of_motifs(profile.table(), numbers),
        **_with_communities(all_bouts, segmenter, communities, numbers),
        "examples": find_examples(all_bouts),
        "latent_map": latent_map,
        "groups": compare_groups(usage, permutations, np.random.default_rng(0), factors),
        "n_motifs": tabulate_tried(segmenter),
        **over_time.tables(permutations, np.random.default_rng(0)),
    }
    return {name: add_names(table, names or {}) for name, table in tables.items()}


def _rows_of(row: Mapping[str, Any], table: pd.DataFrame) -> pd.DataFrame:
    """A table of one session with its session, animal and group as first columns."""
    names = {name: row[name] for name in ("session", "animal", "group")}
    return pd.DataFrame(names, index=table.index).join(table)


def _with_communities(
    bouts: pd.DataFrame, segmenter: Segmenter, communities: int | None, numbers: np.ndarray
) -> dict[str, pd.DataFrame]:
    """Tabulate communities, their tree, and bouts with the community of their motif."""
    of_motifs, linkage = find_communities(segmenter, communities)
    community = bouts["motif"].map(communities_of_motifs(of_motifs)).astype("Int64")
    bouts.insert(2, "community", community)
    return {"communities": _of_motifs(of_motifs, numbers), "linkage": linkage, "bouts": bouts}


def _of_motifs(table: pd.DataFrame, numbers: np.ndarray) -> pd.DataFrame:
    """The rows whose motifs, in one column or two, are among these numbers."""
    columns = [name for name in ("motif", "from_motif", "to_motif") if name in table]
    return table[table[columns].isin(numbers).all(axis=1)].copy()


def add_names(table: pd.DataFrame, names: Mapping[int, str]) -> pd.DataFrame:
    """Add a column `name` after `motif`, empty for motifs without one."""
    if "motif" in table and len(table.columns) > 1:
        place = table.columns.get_loc("motif") + 1
        table.insert(place, "name", [names.get(motif, "") for motif in table["motif"]])
    return table


def usage_of_motifs(bouts: Bouts, n_motifs: int, fps: float) -> pd.DataFrame:
    """Per motif: frames, share of all frames with a motif, bouts, quartiles of their seconds.

    A motif that is not used has zeros, and empty quartiles.
    """
    frames = np.bincount(bouts.motif, bouts.frames, minlength=n_motifs).astype(np.int64)
    table = pd.DataFrame(
        {
            "motif": np.arange(n_motifs),
            "frames": frames,
            "share": frames / max(frames.sum(), 1),
            "bouts": np.bincount(bouts.motif, minlength=n_motifs),
        }
    )
    seconds = pd.Series(bouts.frames / fps).groupby(bouts.motif)
    for name, quantile in (("q25", 0.25), ("median", 0.5), ("q75", 0.75)):
        table[f"bout_seconds_{name}"] = seconds.quantile(quantile).reindex(range(n_motifs))
    return table


def transition_table(counts: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Tidy rows of each session's counts, with the probability of the next motif.

    The probability is empty where a motif is never left.
    """
    tables = []
    for session, own in counts.items():
        left = own.sum(axis=1, keepdims=True)
        chance = own / np.where(left > 0, left, np.nan)
        first, second = np.nonzero(~np.eye(len(own), dtype=bool))
        table = pd.DataFrame({"session": session, "from_motif": first, "to_motif": second})
        tables.append(table.assign(count=own[first, second], probability=chance[first, second]))
    return pd.concat(tables, ignore_index=True)


def motion(track: np.ndarray, fps: float) -> np.ndarray:
    """(frame, 2) speed in px/s, and turning in deg/s, positive where the heading angle increases.

    Both are over `MOTION_SECONDS` before and after; NaN where a frame of these is not usable.

    Parameters
    ----------
    track
        (frame, 3) x, y and heading in radians, NaN in frames that are not usable.
    """
    reach = max(1, round(MOTION_SECONDS * fps))
    moved = np.full((len(track), 2), np.nan, dtype=np.float32)
    if len(track) <= 2 * reach:
        return moved
    seconds = 2 * reach / fps
    for part in blocks_of(len(track) - 2 * reach):
        own = np.asarray(track[part.start : part.stop + 2 * reach], dtype=np.float64)
        steps = (np.diff(own[:, 2]) + np.pi) % (2 * np.pi) - np.pi
        unknown = np.concatenate([[0], np.cumsum(np.isnan(steps))])
        turned = np.concatenate([[0], np.cumsum(np.nan_to_num(steps))])
        turned = turned[2 * reach :] - turned[: -2 * reach]
        turned[unknown[2 * reach :] > unknown[: -2 * reach]] = np.nan
        distance = np.linalg.norm(own[2 * reach :, :2] - own[: -2 * reach, :2], axis=1)
        distance[np.isnan(turned)] = np.nan
        inside = slice(part.start + reach, part.stop + reach)
        moved[inside] = np.column_stack([distance, np.degrees(turned)]) / seconds
    return moved


class Profile:
    """Mean and standard deviation of each feature in the frames of each motif, in one pass.

    A number per frame of the user's that has the name of a `UNITS` is `speed (scalar)`.
    """

    def __init__(self, n_motifs: int, features: Sequence[str], scalars: Sequence[str]) -> None:
        self._own = list(features)
        self.features = [*(f"{name} (scalar)" if name in UNITS else name for name in features)]
        self.features += UNITS
        self.units = [MOTION_UNITS.get(name, "") if name in scalars else "px" for name in features]
        self.units += UNITS.values()
        self._sums = np.zeros((3, n_motifs, len(self.features)))  # of ones, values, squares
        self._shift: np.ndarray | None = None  # near the mean, so that squares do not cancel

    def add(self, aligned: AlignedPoses, motifs: np.ndarray) -> None:
        """Add the frames of a recording that have a motif."""
        order = [aligned.features.index(name) for name in self._own]
        moved = motion(aligned.track, aligned.fps)
        for part in blocks_of(len(motifs)):
            own = motifs[part] >= 0
            if not own.any():
                continue
            poses = aligned.as_recorded(part)[own][:, order]
            values = np.hstack([poses, moved[part][own]]).astype(float)
            if self._shift is None:
                self._shift = np.nan_to_num(values).mean(axis=0)
            known = np.isfinite(values)
            values = np.where(known, values - self._shift, 0)
            rows = motifs[part][own]
            member = csr_array(
                (np.ones(len(rows)), (rows, np.arange(len(rows)))),
                shape=(self._sums.shape[1], len(rows)),
            )
            self._sums += [member @ each for each in (known.astype(float), values, values**2)]

    def table(self) -> pd.DataFrame:
        """A row per motif and feature; mean and sd are empty for a motif that is not used."""
        count, total, squares = self._sums
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = total / count
            sd = np.sqrt(np.maximum(squares / count - mean**2, 0))
        shift = 0 if self._shift is None else self._shift
        motif, feature = np.indices(mean.shape)
        return pd.DataFrame(
            {
                "motif": motif.ravel(),
                "feature": np.array(self.features)[feature.ravel()],
                "unit": np.array(self.units)[feature.ravel()],
                "mean": (mean + shift).ravel(),
                "sd": sd.ravel(),
            }
        )


def bout_table(
    session: str, bouts: Bouts, latents: np.ndarray, segmenter: Segmenter, fps: float
) -> pd.DataFrame:
    """A row per bout of a recording: session, motif, start, stop, their times, duration, distance.

    `stop` is the frame after the last one. `distance` is the mean over the bout's windows of their
    distance to the centre of the motif.
    """
    offset = centre_of(segmenter.time_window)
    motifs = np.full(len(latents), -1, dtype=np.int16)
    for motif, start, stop in zip(*bouts, strict=True):
        motifs[start - offset : stop - offset] = motif
    distances = segmenter.distances(latents, motifs)
    own = zip(bouts.start - offset, bouts.stop - offset, strict=True)
    return pd.DataFrame(
        {
            "session": session,
            "motif": bouts.motif,
            "start": bouts.start,
            "stop": bouts.stop,
            "start_seconds": bouts.start / fps,
            "stop_seconds": bouts.stop / fps,
            "seconds": bouts.frames / fps,
            "distance": [distances[start:stop].mean(dtype=float) for start, stop in own],
        }
    )


def find_examples(bouts: pd.DataFrame) -> pd.DataFrame:
    """Choose the bouts nearest to the centre of their motif, ranked from 1 over all sessions.

    Only bouts that are at least as long as their recording's median bout of that motif are
    considered, since a bout of one frame shows nothing.
    """
    frames = bouts["stop"] - bouts["start"]
    median = frames.groupby([bouts["session"], bouts["motif"]]).transform("median")
    table = bouts[frames >= median].sort_values(["motif", "distance", "session", "start"])
    table = table.groupby("motif").head(EXAMPLES).reset_index(drop=True)
    return pd.DataFrame(
        {
            "motif": table["motif"],
            "rank": table.groupby("motif").cumcount() + 1,
            "session": table["session"],
            "first_frame": table["start"],
            "last_frame": table["stop"] - 1,
            "seconds": table["seconds"],
        }
    )
