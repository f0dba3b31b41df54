"""One recording before training: what was cleaned, raw against cleaned, the aligned skeleton."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from figures.style import BLUE, GREY, INK, ORANGE, VERMILION, page_figure, paper_style, shorten

# state in `states`: label, colour
STATES = {
    0: ("measured", "#E2E2E2"),
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
    """The figure of one session, from what `inspect_poses` wrote.

    Panels are labelled (`Axes.get_label`): `states`, `trace/{name} {axis}`, `skeleton` and
    `body length`; the last two are left out where there are no keypoints.
    """
    names = [str(name) for name in traces["names"]]
    shown = most_cleaned(traces)
    heights = {"states": max(18.0, ROW_MM * (len(names) + 1)), "traces": 21.0 * len(shown)}
    if len(traces["keypoints"]):
        heights["posture"] = 58.0
    heights = {part: height for part, height in heights.items() if height}
    with paper_style():
        figure = page_figure(height_mm=sum(heights.values()) + 14 * len(heights))
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
    """(name, axis) of the traces to show: each one's widest axis, the most cleaned first."""
    _, clean = _raw_and_clean(traces)
    start = int(traces["excerpt_start"])
    states = traces["states"][start : start + len(clean), : clean.shape[1]]
    work = (states != 0).sum(axis=0)
    spread = [
        [_spread(clean[:, point, axis]) for axis in range(clean.shape[2])]
        for point in range(clean.shape[1])
    ]
    moving = [int(point) for point in np.argsort(-work, kind="stable") if max(spread[point]) > 0]
    return [(point, int(np.argmax(spread[point]))) for point in moving[:TRACES]]


def _raw_and_clean(traces):
    """(frame, name, axis) of the excerpt: keypoints, or the numbers per frame where none are."""
    if len(traces["keypoints"]):
        return traces["raw"], traces["clean"]
    scalars = traces["scalars"][..., None]
    return scalars, scalars


def _spread(values):
    values = values[np.isfinite(values)]
    return float(np.ptp(values)) if len(values) else 0.0


def _draw_states(axes: Axes, traces: Mapping[str, np.ndarray], names: list[str]) -> None:
    states, usable = traces["states"], traces["usable"]
    colours = np.array([to_rgb(colour) for _, colour in STATES.values()])
    frames = len(states)
    edges = np.linspace(0, frames, min(BINS, frames) + 1).astype(int)[:-1]
    image = np.zeros((len(names) + 1, len(edges), 3))
    width = np.diff(np.append(edges, frames))[:, None]
    for row in range(len(names)):  # a bin has the mean colour of its frames
        image[row] = np.add.reduceat(colours[states[:, row]], edges, axis=0) / width
    lost = np.array([to_rgb(STATES[0][1]), to_rgb(ORANGE)])
    image[-1] = np.add.reduceat(lost[(~usable).astype(int)], edges, axis=0) / width
    minutes = frames / float(traces["fps"]) / 60
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
    axes.set_title("What became of every frame", pad=14)
    handles = [Patch(facecolor=colour, label=label) for label, colour in STATES.values()]
    handles.append(Patch(facecolor=ORANGE, label="unusable"))
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0, 1.0),
        ncols=len(handles),
        handlelength=1.0,
        handleheight=1.0,
        columnspacing=1.4,
        borderpad=0,
        borderaxespad=0.2,
    )


def _draw_traces(figure: Figure, grid, traces: Mapping[str, np.ndarray], shown) -> None:
    first = None
    for place, (point, axis) in enumerate(shown):
        axes = figure.add_subplot(grid[place], sharex=first)
        first = first or axes
        _draw_trace(axes, traces, point, axis)
        axes.tick_params(labelbottom=place == len(shown) - 1)
    first.set_title("Raw against cleaned, in the animal's frame")
    axes.set_xlabel("time in the recording (s)")


