"""What a recording is worth, before anything is trained on it."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pose_prep import cleaning
from pose_prep.alignment import CleanedRecording, to_egocentric

JUMP_LENGTHS = 0.5
"""Body lengths that a keypoint has to move from one frame to the next for a jump, …"""
JUMP_SPEED = 15.0
"""… and body lengths per second, which no mouse runs, for low frame rates."""
UNSTEADY_BODY = 0.5
"""Relative spread of the body length above which its two keypoints are not those of one body."""
OTHER_SCALE = 2.0
"""Ratio of a session's body length to that of the others above which it has another scale."""

EXCERPT_SECONDS = 12.0
SKELETON_FRAMES = 800
MEASURED, FILLED, MISSING, OUTLIER = range(4)


@dataclass(frozen=True)
class Inspection:
    """What ``inspect_recording`` finds.

    Attributes
    ----------
    table
        One row per keypoint and number per frame, and one for all; see ``summarise_quality``.
    summary
        Plain values about the session; ``reason`` says why it may be worth leaving out.
    traces
        Arrays for the figure: ``states`` (frame, name) of ``names``, ``usable`` (frame,),
        ``body_length`` (frame,); ``raw`` and ``clean`` (frame, name, axis) egocentric from
        ``excerpt_start`` on; ``skeleton`` (sample, keypoint, axis); ``fps``.
    """

    table: pd.DataFrame
    summary: dict
    traces: dict[str, np.ndarray]


def inspect_recording(cleaned: CleanedRecording, min_usable_share: float) -> Inspection:
    """Measure one cleaned recording; whatever is wrong with it is a finding, not an error."""
    names = cleaned.keypoints + cleaned.scalar_names
    missing = np.hstack([cleaned.missing, cleaned.scalars_missing])
    filled = np.hstack([cleaned.filled, cleaned.scalars_filled])
    outlier = np.hstack([cleaned.outlier, np.zeros_like(cleaned.scalars_missing)])
    usable, fps = cleaned.usable, cleaned.fps
    body_length = measure_body_length(cleaned)
    length = float(np.nanmedian(body_length)) if np.isfinite(body_length).any() else np.nan
    jumps = np.zeros_like(missing)
    jumps[:, : len(cleaned.keypoints)] = find_jumps(
        cleaned.positions, ~cleaned.missing, length, fps
    )
    table = summarise_quality(
        missing=missing,
        outlier=outlier,
        filled=filled,
        jumps=jumps,
        usable=usable,
        names=names,
        fps=fps,
    )
    runs = cleaning.find_runs(usable)
    summary = {
        "frames": len(usable),
        "fps": fps,
        "minutes": len(usable) / fps / 60,
        "usable_minutes": float(usable.sum()) / fps / 60,
        "usable_share": float(usable.mean()),
        "longest_usable_seconds": float(np.diff(runs).max()) / fps if len(runs) else 0.0,
        "jumps_per_minute": float(table["jumps_per_minute"].iloc[-1]),
        "body_length": length if length > 0 else None,
        "body_length_spread": _relative_spread(body_length) if length > 0 else None,
        "worst": str(table["unusable_share"].iloc[:-1].idxmax()) if names else "",
        "never_confident": cleaned.never_seen,
    }
    summary["reason"] = "; ".join(_reasons(summary, table, min_usable_share))
    states = np.full(missing.shape, MEASURED, dtype=np.uint8)
    states[missing] = MISSING
    states[outlier] = OUTLIER
    states[filled] = FILLED
    traces = {
        "names": np.array(names, dtype=np.str_),
        "keypoints": np.array(cleaned.keypoints, dtype=np.str_),
        "states": states,
        "usable": usable,
        "body_length": body_length.astype(np.float32),
        "fps": np.float64(fps),
        **_excerpt(cleaned, states, usable),
        "skeleton": _sample(cleaned.egocentric[usable], SKELETON_FRAMES).astype(np.float32),
    }
    return Inspection(table, summary, traces)


def summarise_quality(
    *,
    missing: np.ndarray,
    outlier: np.ndarray,
    filled: np.ndarray,
    jumps: np.ndarray,
    usable: np.ndarray,
    names: list[str],
    fps: float,
) -> pd.DataFrame:
    """What became of each keypoint, as shares of all frames.

    ``missing_share``: not measured; ``outlier_share``: measured, but implausible;
    ``interpolated_share`` and ``unusable_share``: the part of both that was filled and that was
    not; ``longest_gap_seconds``: the longest stretch of both; ``jumps_per_minute``: see
    ``find_jumps``. The last row has the means over keypoints, the longest gap of any, and as
    ``unusable_share`` the share of frames that are lost because at least one keypoint is.

    Parameters
    ----------
    missing, outlier, filled, jumps
        (frame, keypoint) bool
    usable
        (frame,) bool
    """
    lost = missing | outlier
    per_keypoint = pd.DataFrame(
        {
            "missing_share": missing.mean(axis=0),
            "interpolated_share": filled.mean(axis=0),
            "outlier_share": outlier.mean(axis=0),
            "unusable_share": (lost & ~filled).mean(axis=0),
            "longest_gap_seconds": cleaning.longest_gaps(lost) / fps,
            "jumps_per_minute": jumps.mean(axis=0) * fps * 60,
        },
        index=pd.Index(names, name="keypoint"),
    )
    overall = per_keypoint.mean()
    overall["unusable_share"] = 1 - usable.mean()
    overall["longest_gap_seconds"] = per_keypoint["longest_gap_seconds"].max()
    return pd.concat([per_keypoint, overall.rename("all keypoints").to_frame().T]).rename_axis(
        "keypoint"
    )


