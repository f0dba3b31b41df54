"""The behaviour of one recording's animal: every motif over time."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from figures.motif_marks import draw_share_bars, ink_on, label_motifs, motif_colour, names_of
from figures.style import (
    FAINT,
    GREY,
    INK,
    bin_means,
    headline,
    page_figure,
    round_ticks,
    shorten,
)

BINS = 900
EXCERPTS = 3
TALLEST_MM = 160
EXCERPT_SECONDS = 20.0


def draw_ethogram(session: str, frames: pd.DataFrame, motifs: Sequence[int]) -> Figure:
    """Draw one session's csv of motifs; `motifs` are all motifs, used or not.

    Panels are labelled (`Axes.get_label`): `ethogram`, `share`, and `excerpt/0` to `excerpt/2`:
    parts spread evenly over the recording, not chosen by their content.
    """
    seconds = frames["seconds"].to_numpy()
    motif = frames["motif"].astype(float).fillna(-1).astype(int).to_numpy()
    step = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 1.0
    excerpts = excerpt_starts(seconds[-1] + step - seconds[0])
    heights = [min(3.2 * (len(motifs) + 1), TALLEST_MM), *[6.0] * len(excerpts)]
    with page_figure(sum(heights) + 20 + 5 * len(excerpts), hspace=0.02, wspace=0.01) as figure:
        grid = figure.add_gridspec(len(heights), 2, height_ratios=heights, width_ratios=[1, 0.13])
        axes = figure.add_subplot(grid[0, 0], label="ethogram")
        minutes = seconds[0] / 60, (seconds[-1] + step) / 60
        _draw_whole(axes, motif, minutes, motifs, names_of(frames))
        share = figure.add_subplot(grid[0, 1], label="share", sharey=axes)
        known = max((motif >= 0).sum(), 1)
        draw_share_bars(share, [(motif == number).sum() / known for number in motifs], motifs)
        for row, start in enumerate(excerpts):
            axes = figure.add_subplot(grid[1 + row, :], label=f"excerpt/{row}")
            _draw_excerpt(axes, motif, seconds, step, start)
        axes.set_xlabel("time in the recording (s); grey: no motif")
        headline(
            figure,
            f"{shorten(session, 60)}: {len(motif):,} frames, {(seconds[-1] + step) / 60:.1f} min; "
            f"{(motif < 0).mean():.1%} of frames without a motif",
        )
    return figure


def excerpt_starts(length: float) -> list[float]:
    """Return the starts of excerpts in seconds: each in the middle of an equal share."""
    count = int(np.clip(length // EXCERPT_SECONDS, 1, EXCERPTS))
    middles = (np.arange(count) + 0.5) * length / count
    return [max(0.0, float(middle - EXCERPT_SECONDS / 2)) for middle in middles]


def _draw_whole(
    axes: Axes, motif: np.ndarray, minutes: tuple, motifs: Sequence[int], names: Mapping[int, str]
) -> None:
    colours = [*((number, motif_colour(number)) for number in motifs), (-1, GREY)]
    image = np.stack(  # the darkness of a bin is its share of frames
        [1 - bin_means(motif == number, BINS)[:, None] * (1 - np.array(to_rgb(colour)))
         for number, colour in colours]
    )  # fmt: skip
    axes.imshow(
        image, aspect="auto", interpolation="none", extent=(*minutes, len(motifs) + 0.5, -0.5)
    )
    label_motifs(axes, motifs, "y", min(9, 2.8 * TALLEST_MM / len(motifs)), names)
    axes.set_ylabel("motif")
    for line in range(len(motifs)):
        axes.axhline(line + 0.5, color=FAINT, linewidth=0.4)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.xaxis.set_major_locator(round_ticks(8))
    axes.set_xlabel("time in the recording (min)")


def _draw_excerpt(axes: Axes, motif, seconds, step: float, start: float) -> None:
    inside = (seconds >= start) & (seconds < start + EXCERPT_SECONDS)
    motif, seconds = motif[inside], seconds[inside]
    changes = np.flatnonzero(np.diff(motif, prepend=-2))
    ends = np.append(seconds[changes[1:]], seconds[-1] + step)
    for number, first, end in zip(motif[changes], seconds[changes], ends, strict=True):
        colour = motif_colour(number) if number >= 0 else FAINT
        axes.axvspan(first, end, facecolor=colour, edgecolor="white", linewidth=0.3)
        if number >= 0 and end - first > 0.012 * EXCERPT_SECONDS * len(str(number)):
            axes.text(
                (first + end) / 2, 0.5, str(number), ha="center", va="center", fontsize=6,
                color=ink_on(colour), transform=axes.get_xaxis_transform(),
            )  # fmt: skip
    axes.set_xlim(start, start + EXCERPT_SECONDS)
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.xaxis.set_major_locator(round_ticks(5))
    axes.tick_params(axis="x", pad=1.5, colors=GREY, labelcolor=INK)
