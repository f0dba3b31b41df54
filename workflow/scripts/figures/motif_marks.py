"""Motifs in figures: the colour of each, its number on it, and shared functions of figures."""

from collections.abc import Mapping, Sequence

import colorcet
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.ticker import PercentFormatter

from figures.style import INK, round_ticks, shorten

# A palette of 256 colours by the method of Glasbey et al. (2007), each as far as possible from
# those before it, white and black; none is pale or grey.
_PALETTE = colorcet.glasbey_dark
# Of its first 48, the dozen that differ most from one another and from white under the worst of
# normal vision, protanopia, deuteranopia and tritanopia.
_DOZEN = [1, 15, 4, 12, 39, 24, 9, 23, 28, 41, 21, 6]
COLOURS = [_PALETTE[i] for i in _DOZEN] + [
    colour for i, colour in enumerate(_PALETTE) if i not in _DOZEN
]


def motif_colour(motif: int) -> str:
    """Colour of a motif by its number: the same in every figure and however many there are.

    Beyond a dozen, colours become similar, and after 256 they repeat, so a motif is always
    labelled with its number as well.
    """
    return COLOURS[motif % len(COLOURS)]


def ink_on(colour: str) -> str:
    """Return black or white, whichever contrasts better (relative luminance of WCAG 2)."""
    srgb = np.array(to_rgb(colour))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return INK if linear @ [0.2126, 0.7152, 0.0722] > 0.22 else "white"


def motif_tile(axes: Axes, motif: int, x: float, y: float, **where) -> None:
    """Write a motif's number on its colour at (x, y), so that colour is not the only cue."""
    colour = motif_colour(motif)
    axes.text(
        x, y, str(motif), ha="center", va="center", color=ink_on(colour), zorder=5, clip_on=False,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"},
        **{"fontsize": 6} | where,
    )  # fmt: skip


def label_motifs(
    axes: Axes,
    motifs: Sequence[int],
    which: str = "x",
    room: float = 14,
    names: Mapping[int, str] | None = None,
) -> None:
    """Name ticks 0, 1, 2, … by motifs, each on its colour; `room` is their spacing in points."""
    axis = getattr(axes, f"{which}axis")
    step = max(1, int(np.ceil(5 / room)))  # of hundreds, only some are labelled
    motifs = motifs[::step]
    axis.set_ticks(
        range(0, step * len(motifs), step), [called(motif, names or {}) for motif in motifs]
    )
    size = min(6.0, 0.58 * step * room)
    axis.set_tick_params(length=0, pad=2 + 0.5 * size)
    for label, motif in zip(axis.get_ticklabels(), motifs, strict=True):
        colour = motif_colour(motif)
        label.set(color=ink_on(colour), fontsize=size)
        label.set_bbox({"boxstyle": "round,pad=0.22", "facecolor": colour, "edgecolor": "none"})


def draw_share_bars(axes: Axes, shares: Sequence[float], motifs: Sequence[int]) -> None:
    """Draw a bar per motif, from top to bottom, next to a panel that names the motifs."""
    axes.barh(range(len(motifs)), shares, 0.7, color=[motif_colour(motif) for motif in motifs])
    axes.set_xlim(0, 1.25 * max(*shares, 0.01))
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.xaxis.set_major_locator(round_ticks(2))
    axes.set_xlabel("share of frames")
    axes.tick_params(axis="y", length=0, labelleft=False)
    axes.spines["left"].set_visible(False)


def names_of(table: pd.DataFrame) -> dict[int, str]:
    """Return the names of motifs that have one, from a table with `motif` and `name`."""
    named = table[["motif", "name"]].dropna().drop_duplicates().itertuples(index=False, name=None)
    return {int(motif): name for motif, name in named if name}


def called(motif: int, names: Mapping[int, str]) -> str:
    """Return a motif's number, and its name if it has one."""
    return f"{motif} {shorten(names[motif], 16)}" if motif in names else str(motif)


def shares_of(usage: pd.DataFrame) -> pd.Series:
    """Return the share of each motif among all frames with a motif."""
    frames = usage.groupby("motif")["frames"].sum()
    return frames / max(frames.sum(), 1)


def used_motifs(communities: pd.DataFrame) -> tuple[list[int], list[tuple[int, int, int]]]:
    """Return used motifs of `communities.csv` in the tree's order, and communities as spans.

    A span is (community, first place, last place): the members of a community are adjacent.
    """
    used = communities.dropna(subset=["order"]).sort_values("order")
    places = pd.Series(range(len(used))).groupby(used["community"].to_numpy(int), sort=False)
    spans = [(int(group), int(own.min()), int(own.max())) for group, own in places]
    return used["motif"].astype(int).to_list(), spans
