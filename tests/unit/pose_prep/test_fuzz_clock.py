"""Files with random times, gaps, animals and corrections are read correctly or refused.

`FUZZ_EXAMPLES` is the number of examples of each kind.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import pytest
from formats.poses import save_poses
from hypothesis import given, settings
from hypothesis import strategies as st
from pose_prep.clock import assign_frames, assign_frames_together
from pose_prep.reading import read_poses
from recordings import BODY, make_dataset, write_nwb_series, write_sleap_instances
from settings import headers

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))
settings.register_profile(
    "clock",
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 10,
    database=None,
)
tried = settings(settings.get_profile("clock"))

SEEDS = st.integers(0, 2**32 - 1)
RATES = st.sampled_from([1.5, 10.0, 25.0, 29.97, 30.0, 59.94, 200.0])
STARTS = st.floats(-1e4, 1e5)
NAMES = st.text("abcXYZ019 _=-.", min_size=1, max_size=12).filter(
    lambda name: name.strip(" .") and "==" not in name  # hdmf would read it as a query
)


def some(rng, frames, lost):
    """Return numbers of frames that are not lost, at least two thirds of them in a row."""
    kept = np.flatnonzero(rng.random(frames) >= lost)
    return kept if len(kept) > frames / 3 else np.arange(frames)


def positions(poses):
    """Return (frame, keypoint, axis)."""
    return poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values


def tracks(rng, frames):
    return rng.normal(300, 50, (frames, len(BODY), 2)).round(3)


def padded(track, kept, frames):
    whole = np.full((frames, *track.shape[1:]), np.nan)
    whole[kept] = track[kept]
    return whole


@tried
@given(
    seed=SEEDS,
    frames=st.integers(60, 3000),
    jitter=st.floats(0, 0.25),
    lost=st.floats(0, 0.25),
    rate=RATES,
    start=STARTS,
)
def test_jittered_times_with_lost_frames_get_their_frames(seed, frames, jitter, lost, rate, start):
    rng = np.random.default_rng(seed)
    kept = some(rng, frames, lost)
    times = start + (kept + rng.uniform(-jitter, jitter, len(kept))) / rate
    found, interval = assign_frames(times, rate)
    assert found.tolist() == (kept - kept[0]).tolist()
    assert interval * rate == pytest.approx(1, abs=0.02)


@tried
@given(seed=SEEDS, rows=st.integers(1, 200), rate=RATES, expected=RATES)
def test_any_increasing_times_are_assigned_in_order_or_refused(seed, rows, rate, expected):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.exponential(1 / rate, rows) + 1e-6)
    try:
        frames, interval = assign_frames(times, expected)
    except ValueError as error:
        frames, interval, message = np.arange(rows), 1.0, str(error)
    else:
        message = ""
    assert ("write the camera's frame numbers" in message) == bool(message)
    assert frames[0] == 0
    assert (np.diff(frames) >= 1).all()
    assert interval > 0


@tried
@given(seed=SEEDS, frames=st.integers(60, 500), jitter=st.floats(0, 0.25), rate=RATES, start=STARTS)
def test_parts_of_one_clock_have_its_frames(seed, frames, jitter, rate, start):
    rng = np.random.default_rng(seed)
    times = start + (np.arange(frames) + rng.uniform(-jitter, jitter, frames)) / rate
    kept = [np.arange(frames // 2), np.arange(frames // 3, frames), some(rng, frames, 0.5)]
    found, _, first = assign_frames_together([times[rows] for rows in kept], rate)
    assert [each.tolist() for each in found] == [rows.tolist() for rows in kept]
    assert first == times[0]


@tried
@given(
    seed=SEEDS,
    frames=st.integers(30, 150),
    places=st.lists(st.tuples(NAMES, NAMES), min_size=1, max_size=4, unique=True),
    rate=RATES,
    start=st.floats(0, 1e5),
    counted=st.booleans(),
    conversion=st.sampled_from([1.0, 0.25, 2.0]),
)
def test_nwb_animals_of_any_module_share_one_clock(
    seed, frames, places, rate, start, counted, conversion
):
    rng = np.random.default_rng(seed)
    clock = np.arange(frames) + 0.0 if counted else start + np.arange(frames) / rate
    animals, expected = {}, []
    for n, place in enumerate(places):
        track, whole = tracks(rng, frames), np.full((frames, len(BODY), 2), np.nan)
        series = {}
        for k, name in enumerate(BODY):
            kept = some(rng, frames, 0.3)
            kept = np.arange(frames) if n == k == 0 else kept[kept >= 5 * n]
            whole[kept, k] = track[kept, k] * conversion
            series[name] = {"data": track[kept, k], "timestamps": clock[kept]}
            series[name]["conversion"] = conversion
        animals[place] = series
        expected.append(whole)
    with tempfile.TemporaryDirectory() as folder:
        path = write_nwb_series(path=Path(folder) / "p.nwb", animals=animals)
        names = headers.hdf5_header(str(path))[0] or [None]
        last = [place[1] for place in places]
        for name in names:
            place = (
                places[0]
                if name is None
                else next(
                    place
                    for place in places
                    if "/".join(place) == name or (place[1] == name and last.count(name) == 1)
                )
            )
            poses = read_poses(path, "NWB", rate, individual=name)
            np.testing.assert_array_equal(positions(poses), expected[places.index(place)])
            assert ("conversion" in poses.attrs["notes"]) == (conversion != 1)


@tried
@given(
    seed=SEEDS,
    frames=st.integers(20, 300),
    first=st.integers(0, 50),
    lost=st.floats(0, 0.3),
    rate=RATES,
    counted=st.booleans(),
)
def test_a_netcdf_that_was_cut_anywhere_keeps_its_frames(seed, frames, first, lost, rate, counted):
    rng = np.random.default_rng(seed)
    kept = some(rng, frames, lost)
    kept = kept[kept >= min(first, frames - 10)]
    likely = np.concatenate([track := tracks(rng, frames), np.ones((*track.shape[:2], 1))], -1)
    poses = make_dataset(tracks=likely, fps=rate).isel(time=kept)
    if counted:
        poses = poses.assign_coords(time=kept).assign_attrs(time_unit="frames")
    with tempfile.TemporaryDirectory() as folder:
        save_poses(poses, Path(folder) / "p.nc")
        read = read_poses(Path(folder) / "p.nc", "", rate)
    np.testing.assert_array_equal(positions(read), padded(track, kept, kept[-1] + 1))
    assert ("starts at frame" in read.attrs["notes"]) == (kept[0] > 0)


@tried
@given(
    seed=SEEDS,
    frames=st.integers(5, 40),
    animals=st.integers(1, 3),
    video=st.integers(0, 2),
    link=st.booleans(),
)
def test_sleap_corrections_are_used_or_refused(seed, frames, animals, video, link):
    rng = np.random.default_rng(seed)
    names = [f"m{n}" for n in range(animals)]
    right = tracks(rng, frames * animals).reshape(frames, animals, len(BODY), 2)
    labelled, corrected = {}, rng.random(frames) < 0.4
    for n in range(frames):
        one = rng.integers(animals)
        given = [
            (right[n, k] + 50 * (corrected[n] and k == one), names[k], "predicted")
            for k in sorted(range(animals), key=lambda k: k == one)
        ]
        if corrected[n]:
            given.append((right[n, one], None, "corrected" if link else "user"))
        labelled[video, n] = given
    with tempfile.TemporaryDirectory() as folder:
        path = write_sleap_instances(
            path=Path(folder) / "p.slp",
            frames=labelled,
            tracks=names,
            videos=["a.mp4", "b.mp4", "c.mp4"],
        )
        if animals > 1 and not link and corrected.any():
            with pytest.raises(ValueError, match=r"frame \d+ has an instance labelled by hand"):
                read_poses(path, "", 30, individual="m0")
            return
        for k, name in enumerate(names):
            found = positions(read_poses(path, "", 30, individual=name))
            np.testing.assert_allclose(found, right[:, k], atol=1e-3)
