"""Motion features of animals on known paths."""

import numpy as np
import pytest
from pose_prep.motion import differentiate, measure_motion


def on_a_circle(*, fps, radius=50.0, turning=90.0, seconds=4.0):
    """Return center and heading of an animal that walks on a circle."""
    time = np.arange(round(seconds * fps)) / fps
    angle = np.radians(turning) * time
    center = radius * np.column_stack([np.sin(angle), -np.cos(angle)])
    return center, (angle + np.pi) % (2 * np.pi) - np.pi


@pytest.mark.parametrize("fps", [15.0, 30.0, 120.0])
@pytest.mark.parametrize("unit", [1.0, 0.01])
def test_an_animal_on_a_circle_has_its_speed_and_turning(fps, unit):
    """Speed is radius times angular speed; the body length is 20 px, or 0.2 of another unit."""
    center, heading = on_a_circle(fps=fps)
    usable = np.ones(len(center), bool)
    moved = measure_motion(center * unit, heading, usable, fps, body_length=20 * unit)
    np.testing.assert_allclose(moved["forward_speed"], 50 * np.pi / 2 / 20, rtol=0.02)
    np.testing.assert_allclose(moved["sideways_speed"], 0, atol=0.15)
    np.testing.assert_allclose(moved["turning"], 90, rtol=1e-3)
    assert list(moved) == ["forward_speed", "sideways_speed", "turning"]


def test_a_mirrored_animal_turns_and_moves_to_the_other_side():
    center, heading = on_a_circle(fps=30.0)
    heading = heading + 0.5  # heading to one side of its path
    usable = np.ones(len(center), bool)
    own = measure_motion(center, heading, usable, 30.0, 20.0)
    other = measure_motion(center * [1, -1], -heading, usable, 30.0, 20.0)
    for name, sign in {"forward_speed": 1, "sideways_speed": -1, "turning": -1}.items():
        np.testing.assert_allclose(other[name], sign * own[name], atol=1e-9)
    assert (own["sideways_speed"] < -1).all()


def test_an_animal_that_walks_backwards_has_a_negative_speed():
    center = np.column_stack([-np.arange(60.0), np.zeros(60)])
    moved = measure_motion(center, np.zeros(60), np.ones(60, bool), 30.0, 10.0)
    np.testing.assert_allclose(moved["forward_speed"], -3)


def test_height_is_measured_from_the_median_of_the_recording():
    center = np.zeros((5, 3))
    center[:, 2] = [100, 100, 100, 120, 90]
    moved = measure_motion(center, np.zeros(5), np.ones(5, bool), 30.0, 10.0)
    assert moved["height"].tolist() == [0, 0, 0, 2, -1]


def test_a_gap_causes_no_motion():
    """The animal rests in one place, is lost, and rests in another place."""
    center = np.repeat([[0.0, 0.0], [500.0, 0.0]], [20, 20], axis=0)
    usable = np.ones(40, bool)
    usable[20] = False
    moved = measure_motion(center, np.zeros(40), usable, 30.0, 10.0)
    assert np.isnan(moved["forward_speed"][20])
    np.testing.assert_allclose(moved["forward_speed"][usable], 0, atol=1e-9)


@pytest.mark.parametrize(("frames", "slope"), [(1, 0), (2, 60), (3, 60), (4, 60), (50, 60)])
def test_short_runs_have_a_slope(frames, slope):
    series = 2 * np.arange(frames, dtype=float)[:, None]
    np.testing.assert_allclose(differentiate(series, np.ones(frames, bool), 30.0), slope)


def test_jitter_causes_no_speed():
    """A tenth of a body length between frames would be a speed of 4 body lengths per second."""
    center = np.random.default_rng(0).normal(scale=1.0, size=(3000, 2))
    moved = measure_motion(center, np.zeros(3000), np.ones(3000, bool), 30.0, 10.0)
    step = np.diff(center[:, 0]) * 30 / 10
    assert moved["forward_speed"].std() < step.std() / 4
