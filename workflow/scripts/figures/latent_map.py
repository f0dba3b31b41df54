"""The latent space in two dimensions: by motif, and by session."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from figures.motif_marks import motif_colour
from figures.style import (
    GREY,
    INK,
    empty_panel,
    legend_outside,
    page_figure,
    shorten,
)

NAMED_SESSIONS = 12
NO_MAP = "no map of the latents: too few windows, or map_windows: 0"


def draw_latent_map(points: pd.DataFrame) -> Figure:
    """Draw `latent_map.csv`. Panels are labelled (`Axes.get_label`) `motif` and `session`."""
    points = points[points["motif"] >= 0]
    sessions = list(dict.fromkeys(points["session"]))
    points = points.sample(frac=1, random_state=0)  # no session hides all others
    with page_figure(92, wspace=0.03) as figure:
        by_motif, by_session = figure.subplots(1, 2)
        for axes, name in ((by_motif, "motif"), (by_session, "session")):
            axes.set_label(name)
            if not len(points):
                empty_panel(axes, NO_MAP)
        if len(points):
            _draw_points(by_motif, points, [motif_colour(int(motif)) for motif in points["motif"]])
            by_motif.set_title("By motif")
            _name_motifs(by_motif, points)
            colours = dict(zip(sessions, session_colours(len(sessions)), strict=True))
            _draw_points(by_session, points, [colours[name] for name in points["session"]])
            by_session.set_title("By session")
            _name_sessions(figure, colours)
    return figure


def session_colours(count: int) -> list[tuple]:
    """Return colours of sessions, from dark to light, unlike those of motifs."""
    return [tuple(colour) for colour in colormaps["cividis"](np.linspace(0, 0.95, max(count, 1)))]


def _draw_points(axes: Axes, points: pd.DataFrame, colours: list) -> None:
    size = float(np.clip(12000 / len(points), 0.8, 8))
    axes.scatter(points["x"], points["y"], s=size, c=colours, linewidth=0, rasterized=True)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("UMAP 1")
    axes.set_ylabel("UMAP 2")


def _name_motifs(axes: Axes, points: pd.DataFrame) -> None:
    """Write each motif's number at its most central window, away from other numbers."""
    names, places = [], []
    for motif, own in points.groupby("motif"):
        middle = own[["x", "y"]].median()
        nearest = ((own[["x", "y"]] - middle) ** 2).sum(axis=1).idxmin()
        names.append(int(motif))
        places.append(own.loc[nearest, ["x", "y"]].to_numpy(float))
    places = np.array(places)
    shown = moved_apart(places, 0.045 * np.ptp(points[["x", "y"]].to_numpy(), axis=0).max())
    for motif, at, place in zip(names, places, shown, strict=True):
        axes.annotate(
            str(motif), at, xytext=place, textcoords="data",
            ha="center", va="center", fontsize=7.5, fontweight="bold", color=INK,
            path_effects=[withStroke(linewidth=1.8, foreground="white")],
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": INK, "shrinkA": 3}
            if np.any(at != place) else None,
        )  # fmt: skip


def moved_apart(places: np.ndarray, distance: float) -> np.ndarray:
    """Move each pair of (point, 2) places apart until `distance` is reached, at most 100 times."""
    places = places.astype(float).copy()
    for _ in range(100):
        gaps = places[:, None] - places[None]
        lengths = np.linalg.norm(gaps, axis=-1)
        np.fill_diagonal(lengths, np.inf)
        if lengths.min() >= distance:
            break
        same = lengths < 1e-9  # coinciding points separate sideways
        gaps[same] = np.where(np.tri(len(places)) > 0, 1e-3, -1e-3)[same][:, None]
        lengths = np.where(same, 1e-3, lengths)
        push = np.clip(distance - lengths, 0, None) / 2
        places += (gaps / lengths[..., None] * push[..., None]).sum(axis=1)
    return places


def _name_sessions(figure: Figure, colours: dict) -> None:
    if len(colours) > NAMED_SESSIONS:
        figure.text(0.99, 0.99, f"{len(colours)} sessions", ha="right", va="top", color=GREY)
        return
    handles = [
        Line2D([], [], marker="o", markersize=4, linestyle="none", color=colour, label=label)
        for label, colour in ((shorten(name, 20), colour) for name, colour in colours.items())
    ]
    legend_outside(figure, handles, "lower right", ncols=min(len(handles), 6), handletextpad=0.1)
