"""Times are assigned to the frames of one clock, and refused if frames are ambiguous."""

import time

import numpy as np
import pytest
import xarray as xr
from formats.poses import save_poses
from pose_prep.clock import (
    are_frame_numbers,
    assign_frames,
    assign_frames_together,
    check_times,
    spread_over_frames,
)
from pose_prep.reading import read_poses
from recordings import make_dataset, make_lively_tracks, write_nwb

ONE = make_lively_tracks(frames=200)


def jittered(*, frames, jitter, rate=30.0, start=0.0, seed=0):
    """Return times of these frames, each early or late by up to ``jitter`` intervals."""
    frames = np.asarray(frames)
    off = np.random.default_rng(seed).uniform(-jitter, jitter, len(frames))
    return start + (frames + off) / rate


def positions(poses):
    """Return (frame, keypoint, axis)."""
    return poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values


def empty(poses):
    return np.flatnonzero(np.isnan(positions(poses)).all(axis=(1, 2))).tolist()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("fps", [30, 25, 60])
def test_jitter_adds_and_loses_no_frame(seed, fps):
    times = jittered(frames=range(300), jitter=0.36, start=12345.6, seed=seed)
    frames, interval = assign_frames(times, fps)
    assert frames.tolist() == list(range(300))
    assert interval == pytest.approx(1 / 30, rel=0.01)


@pytest.mark.parametrize("late", [0.6, 0.9, 1.5])
def test_a_late_time_does_not_shift_other_frames(late):
    times = np.arange(300.0)
    times[100] += late
    times[101] = max(times[101], times[100] + 0.01)
    assert assign_frames(times / 30, 30)[0].tolist() == list(range(300))


@pytest.mark.parametrize("jitter", [0, 0.02, 0.3])
def test_lost_frames_stay_empty(jitter):
    rng = np.random.default_rng(2)
    kept = np.flatnonzero(rng.random(1000) > 0.1)
    times = jittered(frames=kept, jitter=jitter, rate=29.97, seed=3)
    frames, interval = assign_frames(times, 29.97)
    assert frames.tolist() == (kept - kept[0]).tolist()
    assert 1 / interval == pytest.approx(29.97, rel=0.001)


def test_most_frames_may_be_lost():
    kept = np.flatnonzero(np.random.default_rng(0).random(400) < 0.3)
    frames, interval = assign_frames(kept / 50, 50)
    assert frames.tolist() == (kept - kept[0]).tolist()
    assert interval == pytest.approx(0.02)


def test_a_clock_may_drift_slowly():
    """It drifts by three frames in a recording of 100,000, and back."""
    frames = np.arange(100_000)
    times = (frames + 3 * np.sin(frames / 30_000)) / 30
    assert assign_frames(times, 30)[0].tolist() == frames.tolist()


def test_a_recording_may_continue_at_any_moment_after_a_pause():
    first, second = np.arange(200.0), 1000.45 + np.arange(200)
    frames, _ = assign_frames(np.concatenate([first, second]) / 30, 30)
    assert np.diff(frames[:200]).tolist() == np.diff(frames[200:]).tolist() == [1] * 199
    assert frames[200] == 1000


def test_a_million_times_take_seconds():
    kept = np.flatnonzero(np.random.default_rng(0).random(1_000_000) > 0.01)
    times = jittered(frames=kept, jitter=0.3)
    began = time.perf_counter()
    frames, _ = assign_frames(times, 30)
    assert time.perf_counter() - began < 8
    assert np.array_equal(frames, kept - kept[0])


def test_frame_numbers_are_frames():
    numbers = np.array([7.0, 8, 9, 100, 101, 5000])
    assert are_frame_numbers(numbers)
    assert assign_frames(numbers, 30)[0].tolist() == [0, 1, 2, 93, 94, 4993]
    assert not are_frame_numbers(np.array([0.0, 33, 67, 100]))  # milliseconds
    assert not are_frame_numbers(np.arange(5) / 30)


@pytest.mark.parametrize(("fps", "expected"), [(30, [0, 3]), (10, [0, 1])])
def test_two_times_are_distinguished_by_the_expected_rate(fps, expected):
    assert assign_frames(np.array([2.0, 2.1]), fps)[0].tolist() == expected


def test_a_single_time_and_no_time_are_accepted():
    assert assign_frames(np.array([5.0]), 30)[0].tolist() == [0]
    assert assign_frames(np.array([]), 30)[0].tolist() == []


def test_a_time_between_two_frames_next_to_a_lost_one_is_refused():
    times = np.delete(np.arange(200.0), 101)
    times[100] += 0.48
    with pytest.raises(
        ValueError, match=r"row 100 of its times, 3\.349.*cannot be determined; write"
    ):
        assign_frames(times / 30, 30)
    times[100] -= 0.2
    assert assign_frames(times / 30, 30)[0].tolist() == np.delete(np.arange(200), 101).tolist()


def test_a_time_that_is_far_too_large_is_refused():
    with pytest.raises(ValueError, match=r"range from 0 to 1e\+300.*damaged"):
        assign_frames(np.array([*np.arange(600) / 30, 1e300]), 30)


@pytest.mark.parametrize(
    ("row", "value", "message"),
    [
        (5, np.nan, r"row 5 of the times is nan; correct these times, or remove"),
        (5, np.inf, r"row 5 of the times is inf;"),
        (5, 0.4, r"row 5 of the times is 0\.4, like 0\.4 in row 4: times must increase; correct"),
        (5, 0.0, r"row 5 of the times is 0, after 0\.4 in row 4: times must increase"),
        (slice(6, None), 0.0, r"row 6 of the times is 0, after 0\.5 in row 5 \(4 such rows\)"),
    ],
)
def test_times_that_do_not_increase_are_refused_with_their_row(row, value, message):
    times = np.arange(10) / 10
    check_times(times, "the times")
    times[row] = value
    with pytest.raises(ValueError, match=message):
        check_times(times, "the times")


