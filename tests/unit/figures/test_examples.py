"""Films of example bouts: the content of each frame, from tracks and from a video."""

import av
import numpy as np
import pandas as pd
import pytest
from figures.examples import FPS, cut_bout, load_bouts
from figures.films import draw_film, save_film
from figures.gallery import film_motifs, gallery
from figures.motif_marks import motif_colour
from figures.skeletons import (
    edges_of,
    in_image,
    mean_animal,
    poses_of,
    seen_from,
    split_features,
    turned,
)
from figures.videos import SIDE, Video, cut_video, film_bouts, read_frames, save_video
from formats.aligned import AlignedPoses, save_aligned
from matplotlib.colors import to_rgb
from motif_tables import CENTER, FEATURES, KEYPOINTS, ORIENT, make_tables
from PIL import Image

NAMES = ["nose", "left_fore_paw", "right_fore_paw", "left_hind_paw", "right_hind_paw", "tail_base"]
POSE = np.array([KEYPOINTS[name] for name in NAMES], float)
EDGES = edges_of(NAMES, POSE, None)


def make_aligned(*, frames=300, fps=30.0, speed=30.0, turning=0.0, start=(200.0, 100.0)):
    """Return an animal with a constant pose, at `speed` px/s and `turning` rad/s, in pixels."""
    time = np.arange(frames) / fps
    heading = turning * time
    step = speed / fps * np.column_stack([np.cos(heading), np.sin(heading)])
    place = np.asarray(start) + np.vstack([[0, 0], step[:-1].cumsum(axis=0)])
    values = [KEYPOINTS[name.rsplit("_", 1)[0]]["xy".index(name[-1])] for name in FEATURES]
    return AlignedPoses(
        poses=np.tile(np.array(values, np.float32), (frames, 1)),
        usable=np.ones(frames, bool),
        features=FEATURES,
        fps=fps,
        track=np.column_stack([place, (heading + np.pi) % (2 * np.pi) - np.pi]),
    )


def is_shown(picture, colour):
    rgb = np.asarray(picture.convert("RGB"), int)
    wanted = np.round(255 * np.array(to_rgb(colour))).astype(int)
    return bool((abs(rgb - wanted).sum(axis=-1) <= 3).any())


class TestSkeletons:
    def test_keypoints_are_names_with_coordinates(self):
        names, columns = split_features(["tail_tip_x", "tail_tip_y", "speed", "nose_x", "index_z"])
        assert names == ["tail_tip", "nose"]
        assert columns == {("tail_tip", 0): 0, ("tail_tip", 1): 1, ("nose", 0): 3}

    def test_constant_coordinates_are_restored(self):
        names, poses = poses_of(make_aligned().poses, FEATURES, CENTER)
        assert names == NAMES
        np.testing.assert_allclose(poses[0], POSE)

    def test_lines_of_a_symmetric_animal_are_symmetric(self):
        named = {tuple(sorted((NAMES[one], NAMES[other]))) for one, other in EDGES}
        mirrored = {
            tuple(
                sorted(
                    name.replace("left", "?").replace("right", "left").replace("?", "right")
                    for name in pair
                )
            )
            for pair in named
        }
        assert mirrored == named
        assert ("left_fore_paw", "nose") in named
        assert (
            "left_hind_paw",
            "right_hind_paw",
        ) not in named  # the path through the tail is shorter

    def test_lines_join_all_points(self):
        points = np.random.default_rng(0).normal(size=(12, 2))
        reached, edges = {0}, edges_of([str(n) for n in range(12)], points, None)
        for _ in range(12):
            reached |= {b for pair in edges for b in pair if reached & set(pair)}
        assert reached == set(range(12))

    def test_in_image_and_seen_from_are_inverse(self):
        aligned = make_aligned(turning=1.0)
        _, poses = poses_of(aligned.poses, FEATURES, CENTER)
        image = in_image(poses, aligned.track)
        np.testing.assert_allclose(image[:, NAMES.index(CENTER)], aligned.track[:, :2])
        for onset in (0, 77):
            back = seen_from(image, aligned.track, onset)
            np.testing.assert_allclose(back[onset], POSE, atol=1e-9)

    def test_positive_angles_turn_from_x_to_y(self):
        np.testing.assert_allclose(
            turned(np.array([[[1.0, 0]]]), np.array([np.pi / 2])), [[[0, 1]]], atol=1e-12
        )

    def test_an_animal_without_a_position_is_at_the_origin(self):
        _, poses = poses_of(make_aligned().poses, FEATURES, CENTER)
        unknown = np.full((300, 3), np.nan)
        np.testing.assert_array_equal(in_image(poses, unknown), poses)
        np.testing.assert_array_equal(seen_from(poses, unknown, 5), poses)

    def test_the_mean_animal_is_that_of_the_used_motifs(self):
        tables = make_tables()
        names, pose = mean_animal(tables.profile, CENTER)
        own = tables.profile[tables.profile["feature"] == "nose_x"]["mean"]
        assert pose[names.index("nose")].tolist() == pytest.approx([own.mean(), 0])
        assert names == NAMES  # as in recordings, in which the lines are drawn


