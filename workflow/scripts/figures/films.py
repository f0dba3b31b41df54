"""Films of example bouts, drawn from the tracks alone."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from figures.examples import FPS, Bout
from figures.motif_marks import motif_colour, motif_tile
from figures.style import FAINT, GREY, INK, paper_style, shorten

PANEL = 150
HEADER, FOOTER = 22, 14
BODY_LENGTHS = 2.3
"""Width of a panel in body lengths; more if the animal runs farther within a bout."""
DPI = 72
"""A point of matplotlib is then one pixel, and so widths and font sizes are in pixels."""


def draw_film(
    motif: int,
    bouts: Sequence[Bout],
    edges: Sequence[tuple[int, int]],
    head: int | None,
    pose: np.ndarray,
    text: str = "",
) -> list[Image.Image]:
    """Draw the frames of one motif's film: its bouts side by side, each from its start.

    Parameters
    ----------
    edges
        Pairs of points to connect by lines.
    head
        The point to mark, which shows where the animal faces.
    pose
        (keypoint, 2) of the mean animal: its length determines the scale of the panels.
    text
        Text next to the motif's number.
    """
    body_length = float(np.ptp(pose, axis=0).max()) if len(pose) else 0.0
    length = max((len(bout.seconds) for bout in bouts), default=1)
    with paper_style():
        axes = _empty_film(motif, max(len(bouts), 2 if not bouts else 1), text)
        if not bouts:
            axes.text(8, HEADER + PANEL / 2, "no bout to show", color=GREY, fontsize=11)
        animals = [
            Animal(axes, motif, bout, place * PANEL, body_length, edges, head)
            for place, bout in enumerate(bouts)
        ]
        frames = list(_animate(axes, animals, length))
    return [frame.quantize(palette=_palette(motif), dither=Image.Dither.NONE) for frame in frames]


def save_film(frames: Sequence[Image.Image], path: str | Path) -> None:
    """Write a gif that loops in real time."""
    frames[0].save(
        path, format="GIF", save_all=True, append_images=frames[1:], loop=0, optimize=False,
        duration=round(1000 / FPS), disposal=1,
    )  # fmt: skip


class Animal:
    """One bout's panel: static parts are drawn when it is created, moving ones are in `artists`."""

    def __init__(
        self, axes: Axes, motif: int, bout: Bout, left: float, body_length: float, edges, head
    ) -> None:
        self.bout, self.edges, self.head = bout, np.array(edges, int).reshape(-1, 2), head
        self.view = _view(bout, left, body_length)
        self.colours = np.where(bout.inside, motif_colour(motif), GREY)
        self.bar = left + 4 + (PANEL - 8) * np.linspace(0, 1, len(bout.seconds) + 1)
        self.y = HEADER + PANEL - 1
        name = f"{shorten(bout.session, 14)}  {bout.seconds[bout.inside][0]:.1f} s"
        axes.text(left + 4, self.y + 3, name, color=GREY, fontsize=9, va="top")
        axes.plot(*self.view.mean(axis=1).T, color=FAINT, linewidth=2)  # path of its centre
        axes.hlines(
            [self.y] * len(self.view), self.bar[:-1], self.bar[1:], self.colours, linewidth=2
        )
        moving = {"animated": True, "color": INK}
        self.outline = axes.plot([], [], linewidth=4, **moving)[0]
        self.body = axes.plot([], [], linewidth=3, **moving)[0]
        self.points = axes.plot([], [], "o", markersize=5.2, **moving)[0]
        self.mark = axes.plot([], [], "o", markersize=6.4, **moving)[0]
        self.ahead = axes.plot(
            [], [], animated=True, color=FAINT, linewidth=2, solid_capstyle="butt"
        )[0]

    @property
    def artists(self) -> list[Line2D]:
        return [self.outline, self.body, self.points, self.mark, self.ahead]

    def move(self, frame: int) -> None:
        """Show a frame of the bout; a bout shorter than the film stops at its last frame."""
        at = min(frame, len(self.view) - 1)
        pose = self.view[at]
        if not np.isfinite(pose).all():
            pose = np.full_like(pose, np.nan)
        lines = np.full((len(self.edges), 3, 2), np.nan)  # a gap after each line
        lines[:, :2] = pose[self.edges]
        for line in (self.outline, self.body):
            line.set_data(*lines.reshape(-1, 2).T)
        self.points.set_data(*pose.T)
        self.mark.set_data(*pose[[] if self.head is None else [self.head]].T)
        self.body.set_color(self.colours[at])
        self.points.set_markerfacecolor(self.colours[at])
        self.ahead.set_data([self.bar[at + 1], self.bar[-1]], [self.y] * 2)


def _empty_film(motif: int, panels: int, text: str) -> Axes:
    """Return axes in pixels from the upper left corner, with the motif's number and text."""
    width, height = panels * PANEL, HEADER + PANEL + FOOTER
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0))
    tile = 6 + 8 * len(str(motif))
    motif_tile(axes, motif, 4 + tile / 2, HEADER / 2, fontsize=12)
    axes.text(10 + tile, HEADER / 2, text, fontsize=10, va="center")
    return axes


def _animate(axes: Axes, animals: Sequence[Animal], length: int) -> Iterator[Image.Image]:
    """Draw the static parts once, and the moving ones for each frame."""
    canvas = axes.figure.canvas
    canvas.draw()
    ground = canvas.copy_from_bbox(axes.figure.bbox)
    for frame in range(length):
        canvas.restore_region(ground)
        for animal in animals:
            animal.move(frame)
            for artist in animal.artists:
                axes.draw_artist(artist)
        yield Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _view(bout: Bout, left: float, body_length: float) -> np.ndarray:
    """Convert to (frame, keypoint, 2) in pixels of the film, in the middle of its panel."""
    known = bout.shown[np.isfinite(bout.shown).all(axis=(1, 2))]
    low, high = known.min(axis=(0, 1)), known.max(axis=(0, 1))
    scale = 0.92 * PANEL / max((high - low).max(), BODY_LENGTHS * body_length, 1e-6)
    middle = np.array([left + PANEL / 2, HEADER + PANEL / 2])
    return middle + scale * (bout.shown - (low + high) / 2)


def _palette(motif: int) -> Image.Image:
    """Return a film's palette: the colours used, and mixtures of two at edges."""
    white, ink, grey, faint, own = (
        np.array(to_rgb(colour)) for colour in ("white", INK, GREY, FAINT, motif_colour(motif))
    )
    pairs = [(white, ink), (white, own), (own, ink), (white, grey), (grey, ink)]
    between = [one + part * (other - one) for one, other in pairs for part in np.linspace(0, 1, 6)]
    colours = np.unique(np.round(255 * np.array([*between, faint])).astype(int), axis=0)
    palette = Image.new("P", (1, 1))
    palette.putpalette(list(chain.from_iterable(colours.tolist())))
    return palette
