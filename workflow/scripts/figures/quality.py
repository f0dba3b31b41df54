"""One recording before training: what was cleaned, raw and cleaned tracks, the aligned skeleton."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures.style import (
    BLUE,
    FAINT,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    bin_means,
    empty_panel,
    feature_label,
    headline,
    legend_over,
    page_figure,
    shorten,
)

# state in `states`: label, colour
STATES = {
    0: ("measured", FAINT),
    1: ("interpolated", BLUE),
    2: ("missing, not filled", INK),
    3: ("outlier, not filled", VERMILION),
}
UNUSABLE = "#F6D9C9"
BINS = 720
TRACES = 3
ROW_MM = 3.4
NAME_LENGTH = 22


def draw_quality(session: str, summary: Mapping, traces: Mapping[str, np.ndarray]) -> Figure:
    """Draw the figure of one session, from the output of `inspect_poses`.

    Panels are labelled (`Axes.get_label`): `states`, `trace/{name}_{axis}`, `skeleton` and
    `body length`; the last two are left out if there are no keypoints.
    """
    names = [str(name) for name in traces["names"]]
    shown = most_cleaned(traces)
    heights = {"states": max(18.0, ROW_MM * (len(names) + 1)), "traces": 21.0 * len(shown)}
    heights["posture"] = 58.0 * bool(len(traces["keypoints"]))
    heights = {part: height for part, height in heights.items() if height}
    with page_figure(sum(heights.values()) + 14 * len(heights)) as figure:
        cells = figure.add_gridspec(len(heights), 1, height_ratios=list(heights.values()))
        cells = dict(zip(heights, cells, strict=True))
        _draw_states(figure.add_subplot(cells["states"], label="states"), traces, names)
        if shown:
            _draw_traces(figure, cells["traces"].subgridspec(len(shown), 1), traces, shown)
        if "posture" in heights:
            below = cells["posture"].subgridspec(1, 2, width_ratios=[1.1, 1])
            _draw_skeleton(figure.add_subplot(below[0], label="skeleton"), traces)
            _draw_body_length(figure.add_subplot(below[1], label="body length"), traces)
        _draw_title(figure, session, summary)
    return figure


def most_cleaned(traces: Mapping[str, np.ndarray]) -> list[tuple[int, int]]:
    """Choose (name, axis) of the traces to show: each one's widest axis, the most cleaned first."""
    _, clean = _raw_and_clean(traces)
    start = int(traces["excerpt_start"])
    states = traces["states"][start : start + len(clean), : clean.shape[1]]
    work = (states != 0).sum(axis=0)
    spread = np.nan_to_num(np.fmax.reduce(clean, axis=0) - np.fmin.reduce(clean, axis=0))
    moving = [int(point) for point in np.argsort(-work, kind="stable") if spread[point].max() > 0]
    return [(point, int(np.argmax(spread[point]))) for point in moving[:TRACES]]


def _raw_and_clean(traces):
    """Return (frame, name, axis) of the excerpt: keypoints, or scalars if there are none."""
    if len(traces["keypoints"]):
        return traces["raw"], traces["clean"]
    scalars = traces["scalars"][..., None]
    return scalars, scalars


def _draw_states(axes: Axes, traces: Mapping[str, np.ndarray], names: list[str]) -> None:
    states, usable = traces["states"], traces["usable"]
    colours = np.array([to_rgb(colour) for _, colour in STATES.values()])
    lost = np.array([to_rgb(FAINT), to_rgb(ORANGE)])
    image = np.stack(  # a bin has the mean colour of its frames
        [
            *(bin_means(colours[states[:, row]], BINS) for row in range(len(names))),
            bin_means(lost[(~usable).astype(int)], BINS),
        ]
    )
    minutes = len(states) / float(traces["fps"]) / 60
    axes.imshow(
        image, aspect="auto", extent=(0, minutes, len(names) + 0.5, -0.5), interpolation="none"
    )
    axes.set_yticks(
        range(len(names) + 1), [*(shorten(name, NAME_LENGTH) for name in names), "whole frame"]
    )
    axes.tick_params(axis="y", length=0)
    axes.axhline(len(names) - 0.5, color="white", linewidth=2)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("time in the recording (min)")
    axes.set_title("State of every frame", pad=14)
    shown = [*STATES.values(), ("unusable", ORANGE)]
    handles = [Patch(facecolor=colour, label=label) for label, colour in shown]
    legend_over(axes, handles, "left", handlelength=1.0)


def _draw_traces(figure: Figure, grid, traces: Mapping[str, np.ndarray], shown) -> None:
    first = None
    for place, (point, axis) in enumerate(shown):
        axes = figure.add_subplot(grid[place], sharex=first)
        first = first or axes
        _draw_trace(axes, traces, point, axis)
        axes.tick_params(labelbottom=place == len(shown) - 1)
    axes.set_xlabel("time in the recording (s)")
    first.set_title("Raw and cleaned tracks, egocentric")
    handles = [
        Line2D([], [], color=GREY, linewidth=0.8, label="raw (clipped at the panel's edge)"),
        Line2D([], [], color=BLUE, label="cleaned"),
        Patch(facecolor=UNUSABLE, label="unusable frame"),
    ]
    legend_over(first, handles, "right", handlelength=1.4)


