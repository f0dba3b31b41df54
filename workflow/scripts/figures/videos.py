"""Example bouts of a motif as filmed: cut from the video, around the animal."""

import functools
import os
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
"""Margin around the animal, as a share of its extent."""
WITH_TIMES = {"mov", "mp4", "matroska", "webm", "mpegts", "flv"}
"""Containers that store presentation times, for videos whose frames are stored in another order."""


@dataclass(frozen=True)
class Video:
    """A recording's video, and the frame rate that the recording's frames refer to."""

    path: str
    fps: float


def film_bouts(motif: int, bouts: Sequence[Bout], videos: Sequence[Video]) -> list[np.ndarray]:
    """Return (height, width, 3) frames of a film: bouts side by side, cropped around the animal.

    The border has the motif's colour within the bout, and is grey before and after it.

    Parameters
    ----------
    videos
        The video of each bout's recording.

    Raises
    ------
    ValueError
        If a video cannot be read, or ends before the bout.
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
    """Cut the video's frame at each time of the bout to a square around the animal."""
    wanted = np.round(bout.seconds * video.fps).astype(int)
    shown, pictures, number = {*wanted.tolist()}, {}, None
    for number, picture in read_frames(video.path, int(wanted[0]), int(wanted[-1])):
        if number in shown:  # a fast camera has many more frames in between
            pictures[number] = picture
    if number != wanted[-1]:
        raise ValueError(
            f"{video.path}: frame {wanted[-1]} of the recording is missing"
            + ("" if number is None else f" (it ends at {number})")
            + "; the column video of the sessions table must name the video that was tracked"
        )
    nearest = [pictures[each] for each in wanted.tolist()]
    box = _square(bout.points, nearest[0].size)
    return [
        picture.crop(box).resize((SIDE - 2 * BORDER,) * 2, Image.Resampling.BILINEAR)
        for picture in nearest
    ]


def read_frames(video: str, first: int, last: int) -> Iterator[tuple[int, Image.Image]]:
    """Read (number, image) of a video's frames from `first` to `last`, as far as they exist.

    Frame n is the nth image when the whole video is decoded, counted from 0, regardless of its
    time, as trackers count frames. This also holds for videos with a variable rate or missing
    frames. Reading starts at the keyframe before `first`, found from the times of all packets,
    which are read once per process. If a video has no such times, or its images do not match its
    packets, it is decoded from its start, with the same result.

    Raises
    ------
    ValueError
        If a file cannot be read as a video.
    """
    try:
        status = os.stat(video)
        times, keys = packet_times(video, status.st_size, status.st_mtime_ns)
        for frame in _decode_near(video, times, keys, first, last):
            yield first, frame.to_image()
            first += 1
        if len(times) and first >= min(last + 1, len(times)):
            return
        for number, frame in enumerate(_decode(video)):
            if number > last:
                break
            if number >= first:
                yield number, frame.to_image()
    except (av.FFmpegError, OSError) as error:
        raise ValueError(f"{video}: cannot be read as a video ({error})") from error


@functools.lru_cache(maxsize=64)
def packet_times(video: str, size: int, changed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the times of a video's images in order, and those of its keyframes, without decoding.

    Both are empty if packets do not determine which image is the nth.

    Parameters
    ----------
    size, changed
        Of the file: if they differ, it is read again.
    """
    unknown = np.empty(0, np.int64), np.empty(0, np.int64)
    times, keys = [], []
    with av.open(video) as container:
        stream = _video_stream(container)
        has_times = WITH_TIMES & {*container.format.name.split(",")}
        if stream.codec_context.has_b_frames and not has_times:
            return unknown  # the times are guesses, in the order of storage
        try:
            for packet in container.demux(stream):
                if packet.size == 0 or packet.is_discard:  # the end, and cut off by edit lists
                    continue
                if packet.pts is None or packet.is_corrupt:
                    return unknown
                times.append(packet.pts)
                if packet.is_keyframe:
                    keys.append(packet.pts)
        except av.FFmpegError:  # a damaged end; the images before it can be decoded
            return unknown
    own = np.unique(np.array(times, np.int64))
    return (own, np.sort(np.array(keys, np.int64))) if len(own) == len(times) else unknown


def _decode_near(
    video: str, times: np.ndarray, keys: np.ndarray, first: int, last: int
) -> Iterator[av.VideoFrame]:
    """Decode from the keyframe before `first`, as long as each image is the expected one."""
    place = np.searchsorted(keys, times[first], side="right") if first < len(times) else 0
    if place < 2:  # from the first keyframe, which is the start
        return
    with av.open(video) as container:
        stream = _video_stream(container)
        container.seek(int(keys[place - 1]), stream=stream)
        expected = first
        for frame in container.decode(stream):
            if expected > min(last, len(times) - 1) or frame.pts is None or frame.is_corrupt:
                return
            if frame.pts < times[expected]:
                if expected > first:
                    return
                continue
            if frame.pts != times[expected]:
                return
            yield frame
            expected += 1


def _decode(video: str) -> Iterator[av.VideoFrame]:
    with av.open(video) as container:
        yield from container.decode(_video_stream(container))


def _video_stream(container: av.container.InputContainer) -> av.VideoStream:
    stream = container.streams.best("video")
    if stream is None:
        raise OSError("it contains no images")
    return stream


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
    """Return left, top, right, bottom of a square around all positions of the animal."""
    known = points[np.isfinite(points).all(axis=(1, 2))].reshape(-1, 2)
    low, high = known.min(axis=0), known.max(axis=0)
    side = int(min(np.ceil((1 + 2 * MARGIN) * (high - low).max()), max(size)))
    corner = np.round((low + high) / 2 - side / 2).astype(int)
    return (*corner.tolist(), *(corner + max(side, 2)).tolist())
