"""Number of motifs: each candidate, compared with surrogates."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from figures.style import BLUE, GREY, INK, empty_panel, legend_outside, page_figure

HELD_OUT = {
    "unexplained_variance": "Unexplained variance of held-out windows",
    "log_likelihood_gain": "Log-likelihood of held-out windows\n(nats per window above one state)",
}
DATA = {"color": BLUE, "marker": "o", "markersize": 3, "label": "latents"}
SURROGATES = {"color": GREY, "marker": "o", "markersize": 3, "label": "surrogates"}
CHOSEN = {"color": INK, "linewidth": 0.8, "linestyle": (0, (3, 2)), "zorder": 1, "label": "chosen"}


def draw_n_motifs(tried: pd.DataFrame) -> Figure:
    """Draw `n_motifs.csv`; panels are labelled `held_out`, `gap`, `agreement` and `bouts`."""
    with page_figure(110) as figure:
        if tried.empty:
            empty_panel(figure.subplots(), "The number of motifs was set, not chosen.")
            return figure
        panels = figure.subplots(2, 2, sharex=True).ravel()
        for axes, name in zip(panels, ("held_out", "gap", "agreement", "bouts"), strict=True):
            axes.set_label(name)
        held_out, gap, agreement, bouts = panels
        measure = next(name for name in HELD_OUT if name in tried)
        _draw_pair(held_out, tried, measure)
        held_out.set_title(HELD_OUT[measure])
        gap.errorbar(tried["n_motifs"], tried["gap"], tried["gap_se"], **DATA, elinewidth=0.8)
        gap.axhline(0, color=GREY, linewidth=0.6, zorder=1)
        gap.set_title("Gap to surrogates (bars: one standard error)")
        _draw_pair(agreement, tried, "agreement")
        agreement.vlines(
            tried["n_motifs"], tried["agreement_low"], tried["agreement_high"],
            color=BLUE, linewidth=0.8,
        )  # fmt: skip
        agreement.set_title("Adjusted Rand index of two refits (bars: 95% interval)")
        _draw_pair(bouts, tried, "bout_seconds")
        bouts.set_ylim(0, None)
        bouts.set_title("Median bout duration (s)")
        for axes in panels:
            axes.axvline(tried.loc[tried["chosen"] == 1, "n_motifs"].item(), **CHOSEN)
            _number_axis(axes, tried["n_motifs"])
        for axes in panels[2:]:
            axes.set_xlabel("number of motifs")
        legend_outside(figure, [*held_out.get_lines()], "upper right")
    return figure


def _draw_pair(axes: Axes, tried: pd.DataFrame, name: str) -> None:
    axes.plot(tried["n_motifs"], tried[name], **DATA)
    axes.plot(tried["n_motifs"], tried[f"{name}_surrogates"], **SURROGATES)


def _number_axis(axes: Axes, numbers: pd.Series) -> None:
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(numbers.tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