def _draw_trace(axes: Axes, traces: Mapping[str, np.ndarray], point: int, axis: int) -> None:
    start, fps = int(traces["excerpt_start"]), float(traces["fps"])
    raw, clean = (values[:, point, axis] for values in _raw_and_clean(traces))
    seconds = (start + np.arange(len(clean))) / fps
    unusable = ~traces["usable"][start : start + len(clean)]
    axes.fill_between(
        seconds, 0, 1, where=unusable, step="mid", transform=axes.get_xaxis_transform(),
        color=UNUSABLE, linewidth=0, label="unusable",
    )  # fmt: skip
    axes.plot(seconds, raw, color=GREY, linewidth=0.9, label="raw", zorder=2)
    axes.plot(seconds, clean, color=BLUE, linewidth=1.1, label="cleaned", zorder=3)
    known = clean[np.isfinite(clean)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    margin = 0.35 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.margins(x=0)
    name = str(traces["names"][point])
    if len(traces["keypoints"]):
        name += f"_{'xyz'[axis]}"
    axes.set_label(f"trace/{name}")
    axes.set_ylabel(feature_label(name))


def _draw_skeleton(axes: Axes, traces: Mapping[str, np.ndarray]) -> None:
    skeleton = traces["skeleton"][..., :2]
    names = [str(name) for name in traces["keypoints"]]
    axes.set_title("Aligned skeleton (usable frames)")
    if not len(skeleton):
        empty_panel(axes, "no usable frames")
        return
    axes.set_xlabel("forward (px)")
    axes.set_ylabel("sideways (px)")
    seen = [point for point in range(len(names)) if np.isfinite(skeleton[:, point]).any()]
    middle = np.nanmedian(skeleton, axis=0)
    points = skeleton[:, seen].reshape(-1, 2)
    axes.scatter(*points.T, s=1.5, color=BLUE, alpha=0.12, linewidth=0, rasterized=True)
    axes.scatter(*middle[seen].T, s=14, color=INK, edgecolor="white", linewidth=0.5, zorder=3)
    low, high = np.nanpercentile(points, [0.5, 99.5], axis=0)
    margin = 0.12 * (high - low).max() or 1.0
    axes.set_aspect("equal", adjustable="box", anchor="NW")
    axes.set_xlim(low[0] - margin, high[0] + margin)
    axes.set_ylim(high[1] + margin, low[1] - margin)  # as in the image, whose y axis points down
    # Names are in a column next to the panel, from top to bottom, so that none hides another.
    heights = np.linspace(1, 0, len(seen) + 2)[1:-1]
    for point, height in zip(sorted(seen, key=lambda each: middle[each, 1]), heights, strict=True):
        axes.annotate(
            shorten(names[point], NAME_LENGTH), middle[point], xytext=(1.06, height),
            textcoords="axes fraction", va="center", fontsize=6.5,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkB": 2},
        )  # fmt: skip


def _draw_body_length(axes: Axes, traces: Mapping[str, np.ndarray]) -> None:
    length, fps = traces["body_length"], float(traces["fps"])
    axes.set_title("Distance from center to orient")
    if not np.isfinite(length).any():
        empty_panel(axes, "unknown in all frames")
        return
    axes.set_xlabel("time in the recording (min)")
    axes.set_ylabel("distance (px)")
    parts = np.array_split(length, min(120, len(length)))
    sizes = np.array([len(part) for part in parts])
    minutes = (np.cumsum(sizes) - sizes / 2) / fps / 60
    low, middle, high = np.transpose(
        [
            np.nanpercentile(part, [25, 50, 75]) if np.isfinite(part).any() else [np.nan] * 3
            for part in parts
        ]
    )
    axes.fill_between(
        minutes, low, high, color=BLUE, alpha=0.25, linewidth=0, label="interquartile range"
    )
    axes.plot(minutes, middle, color=BLUE, label="median")
    axes.axhline(
        float(np.nanmedian(length)), color=GREY, linewidth=0.8, linestyle=(0, (3, 2)),
        label="median of the recording", zorder=1,
    )  # fmt: skip
    top = np.nanmax(high)
    axes.set_ylim(0, 1.45 * top if top > 0 else 1)
    axes.set_xlim(0, len(length) / fps / 60)
    axes.legend(loc="upper right", handlelength=1.4)


def _draw_title(figure: Figure, session: str, summary: Mapping) -> None:
    summary_text = (
        f"{summary['frames']:,} frames at {summary['fps']:g} fps, {summary['minutes']:.1f} min; "
        f"{summary['usable_share']:.0%} usable ({summary['usable_minutes']:.1f} min); "
        f"{summary['jumps_per_minute']:.2g} jumps per keypoint and minute"
    )
    lines = textwrap.wrap(f"{shorten(session, 60)}: {summary_text}", 130)
    reason = summary["reason"] and f"Consider excluding this recording: {summary['reason']}"
    lines += textwrap.wrap(reason, 130)
    headline(figure, "\n".join(lines), VERMILION if reason else INK)