def test_a_series_that_starts_later_has_the_frames_of_other_series():
    first, second = np.arange(300) / 30 + 100, np.arange(50, 340, 3) / 30 + 100
    (one, two), interval, start = assign_frames_together([second, first], 30)
    assert one.tolist() == list(range(50, 340, 3))
    assert two.tolist() == list(range(300))
    assert (interval, start) == (pytest.approx(1 / 30), 100)


def test_series_of_jittered_times_share_their_frames():
    times = jittered(frames=range(300), jitter=0.36, seed=5)
    kept = [np.arange(300), np.arange(0, 300, 7), np.arange(290, 300)]
    frames, _, _ = assign_frames_together([times[rows] for rows in kept], 30)
    assert [each.tolist() for each in frames] == [rows.tolist() for rows in kept]


def test_cameras_without_a_common_trigger_have_frames_of_one_rate():
    one, two = np.arange(300) / 30, (np.arange(300) + 20.4) / 30
    (first, second), interval, _ = assign_frames_together([one, two], 30)
    assert interval == pytest.approx(1 / 30)
    assert first.tolist() == list(range(300))
    assert second.tolist() == list(range(20, 320))


def test_rows_are_moved_to_their_frames():
    rows = xr.Dataset({"speed": ("time", [1.0, 2.0, 3.0])})
    spread = spread_over_frames(rows, np.array([0, 1, 3]), start=1).speed.values
    np.testing.assert_array_equal(spread, [np.nan, 1, 2, np.nan, 3])


def write_netcdf(path, kept, fps=10.0, **changed):
    poses = make_dataset(tracks=ONE, fps=fps).isel(time=kept)
    save_poses(poses.assign_coords(changed), path)
    return path


def test_a_netcdf_that_was_cut_at_its_start_keeps_the_frames_of_the_recording(tmp_path):
    """In movement, times are seconds from the start of the recording."""
    kept = np.delete(np.arange(199), [0, 1, 2, 50, 51])
    poses = read_poses(write_netcdf(tmp_path / "p.nc", kept), "", 10)
    assert poses.sizes["time"] == 199
    assert empty(poses) == [0, 1, 2, 50, 51]
    np.testing.assert_array_equal(positions(poses)[kept], ONE[kept][..., :2])
    assert poses.attrs["notes"] == "the file starts at frame 3; frames 0 to 2 are empty"


@pytest.mark.parametrize("step", [1, 5])
def test_a_netcdf_may_count_frames(tmp_path, step):
    """This is the format of movement without a frame rate."""
    kept = np.arange(3, 200, step)
    poses = make_dataset(tracks=ONE).isel(time=kept).assign_coords(time=kept)
    save_poses(poses.assign_attrs(time_unit="frames"), tmp_path / "p.nc")
    read = read_poses(tmp_path / "p.nc", "", 30)
    assert empty(read) == sorted(set(range(int(kept[-1]) + 1)) - set(kept.tolist()))
    assert "frames per second" not in read.attrs["notes"]
    assert "file_fps" not in read.attrs


def test_times_of_a_netcdf_may_be_durations_or_start_before_zero(tmp_path):
    kept = np.delete(np.arange(200), [0, 7])
    durations = (kept * 100).astype("timedelta64[ms]").astype("timedelta64[ns]")
    assert empty(read_poses(write_netcdf(tmp_path / "a.nc", kept, time=durations), "", 10)) == [
        0,
        7,
    ]
    before = read_poses(write_netcdf(tmp_path / "b.nc", kept, time=kept / 10 - 5), "", 10)
    assert empty(before) == [6]
    assert before.attrs["notes"] == "frame 0 is the first of the file, at the time -4.9"


@pytest.mark.parametrize(("fps", "reported"), [(30, True), (25.4, False), (25, False)])
def test_a_rate_that_differs_from_the_file_is_reported(tmp_path, fps, reported):
    netcdf = write_netcdf(tmp_path / "p.nc", slice(None), fps=25.0)
    nwb = write_nwb(
        path=tmp_path / "p.nwb",
        tracks=[ONE],
        times=jittered(frames=range(200), jitter=0.1, rate=25),
    )
    for path in (netcdf, nwb):
        notes = read_poses(path, "", fps).attrs["notes"]
        assert ("frames per second, the sessions table 30" in notes) is reported
    assert "the file has 25 frames" in read_poses(netcdf, "", 30).attrs["notes"]


def test_a_netcdf_with_a_keypoint_twice_is_refused_with_its_name(tmp_path):
    poses = make_dataset(tracks=ONE, keypoints=["nose", "paw", "paw", "tail"])
    save_poses(poses, tmp_path / "p.nc")
    with pytest.raises(ValueError, match=r"two of its keypoints have the same name, paw: give"):
        read_poses(tmp_path / "p.nc", "", 10)


def test_a_netcdf_with_a_time_twice_is_refused_with_its_row(tmp_path):
    times = np.arange(200) / 10
    times[9] = times[8]
    path = write_netcdf(tmp_path / "p.nc", slice(None), time=times)
    with pytest.raises(ValueError, match=r"p\.nc.*row 9 of its dimension time is 0\.8, like"):
        read_poses(path, "", 10)