def _draw_trace(axes: Axes, traces: Mapping[str, np.ndarray], point: int, axis: int) -> None:
    start, fps = int(traces["excerpt_start"]), float(traces["fps"])
    raw, clean = (values[:, point, axis] for values in _raw_and_clean(traces))
    seconds = (start + np.arange(len(clean))) / fps
    unusable = ~traces["usable"][start : start + len(clean)]
    axes.fill_between(
        seconds,
        0,
        1,
        where=unusable,
        step="mid",
        transform=axes.get_xaxis_transform(),
        color=UNUSABLE,
        linewidth=0,
        label="unusable",
    )
    axes.plot(seconds, raw, color=GREY, linewidth=0.9, label="raw", zorder=2)
    axes.plot(seconds, clean, color=BLUE, linewidth=1.1, label="cleaned", zorder=3)
    known = clean[np.isfinite(clean)]
    low, high = (known.min(), known.max()) if len(known) else (0.0, 1.0)
    margin = 0.35 * (high - low) or 1.0
    axes.set_ylim(low - margin, high + margin)
    axes.margins(x=0)
    name, unit = shorten(str(traces["names"][point]), NAME_LENGTH), ""
    if len(traces["keypoints"]):
        name, unit = f"{name} {'xyz'[axis]}", "\n(px)"
    axes.set_label(f"trace/{name}")
    axes.set_ylabel("\n".join(textwrap.wrap(name, 14)) + unit)
    if axes.get_subplotspec().rowspan.start == 0:
        handles = [
            Line2D([], [], color=GREY, linewidth=0.8, label="raw (beyond the panel: cut)"),
            Line2D([], [], color=BLUE, label="cleaned"),
            Patch(facecolor=UNUSABLE, label="frame unusable"),
        ]
        axes.legend(
            handles=handles,
            loc="lower right",
            bbox_to_anchor=(1, 1.0),
            ncols=3,
            handlelength=1.4,
            columnspacing=1.4,
            borderpad=0,
            borderaxespad=0.2,
        )


def _draw_skeleton(axes: Axes, traces: Mapping[str, np.ndarray]) -> None:
    skeleton = traces["skeleton"][..., :2]
    names = [str(name) for name in traces["keypoints"]]
    axes.set_title("Aligned skeleton, usable frames")
    axes.set_xlabel("ahead (px)")
    axes.set_ylabel("to the side (px)")
    if not len(skeleton):
        axes.text(0.5, 0.5, "no usable frame", ha="center", transform=axes.transAxes, color=GREY)
        return
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
    # Names stand in a column beside the panel, from top to bottom, so that none hides another.
    heights = np.linspace(1, 0, len(seen) + 2)[1:-1]
    for point, height in zip(
        sorted(seen, key=lambda point: middle[point, 1]), heights, strict=True
    ):
        axes.annotate(
            shorten(names[point], NAME_LENGTH),
            middle[point],
            xytext=(1.06, height),
            textcoords="axes fraction",
            va="center",
            fontsize=6.5,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkB": 2},
        )


def _draw_body_length(axes: Axes, traces: Mapping[str, np.ndarray]) -> None:
    length, fps = traces["body_length"], float(traces["fps"])
    axes.set_title("Distance from center to orient")
    axes.set_xlabel("time in the recording (min)")
    axes.set_ylabel("px")
    if not np.isfinite(length).any():
        axes.text(0.5, 0.5, "never known", ha="center", transform=axes.transAxes, color=GREY)
        return
    parts = np.array_split(length, min(120, len(length)))
    ends = np.cumsum([len(part) for part in parts])
    minutes = (ends - np.array([len(part) for part in parts]) / 2) / fps / 60
    quartiles = np.array(
        [
            np.nanpercentile(part, [25, 50, 75]) if np.isfinite(part).any() else [np.nan] * 3
            for part in parts
        ]
    )
    axes.fill_between(
        minutes,
        quartiles[:, 0],
        quartiles[:, 2],
        color=BLUE,
        alpha=0.25,
        linewidth=0,
        label="middle half of the frames",
    )
    axes.plot(minutes, quartiles[:, 1], color=BLUE, label="median")
    axes.axhline(
        float(np.nanmedian(length)),
        color=GREY,
        linewidth=0.8,
        linestyle=(0, (3, 2)),
        label="median of the recording",
        zorder=1,
    )
    top = np.nanmax(quartiles[:, 2])
    axes.set_ylim(0, 1.3 * top if top > 0 else 1)
    axes.set_xlim(0, len(length) / fps / 60)
    axes.legend(loc="upper right", ncols=1, borderaxespad=0.2, handlelength=1.4)


def _draw_title(figure: Figure, session: str, summary: Mapping) -> None:
    said = (
        f"{summary['frames']:,} frames at {summary['fps']:g} fps, {summary['minutes']:.1f} min; "
        f"{summary['usable_share']:.0%} usable ({summary['usable_minutes']:.1f} min); "
        f"{summary['jumps_per_minute']:.2g} jumps per keypoint and minute"
    )
    lines = textwrap.wrap(f"{shorten(session, 60)}: {said}", 130)
    reason = summary["reason"] and f"Worth leaving out? {summary['reason']}"
    colour = VERMILION if reason else INK
    lines += textwrap.wrap(reason, 130) if reason else []
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=7.5, color=colour)