class TestBouts:
    def test_a_bout_is_shown_with_a_quarter_second_before_and_after(self):
        bout = cut_bout("m", make_aligned(), CENTER, 60, 89)  # 2 s to 3 s
        assert bout.seconds[0] == pytest.approx(1.75)
        assert bout.seconds[-1] == pytest.approx(3.2)
        assert np.diff(bout.seconds) == pytest.approx(1 / FPS)
        inside = bout.seconds[bout.inside]
        assert (inside[0], inside[-1]) == pytest.approx((2.0, 2.95))

    def test_positions_are_interpolated_between_frames(self):
        bout = cut_bout("m", make_aligned(speed=30), CENTER, 60, 89)
        tail = bout.points[:, NAMES.index(CENTER)]
        np.testing.assert_allclose(tail[:, 0], 200 + 30 * bout.seconds, atol=1e-6)

    def test_at_its_start_the_animal_looks_right_at_the_origin(self):
        bout = cut_bout("m", make_aligned(turning=2.0), CENTER, 60, 89)
        at = np.flatnonzero(bout.inside)[0]
        np.testing.assert_allclose(bout.shown[at], POSE, atol=1e-6)

    def test_bouts_at_the_ends_of_a_recording_are_shown(self):
        first, last = (cut_bout("m", make_aligned(), CENTER, *at) for at in ((0, 9), (295, 299)))
        assert first.seconds[0] == 0
        assert last.seconds[-1] <= 299 / 30
        assert np.isfinite(last.points).all()

    def test_a_long_bout_is_cut(self):
        bout = cut_bout("m", make_aligned(), CENTER, 30, 299)
        assert bout.inside.sum() == 3 * FPS

    def test_bouts_are_loaded_by_motif_and_rank(self, tmp_path):
        for name, speed in (("a", 0.0), ("b", 60.0)):
            save_aligned(make_aligned(speed=speed), tmp_path / f"{name}.npz")
        examples = pd.DataFrame(
            [(1, 2, "a", 30, 40), (1, 1, "b", 60, 70), (0, 1, "a", 90, 99)],
            columns=["motif", "rank", "session", "first_frame", "last_frame"],
        )
        bouts = load_bouts(examples, {name: tmp_path / f"{name}.npz" for name in "ab"}, CENTER)
        assert {motif: [bout.session for bout in own] for motif, own in bouts.items()} == {
            0: ["a"],
            1: ["b", "a"],
        }


