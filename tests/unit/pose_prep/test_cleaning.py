import numpy as np
import pytest
from formats.runs import find_runs
from pose_prep.cleaning import (
    fill_gaps,
    find_beyond,
    find_measured,
    longest_gaps,
    outlier_limits,
    smooth,
    spread_over_gaps,
)

NAN = np.nan


def column(values):
    """Return positions of a keypoint with these x and y = -x."""
    x = np.array(values, dtype=float)
    return np.stack([x, -x], axis=-1)[:, None]


def mask(text):
    """Return a (frame, 1) mask of a keypoint: '.' is false and '#' is true."""
    return np.array([[sign == "#"] for sign in text])


def show(array):
    return "".join("#" if value else "." for value in array[:, 0])


def find_outliers(positions, iqr_factor, outlier_center="median"):
    return find_beyond(positions, outlier_limits(positions, iqr_factor, outlier_center))


def test_positions_below_the_threshold_were_not_measured():
    confidence = np.array([[0.89], [0.9], [1.2], [NAN]])
    assert show(find_measured(column([1, 1, 1, 1]), confidence, 0.9)) == ".###"


def test_an_empty_position_was_not_measured_whatever_its_likelihood():
    positions = np.array([[[NAN, 1.0]], [[1.0, NAN]], [[NAN, NAN]]])
    assert not find_measured(positions, np.ones((3, 1)), 0.5).any()


def test_a_short_gap_is_a_straight_line_between_its_neighbours():
    filled, where = fill_gaps(column([0, 99, 99, 99, 8]), mask(".###."), 3)
    assert filled[:, 0, 0].tolist() == [0, 2, 4, 6, 8]
    assert filled[:, 0, 1].tolist() == [0, -2, -4, -6, -8]
    assert show(where) == ".###."


def test_a_gap_that_is_one_frame_too_long_is_not_filled():
    filled, where = fill_gaps(column([0, 99, 99, 99, 8]), mask(".###."), 2)
    assert np.isnan(filled[1:4]).all()
    assert np.isfinite(filled[[0, 4]]).all()
    assert not where.any()


def test_nothing_is_extrapolated():
    filled, where = fill_gaps(column([9, 1, 2, 9]), mask("#..#"), 5)
    assert np.isnan(filled[[0, 3]]).all()
    assert not where.any()


def test_each_keypoint_is_filled_separately():
    positions = np.concatenate([column([0, 9, 2]), column([5, 6, 9])], axis=1)
    filled, _ = fill_gaps(positions, np.hstack([mask(".#."), mask("..#")]), 1)
    assert filled[:2, :, 0].tolist() == [[0, 5], [1, 6]]
    assert np.isnan(filled[2, 1]).all()
    assert filled[2, 0, 0] == 2


@pytest.mark.parametrize("seed", range(5))
def test_every_short_inner_gap_and_no_longer_one_is_filled(seed):
    rng = np.random.default_rng(seed)
    gap, limit = rng.random((200, 3)) < 0.6, 4
    positions = rng.normal(size=(200, 3, 2))
    filled, where = fill_gaps(positions, gap, limit)
    np.testing.assert_array_equal(np.isfinite(filled).all(-1), ~gap | where)
    np.testing.assert_array_equal(filled[~gap], positions[~gap])
    for keypoint in range(3):
        runs = find_runs(gap[:, keypoint])
        inner = [(a, b) for a, b in runs if a > 0 and b < 200 and b - a <= limit]
        expected = np.zeros(200, bool)
        for start, stop in inner:
            expected[start:stop] = True
        np.testing.assert_array_equal(where[:, keypoint], expected)


def test_a_mark_extends_to_its_whole_gap():
    assert show(spread_over_gaps(mask("..#....#"), mask(".###.##."))) == ".###...."
    assert show(spread_over_gaps(mask("#......#"), mask("##....##"))) == "##....##"


def test_the_longest_gap_may_be_at_an_end():
    gaps = np.hstack([mask("##...#"), mask("......"), mask("######")])
    assert longest_gaps(gaps).tolist() == [2, 0, 6]


def test_outliers_are_found_by_the_interquartile_range():
    # 0 to 8 with 100 appended: quartiles 2.25 and 6.75, IQR 4.5, median 4.5, mean 13.6.
    positions = column([*range(9), 100])
    for center, distance in (("median", 95.5), ("mean", 86.4)):
        assert show(find_outliers(positions, 4, center)) == "." * 9 + "#"
        assert find_outliers(positions, distance / 4.5 - 0.01, center).any()
        assert not find_outliers(positions, distance / 4.5 + 0.01, center).any()


def test_limits_around_the_mean_are_the_same_as_with_z_scores():
    x = np.random.default_rng(0).standard_t(2, size=500)
    z = (x - x.mean()) / x.std()
    low, high = np.percentile(z, [25, 75])
    expected = np.abs(z) > 3 * (high - low)
    assert 0 < expected.sum() < 50
    np.testing.assert_array_equal(find_outliers(column(x), 3, "mean")[:, 0], expected)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.2])
def test_far_jumps_in_up_to_a_fifth_of_the_frames_are_the_outliers(share):
    rng = np.random.default_rng(0)
    x, far = rng.normal(size=2000), rng.random(2000) < share
    x[far] += 300
    np.testing.assert_array_equal(find_outliers(column(x), 4)[:, 0], far)
    if share > 0.01:  # the mean moves so far that correct values are outliers
        assert find_outliers(column(x), 4, "mean")[~far].any()


def test_values_that_a_quarter_of_the_frames_have_are_a_posture():
    x = np.where(np.arange(100) % 10 < 3, 300.0, 0) + np.arange(100) / 100
    assert not find_outliers(column(x), 4).any()


def test_limits_of_one_recording_can_be_used_for_another():
    limits = outlier_limits(column(np.arange(9)), 1)  # 4 ± the IQR of 4
    assert limits.tolist() == [[[0, 8], [-8, 0]]]
    assert show(find_beyond(column([-0.1, 0, 8, 8.1, np.nan]), limits)) == "#..#."


def test_constant_and_empty_coordinates_have_no_outliers():
    positions = np.concatenate([column([1.0] * 9 + [5]), column([NAN] * 10)], axis=1)
    assert not find_outliers(positions, 4).any()


def test_smoothing_stays_within_a_run():
    usable = np.array([True] * 9 + [False] + [True] * 9)
    step = np.where(np.arange(19) < 9, 0.0, 100.0)[:, None]
    step[9] = NAN
    np.testing.assert_allclose(smooth(step, usable, 5, 2)[usable], step[usable], atol=1e-9)


def test_smoothing_keeps_polynomials_and_short_runs():
    usable = np.array([True] * 12 + [False] + [True] * 4)
    series = (np.arange(17.0) ** 2)[:, None]
    noise = np.random.default_rng(0).normal(size=(17, 1))
    np.testing.assert_allclose(smooth(series, usable, 5, 2), series, atol=1e-9)
    smoothed = smooth(series + noise, usable, 5, 2)
    assert (smoothed[13:] == (series + noise)[13:]).all()
    assert (smoothed[:12] != (series + noise)[:12]).all()
