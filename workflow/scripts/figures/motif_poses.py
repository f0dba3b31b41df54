"""Mean pose of each motif, its spread, and the path of the animal."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from figures.motif_marks import motif_colour, motif_tile, names_of, shares_of
from figures.skeletons import edges_of, poses_of
from figures.style import INK, PAGE_WIDTH_MM, empty_panel, headline, page_figure, shorten

MOST_COLUMNS = 5
PATH_SECONDS = (1.0, 0.5, 0.2, 0.1)
SCALE_BARS = (1000, 500, 200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1)
SPREAD = "#C4C4C4"
MOTION = ["speed", "turning"]


def draw_motif_poses(
    profile: pd.DataFrame,
    usage: pd.DataFrame,
    skeleton: Sequence[Sequence[str]] | None,
    center: str,
) -> Figure:
    """Draw `profile.csv` and `usage.csv`; `skeleton` lists keypoints to connect, None finds lines.

    Panels are labelled (`Axes.get_label`) by their motif.
    """
    shares, called = shares_of(usage), names_of(usage)
    motifs = [int(motif) for motif in shares.index]
    tables = profile.pivot(index="motif", columns="feature", values=["mean", "sd"]).reindex(motifs)
    means = tables["mean"]
    names, poses = poses_of(means.to_numpy(float), list(means.columns), center)
    _, spreads = poses_of(tables["sd"].to_numpy(float), list(means.columns), center)
    known = np.isfinite(poses).all(axis=(1, 2)) if names else np.zeros(len(motifs), bool)
    edges, limits, seconds, height = [], None, None, 20.0
    rows = -(-len(motifs) // MOST_COLUMNS)
    columns = -(-len(motifs) // rows)  # six motifs are two rows of three
    if known.any():
        edges = edges_of(names, poses[known].mean(axis=0), skeleton)
        seconds = path_seconds(means, poses[known])
        reach = np.nan_to_num(spreads[known])
        limits = _limits(means, [poses[known] - reach, poses[known] + reach], seconds)
        width, length = limits[1] - limits[0]
        height = float(np.clip(PAGE_WIDTH_MM / columns * length / width, 12, 36))
    with page_figure(12 + (height + 7) * rows, hspace=0.03, wspace=0.02) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(motifs) :]:
            axes.set_axis_off()
        for row, (axes, motif) in enumerate(zip(grid.flat, motifs, strict=False)):
            axes.set_label(str(motif))
            if not known[row]:
                empty_panel(axes, "not used" if names else "no keypoints")
            else:
                path = path_of(means.loc[motif], seconds) if seconds else None
                _draw_motif(axes, motif, poses[row], spreads[row], edges, path)
                axes.set(xlim=limits[:, 0], ylim=limits[::-1, 1])  # y points down, as in the image
            _draw_title(axes, motif, means.loc[motif], shares[motif], called.get(motif))
        if known.any():
            _draw_scale(grid.flat[int(np.flatnonzero(known)[0])], limits)
            arrow = f"; arrow: mean path over {seconds:g} s" if seconds else ""
            headline(
                figure,
                f"Mean pose, rotated to face right; grey: ± 1 standard deviation{arrow}",
            )
    return figure


def path_of(motif: pd.Series, seconds: float) -> np.ndarray:
    """Compute the (point, 2) path of `center` over `seconds`, at mean speed and turning rate."""
    time = np.linspace(0, seconds, 40)
    angle = np.radians(motif["turning"]) * time
    step = motif["speed"] * np.diff(time)
    middle = (angle[1:] + angle[:-1]) / 2
    way = np.column_stack([step * np.cos(middle), step * np.sin(middle)])
    return np.vstack([[0.0, 0.0], way.cumsum(axis=0)])


def path_seconds(means: pd.DataFrame, poses: np.ndarray) -> float | None:
    """Choose the duration of paths, so that all motifs stay within about a body length."""
    if not set(MOTION) <= set(means.columns):
        return None
    room = 1.3 * np.ptp(poses[..., 0], axis=1).mean()
    fastest = means["speed"].max()
    return next((each for each in PATH_SECONDS if fastest * each <= room), PATH_SECONDS[-1])


def _limits(means: pd.DataFrame, poses: list[np.ndarray], seconds: float | None) -> np.ndarray:
    """Return (2, 2) the lowest and highest x and y of all poses and paths."""
    points = np.reshape(poses, (-1, 2))
    if seconds:
        paths = [path_of(motif, seconds) for _, motif in means.dropna().iterrows()]
        points = np.vstack([points, *paths])
    low, high = points.min(axis=0), points.max(axis=0)
    margin = 0.08 * (high - low).max()
    return np.array([low - margin, high + margin])


def _draw_motif(axes: Axes, motif: int, pose, spread, edges, path) -> None:
    colour = motif_colour(motif)
    axes.set_aspect("equal")
    axes.set_axis_off()
    for point, (across, along) in zip(pose, spread, strict=True):
        axes.add_patch(Ellipse(point, 2 * across, 2 * along, color=SPREAD, linewidth=0.8))
    if path is not None:
        axes.annotate(
            "", path[-1], xytext=path[-4], zorder=1,
            arrowprops={"arrowstyle": "-|>,head_length=0.35,head_width=0.18", "color": INK,
                        "shrinkA": 0, "shrinkB": 0, "linewidth": 0},
        )  # fmt: skip
        axes.plot(*path.T, color=INK, linewidth=0.8, zorder=1, label="path")
    for one, other in edges:
        axes.plot(*pose[[one, other]].T, color=INK, linewidth=2.4, zorder=2)
        axes.plot(*pose[[one, other]].T, color=colour, linewidth=1.7, zorder=2.5, label="line")
    axes.scatter(*pose.T, s=11, color=colour, edgecolor=INK, linewidth=0.4, zorder=3)


def _draw_title(axes: Axes, motif: int, means: pd.Series, share: float, name: str | None) -> None:
    motif_tile(axes, motif, 0.04, 1.0, transform=axes.transAxes)
    text = f"{share:.1%}"
    if name:
        axes.text(
            0.13, 1.12, shorten(name, 30), transform=axes.transAxes, va="center", fontsize=6.5
        )
    if share and np.isfinite(means.reindex(MOTION).astype(float)).all():
        turning = f"{round(means['turning']):+d}".replace("-", "−")
        text += f", {means['speed']:.0f} px/s, {turning}°/s"
    axes.text(0.13, 1.0, text, transform=axes.transAxes, va="center", fontsize=6)


def _draw_scale(axes: Axes, limits: np.ndarray) -> None:
    width = limits[1, 0] - limits[0, 0]
    bar = next((length for length in SCALE_BARS if length < 0.35 * width), SCALE_BARS[-1])
    left, bottom = limits[0, 0] + 0.02 * width, limits[1, 1] - 0.02 * width
    axes.plot([left, left + bar], [bottom, bottom], color=INK, linewidth=1.2, clip_on=False)
    axes.text(left + bar / 2, bottom, f"{bar:g} px", ha="center", va="bottom", fontsize=6)
