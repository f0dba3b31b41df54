"""Held-out windows: measured, reconstructed and predicted."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.style import (
    BLUE,
    GREY,
    INK,
    VERMILION,
    feature_label,
    legend_outside,
    page_figure,
    round_ticks,
    shorten,
)

MOST_FEATURES = 6
MOST_WINDOWS = 4

# array: label, style; the lines differ in more than their colour
TRACKS = {
    "truth": ("measured", {"color": INK, "linewidth": 1.0}),
    "reconstruction": ("reconstruction", {"color": BLUE, "linewidth": 1.3}),
    "future": (
        "predicted future",
        {"color": VERMILION, "linewidth": 1.3, "linestyle": (0, (2.5, 1))},
    ),
}


def draw_reconstructions(windows: Mapping[str, np.ndarray]) -> Figure:
    """Draw the most variable features (rows) in example windows (columns) of `reconstructions.npz`.

    A vertical line marks the end of the window and the start of the future; without a future (S =
    0), both are missing. Panels are labelled (`Axes.get_label`) `{feature}/{column}`.
    """
    names = [str(feature) for feature in windows["features"]]
    shown = most_variable(windows["truth"], MOST_FEATURES)
    examples = spread_evenly(len(windows["truth"]), MOST_WINDOWS)
    with page_figure(22 + 23 * len(shown), wspace=0.03, hspace=0.03) as figure:
        grid = figure.subplots(len(shown), len(examples), squeeze=False, sharex="col", sharey="row")
        for row, feature in zip(grid, shown, strict=True):
            for column, (axes, window) in enumerate(zip(row, examples, strict=True)):
                axes.set_label(f"{names[feature]}/{column}")
                _draw_window(axes, windows, window, feature)
            row[0].set_ylabel(feature_label(names[feature]))
            row[0].yaxis.set_major_locator(round_ticks(3))
        for axes, window in zip(grid[0], examples, strict=True):
            axes.set_title(_window_title(windows, window))
        for axes in grid[-1]:
            axes.set_xlabel("time in window (s)")
            axes.xaxis.set_major_locator(round_ticks(4))
        figure.align_ylabels(grid[:, 0])
        _draw_legend(figure, windows)
        _say_which(figure, len(shown), len(names))
    return figure


def most_variable(truth: np.ndarray, count: int) -> np.ndarray:
    """Find the features of `truth` (n, frame, feature) with the largest spread, largest first."""
    spread = np.nanstd(truth, axis=(0, 1), dtype=float)
    return np.argsort(-spread, kind="stable")[:count]


def spread_evenly(total: int, count: int) -> np.ndarray:
    """Choose at most `count` of `total` indices: each the middle one of an equal share.

    Examples are chosen only by their order, not by the quality of their reconstruction.
    """
    count = min(count, total)
    return ((np.arange(count) + 0.5) * total / count).astype(int)


def _draw_window(axes: Axes, windows: Mapping[str, np.ndarray], window: int, feature: int) -> None:
    fps = float(windows["fps"][window])
    time_window = windows["reconstruction"].shape[1]
    for name, (label, style) in TRACKS.items():
        track = windows[name][window, :, feature]
        if not track.size:
            continue
        first = time_window if name == "future" else 0
        seconds = (first + np.arange(track.size)) / fps
        axes.plot(seconds, track, label=label, marker=_marker(track.size), **style)
    if windows["future"].shape[1]:
        axes.axvline(
            time_window / fps, color=GREY, linewidth=0.6, zorder=1, label="end of the window"
        )
    axes.margins(x=0.02, y=0.08)


def _window_title(windows: Mapping[str, np.ndarray], window: int) -> str:
    start = windows["first_frame"][window] / windows["fps"][window]
    return f"{shorten(str(windows['session'][window]), 22)}\nfrom {start:.2f} s"


def _draw_legend(figure: Figure, windows: Mapping[str, np.ndarray]) -> None:
    handles = [
        Line2D([], [], label=label, marker=_marker(windows[name].shape[1]), **style)
        for name, (label, style) in TRACKS.items()
        if windows[name].shape[1]
    ]
    legend_outside(figure, handles, handlelength=2.2, handletextpad=0.8)


def _say_which(figure: Figure, shown: int, total: int) -> None:
    which = f"the {shown} most variable of {total} features" if shown < total else "all features"
    note = figure.legend(
        handles=[Line2D([], [], linestyle="none", label=which)], loc="upper right",
        handlelength=0, handletextpad=0, labelcolor=GREY,
    )  # fmt: skip
    note.set_in_layout(False)  # it shares the line of the legend, which reserves the space


def _marker(frames: int) -> str | None:
    return "." if frames == 1 else None  # a single frame has no line
