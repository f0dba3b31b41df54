"""What the figures share: page width, type, colours, and files whose bytes repeat."""

from collections.abc import Sequence
from contextlib import contextmanager
from functools import cache
from itertools import takewhile
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

MM = 1 / 25.4
"""Inches in a millimetre; matplotlib measures figures in inches."""

PAGE_WIDTH_MM = 180
"""A figure across both columns of a journal page."""

# Okabe & Ito (2008): told apart in every common form of colour blindness.
BLUE = "#0072B2"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
INK = "#222222"
GREY = "#767676"
FAINT = "#E2E2E2"

# Of Okabe and Ito's eight, all but black, in the order in which motifs get them.
_FIRST_MOTIFS = [BLUE, ORANGE, "#009E73", VERMILION, "#56B4E9", "#CC79A7", "#F0E442"]

# What an eye without one of its three kinds of cones sees, on linear RGB: Machado, Oliveira &
# Fernandes (2009), severity 1.
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}

_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so a figure is the same on every machine
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 7,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 1.1,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "path",  # looks the same where the font is not installed
    "svg.hashsalt": "figures",
    # "-" is data in a name, never mathematics; "$" in a keypoint's name is not either
    "text.parse_math": False,
}


@contextmanager
def paper_style():
    """Draw inside this: our style alone, whatever the user's matplotlibrc says."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def page_figure(height_mm: float) -> Figure:
    """An empty figure of the page's width that belongs to no pyplot state."""
    return Figure(figsize=(PAGE_WIDTH_MM * MM, height_mm * MM), layout="constrained")


def save(figure: Figure, *, svg: str | Path, png: str | Path, dpi: int) -> None:
    """Write both files; equal figures give equal bytes: no date, no random ids."""
    with paper_style():
        figure.savefig(svg, format="svg", dpi=dpi, metadata={"Date": None})
        figure.savefig(png, format="png", dpi=dpi, metadata={"Software": None})


def read_table(path: str | Path) -> pd.DataFrame:
    """A csv of ours; names are text, even where they look like numbers or like nothing.

    Lines that begin with # stand before the header and nowhere else: a group may be called #1.
    """
    with open(path, encoding="utf-8") as file:
        comments = sum(1 for _ in takewhile(lambda line: line.startswith("#"), file))
    names = dict.fromkeys(["session", "animal", "group", "group_a", "group_b"], str)
    table = pd.read_csv(path, skiprows=comments, dtype=names, keep_default_na=False, na_values=[""])
    return table.fillna({"group": ""})


def shorten(name: str, length: int) -> str:
    """Cut the middle out of a name longer than `length`; names differ at their ends.

    >>> shorten("mouse_042_day_03_trial_1", 13)
    'mouse_…rial_1'
    """
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}…{name[-tail:]}"


def motif_colour(motif: int) -> str:
    """The colour of a motif, by its number, the same in every figure and however many there are.

    The first seven are Okabe and Ito's; each further one is that which differs most, to the
    eye that tells it worst (with or without one of the three colour blindnesses), from white and
    from all before it. That works well for a dozen; beyond, colours become similar, and so a motif
    is always named by its number as well.
    """
    return _motif_colours(64 * (motif // 64 + 1))[motif]


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (relative luminance of WCAG 2)."""
    luminance = _linear(to_rgb(colour)) @ [0.2126, 0.7152, 0.0722]
    return INK if luminance > 0.22 else "white"


def colour_distance(one: np.ndarray, other: np.ndarray, blindness: str = "none") -> np.ndarray:
    """Distance of sRGB colours (…, 3) in Oklab, where white and black are 1 apart."""
    one, other = (_oklab(colours, BLINDNESS[blindness]) for colours in (one, other))
    return np.linalg.norm(one - other, axis=-1)


@cache
def _motif_colours(count: int) -> list[str]:
    steps = np.linspace(0, 1, 16)
    candidates = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    lightness = _oklab(candidates, BLINDNESS["none"])[:, 0]
    candidates = candidates[(lightness > 0.3) & (lightness < 0.88)]
    chosen = [to_rgb(colour) for colour in _FIRST_MOTIFS]

    def worst_distance(colour):
        return np.min(
            [colour_distance(candidates, np.array(colour), each) for each in BLINDNESS], axis=0
        )

    nearest = np.min([worst_distance(colour) for colour in [(1, 1, 1), *chosen]], axis=0)
    while len(chosen) < count:
        chosen.append(tuple(candidates[int(np.argmax(nearest))]))
        nearest = np.minimum(nearest, worst_distance(chosen[-1]))
    return [to_hex(colour) for colour in chosen]


def _linear(srgb) -> np.ndarray:
    srgb = np.asarray(srgb, float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _oklab(srgb: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Ottosson (2020), https://bottosson.github.io/posts/oklab, of the colour as it is seen."""
    linear = (_linear(srgb) @ seen.T).clip(0, 1)
    cones = linear @ np.array(
        [
            [0.4122214708, 0.2119034982, 0.0883024619],
            [0.5363325363, 0.6806995451, 0.2817188376],
            [0.0514459929, 0.1073969566, 0.6299787005],
        ]
    )
    return np.cbrt(cones) @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )


def motif_tile(axes: Axes, motif: int, x: float, y: float, **where) -> None:
    """A motif's number on its colour at (x, y), so that colour is never the only cue."""
    colour = motif_colour(motif)
    axes.text(
        x, y, str(motif), ha="center", va="center", color=ink_on(colour), zorder=5, clip_on=False,
        bbox={"boxstyle": "round,pad=0.25", "facecolor": colour, "edgecolor": "none"},
        **{"fontsize": 6} | where,
    )  # fmt: skip


def label_motifs(axes: Axes, motifs: Sequence[int], which: str = "x", room: float = 14) -> None:
    """Ticks 0, 1, 2, … named by motifs, each on its colour; `room` is their spacing in points."""
    axis = getattr(axes, f"{which}axis")
    step = max(1, int(np.ceil(5 / room)))  # of hundreds, some are named
    motifs = motifs[::step]
    axis.set_ticks(range(0, step * len(motifs), step), [str(motif) for motif in motifs])
    size = min(6.0, 0.58 * step * room)
    axis.set_tick_params(length=0, pad=2 + 0.5 * size)
    for label, motif in zip(axis.get_ticklabels(), motifs, strict=True):
        colour = motif_colour(motif)
        label.set(color=ink_on(colour), fontsize=size)
        label.set_bbox({"boxstyle": "round,pad=0.22", "facecolor": colour, "edgecolor": "none"})


def say_nothing_to_see(axes: Axes, why: str) -> None:
    """An empty panel that says why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=axes.transAxes)
