"""What all figures share: page width, fonts, colours, and reproducible files."""

import textwrap
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.legend import Legend
from matplotlib.ticker import MaxNLocator

MM = 1 / 25.4
"""Inches per millimetre; matplotlib measures figures in inches."""

PAGE_WIDTH_MM = 180
"""Width of a figure across both columns of a journal page."""

# Okabe & Ito (2008): distinguishable with every common form of colour blindness.
BLUE = "#0072B2"
ORANGE = "#E69F00"
VERMILION = "#D55E00"
INK = "#222222"
GREY = "#767676"
FAINT = "#E2E2E2"

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
    "legend.borderaxespad": 0.2,
    "legend.columnspacing": 1.4,
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
    """Use only our style within this context, not the user's matplotlibrc."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


@contextmanager
def page_figure(height_mm: float, **spaces: float):
    """Yield an empty figure of the page's width, without pyplot state.

    `spaces` are `wspace` and `hspace` between panels, as in matplotlib's constrained layout.
    """
    size = (PAGE_WIDTH_MM * MM, height_mm * MM)
    with paper_style():
        yield Figure(figsize=size, layout=ConstrainedLayoutEngine(**spaces))


def save(figure: Figure, *, svg: str | Path, png: str | Path, dpi: int) -> None:
    """Write both files; equal figures give equal bytes: no date, no random ids."""
    with paper_style():
        figure.draw_without_rendering()
        # Laid out once, for both files. With "none", an engine would stay, and savefig draw twice.
        figure.set_layout_engine(None)
        figure.savefig(svg, format="svg", dpi=dpi, metadata={"Date": None})
        figure.savefig(png, format="png", dpi=dpi, metadata={"Software": None})


def shorten(name: str, length: int) -> str:
    """Remove the middle of a name longer than `length`, since names differ at their ends.

    >>> shorten("mouse_042_day_03_trial_1", 13)
    'mouse_…rial_1'
    """
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}…{name[-tail:]}"


def feature_label(feature: str) -> str:
    """Write `tail_base_x` as `tail_base x (px)`, on as many short lines as needed."""
    name, _, axis = feature.rpartition("_")
    unit = f" {axis} (px)"
    if not name or axis not in {"x", "y", "z"}:  # a scalar, with its own unit
        name, unit = feature, ""
    breakable = shorten(name, 20).replace("_", "_ ")
    return "\n".join(textwrap.wrap(breakable + unit, 14)).replace("_ ", "_")


def round_ticks(most: int, **options) -> MaxNLocator:
    """Place at most this many intervals between ticks, at multiples of 1, 2 or 5."""
    return MaxNLocator(most, steps=[1, 2, 5, 10], **options)


def headline(figure: Figure, text: str, colour: str = INK) -> None:
    """Write a sentence about the whole figure above it."""
    figure.suptitle(text, x=0.01, ha="left", fontsize=7.5, color=colour)


def legend_outside(
    figure: Figure, handles: Sequence[Artist], loc: str = "upper left", **options
) -> Legend:
    """Put a legend in one line above or below all panels."""
    where = {"loc": f"outside {loc}", "ncols": len(handles), "handletextpad": 0.3}
    return figure.legend(handles=handles, **where | options)


def legend_over(axes: Axes, handles: Sequence[Artist], side: str, handlelength: float) -> None:
    """Put a legend in one line on the upper edge of a panel, at its left or right."""
    axes.legend(
        handles=handles, loc=f"lower {side}", bbox_to_anchor=(float(side == "right"), 1.0),
        ncols=len(handles), handlelength=handlelength, handleheight=1.0, borderpad=0,
    )  # fmt: skip


def empty_panel(axes: Axes, why: str) -> None:
    """Replace a panel by a sentence that explains why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, why, ha="center", va="center", color=GREY, transform=axes.transAxes)


def side_by_side(count: int) -> np.ndarray:
    """Return offsets from -1 to 1 for points that would hide one another; 0 for a single one."""
    return np.linspace(-1, 1, count) if count > 1 else np.zeros(count)


def bin_means(values: np.ndarray, most: int) -> np.ndarray:
    """Compute means over equal parts of the first axis: at most `most`, or as many as values."""
    edges = np.linspace(0, len(values), min(most, len(values)) + 1).astype(int)
    width = np.diff(edges).reshape(-1, *[1] * (values.ndim - 1))
    return np.add.reduceat(np.asarray(values, float), edges[:-1], axis=0) / width