class TestFilms:
    def film(self, motif=3, **kind):
        bout = cut_bout("m", make_aligned(**kind), CENTER, 60, 89)
        return draw_film(motif, [bout, bout], EDGES, NAMES.index(ORIENT), POSE, "12% of frames")

    def test_a_film_has_the_motifs_colour_only_in_the_bout(self):
        frames = self.film()
        body = [frame.convert("RGB").crop((0, 22, 150, 165)) for frame in frames]
        assert [is_shown(picture, motif_colour(3)) for picture in body] == [
            2.0 - 1e-9 <= 1.75 + number / FPS < 3.0 - 1e-9 for number in range(len(frames))
        ]

    def test_the_header_names_the_motif_by_its_colour_in_every_frame(self):
        assert all(is_shown(frame.crop((0, 0, 150, 22)), motif_colour(3)) for frame in self.film())

    def test_a_gif_is_small_and_runs_in_real_time_in_a_loop(self, tmp_path):
        frames = self.film(speed=120.0, turning=1.0)
        save_film(frames, tmp_path / "motif3.gif")
        assert (tmp_path / "motif3.gif").stat().st_size < 300_000
        with Image.open(tmp_path / "motif3.gif") as gif:
            assert gif.n_frames == len(frames)
            assert gif.info["duration"] == 1000 / FPS
            assert gif.info["loop"] == 0

    def test_the_same_bouts_give_the_same_bytes(self, tmp_path):
        for name in "ab":
            save_film(self.film(), tmp_path / name)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_a_motif_without_a_bout_is_labelled(self, tmp_path):
        (frame,) = draw_film(5, [], EDGES, 0, POSE)
        assert is_shown(frame, motif_colour(5))
        save_film([frame], tmp_path / "motif5.gif")

    def test_unknown_frames_are_left_out(self):
        aligned = make_aligned()
        aligned.poses[70:75] = np.nan
        aligned.track[70:75] = np.nan
        bout = cut_bout("m", aligned, CENTER, 60, 89)
        frames = draw_film(3, [bout], EDGES, 0, POSE)
        hidden = ~np.isfinite(bout.points).all(axis=(1, 2))
        assert hidden.any()
        shown = [is_shown(frame.crop((0, 22, 150, 165)), motif_colour(3)) for frame in frames]
        assert [not each for each in shown] == list(hidden | ~bout.inside)

    def test_the_page_of_all_films_needs_no_other_file(self, tmp_path):
        save_film(self.film(), tmp_path / "motif3.gif")
        page = gallery("Bouts of <all>", {3: [tmp_path / "motif3.gif"]})
        assert "Bouts of &lt;all&gt;" in page
        assert page.count('src="data:image/gif;base64,') == 1
        assert "http" not in page


