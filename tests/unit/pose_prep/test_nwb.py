"""All containers of NWB files are read, on one clock, with their times and conversion."""

import h5py
import numpy as np
import pytest
from pose_prep.reading import read_poses
from recordings import BODY, make_lively_tracks, write_nwb, write_nwb_series
from settings import headers

ONE = make_lively_tracks(frames=60)[..., :2]
TWO = make_lively_tracks(frames=60, seed=1)[..., :2]


def rows_of(track, rows=slice(None), **rest):
    """Return series of all keypoints, (frame, keypoint, 2) in these rows."""
    return {name: {"data": track[rows, n]} | rest for n, name in enumerate(BODY)}


def timed(track, kept, rate=10.0):
    return rows_of(track, kept, timestamps=np.asarray(kept) / rate)


def positions(poses):
    """Return (frame, keypoint, axis)."""
    return poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values


def padded(track, kept, frames=60):
    whole = np.full((frames, *track.shape[1:]), np.nan)
    whole[kept] = track[kept]
    return whole


@pytest.mark.parametrize("module", ["behavior", "SLEAP_VIDEO_000_clip", "pose"])
def test_containers_may_be_in_any_module(tmp_path, module):
    path = tmp_path / "p.nwb"
    write_nwb_series(
        path=path,
        animals={
            (module, "a b"): timed(ONE, range(60)),
            (module, "c"): rows_of(TWO, starting_time=0.0, rate=10.0),
        },
    )
    assert headers.hdf5_header(str(path))[0] == ["a b", "c"]
    np.testing.assert_array_equal(positions(read_poses(path, "", 10, individual="a b")), ONE)
    np.testing.assert_array_equal(positions(read_poses(path, "", 10, individual="c")), TWO)


def test_containers_of_the_same_name_are_distinguished_by_their_modules(tmp_path):
    path = tmp_path / "p.nwb"
    animals = {("left", "Pose"): timed(ONE, range(60)), ("right", "Pose"): timed(TWO, range(60))}
    write_nwb_series(path=path, animals=animals | {("right", "tail"): timed(TWO, range(60))})
    names = ["left/Pose", "right/Pose", "tail"]
    assert headers.hdf5_header(str(path)) == (names, sorted(BODY))
    np.testing.assert_array_equal(positions(read_poses(path, "", 10, individual=names[1])), TWO)


def test_a_video_linked_in_a_container_is_not_a_keypoint(tmp_path):
    """Since ndx-pose 0.3, `source_video` is a link to a series of images in the container."""
    path = write_nwb(path=tmp_path / "p.nwb", tracks=[make_lively_tracks(frames=60)])
    with h5py.File(path, "a") as file:
        video = file.create_group("acquisition/video")
        video.attrs["neurodata_type"] = "ImageSeries"
        video["data"] = np.empty((0, 0, 0))
        pose = file["processing/behavior/PoseEstimation"]
        pose["source_video"] = h5py.SoftLink("/acquisition/video")
    assert headers.hdf5_header(str(path))[1] == sorted(BODY)
    np.testing.assert_array_equal(positions(read_poses(path, "", 10)), ONE)


def test_a_container_may_be_nested(tmp_path):
    path = write_nwb(path=tmp_path / "p.nwb", tracks=[ONE.repeat(2, -1)], containers=["a"])
    with h5py.File(path, "a") as file:
        file.move("processing/behavior/a", "processing/behavior/cage/a")
    assert positions(read_poses(path, "", 10)).shape == (60, 4, 2)


def test_animals_share_one_clock(tmp_path):
    """One animal appears later, and another one has a starting time and lost frames."""
    late, lost = np.arange(20, 60), np.delete(np.arange(5, 50), [7, 8])
    animals = {
        ("behavior", "first"): timed(ONE, range(60)),
        ("behavior", "late"): rows_of(ONE, late, starting_time=2.0, rate=10.0),
        ("behavior", "lost"): timed(TWO, lost),
    }
    path = write_nwb_series(path=tmp_path / "p.nwb", animals=animals)
    found = {name: positions(read_poses(path, "", 10, name)) for _, name in animals}
    np.testing.assert_array_equal(found["first"], ONE)
    np.testing.assert_array_equal(found["late"], padded(ONE, late))
    np.testing.assert_array_equal(found["lost"], padded(TWO, lost))


def test_a_keypoint_without_a_row_is_empty(tmp_path):
    series, kept = timed(ONE, range(60)), np.delete(np.arange(60), [0, 20, 21, 59])
    series["tail"] = {"data": ONE[kept, 3], "timestamps": kept / 10}
    path = write_nwb_series(path=tmp_path / "p.nwb", animals={("behavior", "a"): series})
    poses = read_poses(path, "", 10)
    np.testing.assert_array_equal(positions(poses)[:, :3], ONE[:, :3])
    np.testing.assert_array_equal(positions(poses)[:, 3], padded(ONE[:, 3], kept))
    assert np.isnan(poses.confidence.sel(keypoints="tail").values[[0, 20, 21, 59], 0]).all()


