import json

import numpy as np
import pandas as pd
import pytest
from pose_prep.quality import FILLED, MEASURED, MISSING, compare_sessions, inspect_recording
from pose_prep.recording import clean_recording
from recordings import BODY, make_dataset, make_lively_tracks, make_tracks
from test_alignment import LEFT, settings, with_scalars

NOSE = list(BODY).index("nose")


def inspect(tracks, fps=10.0, least=0.5, **changes):
    recording = make_dataset(tracks=tracks, fps=fps)
    return inspect_recording(clean_recording(recording, settings(**changes)), least)


def test_a_jump_is_half_a_body_length_between_measured_frames():
    tracks = make_tracks(frames=120, place=np.linspace([0, 0], [9, 9], 120))  # 10 pixels long
    tracks[50, LEFT, :2] += 40  # two jumps
    tracks[80, LEFT] = (0, 0, 0.1)  # not measured
    found = inspect(tracks, fps=60.0)
    assert found.table.loc["left_paw", "jumps_per_minute"] == 2 / (120 / 60 / 60)
    assert found.table.loc["right_paw", "jumps_per_minute"] == 0
    assert found.summary["jumps_per_minute"] == 60 / 4


def test_at_a_low_frame_rate_jumps_may_be_longer():
    tracks = make_tracks(frames=20, place=np.linspace([0, 0], [200, 0], 20))
    assert inspect(tracks, fps=60.0).summary["jumps_per_minute"] > 0
    assert inspect(tracks, fps=10.0).summary["jumps_per_minute"] == 0


def test_the_summary_is_in_minutes_of_the_recording():
    tracks = make_tracks(frames=1200)
    tracks[300:900, LEFT, 2] = 0
    summary = inspect(tracks).summary
    assert (summary["minutes"], summary["usable_minutes"], summary["usable_share"]) == (2, 1, 0.5)
    assert summary["longest_usable_seconds"] == 30
    assert summary["body_length"] == pytest.approx(10)
    assert summary["body_length_spread"] == pytest.approx(0)
    assert summary["worst"] == "left_paw"
    assert summary["reason"] == ""
    json.dumps(summary)


def test_a_session_with_few_usable_frames_is_marked_with_the_keypoints_responsible():
    tracks = make_tracks(frames=100)
    tracks[:60, LEFT, 2] = 0
    reason = inspect(tracks).summary["reason"]
    assert "only 40% of its frames are usable, less than min_usable_share (50%)" in reason
    assert "cost most frames: left_paw (60%)" in reason
    assert inspect(tracks, least=0.3).summary["reason"] == ""


@pytest.mark.parametrize("lost", [NOSE, slice(None)])
def test_a_recording_that_cannot_be_aligned_is_marked_and_not_refused(lost):
    tracks = make_tracks()
    tracks[:, lost, 2] = 0
    found = inspect(tracks)
    assert found.summary["reason"] == "no frame is usable"
    assert "nose" in found.summary["never_confident"]
    assert found.summary["body_length"] is None
    assert found.table.loc["nose", "missing_share"] == 1


def test_a_variable_body_length_is_marked():
    body = {**BODY, "nose": np.stack([np.tile([4.0, 16.0], 20), np.zeros(40)], axis=1)}
    reason = inspect(make_tracks(frames=40, body=body)).summary["reason"]
    assert "center to orient varies by 120%" in reason


def test_traces_show_the_part_in_which_most_was_filled():
    tracks = make_lively_tracks(frames=400)
    tracks[300, LEFT] = (0, 0, 0.1)
    tracks[10:200, LEFT, 2] = 0
    traces = inspect(tracks).traces
    start = int(traces["excerpt_start"])
    assert start <= 300 < start + 120 == start + len(traces["raw"])
    at = 300 - start
    assert traces["states"][[9, 10, 300], LEFT].tolist() == [MEASURED, MISSING, FILLED]
    middle = traces["clean"][[at - 1, at + 1], LEFT]
    assert (np.abs(traces["clean"][at, LEFT] - middle) < 20).all()
    assert np.linalg.norm(traces["raw"][at, LEFT]) > 100
    same = traces["states"][start : start + 120] == MEASURED
    np.testing.assert_allclose(traces["raw"][same], traces["clean"][same], atol=1e-3)
    assert traces["skeleton"].shape == (210, 4, 2)


