"""Communities of motifs: the tree of motifs, cut into communities."""

import numpy as np
import pandas as pd
from formats.tables import community_name
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from figures.motif_marks import draw_share_bars, label_motifs, names_of, shares_of, used_motifs
from figures.style import GREY, INK, empty_panel, page_figure

TALLEST_MM = 200


def draw_communities(
    linkage: pd.DataFrame, communities: pd.DataFrame, usage: pd.DataFrame
) -> Figure:
    """Draw `linkage.csv`, `communities.csv` and `usage.csv`; unused motifs are left out.

    Panels are labelled (`Axes.get_label`) `tree`, with one line per merge, and `share`.
    """
    motifs, spans = used_motifs(communities)
    with page_figure(20 + np.clip(4.2 * len(motifs), 20, TALLEST_MM)) as figure:
        tree, share = figure.subplots(1, 2, width_ratios=[1, 0.35], sharey=True)
        tree.set_label("tree")
        share.set_label("share")
        if len(motifs) < 2:
            empty_panel(tree, "fewer than two motifs are used: no tree")
            empty_panel(share, "")
            return figure
        _draw_tree(tree, linkage, motifs)
        room = min(12, 2.8 * TALLEST_MM / len(motifs))
        label_motifs(tree, motifs, "y", room, names_of(usage))
        draw_share_bars(share, shares_of(usage).reindex(motifs).fillna(0), motifs)
        for place, (group, start, end) in enumerate(spans):
            for axes in (tree, share) if place % 2 == 0 else ():
                axes.axhspan(start - 0.5, end + 0.5, color="#F4F4F4", zorder=0, linewidth=0)
            share.text(
                1.0, (start + end) / 2, community_name(group), ha="right", va="center", color=GREY,
                transform=share.get_yaxis_transform(), fontsize=8,
            )  # fmt: skip
        tree.set_ylim(len(motifs) - 0.5, -0.5)
        unused = len(communities) - len(motifs)
        count = "1 community" if len(spans) == 1 else f"{len(spans)} communities"
        count = f"{count} of {len(motifs)} motifs"
        tree.set_title(count + (f" ({unused} unused)" if unused else ""))
    return figure


def _draw_tree(axes: Axes, linkage: pd.DataFrame, motifs: list[int]) -> None:
    """Draw leaves on the right at height 0, and a merge as a bracket that opens to the right."""
    places = {leaf: motifs.index(motif) for leaf, motif in enumerate(sorted(motifs))}
    heights = dict.fromkeys(places, 0.0)
    for row, merge in enumerate(linkage.itertuples(), len(motifs)):
        y = [places[merge.left], places[merge.right]]
        x = [heights[merge.left], heights[merge.right]]
        axes.plot(
            [x[0], merge.height, merge.height, x[1]], [y[0], y[0], y[1], y[1]],
            color=INK, linewidth=0.9, label="merge", solid_joinstyle="miter",
        )  # fmt: skip
        places[row], heights[row] = sum(y) / 2, merge.height
    axes.set_xlim(1.03 * max(heights.values()) or 1, 0)
    axes.set_xlabel("distance between motifs (1 − mean transition probability)")
    axes.yaxis.tick_right()
    axes.spines["left"].set_visible(False)
