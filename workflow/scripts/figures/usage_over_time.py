"""Motif usage within recordings, by time bin and by condition."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from formats.statistics import FALSE_DISCOVERY_RATE
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from figures.motif_marks import motif_tile, names_of
from figures.style import (
    GREY,
    INK,
    empty_panel,
    legend_outside,
    page_figure,
    round_ticks,
    shorten,
    side_by_side,
)
from figures.usage import ANIMAL, GROUPS, star

CONDITION, BIN = "condition", "time bin"
HEADINGS = {
    BIN: "By time bin: means of groups, and animals (thin lines); a star marks a difference from "
    "the first bin",
    CONDITION: "By condition: one point per animal, joined by lines; bars are means of all animals",
}
MOST_MOTIFS = 20
MOST_PER_ROW = 5
ROW_MM, HEADING_MM = 29, 10
LONGEST_IN_SECONDS = 180
"""Recordings up to this many seconds have an axis in seconds, longer ones in minutes."""
ROOM = 70
"""Letters that fit side by side under the panels of a row."""
THIN = {"color": GREY, "linewidth": 0.5, "alpha": 0.45, "zorder": 1}


def draw_usage_over_time(usage: pd.DataFrame, comparisons: pd.DataFrame) -> Figure:
    """Draw `usage_over_time.csv` and `comparisons_over_time.csv`, a panel for each motif.

    Panels are labelled (`Axes.get_label`): `time bin/{motif}` and `condition/{motif}`.
    """
    kinds = [kind for kind in (BIN, CONDITION) if (usage["by"] == kind).any()]
    frames = usage.groupby("motif")["frames"].sum().sort_values(ascending=False, kind="stable")
    motifs = sorted(frames.index[:MOST_MOTIFS])
    rows = -(-len(motifs) // MOST_PER_ROW)
    height = len(kinds) * (rows * ROW_MM + HEADING_MM) + 10
    with page_figure(max(height, 40)) as figure:
        if not kinds:
            empty_panel(figure.subplots(), "Neither intervals nor time bins have usage to show.")
            return figure
        styles = {
            name: {"label": shorten(name, 24) or "animals"} | GROUPS[place % len(GROUPS)]
            for place, name in enumerate(sorted(usage["group"].unique()))
        }
        most = f" ({len(motifs)} of {len(frames)} motifs)"
        more = most if len(frames) > len(motifs) else ""
        parts = figure.subfigures(len(kinds), 1, squeeze=False)[:, 0]
        for part, kind in zip(parts, kinds, strict=True):
            part.suptitle(HEADINGS[kind] + more, x=0.01, ha="left", fontsize=7.5)
            _draw_kind(part, kind, usage, comparisons, motifs, styles)
        if len(styles) > 1:
            handles = [Line2D([], [], color=INK, **(ANIMAL | style)) for style in styles.values()]
            legend_outside(figure, handles, "upper right")
    return figure


def _draw_kind(
    part: SubFigure,
    kind: str,
    usage: pd.DataFrame,
    comparisons: pd.DataFrame,
    motifs: Sequence[int],
    styles: Mapping[str, dict],
) -> None:
    own, names = usage[usage["by"] == kind], names_of(usage)
    compared = comparisons[comparisons["by"] == kind]
    rows = -(-len(motifs) // MOST_PER_ROW)
    per_row = -(-len(motifs) // rows)
    panels = part.subplots(rows, per_row, squeeze=False).ravel()
    for axes in panels[len(motifs) :]:
        axes.set_visible(False)
    draw = {BIN: _draw_bins, CONDITION: _draw_conditions}[kind]
    for place, (axes, motif) in enumerate(zip(panels, motifs, strict=False)):
        axes.set_label(f"{kind}/{motif}")
        draw(axes, own[own["motif"] == motif], compared[compared["motif"] == motif], styles)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.3g}%"))
        axes.yaxis.set_major_locator(round_ticks(3))
        motif_tile(axes, motif, 0.04, 1.1, transform=axes.transAxes)
        axes.set_title(shorten(names.get(motif, ""), 16), x=0.12, fontsize=6)
        if place % per_row == 0:
            axes.set_ylabel("share of frames")


def _draw_bins(
    axes: Axes, own: pd.DataFrame, compared: pd.DataFrame, styles: Mapping[str, dict]
) -> None:
    end = (own["start_seconds"] + own["seconds"]).max()
    unit, name = (1, "s") if end <= LONGEST_IN_SECONDS else (60, "min")
    parts = own.groupby("part", sort=False)
    middle = (parts["start_seconds"].first() + parts["seconds"].max() / 2) / unit
    order = middle.sort_values().index
    for group, style in styles.items():
        shares = _shares(own[own["group"] == group], order)
        axes.plot(middle[order], shares.to_numpy().T, **THIN)
        axes.plot(
            middle[order], shares.mean(), color=INK, markersize=3, markeredgewidth=0.7, **style
        )
    _limit(axes, own["share"])
    axes.set_xlim(0, end / unit)
    axes.xaxis.set_major_locator(round_ticks(4))
    axes.set_xlabel(f"time ({name})", labelpad=1)
    for row in compared.itertuples():
        axes.text(
            middle[row.part_b], 0.98, star(row.q_value), ha="center", va="top",
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def _draw_conditions(
    axes: Axes, own: pd.DataFrame, compared: pd.DataFrame, styles: Mapping[str, dict]
) -> None:
    order = [*dict.fromkeys([*compared["part_a"], *compared["part_b"]])] or [*own["part"].unique()]
    places = np.arange(len(order))
    for place, (group, style) in enumerate(styles.items()):
        shares = _shares(own[own["group"] == group], order)
        aside = 0.16 * side_by_side(len(styles))[place]
        axes.plot(places + aside, shares.to_numpy().T, **THIN)
        for x, part in zip(places + aside, order, strict=True):
            values = shares[part].dropna()  # unclipped and not known, a point would widen the page
            if len(values):
                points = ANIMAL | style | {"markersize": 2.6}
                axes.plot(np.full(len(values), x), values, **points)
    for x, mean in zip(places, _shares(own, order).mean(), strict=True):
        axes.plot([x - 0.28, x + 0.28], [mean, mean], color=INK, linewidth=1.3, zorder=4)
    top = own["share"].max()
    _limit(axes, own["share"])
    found = compared[compared["q_value"] <= FALSE_DISCOVERY_RATE]
    for level, row in enumerate(found.itertuples()):
        y = top * (1.1 + 0.13 * level)
        first, second = order.index(row.part_a), order.index(row.part_b)
        axes.plot([first, second], [y, y], color=INK, linewidth=0.6)
        axes.text((first + second) / 2, y, star(row.q_value), ha="center", va="center")
        axes.set_ylim(0, y * 1.12)
    axes.set_xlim(-0.5, len(order) - 0.5)
    wide = len("".join(order)) > ROOM / axes.get_gridspec().ncols
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if wide else {}
    axes.set_xticks(places, [shorten(name, 12) for name in order], **turned)
    axes.tick_params(axis="x", length=0)


def _shares(own: pd.DataFrame, order: Sequence[str]) -> pd.DataFrame:
    """Compute the (animal, part) shares of a motif, means over the sessions of an animal."""
    table = own.pivot_table(index="animal", columns="part", values="share")
    return table.reindex(columns=order)


def _limit(axes: Axes, shares: pd.Series) -> None:
    axes.set_ylim(0, 1.15 * max(shares.max(), 0.01) if shares.notna().any() else 1)