def test_extra_features_are_inspected():
    recording = with_scalars(make_tracks(), speed=[np.nan] * 10 + [1.0] * 10)
    found = inspect_recording(clean_recording(recording, settings()), 0.5)
    assert found.table.loc["speed", "unusable_share"] == 0.5
    assert found.summary["usable_share"] == 0.5
    recording = recording.drop_vars(["position", "confidence", "keypoints", "space", "individuals"])
    found = inspect_recording(clean_recording(recording, settings()), 0.5)
    assert list(found.table.index) == ["speed", "all keypoints"]
    assert found.traces["scalars"].shape == (20, 1)


def summary_of(scale=1.0, fps=30.0, heading=0.0):
    body = {name: np.multiply(xy, scale) for name, xy in BODY.items()}
    return inspect(make_tracks(body=body, heading=heading), fps).summary | {"notes": "alone"}


def test_sessions_of_another_scale_or_rate_are_marked():
    summaries = {"a": summary_of(), "b": summary_of(heading=1.0), "far": summary_of(0.3)}
    summaries["slow"] = summary_of(fps=25.0, heading=2.0)
    table = compare_sessions(summaries, resampled=False)
    assert isinstance(table, pd.DataFrame)
    marked = table[table["leave_out_because"] != ""]
    assert list(marked.index) == ["far", "slow"]
    assert "body length is 0.3 times that of the others" in marked.loc["far", "leave_out_because"]
    assert "different frame rate (25 fps)" in marked.loc["slow", "leave_out_because"]
    resampled = compare_sessions(summaries, resampled=True)
    assert resampled.loc["slow", "leave_out_because"] == ""
    assert resampled["never_confident"].eq("").all()
    assert resampled["notes"].eq("alone").all()


def test_sessions_with_the_same_positions_name_each_other():
    once, other, empty = make_lively_tracks(seed=1), make_lively_tracks(seed=2), make_tracks()
    once[5, LEFT, :2] = np.nan
    again = once.astype(np.float32)  # as from a file of another format
    again[5, LEFT, :2] = -np.nan
    empty[:] = np.nan
    tracks = {"a": once, "b": other, "c": again, "d": empty, "e": empty}
    summaries = {name: inspect(own).summary for name, own in tracks.items()}
    summaries["c"]["notes"] = "converted"
    table = compare_sessions(summaries, resampled=False)
    assert table["notes"].to_dict() == {
        **dict.fromkeys("bde", ""),
        "a": "the same positions as in c",
        "c": "converted; the same positions as in a",
    }
    assert "digest" not in table


def test_swapped_ends_are_counted_and_marked_unless_they_are_corrected():
    tracks = make_lively_tracks()
    rows = np.ix_(range(100, 130), [NOSE, list(BODY).index("tail")])
    tracks[rows] = tracks[rows][:, ::-1]
    found = {how: inspect(tracks, swapped_ends=how) for how in ("report", "drop", "fix")}
    assert {how: own.summary["swapped_share"] for how, own in found.items()} == dict.fromkeys(
        found, 0.1
    )
    reasons = {how: own.summary["reason"] for how, own in found.items()}
    assert reasons.pop("report") == (
        "center and orient are swapped in 10 % of frames: set swapped_ends to fix or drop"
    )
    assert set(reasons.values()) == {""}
    notes = {how: own.summary["notes"].partition("frames")[2] for how, own in found.items()}
    assert notes == {"report": "", "drop": ", counted as missing", "fix": ", swapped back"}
    lost = found["drop"].table["missing_share"].round(3).tolist()
    assert lost == [0.1, 0, 0, 0.1, 0.05]


def test_a_few_swapped_frames_are_counted_without_a_mark():
    tracks = make_lively_tracks()
    tracks[100, [0, 3]] = tracks[100, [3, 0]]
    summary = inspect(tracks).summary
    assert (summary["swapped_share"], summary["reason"]) == (1 / 300, "")