@pytest.mark.parametrize(
    ("times", "note"),
    [
        (12345.6 + np.arange(60) / 10, "frame 0 is the first of the file, at the time 12345.6"),
        (50 + np.arange(60), "frame 0 is the first of the file, at its frame number 50"),
        (np.arange(60), ""),
    ],
)
def test_frame_0_is_the_first_time_of_the_file(tmp_path, times, note):
    series = rows_of(ONE, timestamps=times.astype(float))
    poses = read_poses(
        write_nwb_series(path=tmp_path / "p.nwb", animals={("a", "b"): series}), "", 10
    )
    np.testing.assert_array_equal(positions(poses), ONE)
    assert poses.attrs["notes"] == note
    assert ("file_fps" in poses.attrs) == (times[1] - times[0] < 1)


def test_the_rate_of_the_file_is_reported_if_it_differs(tmp_path):
    series = rows_of(ONE, starting_time=0.0, rate=25.0)
    path = write_nwb_series(path=tmp_path / "p.nwb", animals={("a", "b"): series})
    message = "the file has 25 frames per second, the sessions table 30"
    assert read_poses(path, "", 30).attrs["notes"] == message
    assert read_poses(path, "", 25).attrs["notes"] == ""


def test_a_truncated_rate_is_replaced_by_that_of_the_sessions_table(tmp_path):
    """For example, sleap-io writes 29 for 29.97."""
    animals = {
        ("a", "whole"): rows_of(ONE, starting_time=0.0, rate=29.0),
        ("a", "late"): rows_of(ONE, slice(50, 60), starting_time=50 / 29.97, rate=29.0),
        ("a", "times"): timed(ONE, np.delete(np.arange(60), [3]), rate=29.97),
    }
    path = write_nwb_series(path=tmp_path / "p.nwb", animals=animals)
    poses = read_poses(path, "", 29.97, "late")
    np.testing.assert_array_equal(positions(poses), padded(ONE, np.arange(50, 60)))
    assert "frames per second" not in poses.attrs["notes"]


def test_conversion_and_offset_are_applied_and_reported(tmp_path):
    series = rows_of(ONE, rate=10.0, starting_time=0.0, conversion=0.5, offset=3.0, unit="mm")
    path = write_nwb_series(path=tmp_path / "p.nwb", animals={("a", "b"): series})
    poses = read_poses(path, "", 10)
    np.testing.assert_array_equal(positions(poses), ONE / 2 + 3)
    message = "NWB's conversion 0.5, offset 3 was applied; the unit is mm"
    assert poses.attrs["notes"] == message


def test_animals_may_have_different_keypoints(tmp_path):
    box = {"corner": {"data": TWO[:, 0], "timestamps": np.arange(60) / 10}}
    animals = {("a", "mouse"): timed(ONE, range(60)), ("a", "box"): box}
    path = write_nwb_series(path=tmp_path / "p.nwb", animals=animals)
    assert read_poses(path, "", 10, "box").keypoints.values.tolist() == ["corner"]
    assert read_poses(path, "", 10, "mouse").keypoints.values.tolist() == list(BODY)


def spoilt(path, change):
    write_nwb_series(path=path, animals={("behavior", "mouse"): timed(ONE, range(60))})
    with h5py.File(path, "a") as file:
        change(file["processing/behavior/mouse/tail"])
    return path


def with_times(**changed):
    def change(series):
        for row, value in changed.items():
            series["timestamps"][int(row[1:])] = value

    return change


def replace(name, value):
    def change(series):
        del series[name]
        if value is not None:
            series[name] = value

    return change


WHOSE = "'tail' of processing/behavior/mouse"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (with_times(_9=0.8), f"row 9 of the timestamps of {WHOSE} is 0.8, like 0.8 in row 8"),
        (with_times(_9=0), f"row 9 of the timestamps of {WHOSE} is 0, after 0.8 in row 8"),
        (with_times(_9=np.nan), f"row 9 of the timestamps of {WHOSE} is nan; correct"),
        (with_times(_58=0, _59=0), "(2 such rows): times must increase; correct these times"),
        (replace("timestamps", np.arange(59.0)), f"{WHOSE} has 60 rows of data and 59 timestamps"),
        (replace("timestamps", None), "3 of its 4 series have times, but the others do not; save"),
        (replace("confidence", np.ones(7)), f"{WHOSE} has 60 rows of data and 7 of confidence"),
        (replace("data", np.ones((60, 5))), f"{WHOSE} has data of the shape (60, 5)"),
        (lambda series: series["data"].attrs.modify("conversion", 0.0), "has the conversion 0"),
    ],
)
def test_a_damaged_series_is_refused_with_its_name(tmp_path, change, message):
    path = spoilt(tmp_path / "p.nwb", change)
    with pytest.raises(ValueError, match=r"p\.nwb: cannot be read") as refused:
        read_poses(path, "", 10)
    assert message in str(refused.value)
