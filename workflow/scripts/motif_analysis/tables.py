"""How often motifs are used, what follows what, and what each of them looks like."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from motif_analysis.frames import Aligned, centre_of
from motif_analysis.latents import blocks_of
from motif_analysis.segmentation import Segmenter

MOTION_SECONDS = 0.1
"""Speed and turning are over this long on either side: between two frames there is more jitter than
movement."""
EXAMPLES = 3
UNITS = {"speed": "px/s", "turning": "deg/s"}


class Bouts(NamedTuple):
    """Runs of frames of one motif; arrays over bouts in the order of the recording."""

    motif: np.ndarray
    start: np.ndarray
    stop: np.ndarray  # excluded

    @property
    def frames(self) -> np.ndarray:
        return self.stop - self.start


def find_bouts(motifs: np.ndarray) -> Bouts:
    """Bouts of a recording; frames without a motif (-1) end one and belong to none."""
    edges = np.flatnonzero(np.diff(motifs)) + 1
    start = np.concatenate([[0], edges]).astype(np.int64)[: len(motifs)]
    stop = np.concatenate([edges, [len(motifs)]]).astype(np.int64)[: len(start)]
    own = motifs[start] >= 0 if len(start) else np.zeros(0, dtype=bool)
    return Bouts(motifs[start[own]].astype(np.int64), start[own], stop[own])


def use_of_motifs(bouts: Bouts, n_motifs: int, fps: float) -> pd.DataFrame:
    """Per motif: frames, share of all frames that have one, bouts, quartiles of their seconds.

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


def count_transitions(bouts: Bouts, n_motifs: int) -> np.ndarray:
    """(from, to) how often a bout of one motif follows one of another, with no frame between."""
    joined = bouts.stop[:-1] == bouts.start[1:]
    counts = np.zeros((n_motifs, n_motifs), dtype=np.int64)
    np.add.at(counts, (bouts.motif[:-1][joined], bouts.motif[1:][joined]), 1)
    return counts


def transition_table(counts: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Tidy rows of each session's counts; the probability is that of the next motif.

    It is empty where a motif is never left.
    """
    tables = []
    for session, own in counts.items():
        left = own.sum(axis=1, keepdims=True)
        chance = np.divide(own, left, out=np.full(own.shape, np.nan), where=left > 0)
        first, second = np.nonzero(~np.eye(len(own), dtype=bool))
        tables.append(
            pd.DataFrame(
                {
                    "session": session,
                    "from_motif": first,
                    "to_motif": second,
                    "count": own[first, second],
                    "probability": chance[first, second],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def motion(track: np.ndarray, fps: float) -> np.ndarray:
    """(frame, 2) speed in px/s, and turning in deg/s, positive where the heading angle rises.

    Both over `MOTION_SECONDS` before and after; NaN where a frame of that is not usable.

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
    """Mean and standard deviation of every feature in the frames of each motif, summed up part by
    part."""

    def __init__(self, n_motifs: int, features: Sequence[str], scalars: Sequence[str]) -> None:
        self.features = [*features, *UNITS]
        self.units = [*("" if name in scalars else "px" for name in features), *UNITS.values()]
        shape = n_motifs, len(self.features)
        self._count, self._sum, self._squares = (np.zeros(shape) for _ in range(3))
        self._shift: np.ndarray | None = None  # near the mean: squares of it cancel nothing

    def add(self, aligned: Aligned, motifs: np.ndarray) -> None:
        """Add the frames of a recording that have a motif."""
        order = [aligned.features.index(name) for name in self.features[: -len(UNITS)]]
        moved = motion(aligned.track, aligned.fps)
        for part in blocks_of(len(motifs)):
            own = motifs[part] >= 0
            if not own.any():
                continue
            values = np.hstack([aligned.poses[part][own][:, order], moved[part][own]]).astype(float)
            if self._shift is None:
                self._shift = np.nan_to_num(values).mean(axis=0)
            known = np.isfinite(values)
            values = np.where(known, values - self._shift, 0)
            rows = motifs[part][own]
            member = csr_array(
                (np.ones(len(rows)), (rows, np.arange(len(rows)))),
                shape=(len(self._count), len(rows)),
            )
            self._count += member @ known.astype(float)
            self._sum += member @ values
            self._squares += member @ values**2

    def table(self) -> pd.DataFrame:
        """A row per motif and feature; mean and sd are empty for a motif that is not used."""
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = self._sum / self._count
            sd = np.sqrt(np.maximum(self._squares / self._count - mean**2, 0))
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


def example_bouts(
    session: str, bouts: Bouts, latents: np.ndarray, segmenter: Segmenter, fps: float
) -> pd.DataFrame:
    """Of each motif, the bouts of a recording whose windows lie nearest to the motif's centre.

    Among those that last at least as long as the motif's median bout: a bout of one frame shows
    nothing. `distance` is the mean over the bout's windows.
    """
    offset = centre_of(segmenter.time_window)
    chosen = np.flatnonzero(
        bouts.frames >= pd.Series(bouts.frames).groupby(bouts.motif).transform("median").to_numpy()
    )
    distance = np.full(len(bouts.motif), np.inf)
    for number in chosen.tolist():
        part = slice(bouts.start[number] - offset, bouts.stop[number] - offset)
        apart = latents[part] - segmenter.centres[bouts.motif[number]]
        distance[number] = np.sqrt((apart**2).sum(axis=1)).mean()
    order = chosen[np.lexsort((distance[chosen], bouts.motif[chosen]))]
    table = pd.DataFrame(
        {
            "motif": bouts.motif[order],
            "session": session,
            "first_frame": bouts.start[order],
            "last_frame": bouts.stop[order] - 1,
            "seconds": bouts.frames[order] / fps,
            "distance": distance[order],
        }
    )
    return table.groupby("motif").head(EXAMPLES)


def rank_examples(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The nearest bouts of each motif over all sessions, ranked from 1."""
    table = pd.concat(tables, ignore_index=True)
    table = table.sort_values(["motif", "distance", "session", "first_frame"])
    table = table.groupby("motif").head(EXAMPLES)
    table.insert(1, "rank", table.groupby("motif").cumcount() + 1)
    return table.drop(columns="distance")
