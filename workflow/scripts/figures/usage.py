"""How much each motif is used, by whom, and for how long at a time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, PercentFormatter

from figures.style import FAINT, GREY, INK, label_motifs, page_figure, paper_style, shorten

STARS = ((0.001, "***"), (0.01, "**"), (0.05, "*"))  # q-value of at most: mark
ANIMAL = {
    "markersize": 3.4,
    "clip_on": False,
    "zorder": 3,
    "linestyle": "none",
    "markeredgewidth": 0.7,
    "alpha": 0.85,
}
# Groups differ in shape and in filling; colour is the motif's.
GROUPS = [
    {"marker": "o", "markerfacecolor": "white", "markeredgecolor": INK},
    {"marker": "^", "markerfacecolor": INK, "markeredgecolor": INK},
    {"marker": "s", "markerfacecolor": "white", "markeredgecolor": GREY},
    {"marker": "D", "markerfacecolor": GREY, "markeredgecolor": GREY},
    {"marker": "v", "markerfacecolor": FAINT, "markeredgecolor": INK},
    {"marker": "P", "markerfacecolor": GREY, "markeredgecolor": INK},
]
MOST_PAIRS = 4
SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600]


def draw_usage(usage: pd.DataFrame, groups: pd.DataFrame) -> Figure:
    """Of `usage.csv` and `groups.csv`; a point an animal, over all its sessions.

    Panels are labelled (`Axes.get_label`): `share`, `seconds`, and for each pair of groups (four
    at most) `effect/{group} and {group}`.
    """
    usage = usage.assign(group=usage["group"].fillna("").astype(str))
    motifs = sorted(usage["motif"].unique())
    names = sorted(usage["group"].unique())
    pairs = list(dict.fromkeys(zip(groups["group_a"], groups["group_b"], strict=True)))[:MOST_PAIRS]
    heights = [44, *[26] * len(pairs), 30]
    with paper_style():
        figure = page_figure(height_mm=sum(heights) + 10)
        rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        _draw_shares(rows[0], animals_of(usage), motifs, names)
        for axes, (one, other) in zip(rows[1:-1], pairs, strict=True):
            own = groups[(groups["group_a"] == one) & (groups["group_b"] == other)]
            _draw_effects(axes, own.set_index("motif"), motifs, str(one), str(other))
        _draw_seconds(rows[-1], usage, motifs)
        for axes in rows:
            _stripe(axes, len(motifs))
        label_motifs(rows[-1], motifs, room=440 / len(motifs))
        rows[-1].set_xlabel("motif", labelpad=4)
        rows[-1].set_xlim(-0.5, len(motifs) - 0.5)
        figure.align_ylabels(rows)
        _draw_legend(figure, names)
    return figure


def animals_of(usage: pd.DataFrame) -> pd.DataFrame:
    """Share of each motif in each animal's frames that have one: columns animal, group, motif."""
    sums = usage.groupby(["animal", "group", "motif"], as_index=False, sort=False)["frames"].sum()
    total = sums.groupby(["animal", "group"])["frames"].transform("sum")
    return sums.assign(share=sums["frames"] / total.where(total > 0))


def shares_of(usage: pd.DataFrame) -> pd.Series:
    """By motif, its share of all frames that have one."""
    frames = usage.groupby("motif")["frames"].sum()
    return frames / max(frames.sum(), 1)


def star(q_value: float) -> str:
    """One to three stars where a difference holds after control of false discoveries.

    >>> star(0.02), star(0.2), star(float("nan"))
    ('*', '', '')
    """
    return next((mark for limit, mark in STARS if q_value <= limit), "")


def _draw_shares(axes: Axes, animals: pd.DataFrame, motifs: Sequence[int], names) -> None:
    axes.set_label("share")
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        own = animals[animals["group"] == name].pivot(
            index="animal", columns="motif", values="share"
        )
        middle = np.arange(len(motifs)) - 0.4 + width * (place + 0.5)
        spread = width * 0.28 * _alternating(len(own))
        x = middle[None] + spread[:, None]
        axes.plot(
            x.ravel(), own[motifs].to_numpy().ravel(), label=_group(name), **_style(place), **ANIMAL
        )
        mean = own[motifs].mean().to_numpy()
        axes.hlines(
            mean, middle - 0.42 * width, middle + 0.42 * width, color=INK, linewidth=1.3,
            label=f"mean of {_group(name)}", zorder=1.5,
        )  # fmt: skip
    axes.yaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.set_ylim(0, None)
    axes.set_ylabel("share of frames")
    axes.set_title("Use of each motif, an animal a point")


