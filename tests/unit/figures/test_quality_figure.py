"""The figure of a recording shows what its arrays contain: facts are read back from the axes."""

import numpy as np
import pytest
from figures.quality import STATES, draw_quality, most_cleaned
from figures.style import feature_label
from matplotlib.colors import to_rgb

SUMMARY = {
    "frames": 600,
    "fps": 10.0,
    "minutes": 1.0,
    "usable_share": 0.5,
    "usable_minutes": 0.5,
    "jumps_per_minute": 2.0,
    "reason": "",
}
COLOURS = [to_rgb(colour) for _, colour in STATES.values()]


def make_traces(*, keypoints=("nose", "paw", "tail"), scalars=("speed",), frames=600, axes=2):
    """Return traces of a nose, of a paw with filled frames, and of a tail at the origin."""
    excerpt, names = 100, [*keypoints, *scalars]
    clean = np.zeros((excerpt, len(keypoints), axes), np.float32)
    wave = np.sin(np.arange(excerpt) / 9)
    if keypoints:
        clean[:, 0, 0] = 80 + wave
        clean[:, 1, 1] = 20 + 5 * wave
    raw = clean.copy()
    raw[50:52, 1:2] += 500
    states = np.zeros((frames, len(names)), np.uint8)
    states[50 + 200 : 52 + 200, 1:2] = 1
    states[:300, 0] = 2
    usable = np.arange(frames) >= 300
    return {
        "names": np.array(names),
        "keypoints": np.array(keypoints, dtype=str),
        "states": states,
        "usable": usable,
        "body_length": np.full(frames, 80, np.float32),
        "fps": np.float64(10),
        "excerpt_start": np.int64(200),
        "raw": raw,
        "clean": clean,
        "scalars": np.tile(wave[:, None], (1, len(scalars))).astype(np.float32),
        "skeleton": clean[:40],
    }


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def line(axes, label):
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found


def test_a_recording_has_these_panels():
    figure = draw_quality("mouse", SUMMARY, make_traces())
    assert list(panels(figure)) == [
        *("states", "trace/nose_x", "trace/paw_y", "skeleton", "body length")
    ]
    assert "600 frames at 10 fps, 1.0 min; 50% usable" in figure.get_suptitle()


def test_each_keypoint_has_a_row_with_the_state_of_its_frames():
    axes = panels(draw_quality("mouse", SUMMARY, make_traces()))["states"]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels == ["nose", "paw", "tail", "speed", "whole frame"]
    image = axes.images[0].get_array()
    np.testing.assert_allclose(image[0, 100], COLOURS[2])  # the nose, missing
    np.testing.assert_allclose(image[0, 400], COLOURS[0])
    np.testing.assert_allclose(image[1, 250], COLOURS[1])  # the paw, filled
    assert axes.get_xlim() == (0, 1)


def test_many_frames_share_a_column_by_their_mean():
    traces = make_traces(frames=72000)
    traces["states"][:, 0] = np.tile([0, 2], 36000)
    image = panels(draw_quality("m", SUMMARY, traces))["states"].images[0].get_array()
    assert image.shape[1] == 720
    np.testing.assert_allclose(image[0], np.tile(np.mean([COLOURS[0], COLOURS[2]], 0), (720, 1)))


def test_raw_and_cleaned_are_drawn_over_the_seconds_of_the_recording():
    traces = make_traces()
    axes = panels(draw_quality("mouse", SUMMARY, traces))["trace/paw_y"]
    seconds, raw = line(axes, "raw").get_data()
    assert (seconds[0], seconds[-1]) == (20, 29.9)
    np.testing.assert_array_equal(raw, traces["raw"][:, 1, 1])
    np.testing.assert_array_equal(line(axes, "cleaned").get_ydata(), traces["clean"][:, 1, 1])
    assert axes.get_ylim()[1] < 40  # values 500 pixels away are clipped


def test_traces_show_the_coordinates_with_most_cleaning():
    traces = make_traces()
    traces["states"][200:250, 1] = 1
    traces["states"][200:, 0] = 0
    assert most_cleaned(traces) == [(1, 1), (0, 0)]  # the tail does not move


def test_the_skeleton_is_at_the_median_as_in_the_image():
    axes = panels(draw_quality("mouse", SUMMARY, make_traces()))["skeleton"]
    dots = axes.collections[-1].get_offsets()
    np.testing.assert_allclose(dots[2], [0, 0])
    assert dots[0][0] == pytest.approx(80, abs=1)
    assert axes.yaxis_inverted()
    assert [text.get_text() for text in axes.texts] == ["nose", "tail", "paw"]


def test_a_reason_to_exclude_the_recording_is_in_the_title():
    figure = draw_quality("mouse", SUMMARY | {"reason": "no frame is usable"}, make_traces())
    assert figure.get_suptitle().endswith("Consider excluding this recording: no frame is usable")


def test_a_recording_without_a_usable_frame_has_a_figure():
    traces = make_traces()
    for name in ("clean", "raw", "body_length"):
        traces[name] = np.full_like(traces[name], np.nan)
    traces["usable"][:] = False
    traces["skeleton"] = traces["skeleton"][:0]
    figure = draw_quality("mouse", SUMMARY, traces)
    assert list(panels(figure)) == ["states", "skeleton", "body length"]


def test_extra_features_alone_have_no_skeleton():
    figure = draw_quality("mouse", SUMMARY, make_traces(keypoints=(), scalars=("a", "b")))
    assert list(panels(figure)) == ["states", "trace/a", "trace/b"]


def test_poses_in_3d_show_the_axes_with_most_movement():
    traces = make_traces(axes=3)
    traces["clean"][:, 0, 2] = np.arange(100)
    assert "trace/nose_z" in panels(draw_quality("mouse", SUMMARY, traces))


def test_only_coordinates_are_in_pixels():
    assert feature_label("tail_base_x") == "tail_base x\n(px)"
    assert feature_label("speed") == "speed"
    assert feature_label("wheel_speed") == "wheel_speed"