def write_video(path, *, frames=120, fps=30, size=(320, 240)):
    """Write a video in which frame n has a white dot of 9 pixels at x = 20 + 2n, y = 100."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("h264", rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"crf": "10", "g": "30"}
        for number in range(frames):
            picture = np.zeros((size[1], size[0], 3), np.uint8)
            picture[96:105, 16 + 2 * number : 25 + 2 * number] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("videos") / "mouse.mp4"
    write_video(path)
    return str(path)


class TestVideos:
    def bout(self, first=60, last=89):
        """Return a bout with the tail at the dot: 60 pixels per second from x = 20."""
        aligned = make_aligned(frames=200, speed=60.0, start=(20.0, 100.0))
        return cut_bout("m", aligned, CENTER, first, last)

    @pytest.mark.parametrize("first", [0, 29, 75])
    def test_the_requested_frames_are_read(self, video, first):
        for number, picture in read_frames(video, first, first + 5):
            bright = np.asarray(picture.convert("L")) > 128
            assert np.flatnonzero(bright.any(axis=0)).mean() == pytest.approx(
                20 + 2 * number, abs=0.6
            )
        assert [number for number, _ in read_frames(video, first, first + 5)] == list(
            range(first, first + 6)
        )

    def test_a_film_is_cropped_around_the_animal(self, video):
        bout = self.bout()
        low, high = bout.points.min(axis=(0, 1)), bout.points.max(axis=(0, 1))
        pictures = cut_video(Video(video, 30.0), bout)
        assert len(pictures) == len(bout.seconds)
        side = 1.7 * (high - low).max()
        scale = pictures[0].size[0] / side
        for seconds, picture in zip(bout.seconds[::5], pictures[::5], strict=True):
            bright = np.asarray(picture.convert("L")) > 128
            x = np.flatnonzero(bright.any(axis=0)).mean()
            in_image = 20 + 2 * round(30 * seconds)
            left = (low[0] + high[0]) / 2 - side / 2
            assert x == pytest.approx(scale * (in_image - left), abs=3)

    def test_the_film_of_a_video_has_the_motifs_colour_around_the_bout(self, video, tmp_path):
        bout = self.bout()
        frames = film_bouts(2, [bout, bout], [Video(video, 30.0)] * 2)
        assert frames[0].shape == (SIDE, 2 * SIDE, 3)
        border = [Image.fromarray(frame[1:3, :, :]) for frame in frames]
        assert [is_shown(strip, motif_colour(2)) for strip in border] == list(bout.inside)
        save_video(frames, tmp_path / "motif2.mp4")
        with av.open(str(tmp_path / "motif2.mp4")) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.average_rate) == ("h264", FPS)
            assert sum(1 for _ in container.decode(stream)) == len(frames)

    def test_a_video_that_is_too_short_is_named(self, video):
        with pytest.raises(ValueError, match=r"mouse\.mp4: frame .* is missing.*column video"):
            cut_video(Video(video, 30.0), self.bout(150, 170))

    def test_a_file_that_is_not_a_video_is_named(self, tmp_path):
        (tmp_path / "notes.txt").write_text("no video")
        with pytest.raises(ValueError, match=r"notes\.txt: cannot be read as a video"):
            cut_video(Video(str(tmp_path / "notes.txt"), 30.0), self.bout())


class TestAllFilms:
    """Motif 1 has two example bouts, one of which was filmed; motif 0 has none."""

    def films(self, tmp_path, video, tables, example_bouts=3):
        for name in ("filmed", "tracked"):
            aligned = make_aligned(frames=200, speed=60.0, start=(20.0, 100.0))
            save_aligned(aligned, tmp_path / f"{name}.npz")
        examples = pd.DataFrame(
            [(1, 1, "tracked", 30, 45), (1, 2, "filmed", 60, 75)],
            columns=["motif", "rank", "session", "first_frame", "last_frame"],
        )
        return film_motifs(
            *(tables.usage, tables.profile, examples),
            aligned={name: tmp_path / f"{name}.npz" for name in ("filmed", "tracked")},
            videos={"filmed": Video(video, 30.0)},
            folder=tmp_path / "films",
            **{"center": CENTER, "orient": ORIENT, "skeleton": None},
            example_bouts=example_bouts,
        )

    def test_each_motif_has_a_gif_and_an_mp4_if_there_is_a_video(self, tmp_path, video):
        films = self.films(tmp_path, video, make_tables(n_motifs=2, unused=0))
        names = {motif: [path.name for path in own] for motif, own in films.items()}
        assert names == {0: ["motif0.gif"], 1: ["motif1.gif", "motif1.mp4"]}
        assert len(list((tmp_path / "films").iterdir())) == 3
        with Image.open(films[1][0]) as gif:
            assert gif.size[0] == 2 * 150

    def test_the_number_of_bouts_is_limited(self, tmp_path, video):
        tables = make_tables(n_motifs=2, unused=0)
        films = self.films(tmp_path, video, tables, example_bouts=1)
        assert [path.name for path in films[1]] == ["motif1.gif"]
        with Image.open(films[1][0]) as gif:
            assert gif.size[0] == 150

    def test_without_keypoints_a_film_explains_that_nothing_can_be_shown(self, tmp_path, video):
        tables = make_tables(n_motifs=2, unused=0)
        tables.profile = tables.profile[tables.profile["feature"] == "speed"]
        films = self.films(tmp_path, video, tables)
        assert [path.name for path in films[1]] == ["motif1.gif"]
        with Image.open(films[1][0]) as gif:
            assert gif.n_frames == 1
