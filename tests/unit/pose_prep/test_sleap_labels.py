"""Labels of SLEAP: corrections without a track are used or refused, never lost."""

import numpy as np
import pytest
from pose_prep.reading import read_poses
from recordings import make_lively_tracks, write_sleap_instances, write_sleap_labels

ONE = make_lively_tracks(frames=30)[..., :2]
TWO = make_lively_tracks(frames=30, seed=1)[..., :2]
WRONG = ONE + 100


def positions(poses):
    """Return (frame, keypoint, axis)."""
    return poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values


def predictions(poses=ONE, track="mouse"):
    return {n: [(points, track, "predicted")] for n, points in enumerate(poses)}


@pytest.mark.parametrize("kind", ["user", "corrected"])
@pytest.mark.parametrize("first", [True, False])
def test_corrections_of_the_only_track_replace_its_predictions(tmp_path, kind, first):
    frames = predictions()
    for n in range(10, 15):
        both = [(WRONG[n], "mouse", "predicted"), (ONE[n], None, kind)]
        frames[n] = both[::-1] if first and kind == "user" else both
    del frames[20]
    frames[20] = [(ONE[20], None, "user")]  # missed by the tracker
    poses = read_poses(write_sleap_instances(path=tmp_path / "p.slp", frames=frames), "", 30)
    np.testing.assert_allclose(positions(poses), ONE, atol=1e-4)
    assert np.isnan(poses.confidence.values[10:15]).all()
    assert poses.attrs["notes"] == "6 instances without a track were assigned to their animal"


def test_a_correction_belongs_to_the_track_of_its_prediction(tmp_path):
    frames = {
        n: [(ONE[n], "a", "predicted"), (TWO[n] if n != 7 else WRONG[n], "b", "predicted")]
        for n in range(30)
    }
    frames[7].append((TWO[7], None, "corrected"))
    path = write_sleap_instances(path=tmp_path / "p.slp", frames=frames, tracks=["a", "b"])
    for name, expected in (("a", ONE), ("b", TWO)):
        found = positions(read_poses(path, "", 30, individual=name))
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_track_without_an_instance_is_ignored(tmp_path):
    frames = predictions()
    frames[7].append((ONE[7] + 1, None, "user"))
    path = write_sleap_instances(path=tmp_path / "p.slp", frames=frames, tracks=["old", "mouse"])
    found = positions(read_poses(path, "", 30, individual="mouse"))
    np.testing.assert_allclose(found[7], ONE[7] + 1, atol=1e-4)


@pytest.mark.parametrize(
    "instances",
    [
        [(ONE[7], "a", "predicted"), (TWO[7], None, "user")],
        [(TWO[7], None, "user")],
        [(ONE[7], "a", "predicted"), (ONE[7], "a", "user"), (ONE[7], None, "corrected")],
    ],
)
def test_a_correction_that_may_belong_to_several_animals_is_refused(tmp_path, instances):
    frames = {n: [(ONE[n], "a", "predicted"), (TWO[n], "b", "predicted")] for n in range(30)}
    if len(instances) == 3:  # the link is to the prediction of "a", which has a correction
        instances = [instances[1], instances[0], instances[2]]
    frames[7] = instances
    path = write_sleap_instances(path=tmp_path / "p.slp", frames=frames, tracks=["a", "b"])
    with pytest.raises(ValueError, match=r"p\.slp.*frame 7 has an instance.*assign its track in"):
        read_poses(path, "", 30, individual="a")


def test_two_untracked_instances_of_one_frame_are_refused(tmp_path):
    frames = predictions()
    frames[9] += [(ONE[9], None, "user"), (TWO[9], None, "user")]
    path = write_sleap_instances(path=tmp_path / "p.slp", frames=frames)
    with pytest.raises(ValueError, match=r"frame 9 has .* \(2 such instances\)"):
        read_poses(path, "", 30)


def test_other_predictions_without_a_track_are_ignored(tmp_path):
    frames = predictions()
    frames[9].append((TWO[9], None, "predicted"))
    frames[10] = [(ONE[10], None, "predicted")]
    poses = read_poses(write_sleap_instances(path=tmp_path / "p.slp", frames=frames), "", 30)
    np.testing.assert_allclose(positions(poses), ONE, atol=1e-4)
    assert poses.attrs["notes"] == (
        "1 instances without a track were assigned to their animal; "
        "1 predictions without a track were left out"
    )


def test_a_file_with_only_tracks_without_instances_is_refused(tmp_path):
    path = write_sleap_instances(
        path=tmp_path / "p.slp", frames=predictions(track=None), tracks=["a", "b"]
    )
    with pytest.raises(ValueError, match="lists 2 tracks, but no instance has one; assign them"):
        read_poses(path, "", 30)


@pytest.mark.parametrize("track", [None, "mouse"])
@pytest.mark.parametrize("video", [0, 1, 2])
def test_frames_are_those_of_the_only_video_with_instances(tmp_path, track, video):
    frames = {(video, n + 5): given for n, given in predictions(track=track).items()}
    frames[0 if video else 1, 3] = []  # a labelled frame without an instance
    path = write_sleap_instances(
        path=tmp_path / "p.slp",
        frames=frames,
        tracks=["mouse"] if track else [],
        videos=["a.mp4", "b.mp4", "c.mp4"],
    )
    found = positions(read_poses(path, "", 30))
    assert len(found) == 35
    assert np.isnan(found[:5]).all()
    np.testing.assert_allclose(found[5:], ONE, atol=1e-4)


def test_frames_of_two_videos_are_refused_with_their_names(tmp_path):
    frames = {(n % 2, n): given for n, given in predictions().items()}
    path = write_sleap_instances(path=tmp_path / "p.slp", frames=frames, videos=["a.mp4", "b.mp4"])
    with pytest.raises(ValueError, match=r"2 videos \(a\.mp4, b\.mp4\); save one file per video"):
        read_poses(path, "", 30)


def test_the_rate_of_the_video_is_compared(tmp_path):
    path = write_sleap_instances(path=tmp_path / "p.slp", frames=predictions(), fps=25.0)
    assert "the file has 25 frames per second" in read_poses(path, "", 30).attrs["notes"]
    assert read_poses(path, "", 25).attrs["notes"] == ""


def test_tracks_with_the_same_name_are_named(tmp_path):
    tracks = np.stack([ONE, TWO], axis=1).repeat(2, -1)[..., :3]
    path = write_sleap_labels(path=tmp_path / "p.slp", tracks=tracks, names=("m1", "m1"))
    with pytest.raises(ValueError, match=r"two of its tracks have the same name, m1: give them"):
        read_poses(path, "", 30)
