"""Motif usage by animal and group, and bout durations."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    NullFormatter,
    NullLocator,
    PercentFormatter,
)

from figures.motif_marks import label_motifs
from figures.style import (
    FAINT,
    GREY,
    INK,
    legend_outside,
    page_figure,
    shorten,
    side_by_side,
)

STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))  # q-value of at most: mark
ANIMAL = {
    "markersize": 3.4,
    "clip_on": False,
    "zorder": 3,
    "linestyle": "none",
    "markeredgewidth": 0.7,
    "alpha": 0.85,
}
# Groups differ in shape and in filling; colour shows the motif.
GROUPS = [
    {"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK},
    {"marker": "^", "markerfacecolor": INK, "markeredgecolor": INK},
    {"marker": "s", "markerfacecolor": "white", "markeredgecolor": GREY},
    {"marker": "D", "markerfacecolor": GREY, "markeredgecolor": GREY},
    {"marker": "v", "markerfacecolor": FAINT, "markeredgecolor": INK},
    {"marker": "P", "markerfacecolor": GREY, "markeredgecolor": INK},
]
MOST_PAIRS = 4
LARGE_EFFECT = 10  # beyond it, the axis is logarithmic
EFFECTS = [-1000, -100, -10, 0, 10, 100, 1000]
QUARTILES = ["bout_seconds_q25", "bout_seconds_median", "bout_seconds_q75"]
SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600]


def draw_usage(usage: pd.DataFrame, groups: pd.DataFrame) -> Figure:
    """Draw `usage.csv` and `groups.csv`; one point per animal, over all its sessions.

    Panels are labelled (`Axes.get_label`): `share`, `seconds`, and for each pair of groups (four
    at most) `effect/{group} and {group}`.
    """
    motifs = sorted(usage["motif"].unique())
    styles = {
        name: {"label": shorten(name, 24) or "animals"} | GROUPS[place % len(GROUPS)] | ANIMAL
        for place, name in enumerate(sorted(usage["group"].unique()))
    }
    pairs = list(groups.groupby(["group_a", "group_b"], sort=False))[:MOST_PAIRS]
    heights = [44, *[26] * len(pairs), 30]
    with page_figure(sum(heights) + 10) as figure:
        rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        _draw_shares(rows[0], animals_of(usage), motifs, styles)
        for axes, ((one, other), own) in zip(rows[1:-1], pairs, strict=True):
            _draw_effects(axes, own.set_index("motif").reindex(motifs), one, other)
        _draw_seconds(rows[-1], usage, motifs)
        for axes in rows:
            _stripe(axes, len(motifs))
        label_motifs(rows[-1], motifs, room=440 / len(motifs))
        rows[-1].set_xlabel("motif", labelpad=4)
        rows[-1].set_xlim(-0.5, len(motifs) - 0.5)
        figure.align_ylabels(rows)
        handles = [Line2D([], [], **style) for style in styles.values()]
        handles.append(Line2D([], [], color=INK, linewidth=1.3, label="mean"))
        legend_outside(figure, handles, "upper right")
    return figure


def animals_of(usage: pd.DataFrame) -> pd.DataFrame:
    """Compute the share of each motif per animal: columns animal, group, motif."""
    sums = usage.groupby(["animal", "group", "motif"], as_index=False, sort=False)["frames"].sum()
    total = sums.groupby(["animal", "group"])["frames"].transform("sum")
    return sums.assign(share=sums["frames"] / total.where(total > 0))


def star(q_value: float) -> str:
    """Return one to three stars where a difference holds after control of false discoveries.

    >>> star(0.02), star(0.2), star(float("nan"))
    ('*', '', '')
    """
    return next((mark for limit, mark in STARS if q_value <= limit), "")


def _draw_shares(axes: Axes, animals: pd.DataFrame, motifs: Sequence[int], styles: dict) -> None:
    axes.set_label("share")
    width = 0.8 / len(styles)
    for place, (name, style) in enumerate(styles.items()):
        own = animals[animals["group"] == name]
        own = own.pivot(index="animal", columns="motif", values="share")[motifs].to_numpy()
        middle = np.arange(len(motifs)) - 0.4 + width * (place + 0.5)
        x = middle + width * 0.28 * side_by_side(len(own))[:, None]
        axes.plot(x.ravel(), own.ravel(), **style)
        mean = pd.DataFrame(own).mean()  # of the animals that have any motif
        axes.hlines(
            mean, middle - 0.42 * width, middle + 0.42 * width, color=INK, linewidth=1.3,
            label=f"mean of {style['label']}", zorder=1.5,
        )  # fmt: skip
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set_ylim(0, None)
    axes.set_ylabel("share of frames")
    axes.set_title("Motif usage (one point per animal)")


def _draw_effects(axes: Axes, pair: pd.DataFrame, one: str, other: str) -> None:
    axes.set_label(f"effect/{one} and {other}")
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=1)
    x = np.arange(len(pair))
    low, effect, high = (
        pair[name].to_numpy(float) for name in ("hedges_g_low", "hedges_g", "hedges_g_high")
    )
    axes.vlines(x, low, high, color=INK, linewidth=1.2, label="95% interval")
    axes.plot(x, effect, "D", color=INK, markersize=3.2, linestyle="none", label="Hedges' g")
    if np.isnan(effect).all():
        axes.text(
            0.5, 0.7, "too few animals for an effect size", color=GREY, ha="center", va="center",
            transform=axes.transAxes,
        )  # fmt: skip
    if np.nanmax(np.abs([low, effect, high]), initial=0) > LARGE_EFFECT:
        # One wide interval would flatten all others.
        axes.set_yscale("symlog", linthresh=LARGE_EFFECT)
        axes.yaxis.set_major_locator(FixedLocator(EFFECTS))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_locator(NullLocator())
    axes.update_datalim([(0, -0.5), (0, 0.5)])
    axes.margins(y=0.2)
    axes.autoscale_view(scalex=False)
    tops = np.nanmax([high, effect, np.zeros(len(x))], axis=0)
    for place, top, q_value in zip(x, tops, pair["q_value"].astype(float), strict=True):
        axes.annotate(
            star(q_value), (place, top), (0, 1), textcoords="offset points", ha="center",
            va="bottom", fontsize=8,
        )  # fmt: skip
    axes.set_ylabel("Hedges' g")
    interval = "95% interval" if np.isfinite(low).any() else "too few animals for an interval"
    axes.set_title(
        f"Difference {shorten(other, 24)} − {shorten(one, 24)} in standard deviations ({interval})"
    )


def _draw_seconds(axes: Axes, usage: pd.DataFrame, motifs: Sequence[int]) -> None:
    """Draw the median bout of each session, and the median over sessions of the quartiles."""
    axes.set_label("seconds")
    used = usage[usage["bouts"] > 0]
    for place, motif in enumerate(motifs):
        own = used[used["motif"] == motif]
        x = place + 0.2 * side_by_side(len(own))
        axes.plot(x, own["bout_seconds_median"], ".", color=GREY, markersize=3, label="session")
        if len(own):
            low, middle, high = own[QUARTILES].median()
            axes.vlines(place, low, high, color=INK, linewidth=1.2)
            axes.hlines(middle, place - 0.22, place + 0.22, color=INK, linewidth=1.2)
    if len(used):
        axes.set_yscale("log")
        low, high = used["bout_seconds_q25"].min() / 1.3, used["bout_seconds_q75"].max() * 1.3
        axes.set_ylim(low, high)
        inside = [tick for tick in SECONDS if low <= tick <= high]
        axes.yaxis.set_major_locator(FixedLocator(inside[:: 1 + len(inside) // 6]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("bout duration (s)")
    axes.set_title("Bout duration (median and quartiles; one dot per session)")


def _stripe(axes: Axes, count: int) -> None:
    for place in range(0, count, 2):
        axes.axvspan(place - 0.5, place + 0.5, color="#F6F6F6", zorder=0, linewidth=0)
    axes.tick_params(axis="x", length=0)
