"""What the figures share: page width, type, colours, and files whose bytes repeat."""

from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
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


def shorten(name: str, length: int) -> str:
    """Cut the middle out of a name longer than `length`; names differ at their ends.

    >>> shorten("mouse_042_day_03_trial_1", 13)
    'mouse_…rial_1'
    """
    if len(name) <= length:
        return name
    tail = (length - 1) // 2
    return f"{name[: length - 1 - tail]}…{name[-tail:]}"