def find_jumps(
    positions: np.ndarray, measured: np.ndarray, body_length: float, fps: float
) -> np.ndarray:
    """(frame, keypoint) where a keypoint that is measured in both has left the frame before.

    A jump is longer than ``JUMP_LENGTHS`` body lengths and faster than ``JUMP_SPEED``: labels that
    change places, or a detection elsewhere, that the tracker was sure of.
    """
    jumps = np.zeros_like(measured)
    if np.isfinite(body_length):
        step = np.linalg.norm(np.diff(positions, axis=0), axis=-1)
        limit = body_length * max(JUMP_LENGTHS, JUMP_SPEED / fps)
        jumps[1:] = (step > limit) & measured[1:] & measured[:-1]
    return jumps


def measure_body_length(cleaned: CleanedRecording) -> np.ndarray:
    """(frame,) distance from center to orient, NaN where one of them is not known."""
    return np.linalg.norm(cleaned.reference[:, 1] - cleaned.reference[:, 0], axis=1)


def compare_sessions(
    summaries: dict[str, dict], notes: dict[str, str], resampled: bool
) -> pd.DataFrame:
    """One row per session; ``leave_out_because`` also has what shows only beside the others."""
    rows = []
    lengths = {name: summary["body_length"] for name, summary in summaries.items()}
    rates = [summary["fps"] for summary in summaries.values()]
    for name, summary in summaries.items():
        reasons = [summary["reason"]] if summary["reason"] else []
        others = [value for other, value in lengths.items() if other != name and value]
        if others and lengths[name]:
            ratio = lengths[name] / np.median(others)
            if not 1 / OTHER_SCALE <= ratio <= OTHER_SCALE:
                reasons.append(
                    f"its body length is {ratio:.2g} times that of the others: another camera, "
                    "scale or animal"
                )
        if not resampled and summary["fps"] != max(rates, key=rates.count):
            reasons.append(f"another frame rate ({summary['fps']:g} fps): set resample_fps")
        row = {key: value for key, value in summary.items() if key != "reason"}
        row["never_confident"] = ", ".join(summary["never_confident"])
        rows.append(
            {"session": name, **row, "leave_out_because": "; ".join(reasons), "notes": notes[name]}
        )
    return pd.DataFrame(rows).set_index("session")


def _reasons(summary, table, min_usable_share):
    if not summary["usable_minutes"]:
        yield "no frame is usable"
    elif summary["usable_share"] < min_usable_share:
        worst = table["unusable_share"].iloc[:-1].nlargest(2)
        named = ", ".join(f"{name} ({share:.0%})" for name, share in worst.items())
        yield (
            f"only {summary['usable_share']:.0%} of its frames are usable, fewer than "
            f"min_usable_share ({min_usable_share:.0%}); keypoints that cost most: {named}; a "
            "lower pose_confidence, or to do without them, may save it"
        )
    if (summary["body_length_spread"] or 0) > UNSTEADY_BODY:
        yield (
            f"the distance from center to orient spreads by {summary['body_length_spread']:.0%}: "
            "wrong keypoints, or detections that change places"
        )


def _relative_spread(values):
    """Interquartile range over median, which single outliers leave alone."""
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, [25, 75])
    return float((high - low) / np.median(values))


def _excerpt(cleaned, states, usable):
    """The stretch with most that was filled, of those at least half usable, raw and clean."""
    length = min(max(int(EXCERPT_SECONDS * cleaned.fps), 2), len(states))
    work = _sums((states == FILLED).sum(axis=1), length)
    worth = _sums(usable, length)
    half = worth >= length / 2 if (worth >= length / 2).any() else worth == worth.max()
    most = np.flatnonzero(half & (work == work[half].max()))
    start = int(most[len(most) // 2])
    rows = slice(start, start + length)
    raw, clean = cleaned.positions[rows], cleaned.egocentric[rows]
    if cleaned.keypoints:
        raw = to_egocentric(raw, cleaned.reference[rows])
    return {
        "excerpt_start": np.int64(start),
        "raw": raw.astype(np.float32),
        "clean": clean.astype(np.float32),
        "scalars": cleaned.scalars[rows].astype(np.float32),
    }


def _sums(values, length):
    total = np.concatenate([[0], np.cumsum(values)])
    return total[length:] - total[:-length]


def _sample(values: np.ndarray, count: int) -> np.ndarray:
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).astype(int)]
