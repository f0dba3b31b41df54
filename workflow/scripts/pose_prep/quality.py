"""Tracking quality of a recording, measured before training."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from formats.runs import find_runs

from pose_prep.cleaning import longest_gaps
from pose_prep.plausibility import percent
from pose_prep.recording import CleanedRecording, to_egocentric
from pose_prep.timescales import measure_timescales

JUMP_LENGTHS = 0.5
"""Body lengths that a keypoint has to move from one frame to the next for a jump, …"""
JUMP_SPEED = 15.0
"""… and body lengths per second, faster than any mouse, for low frame rates."""
UNSTEADY_BODY = 0.5
"""Relative spread of the body length above which its two keypoints are not on one body."""
SWAPPED = 0.01
"""Share of frames with center and orient swapped above which a session is marked."""
OTHER_SCALE = 2.0
"""Ratio of a session's body length to the others' above which its scale is different."""

EXCERPT_SECONDS = 12.0
SKELETON_FRAMES = 800
MEASURED, FILLED, MISSING, OUTLIER = range(4)


@dataclass(frozen=True)
class Inspection:
    """Results of `inspect_recording`.

    Attributes
    ----------
    table
        One row per keypoint and scalar, and one for all; see `summarise_quality`.
    summary
        Plain values about the session; `reason` is why it may be worth excluding, `notes` what
        was changed; `digest` is the same for sessions with the same positions.
    traces
        Arrays for the figure: `states` (frame, name) of `names`, `usable` (frame,), `body_length`
        (frame,); `raw` and `clean` (frame, name, axis) egocentric from `excerpt_start` on;
        `skeleton` (sample, keypoint, axis); `fps`.
    """

    table: pd.DataFrame
    summary: dict[str, Any]
    traces: dict[str, np.ndarray]


def inspect_recording(cleaned: CleanedRecording, min_usable_share: float) -> Inspection:
    """Measure one cleaned recording; problems are findings, not errors."""
    usable, fps = cleaned.usable, cleaned.fps
    body_length = np.linalg.norm(cleaned.reference[:, 1] - cleaned.reference[:, 0], axis=1)
    length = float(np.nanmedian(body_length)) if np.isfinite(body_length).any() else np.nan
    low, high = np.nanpercentile(body_length, [25, 75]) if length > 0 else (0, 0)
    table = summarise_quality(cleaned, find_jumps(cleaned, length))
    runs = find_runs(usable)
    summary = {
        "frames": len(usable),
        "fps": fps,
        "minutes": len(usable) / fps / 60,
        "usable_minutes": float(usable.sum()) / fps / 60,
        "usable_share": float(usable.mean()),
        "longest_usable_seconds": float(np.diff(runs).max()) / fps if len(runs) else 0.0,
        "jumps_per_minute": float(table["jumps_per_minute"].iloc[-1]),
        "swapped_share": float(cleaned.swapped.mean()),
        "body_length": length if length > 0 else None,
        "body_length_spread": float((high - low) / length) if length > 0 else None,
        "worst": str(table["unusable_share"].iloc[:-1].idxmax()) if cleaned.names else "",
        **measure_timescales(cleaned),
        "never_confident": cleaned.never_seen,
    }
    summary["reason"] = "; ".join(_reasons(summary, table, min_usable_share, cleaned.swapped_ends))
    summary["notes"] = "; ".join(filter(None, [cleaned.notes, _told_of_swaps(cleaned)]))
    summary["digest"] = digest_of(cleaned)
    states = np.select(
        [cleaned.filled, cleaned.outlier, cleaned.missing], [FILLED, OUTLIER, MISSING], MEASURED
    ).astype(np.uint8)
    traces = {
        "names": np.array(cleaned.names, dtype=np.str_),
        "keypoints": np.array(cleaned.keypoints, dtype=np.str_),
        "states": states,
        "usable": usable,
        "body_length": body_length.astype(np.float32),
        "fps": np.float64(fps),
        **_excerpt(cleaned, states == FILLED),
        "skeleton": _sample(cleaned.egocentric[usable], SKELETON_FRAMES).astype(np.float32),
    }
    return Inspection(table, summary, traces)


def summarise_quality(cleaned: CleanedRecording, jumps: np.ndarray) -> pd.DataFrame:
    """Compute, per keypoint and scalar, the shares of missing, filled and unusable frames.

    `missing_share`: not measured; `outlier_share`: measured, but implausible; `interpolated_share`
    and `unusable_share`: the part of both that was filled and that was not; `longest_gap_seconds`:
    the longest run of both; `jumps_per_minute`: see `find_jumps`. The last row has the means,
    the longest gap of any, and as `unusable_share` the share of frames that are not usable.
    """
    lost, fps = cleaned.missing | cleaned.outlier, cleaned.fps
    table = pd.DataFrame(
        {
            "missing_share": cleaned.missing.mean(axis=0),
            "interpolated_share": cleaned.filled.mean(axis=0),
            "outlier_share": cleaned.outlier.mean(axis=0),
            "unusable_share": (lost & ~cleaned.filled).mean(axis=0),
            "longest_gap_seconds": longest_gaps(lost) / fps,
            "jumps_per_minute": jumps.mean(axis=0) * fps * 60,
        },
        index=cleaned.names,
    )
    overall = table.mean()
    overall["unusable_share"] = 1 - cleaned.usable.mean()
    overall["longest_gap_seconds"] = table["longest_gap_seconds"].max()
    table = pd.concat([table, overall.rename("all keypoints").to_frame().T])
    return table.rename_axis("keypoint")


def find_jumps(cleaned: CleanedRecording, body_length: float) -> np.ndarray:
    """Mark (frame, name) where a keypoint has jumped since the previous frame, measured in both.

    A jump is longer than `JUMP_LENGTHS` body lengths and faster than `JUMP_SPEED`: swapped labels,
    or a detection elsewhere, with high confidence.
    """
    jumps = np.zeros_like(cleaned.missing)
    if np.isfinite(body_length):
        count = len(cleaned.keypoints)
        step = np.linalg.norm(np.diff(cleaned.positions, axis=0), axis=-1)
        limit = body_length * max(JUMP_LENGTHS, JUMP_SPEED / cleaned.fps)
        measured = ~cleaned.missing[:, :count]
        jumps[1:, :count] = (step > limit) & measured[1:] & measured[:-1]
    return jumps


def compare_sessions(summaries: dict[str, dict[str, Any]], resampled: bool) -> pd.DataFrame:
    """List sessions, one per row; `leave_out_because` includes findings from their comparison.

    Parameters
    ----------
    summaries
        By session: the summary of `inspect_recording`.
    resampled
        True if all recordings are resampled to one frame rate.
    """
    twins: dict[str, list[str]] = {}
    for name, summary in summaries.items():
        twins.setdefault(summary["digest"] or name, []).append(name)
    rates = [summary["fps"] for summary in summaries.values()]
    usual = max(rates, key=rates.count)
    rows = []
    for name, summary in summaries.items():
        reasons = [summary["reason"]] if summary["reason"] else []
        others = [own["body_length"] for other, own in summaries.items() if other != name]
        others = [length for length in others if length]
        if others and summary["body_length"]:
            ratio = summary["body_length"] / np.median(others)
            if not 1 / OTHER_SCALE <= ratio <= OTHER_SCALE:
                reasons.append(
                    f"its body length is {ratio:.2g} times that of the others: different camera, "
                    "scale or animal"
                )
        if not resampled and summary["fps"] != usual:
            reasons.append(f"different frame rate ({summary['fps']:g} fps): set resample_fps")
        same = [other for other in twins[summary["digest"] or name] if other != name]
        notes = [f"the same positions as in {', '.join(same)}"] if same else []
        hidden = ("reason", "notes", "digest")
        row = {key: value for key, value in summary.items() if key not in hidden}
        row["never_confident"] = ", ".join(summary["never_confident"])
        row["leave_out_because"] = "; ".join(reasons)
        row["notes"] = "; ".join(filter(None, [summary["notes"], *notes]))
        rows.append({"session": name} | row)
    return pd.DataFrame(rows).set_index("session")


def digest_of(cleaned: CleanedRecording) -> str | None:
    """Compute a digest of the positions, or of series if there are none; None if all are empty.

    In single precision, so that copies in different formats have the same digest.
    """
    values = cleaned.positions if cleaned.keypoints else cleaned.scalars
    values = values.astype(np.float32) + np.float32(0)  # removes negative zeros
    if not np.isfinite(values).any():
        return None
    values[np.isnan(values)] = np.nan  # the same bits for every NaN
    return hashlib.sha256(values.tobytes()).hexdigest()


def _told_of_swaps(cleaned):
    done = {"fix": "swapped back", "drop": "counted as missing"}.get(cleaned.swapped_ends)
    if not (done and cleaned.swapped.any()):
        return ""
    share = percent(cleaned.swapped.mean())
    return f"center and orient were swapped in {share} of frames, {done}"


def _reasons(summary, table, min_usable_share, swapped_ends) -> Iterator[str]:
    if not summary["usable_minutes"]:
        yield "no frame is usable"
    elif summary["usable_share"] < min_usable_share:
        worst = table["unusable_share"].iloc[:-1].nlargest(2)
        named = ", ".join(f"{name} ({share:.0%})" for name, share in worst.items())
        yield (
            f"only {summary['usable_share']:.0%} of its frames are usable, less than "
            f"min_usable_share ({min_usable_share:.0%}); keypoints that cost most frames: {named}; "
            "lowering pose_confidence or excluding these keypoints may help"
        )
    if (summary["body_length_spread"] or 0) > UNSTEADY_BODY:
        yield (
            f"the distance from center to orient varies by {summary['body_length_spread']:.0%}: "
            "wrong keypoints, or swapped detections"
        )
    if swapped_ends == "report" and summary["swapped_share"] > SWAPPED:
        yield (
            f"center and orient are swapped in {percent(summary['swapped_share'])} of frames: "
            "set swapped_ends to fix or drop"
        )


def _excerpt(cleaned, filled):
    """Return the part with most filled values, at least half usable, raw and clean."""
    length = min(max(int(EXCERPT_SECONDS * cleaned.fps), 2), len(filled))
    work = _sums(filled.sum(axis=1), length)
    worth = _sums(cleaned.usable, length)
    half = worth >= length / 2 if (worth >= length / 2).any() else worth == worth.max()
    most = np.flatnonzero(half & (work == work[half].max()))
    start = int(most[len(most) // 2])
    rows = slice(start, start + length)
    raw = cleaned.positions[rows]
    if cleaned.keypoints:
        raw = to_egocentric(raw, cleaned.reference[rows])
    return {
        "excerpt_start": np.int64(start),
        "raw": raw.astype(np.float32),
        "clean": cleaned.egocentric[rows].astype(np.float32),
        "scalars": cleaned.scalars[rows].astype(np.float32),
    }


def _sums(values, length):
    total = np.concatenate([[0], np.cumsum(values)])
    return total[length:] - total[:-length]


def _sample(values, count):
    if len(values) <= count:
        return values
    return values[np.linspace(0, len(values) - 1, count).astype(int)]
