"""Example bouts of a motif as they were filmed: cut from the video, around the animal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageOps

from figures.examples import FPS, Bout
from figures.motif_marks import motif_colour
from figures.style import GREY

SIDE = 200
BORDER = 4
MARGIN = 0.35
"""Room around the animal, as a share of its extent."""


@dataclass(frozen=True)
class Video:
    """A recording's video, and the frame rate by which the recording's frames are counted."""

    path: str
    fps: float


def film_bouts(motif: int, bouts: Sequence[Bout], videos: Sequence[Video]) -> list[np.ndarray]:
    """Frames (height, width, 3) of a film: the bouts beside each other, cut around the animal.

    The border has the motif's colour in the bout, and is grey before and after.

    Parameters
    ----------
    videos
        Of each bout, its recording's.

    Raises
    ------
    ValueError
        Naming a video that cannot be read, or that ends before the bout.
    """
    strips = [
        [
            _bordered(picture, motif_colour(motif) if inside else GREY)
            for picture, inside in zip(cut_video(video, bout), bout.inside, strict=True)
        ]
        for bout, video in zip(bouts, videos, strict=True)
    ]
    length = max(map(len, strips))
    padded = [[*strip, *[strip[-1]] * (length - len(strip))] for strip in strips]
    return [np.hstack(pictures) for pictures in zip(*padded, strict=True)]


def cut_video(video: Video, bout: Bout) -> list[Image.Image]:
    """Cut the video's frame at each time of the bout to a square around where the animal was."""
    wanted = np.round(bout.seconds * video.fps).astype(int)
    pictures = dict(read_frames(video.path, int(wanted[0]), int(wanted[-1])))
    if wanted[-1] not in pictures:
        last = max(pictures, default=None)
        raise ValueError(
            f"{video.path}: frame {wanted[-1]} of the recording is not in it"
            + ("" if last is None else f" (it ends at {last})")
            + "; the sessions table's column video has to name the video that was tracked"
        )
    nearest = [pictures[max(number for number in pictures if number <= each)] for each in wanted]
    box = _square(bout.points, nearest[0].size)
    return [
        picture.crop(box).resize((SIDE - 2 * BORDER,) * 2, Image.Resampling.BILINEAR)
        for picture in nearest
    ]


def read_frames(video: str, first: int, last: int) -> Iterator[tuple[int, Image.Image]]:
    """Read (number, picture) of a video's frames from `first` to `last`, as far as it has them.

    Frames are numbered by their times, at the video's own mean rate: right where that is constant.
    """
    try:
        with av.open(video) as container:
            stream = container.streams.video[0]
            begin = stream.start_time or 0
            seek = begin + int(first / stream.average_rate / stream.time_base)
            container.seek(max(seek, begin), stream=stream)
            for frame in container.decode(stream):
                seconds = (frame.pts - begin) * stream.time_base
                number = round(seconds * stream.average_rate)
                if number > last:
                    break
                if number >= first:
                    yield number, frame.to_image()
    except (av.FFmpegError, IndexError, OSError) as error:
        raise ValueError(f"{video}: cannot be read as a video ({error})") from error


def save_video(frames: Sequence[np.ndarray], path: str | Path) -> None:
    """Write an mp4 that browsers play."""
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("h264", rate=FPS)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "26"}
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _bordered(picture: Image.Image, colour: str) -> np.ndarray:
    framed = ImageOps.expand(picture, BORDER - 1, fill=colour)
    return np.asarray(ImageOps.expand(framed, 1, fill="white"))


def _square(points: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of a square around all places of the animal."""
    known = points[np.isfinite(points).all(axis=(1, 2))].reshape(-1, 2)
    low, high = known.min(axis=0), known.max(axis=0)
    side = int(min(np.ceil((1 + 2 * MARGIN) * (high - low).max()), max(size)))
    corner = np.round((low + high) / 2 - side / 2).astype(int)
    return (*corner.tolist(), *(corner + max(side, 2)).tolist())
