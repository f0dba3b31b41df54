"""One training: every loss term, the KL weight and the learning rate by epoch."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from figures.style import BLUE, GREY, INK, ORANGE, page_figure, round_ticks

# column without train_ or test_: panel title, unit
TERMS = {
    "loss": ("Total loss", "weighted sum of terms"),
    "reconstruction": ("Reconstruction", "mean squared error,\nscaled units"),
    "future": ("Future prediction", "mean squared error,\nscaled units"),
    "cluster": ("Cluster term", "sum of singular values"),
    "kl": ("KL divergence", "nats per window"),
}
SCHEDULES = {
    "kl_weight": ("KL weight", "weight of KL and\ncluster terms"),
    "learning_rate": ("Learning rate", "step size"),
}
PANELS = TERMS | SCHEDULES
COLUMNS = 4

# column prefix: line style; the held-out curve is in front
SPLITS = {
    "test": {"label": "held-out windows", "color": BLUE, "linewidth": 1.3, "zorder": 3},
    "train": {"label": "training windows", "color": ORANGE, "linewidth": 1.0, "zorder": 2},
}
LOG_FROM_RATIO = 5
"""Positive values that span more than this factor get a logarithmic axis."""
MARKERS_UP_TO = 12
"""Up to this many epochs, each is marked; a single epoch has no line."""

CHOSEN_STYLE = {"color": GREY, "linewidth": 0.8, "linestyle": (0, (3, 2)), "zorder": 1}
SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def draw_losses(history: pd.DataFrame, chosen_epoch: int, selection: str = "") -> Figure:
    """Draw small multiples over epochs of `history.csv`; `selection` describes how one was chosen.

    A term without values, such as the future without a future decoder, gets no panel.
    Panels are labelled (`Axes.get_label`) with the columns they show.
    """
    history = history.sort_values("epoch")
    terms = [
        term for term in TERMS if history[[f"train_{term}", f"test_{term}"]].notna().any(axis=None)
    ]
    panels = [*terms, *SCHEDULES]
    with page_figure(92, wspace=0.04, hspace=0.06) as figure:
        grid = figure.add_gridspec(2, COLUMNS)
        for position, panel in enumerate(panels):
            axes = figure.add_subplot(grid[divmod(position, COLUMNS)], label=panel)
            _draw_panel(axes, history, panel, chosen_epoch)
        row, column = divmod(len(panels), COLUMNS)
        axes = figure.add_subplot(grid[row, column:], label="legend")
        line_length = 22 if column == COLUMNS - 1 else 54
        _draw_legend(axes, history, chosen_epoch, textwrap.fill(selection, line_length))
    return figure


def _draw_panel(axes: Axes, history: pd.DataFrame, panel: str, chosen_epoch: int) -> None:
    title, unit = PANELS[panel]
    curves = {panel: {"color": INK}}
    if panel in TERMS:
        curves = {f"{split}_{panel}": style for split, style in SPLITS.items()}
    epochs, values = history["epoch"], history[list(curves)]
    for column, style in curves.items():
        axes.plot(epochs, values[column], **style, **_markers(values[column]))
    (column, style), chosen = next(iter(curves.items())), epochs == chosen_epoch
    axes.plot(
        epochs[chosen], values.loc[chosen, column], "o", color=style["color"], markersize=4.5,
        markeredgecolor="white", markeredgewidth=0.5, zorder=4, clip_on=False,
    )  # fmt: skip
    axes.margins(y=0.08)
    axes.set_title(title)
    axes.set_ylabel(unit)
    _scale_values(axes, values.to_numpy(float))
    if panel in SCHEDULES and axes.get_yscale() == "linear":
        axes.set_ylim(0, 1.08 * values[panel].max() or 1)
    _finish_epochs(axes, epochs, chosen_epoch)


def _markers(values: pd.Series) -> dict:
    few = values.notna().sum() <= MARKERS_UP_TO
    return {"marker": "o", "markersize": 2.5} if few else {}


def _scale_values(axes: Axes, values: np.ndarray) -> None:
    """Use a logarithmic axis where the range requires it, with plain numbers in any case."""
    values = values[np.isfinite(values)]
    if values.size and values.min() > 0 and values.max() > LOG_FROM_RATIO * values.min():
        axes.set_yscale("log")
        decades = np.log10(values.max() / values.min())
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 2 else (1,)))
        axes.yaxis.set_minor_formatter(NullFormatter())
        if decades < 2:
            axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.yaxis.set_major_locator(round_ticks(4))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _plain(value)))


def _plain(value: float) -> str:
    """Write at most three digits, and small and large numbers with a power of ten.

    >>> _plain(0.05), _plain(0.0005), _plain(1e-5)
    ('0.05', '5×10⁻⁴', '10⁻⁵')
    """
    if value == 0 or 1e-3 <= abs(value) < 1e4:
        return f"{value:.4g}".replace("-", "−")
    digits, power = f"{value:.3e}".split("e")
    factor = f"{float(digits):g}×".replace("-", "−") if float(digits) != 1 else ""
    return f"{factor}10{str(int(power)).translate(SUPERSCRIPT)}"


def _finish_epochs(axes: Axes, epochs: pd.Series, chosen_epoch: int) -> None:
    axes.axvline(chosen_epoch, label="chosen epoch", **CHOSEN_STYLE)
    first, last = min(epochs.min(), chosen_epoch), max(epochs.max(), chosen_epoch)
    margin = max(0.04 * (last - first), 0.5)
    axes.set_xlim(first - margin, last + margin)
    axes.xaxis.set_major_locator(round_ticks(4, integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def _draw_legend(axes: Axes, history: pd.DataFrame, chosen_epoch: int, selection: str) -> None:
    handles = [Line2D([], [], **style, **_markers(history["epoch"])) for style in SPLITS.values()]
    handles.append(Line2D([], [], label=f"chosen epoch, {chosen_epoch}", **CHOSEN_STYLE))
    axes.set_axis_off()
    legend = axes.legend(handles=handles, loc="upper left", borderaxespad=0, handlelength=1.8)
    below = axes.annotate(
        selection, (0, 0), xycoords=legend, xytext=(2, -4), textcoords="offset points",
        color=GREY, va="top",
    )  # fmt: skip
    below.set_in_layout(False)  # a long sentence must not shrink the panels
