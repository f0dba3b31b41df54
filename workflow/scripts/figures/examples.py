"""Example bouts of a motif as a small film, drawn from the tracks alone."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import chain
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from PIL import Image, ImageDraw, ImageFont

from figures.skeletons import in_image, poses_of, seen_from
from figures.style import FAINT, GREY, INK, ink_on, motif_colour, shorten

FPS = 20
CONTEXT_SECONDS = 0.25
"""Shown before and after a bout, in grey."""
LONGEST_SECONDS = 3.0
PANEL = 150
HEADER, FOOTER = 22, 14
SHARPEN = 3
"""Drawn so many times larger, then averaged: lines get smooth edges."""
BODY_LENGTHS = 2.3
"""Across a panel; of an animal that runs farther within a bout, more."""


@dataclass(frozen=True)
class Bout:
    """A bout and its context, frame by frame as the film shows it.

    Attributes
    ----------
    session
        Where it is from.
    seconds
        (frame,) time in the recording.
    points
        (frame, keypoint, 2) pixels of the image, NaN where the animal is not known.
    shown
        The same, as seen from the animal at the begin of the bout.
    inside
        (frame,) bool: in the bout, and not before or after it.
    """

    session: str
    seconds: np.ndarray
    points: np.ndarray
    shown: np.ndarray
    inside: np.ndarray


def cut_bout(
    session: str, aligned: Mapping[str, np.ndarray], center: str, first: int, last: int
) -> Bout:
    """The frames `first` to `last` of an aligned recording, and what is around them, at `FPS`."""
    fps, frames = float(aligned["fps"]), len(aligned["poses"])
    begin, end = first / fps, min((last + 1) / fps, first / fps + LONGEST_SECONDS)
    whole = np.arange(begin - CONTEXT_SECONDS, end + CONTEXT_SECONDS, 1 / FPS)
    whole = whole[(whole > -1e-9) & (whole <= (frames - 1) / fps)].clip(0)
    from_frame = max(0, int(whole[0] * fps))
    part = slice(from_frame, int(np.ceil(whole[-1] * fps)) + 1)
    _, poses = poses_of(aligned["poses"][part], aligned["features"].tolist(), center)
    track = aligned["track"][part].astype(float)
    points = in_image(poses, track)
    shown = seen_from(points, track, first - from_frame)
    at = whole * fps - from_frame
    return Bout(
        session=session,
        seconds=whole,
        points=_at(points, at),
        shown=_at(shown, at),
        inside=(whole >= begin - 1e-9) & (whole < end - 1e-9),
    )


def load_bouts(
    examples: pd.DataFrame, aligned: Mapping[str, str | Path], center: str
) -> dict[int, list[Bout]]:
    """By motif its example bouts, in the order of their ranks.

    Parameters
    ----------
    examples
        Rows of `examples.csv`.
    aligned
        By session its aligned poses.
    """
    bouts = {}
    for session, rows in examples.groupby("session"):  # one recording in memory at a time
        with np.load(aligned[session]) as arrays:
            recording = {name: arrays[name] for name in ("poses", "track", "features", "fps")}
        for row in rows.itertuples():
            bouts[row.motif, row.rank] = cut_bout(
                session, recording, center, row.first_frame, row.last_frame
            )
    return {
        motif: [bout for (other, _), bout in sorted(bouts.items()) if other == motif]
        for motif in sorted({motif for motif, _ in bouts})
    }


def _at(points: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(frame, keypoint, 2) between frames; not known where one of both is not."""
    low = np.floor(at + 1e-9).astype(int).clip(0, len(points) - 1)
    high = np.minimum(low + 1, len(points) - 1)
    part = (at - low).clip(0, 1)[:, None, None]
    return np.where(part < 1e-6, points[low], (1 - part) * points[low] + part * points[high])


