"""Frame n of a video is the nth image when the whole video is decoded."""

import os
from fractions import Fraction
from itertools import accumulate

import av
import numpy as np
import pytest
from figures import videos
from figures.videos import packet_times, read_frames
from hypothesis import given, settings
from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
BITS, SIDE = 9, 16
TICKS = 600  # per second, in the clock of the videos


def picture_of(number):
    """Return an image of the bits of a number, from left to right, the lowest first."""
    bright = [number >> bit & 1 for bit in range(BITS)]
    row = np.repeat(np.array(bright, np.uint8) * 255, SIDE)
    return np.broadcast_to(row[None, :, None], (SIDE, len(row), 3)).copy()


def number_in(picture):
    middle = np.asarray(picture)[SIDE // 2, SIDE // 2 :: SIDE].mean(axis=1)
    return sum(int(bright) << bit for bit, bright in enumerate(middle > 128))


def write_video(path, times, *, codec="h264", gop=12, options=(), shift=0):
    """Write a video with an image at each time, in ticks; the file shifts all times.

    An avi has a frame rate and no times of images.
    """
    tick = Fraction(1, 30 if path.suffix == ".avi" else TICKS)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height = BITS * SIDE, SIDE
        stream.pix_fmt = {"mjpeg": "yuvj420p", "rawvideo": "bgr24"}.get(codec, "yuv420p")
        stream.codec_context.time_base = tick
        stream.codec_context.gop_size = gop
        stream.options = dict(options)
        frames = [av.VideoFrame.from_ndarray(picture_of(n), "rgb24") for n in range(len(times))]
        for frame, time in zip(frames, times, strict=True):
            frame.pts, frame.time_base = time, tick
        for frame in [*frames, None]:
            for packet in stream.encode(frame):
                if shift:
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                container.mux(packet)
    return str(path)


def decoded(video):
    """Return the numbers in all images of the video, in order."""
    with av.open(video) as container:
        return [number_in(frame.to_image()) for frame in container.decode(video=0)]


def seen(video, first, last):
    return [(number, number_in(picture)) for number, picture in read_frames(video, first, last)]


def steady(frames, step=20):
    return [step * n for n in range(frames)]


def with_gaps(frames):
    return list(accumulate([0, *(20 * (4 if n % 9 == 5 else 1) for n in range(frames - 1))]))


def two_rates(frames):
    return list(accumulate([0, *(20 if n < frames // 2 else 25 for n in range(frames - 1))]))


B_FRAMES = {"bf": "3", "b_strategy": "0"}
KINDS = {
    "steady.mp4": {"times": steady(90)},
    "dropped.mp4": {"times": with_gaps(90)},
    "telephone.mov": {"times": two_rates(90), "options": B_FRAMES},
    "b_frames.mp4": {"times": with_gaps(90), "options": B_FRAMES},
    "open_gop.mkv": {
        "times": with_gaps(90),
        "options": B_FRAMES | {"x264-params": "open-gop=1:scenecut=0:keyint=12"},
    },
    "refreshed.mp4": {"times": steady(90), "options": {"x264-params": "intra-refresh=1:keyint=10"}},
    "late.mp4": {"times": steady(90), "shift": 600, "options": B_FRAMES},
    "one_keyframe.mp4": {"times": with_gaps(90), "gop": 300},
    "web.webm": {"times": with_gaps(90), "codec": "libvpx-vp9"},
    "broadcast.ts": {"times": two_rates(90), "options": B_FRAMES},
    "camera.avi": {"times": list(range(90)), "codec": "mjpeg"},
    "raw.avi": {"times": list(range(90)), "codec": "rawvideo"},
    "gaps.avi": {"times": [t // 20 for t in with_gaps(90)], "codec": "mjpeg"},
    "old.avi": {"times": list(range(90)), "codec": "mpeg4", "options": {"bf": "2"}},
    "no_times.avi": {"times": list(range(90)), "options": B_FRAMES},
    "stream.h264": {"times": steady(90), "options": B_FRAMES},
}


@pytest.mark.parametrize("name", KINDS)
def test_frame_n_is_the_nth_picture(tmp_path, name):
    video = write_video(tmp_path / name, **KINDS[name])
    assert decoded(video) == list(range(90))
    for first, last in ((0, 89), (0, 0), (11, 13), (30, 41), (57, 60), (88, 200)):
        assert seen(video, first, last) == [(n, n) for n in range(first, min(last, 89) + 1)]
    assert seen(video, 90, 95) == []


def test_frames_that_an_edit_list_removes_are_not_counted(tmp_path):
    """Such images are in the file, but no player shows them."""
    video = write_video(tmp_path / "cut.mp4", steady(90), gop=10, shift=-25 * 20)
    shown = decoded(video)
    assert 0 < shown[0] <= 25
    assert shown == list(range(shown[0], 90))
    for first in (0, 20, 40):
        assert seen(video, first, first + 9) == [(n, shown[n]) for n in range(first, first + 10)]


def test_a_late_frame_is_read_from_the_keyframe_before_it(tmp_path, monkeypatch):
    video = write_video(tmp_path / "mouse.mp4", with_gaps(90), options=B_FRAMES)
    monkeypatch.setattr(videos, "_decode", None)  # decoding from the start fails
    assert seen(video, 70, 75) == [(n, n) for n in range(70, 76)]


def test_a_video_is_indexed_again_when_it_changes(tmp_path):
    video = write_video(tmp_path / "mouse.mp4", steady(60))
    assert seen(video, 50, 70)[-1] == (59, 59)
    write_video(tmp_path / "mouse.mp4", steady(90))
    assert seen(video, 50, 70)[-1] == (70, 70)


def test_all_images_are_decoded_if_they_do_not_match_the_packets(tmp_path, monkeypatch):
    video = write_video(tmp_path / "mouse.mp4", steady(90))

    def wrong_times(*file):
        times, keys = packet_times(*file)
        return np.delete(times, 72), keys

    monkeypatch.setattr(videos, "packet_times", wrong_times)
    assert seen(video, 70, 75) == [(n, n) for n in range(70, 76)]


def test_a_file_without_images_is_refused_with_its_name(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 44100
        for each in (frame, None):
            container.mux(stream.encode(each))
    with pytest.raises(
        ValueError, match=r"sound\.mp4: cannot be read as a video \(it contains no ima"
    ):
        list(read_frames(str(tmp_path / "sound.mp4"), 0, 5))
    with pytest.raises(ValueError, match=r"gone\.mp4: cannot be read as a video"):
        list(read_frames(str(tmp_path / "gone.mp4"), 0, 5))


@st.composite
def any_videos(draw):
    frames = draw(st.integers(1, 60))
    suffix, codec = draw(
        st.sampled_from(
            [(suffix, "h264") for suffix in ("mp4", "mov", "mkv", "avi")]
            + [("avi", "mpeg4"), ("avi", "mjpeg"), ("webm", "libvpx-vp9"), ("mp4", "mpeg4")]
        )
    )
    steps = st.lists(st.integers(1, 5), min_size=frames - 1, max_size=frames - 1)
    unit = 1 if suffix == "avi" else draw(st.sampled_from([10, 20, 25]))
    times = [unit * time for time in accumulate([0, *draw(steps)])]
    options = draw(st.sampled_from([{}, B_FRAMES])) if codec == "h264" else {}
    shift = draw(st.sampled_from([0, 0, 300])) if suffix in ("mp4", "mov", "mkv") else 0
    how = {"codec": codec, "gop": draw(st.integers(1, 30)), "options": options, "shift": shift}
    return suffix, times, how


@settings(max_examples=EXAMPLES, deadline=None, derandomize=EXAMPLES <= 10, database=None)
@given(video=any_videos(), places=st.lists(st.integers(0, 60), min_size=2, max_size=2))
def test_any_frames_of_any_video_equal_those_of_the_whole_video(tmp_path_factory, video, places):
    suffix, times, how = video
    path = write_video(tmp_path_factory.mktemp("any") / f"mouse.{suffix}", times, **how)
    whole, (first, last) = decoded(path), sorted(places)
    assert whole == list(range(len(times)))
    assert seen(path, first, last) == [(n, n) for n in range(first, min(last + 1, len(times)))]
