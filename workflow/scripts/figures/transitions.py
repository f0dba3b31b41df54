"""Transitions between motifs: as a graph, and as a matrix in the same order."""

import numpy as np
import pandas as pd
from formats.tables import community_name
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle, Wedge

from figures.motif_marks import ink_on, label_motifs, motif_colour, shares_of, used_motifs
from figures.style import BLUE, FAINT, GREY, INK, empty_panel, page_figure

SHOWN_FROM = 0.1
MOST_ARROWS = 3
"""From each motif, its most probable ones: with all of them, a graph of 30 motifs is unreadable."""
POINTS = 82
"""Typographic points per unit of the graph, whose circle of motifs has radius 1."""


def draw_transitions(
    transitions: pd.DataFrame, usage: pd.DataFrame, communities: pd.DataFrame
) -> Figure:
    """Draw `transitions.csv` (the rows of session `all`), `usage.csv` and `communities.csv`.

    Panels are labelled (`Axes.get_label`) `graph` and `matrix`. Unused motifs are left out.
    """
    motifs, spans = used_motifs(communities)
    with page_figure(92, wspace=0.04) as figure:
        graph, matrix = figure.subplots(1, 2)
        graph.set_label("graph")
        matrix.set_label("matrix")
        if len(motifs) < 2:
            empty_panel(graph, "fewer than two motifs are used:\nno transitions")
            empty_panel(matrix, "")
            return figure
        pooled = transitions[transitions["session"] == "all"]
        chance = pooled.pivot(index="from_motif", columns="to_motif", values="probability")
        chance = chance.reindex(index=motifs, columns=motifs).fillna(0).to_numpy(float)
        shares = shares_of(usage).reindex(motifs).fillna(0).to_numpy(float)
        _draw_graph(graph, chance, shares, motifs, spans)
        _draw_matrix(figure, matrix, chance, motifs, spans)
    return figure


def _draw_graph(axes: Axes, chance: np.ndarray, share: np.ndarray, motifs, spans) -> None:
    """Draw motifs on a circle, clockwise from the top, members of a community side by side."""
    gap = 0.7 if len(spans) > 1 else 0.0  # places between communities
    offsets = np.repeat(gap * np.arange(len(spans)), [end - start + 1 for _, start, end in spans])
    turn = 2 * np.pi / (len(motifs) + gap * len(spans))
    angle = np.pi / 2 - turn * (np.arange(len(motifs)) + offsets)
    places = _on_circle(angle)
    largest = min(0.17, 0.9 * np.sin(turn / 2))
    radius = largest * np.sqrt(np.clip(share / share.max(), 0.12, 1))
    for one, other in shown_arrows(chance):
        _draw_arrow(axes, places, radius, one, other, chance[one, other], motifs[one])
    for place, size, motif in zip(places, radius, motifs, strict=True):
        _draw_node(axes, place, size, motif)
    outer = 1.2 + largest
    for group, start, end in spans:
        arc = np.degrees([angle[end] - 0.42 * turn, angle[start] + 0.42 * turn])
        axes.add_patch(Wedge((0, 0), outer, *arc, width=0.025, facecolor=GREY, linewidth=0))
        at = (outer + 0.09) * _on_circle((angle[start] + angle[end]) / 2)
        axes.text(*at, community_name(group), ha="center", va="center", color=GREY)
    axes.set_xlim(-outer - 0.2, outer + 0.2)
    axes.set_ylim(-outer - 0.2, outer + 0.2)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(f"Transitions (probability of {SHOWN_FROM:g} or more)")


def _on_circle(angle: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def shown_arrows(chance: np.ndarray) -> list[tuple[int, int]]:
    """Return (from, to) of the transitions that are drawn, the least probable first."""
    rank = np.argsort(np.argsort(-chance, axis=1, kind="stable"), axis=1)
    shown = (chance >= SHOWN_FROM) & (rank < MOST_ARROWS) & ~np.eye(len(chance), dtype=bool)
    return sorted(zip(*map(list, np.nonzero(shown)), strict=True), key=lambda pair: chance[pair])


def _draw_arrow(axes: Axes, places, radius, one, other, probability, motif) -> None:
    few = len(places) <= 16
    axes.add_patch(
        FancyArrowPatch(
            places[one],
            places[other],
            connectionstyle="arc3,rad=0.18",
            arrowstyle="-|>,head_length=0.5,head_width=0.22",
            mutation_scale=(5 if few else 3.5) + 4 * probability,
            shrinkA=0,
            shrinkB=POINTS * radius[other],
            linewidth=0.3 + (3.0 if few else 2.0) * probability,
            color=motif_colour(motif),
            alpha=float(np.clip(0.4 + probability, 0, 0.95)),
            zorder=1 + probability,
        )
    )


def _draw_node(axes: Axes, place: np.ndarray, size: float, motif: int) -> None:
    colour = motif_colour(motif)
    axes.add_patch(
        Circle(place, size, facecolor=colour, edgecolor="white", linewidth=0.6, zorder=3)
    )
    inside = size * POINTS > 2.2 + 2 * len(str(motif))
    axes.text(
        *(place if inside else place * (1 + size + 0.07)), str(motif), ha="center", va="center",
        fontsize=6.5, zorder=4, color=ink_on(colour) if inside else INK,
    )  # fmt: skip


def _draw_matrix(figure: Figure, axes: Axes, chance: np.ndarray, motifs, spans) -> None:
    image = axes.imshow(chance, cmap="Greys", vmin=0, vmax=max(chance.max(), 0.01))
    for which in "xy":
        label_motifs(axes, motifs, which, room=200 / len(motifs))
    for _, start, end in spans:
        corner, side = (start - 0.5, start - 0.5), end - start + 1
        axes.add_patch(
            Rectangle(corner, side, side, fill=False, edgecolor=BLUE, linewidth=1.2, clip_on=False)
        )
    axes.set_xlabel("to motif")
    axes.set_ylabel("from motif")
    axes.set_title("Transition probabilities (blue boxes: communities)")
    axes.spines[["left", "bottom"]].set_color(FAINT)
    bar = figure.colorbar(image, ax=axes, shrink=0.6, aspect=25, pad=0.02, label="probability")
    bar.outline.set_visible(False)