def draw_film(
    motif: int,
    bouts: Sequence[Bout],
    edges: Sequence[tuple[int, int]],
    head: int | None,
    pose: np.ndarray,
    said: str = "",
) -> list[Image.Image]:
    """Frames of one motif's film: its bouts beside each other, each from its begin.

    Parameters
    ----------
    edges
        Points to draw lines between.
    head
        The point to mark, so that one sees where the animal looks.
    pose
        (keypoint, 2) of the mean animal: its length is what panels are scaled by.
    said
        What stands beside the motif's number.
    """
    if not bouts:
        return [draw_nothing(motif, "no bout to show")]
    body_length = float(np.ptp(pose, axis=0).max())
    width, height = len(bouts) * PANEL, HEADER + PANEL + FOOTER
    ground = Image.new("RGB", (width * SHARPEN, height * SHARPEN), "white")
    draw = ImageDraw.Draw(ground)
    _draw_header(draw, motif, said)
    views = []
    for place, bout in enumerate(bouts):
        views.append(_view(bout, place * PANEL, body_length))
        name = f"{shorten(bout.session, 14)}  {bout.seconds[bout.inside][0]:.1f} s"
        _write(draw, (place * PANEL + 4, HEADER + PANEL + 1), name, GREY, 9)
        _draw_way(draw, views[-1])
    frames = []
    for number in range(max(len(bout.seconds) for bout in bouts)):
        picture = ground.copy()
        draw = ImageDraw.Draw(picture)
        for place, (bout, view) in enumerate(zip(bouts, views, strict=True)):
            at = min(number, len(bout.seconds) - 1)  # a shorter one waits at its end
            _draw_animal(draw, view[at], bool(bout.inside[at]), motif, edges, head)
            _draw_time(draw, bout, at, place * PANEL, motif)
        frames.append(picture.reduce(SHARPEN))
    return [frame.quantize(palette=_palette(motif), dither=Image.Dither.NONE) for frame in frames]


