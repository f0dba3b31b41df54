"""What one recording's animal did when: every motif over time."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from figures.style import (
    FAINT,
    GREY,
    INK,
    ink_on,
    label_motifs,
    motif_colour,
    page_figure,
    paper_style,
    shorten,
)

BINS = 900
EXCERPTS = 3
TALLEST_MM = 160
EXCERPT_SECONDS = 20.0


def draw_ethogram(session: str, frames: pd.DataFrame, motifs: Sequence[int]) -> Figure:
    """Of one session's csv of motifs; `motifs` are all that there are, used or not.

    Panels are labelled (`Axes.get_label`): `ethogram`, `share`, and `excerpt/0` to `excerpt/2`:
    stretches spread evenly over the recording, not chosen by what is seen in them.
    """
    seconds = frames["seconds"].to_numpy()
    motif = frames["motif"].astype(float).fillna(-1).astype(int).to_numpy()
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    excerpts = excerpt_starts(seconds[-1] + step - seconds[0])
    heights = [min(3.2 * (len(motifs) + 1), TALLEST_MM), *[6.0] * len(excerpts)]
    with paper_style():
        figure = page_figure(height_mm=sum(heights) + 20 + 5 * len(excerpts))
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=[1, 0.13])
        axes = figure.add_subplot(grid[0, 0], label="ethogram")
        _draw_whole(axes, motif, (seconds[0] / 60, (seconds[-1] + step) / 60), motifs)
        _draw_share(figure.add_subplot(grid[0, 1], label="share", sharey=axes), motif, motifs)
        for row, start in enumerate(excerpts):
            axes = figure.add_subplot(grid[1 + row, :], label=f"excerpt/{row}")
            _draw_excerpt(axes, motif, seconds, step, start)
        axes.set_xlabel("time in the recording (s); grey: no motif")
        lost = (motif < 0).mean()
        figure.suptitle(
            f"{shorten(session, 60)}: {len(motif):,} frames, "
            f"{(seconds[-1] + step) / 60:.1f} min; {lost:.1%} of frames without a motif",
            x=0.01, ha="left", fontsize=7.5,
        )  # fmt: skip
        figure.get_layout_engine().set(hspace=0.02, wspace=0.01)
    return figure


def excerpt_starts(length: float) -> list[float]:
    """Seconds at which excerpts begin: each in the middle of an equal share of the recording."""
    count = int(np.clip(length // EXCERPT_SECONDS, 1, EXCERPTS))
    middles = (np.arange(count) + 0.5) * length / count
    return [max(0.0, float(middle - EXCERPT_SECONDS / 2)) for middle in middles]


def _draw_whole(axes: Axes, motif: np.ndarray, minutes: tuple, motifs: Sequence[int]) -> None:
    edges = np.linspace(0, len(motif), min(BINS, len(motif)) + 1).astype(int)
    width = np.diff(edges)
    image = np.ones((len(motifs) + 1, len(width), 3))
    for row, number in enumerate([*motifs, -1]):  # a bin is as dark as its share of frames
        share = np.add.reduceat((motif == number).astype(float), edges[:-1]) / width
        colour = np.array(to_rgb(motif_colour(number) if number >= 0 else GREY))
        image[row] = 1 - share[:, None] * (1 - colour)
    axes.imshow(
        image, aspect="auto", interpolation="none", extent=(*minutes, len(motifs) + 0.5, -0.5)
    )
    label_motifs(axes, motifs, "y", room=min(9, 2.8 * TALLEST_MM / len(motifs)))
    axes.set_ylabel("motif")
    for line in range(len(motifs)):
        axes.axhline(line + 0.5, color=FAINT, linewidth=0.4)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.set_xlabel("time in the recording (min)")


def _draw_share(axes: Axes, motif: np.ndarray, motifs: Sequence[int]) -> None:
    known = max((motif >= 0).sum(), 1)
    shares = [(motif == number).sum() / known for number in motifs]
    axes.barh(range(len(motifs)), shares, 0.7, color=[motif_colour(number) for number in motifs])
    axes.xaxis.set_major_formatter(PercentFormatter(1, 0))
    axes.xaxis.set_major_locator(MaxNLocator(2, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="y", left=False, labelleft=False)
    axes.spines["left"].set_visible(False)
    axes.set_xlim(0, 1.05 * max(*shares, 0.01))
    axes.set_xlabel("share")


def _draw_excerpt(axes: Axes, motif, seconds, step: float, start: float) -> None:
    inside = (seconds >= start) & (seconds < start + EXCERPT_SECONDS)
    motif, seconds = motif[inside], seconds[inside]
    changes = np.flatnonzero(np.diff(motif, prepend=-2))
    ends = np.append(seconds[changes[1:]], seconds[-1] + step)
    for first, end in zip(changes, ends, strict=True):
        number, begin = int(motif[first]), seconds[first]
        colour = motif_colour(number) if number >= 0 else FAINT
        axes.axvspan(begin, end, facecolor=colour, edgecolor="white", linewidth=0.3)
        if number >= 0 and end - begin > 0.012 * EXCERPT_SECONDS * len(str(number)):
            axes.text(
                (begin + end) / 2, 0.5, str(number), ha="center", va="center", fontsize=6,
                color=ink_on(colour), transform=axes.get_xaxis_transform(),
            )  # fmt: skip
    axes.set_xlim(start, start + EXCERPT_SECONDS)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.tick_params(axis="x", pad=1.5, colors=GREY, labelcolor=INK)