def _draw_effects(axes: Axes, pair: pd.DataFrame, motifs, one: str, other: str) -> None:
    axes.set_label(f"effect/{one} and {other}")
    axes.axhline(0, color=GREY, linewidth=0.6, zorder=1)
    pair = pair.reindex(motifs)
    x = np.arange(len(motifs))
    low, high = pair["hedges_g_low"].to_numpy(float), pair["hedges_g_high"].to_numpy(float)
    axes.vlines(x, low, high, color=INK, linewidth=1.2, label="95% interval")
    axes.plot(
        x, pair["hedges_g"], "D", color=INK, markersize=3.2, linestyle="none", label="Hedges' g"
    )
    if not np.isfinite(pair["hedges_g"].astype(float)).any():
        axes.text(
            0.5, 0.7, "too few animals for an effect size", color=GREY, ha="center", va="center",
            transform=axes.transAxes,
        )  # fmt: skip
    known = np.concatenate([low, high, pair["hedges_g"].to_numpy(float), [-0.5, 0.5]])
    known = known[np.isfinite(known)]
    span = np.ptp(known)
    axes.set_ylim(known.min() - 0.08 * span, known.max() + 0.22 * span)
    for place, q_value in enumerate(pair["q_value"].astype(float)):
        top = np.nanmax([high[place], pair["hedges_g"].to_numpy(float)[place], 0])
        axes.text(place, top + 0.02 * span, star(q_value), ha="center", va="bottom", fontsize=8)
    axes.set_ylabel("Hedges' g")
    axes.set_title(
        f"Difference, {shorten(other, 24)} less {shorten(one, 24)}, in standard deviations"
    )


def _draw_seconds(axes: Axes, usage: pd.DataFrame, motifs: Sequence[int]) -> None:
    """Median bout of each session, and the middle of the sessions' quartiles."""
    axes.set_label("seconds")
    used = usage[usage["bouts"] > 0]
    for place, motif in enumerate(motifs):
        own = used[used["motif"] == motif]
        x = place + 0.2 * _alternating(len(own))
        axes.plot(x, own["bout_seconds_median"], ".", color=GREY, markersize=3, label="session")
        if len(own):
            middle = own[["bout_seconds_q25", "bout_seconds_median", "bout_seconds_q75"]].median()
            axes.vlines(place, middle.iloc[0], middle.iloc[2], color=INK, linewidth=1.2)
            axes.hlines(middle.iloc[1], place - 0.22, place + 0.22, color=INK, linewidth=1.2)
    if len(used):
        axes.set_yscale("log")
        low, high = used["bout_seconds_q25"].min(), used["bout_seconds_q75"].max()
        axes.set_ylim(low / 1.3, high * 1.3)
        inside = [tick for tick in SECONDS if low / 1.3 <= tick <= high * 1.3]
        axes.yaxis.set_major_locator(FixedLocator(inside[:: 1 + len(inside) // 6]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("bout (s)")
    axes.set_title("How long it is kept to: median and quartiles, a session a dot")


def _stripe(axes: Axes, count: int) -> None:
    for place in range(0, count, 2):
        axes.axvspan(place - 0.5, place + 0.5, color="#F6F6F6", zorder=0, linewidth=0)
    axes.tick_params(axis="x", length=0)


def _alternating(count: int) -> np.ndarray:
    return np.linspace(-1, 1, count) if count > 1 else np.zeros(count)


def _style(place: int) -> dict:
    return GROUPS[place % len(GROUPS)]


def _group(name: str) -> str:
    return shorten(name, 24) if name else "animals"


def _draw_legend(figure: Figure, names: Sequence[str]) -> None:
    handles = [
        Line2D([], [], label=_group(name), **_style(place), **ANIMAL)
        for place, name in enumerate(names)
    ]
    handles.append(Line2D([], [], color=INK, linewidth=1.3, label="mean"))
    figure.legend(
        handles=handles, loc="outside upper right", ncols=len(handles),
        handletextpad=0.3, columnspacing=1.4, borderaxespad=0.2,
    )  # fmt: skip