def draw_nothing(motif: int, why: str) -> Image.Image:
    """The picture of a motif that has no film."""
    picture = Image.new("RGB", (2 * PANEL * SHARPEN, (HEADER + PANEL // 3) * SHARPEN), "white")
    draw = ImageDraw.Draw(picture)
    _draw_header(draw, motif, "")
    _write(draw, (8, HEADER + 12), why, GREY, 11)
    return picture.reduce(SHARPEN).quantize(palette=_palette(motif), dither=Image.Dither.NONE)


def save_film(frames: Sequence[Image.Image], path: str | Path) -> None:
    """Write a gif that runs in real time, again and again."""
    frames[0].save(
        path, format="GIF", save_all=True, append_images=frames[1:], loop=0, optimize=False,
        duration=round(1000 / FPS), disposal=1,
    )  # fmt: skip


def gallery(title: str, films: Mapping[int, Sequence[Path]]) -> str:
    """All films of a segmentation on one page that needs no other file.

    Parameters
    ----------
    films
        By motif its gif, and its mp4 where there is one.
    """
    figures = "\n".join(
        f'<figure id="motif{motif}">{"".join(map(_embedded, paths))}</figure>'
        for motif, paths in films.items()
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(title)}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; color: {INK}; margin: 1.5rem; }}
main {{ display: flex; flex-wrap: wrap; gap: 1rem; }}
figure {{ margin: 0; padding: .3rem; border: 1px solid {FAINT}; border-radius: 4px; }}
img, video {{ display: block; max-width: 100%; }}
</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p>The bouts nearest to each motif's centre, side by side and as fast as they were. Coloured: in the
bout; grey: before and after. The dark point is the keypoint that the animal is turned by; at the
begin of the bout it looks right.</p>
<main>
{figures}
</main>
</body>
</html>
"""


def _embedded(path: Path) -> str:
    content = base64.b64encode(path.read_bytes()).decode()
    if path.suffix == ".mp4":
        return (
            f'<video autoplay loop muted playsinline src="data:video/mp4;base64,{content}"></video>'
        )
    return f'<img alt="{escape(path.stem)}" src="data:image/gif;base64,{content}">'


def _view(bout: Bout, left: int, body_length: float) -> np.ndarray:
    """(frame, keypoint, 2) in pixels of the enlarged picture, in the middle of its panel."""
    known = bout.shown[np.isfinite(bout.shown).all(axis=(1, 2))]
    low, high = known.min(axis=(0, 1)), known.max(axis=(0, 1))
    scale = 0.92 * PANEL / max((high - low).max(), BODY_LENGTHS * body_length, 1e-6)
    middle = np.array([left + PANEL / 2, HEADER + PANEL / 2])
    return SHARPEN * (middle + scale * (bout.shown - (low + high) / 2))


def _draw_header(draw: ImageDraw.ImageDraw, motif: int, said: str) -> None:
    colour = motif_colour(motif)
    width = 12 + 8 * len(str(motif))
    draw.rounded_rectangle(
        [SHARPEN * each for each in (4, 3, 4 + width, HEADER - 3)], 3 * SHARPEN, fill=colour
    )
    _write(draw, (4 + width / 2, HEADER / 2), str(motif), ink_on(colour), 12, anchor="mm")
    _write(draw, (10 + width, HEADER / 2), said, INK, 10, anchor="lm")


def _draw_way(draw: ImageDraw.ImageDraw, view: np.ndarray) -> None:
    """A line along the middle of the animal, under everything."""
    way = view.mean(axis=1)
    way = way[np.isfinite(way).all(axis=1)]
    if len(way) > 1:
        draw.line([tuple(place) for place in way], fill=FAINT, width=2 * SHARPEN, joint="curve")


def _draw_animal(draw, points, inside: bool, motif: int, edges, head) -> None:
    if not np.isfinite(points).all():
        return
    colour = motif_colour(motif) if inside else GREY
    for width, fill in ((4, INK), (3, colour)):
        for one, other in edges:
            line = [tuple(points[one]), tuple(points[other])]
            draw.line(line, fill=fill, width=width * SHARPEN)
    for number, point in enumerate(points):
        size = (3.2 if number == head else 2.6) * SHARPEN
        draw.ellipse(
            [*(point - size), *(point + size)], outline=INK, width=SHARPEN,
            fill=INK if number == head else colour,
        )  # fmt: skip


def _draw_time(draw, bout: Bout, at: int, left: int, motif: int) -> None:
    """A bar under the panel that fills with time."""
    room = PANEL - 8
    total = len(bout.seconds)
    y = SHARPEN * (HEADER + PANEL - 2)
    for number in range(total):
        colour = motif_colour(motif) if bout.inside[number] else GREY
        span = [left + 4 + room * edge / total for edge in (number, number + 1)]
        fill = colour if number <= at else FAINT
        draw.rectangle([SHARPEN * span[0], y, SHARPEN * span[1], y + 2 * SHARPEN], fill=fill)


def _write(draw, place, text: str, colour: str, size: int, anchor: str = "la") -> None:
    font = _font(size)
    draw.text(tuple(SHARPEN * each for each in place), text, fill=colour, font=font, anchor=anchor)


def _font(size: int) -> ImageFont.FreeTypeFont:
    path = Path(mpl.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"  # that of the figures
    return ImageFont.truetype(path, size * SHARPEN)


def _palette(motif: int) -> Image.Image:
    """Colours of a film: those that are drawn, and what lies between two of them at an edge."""
    white, ink, grey, faint, own = (
        np.array(to_rgb(colour)) for colour in ("white", INK, GREY, FAINT, motif_colour(motif))
    )
    pairs = [(white, ink), (white, own), (own, ink), (white, grey), (grey, ink)]
    between = [one + part * (other - one) for one, other in pairs for part in np.linspace(0, 1, 6)]
    colours = np.unique(np.round(255 * np.array([*between, faint])).astype(int), axis=0)
    palette = Image.new("P", (1, 1))
    palette.putpalette(list(chain.from_iterable(colours.tolist())))
    return palette
