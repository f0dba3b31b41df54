"""Zeros for missing keypoints, zeros as positions, and the scale of likelihoods."""

import numpy as np
import pytest
from pose_prep.plausibility import correct_readings, find_zeros, percent, scale_likelihood
from pose_prep.reading import read_poses
from recordings import BODY, make_dataset, make_lively_tracks, make_tracks, write_deeplabcut

LEFT, TAIL = (list(BODY).index(name) for name in ("left_paw", "tail"))


def lose(tracks, keypoint, share, seed=0):
    """Set a keypoint to (0, 0) in a share of the frames, and all likelihoods to NaN."""
    tracks, lost = tracks.copy(), np.random.default_rng(seed).random(len(tracks)) < share
    tracks[lost, keypoint, :2] = 0
    tracks[..., 2] = np.nan
    return tracks, lost


def zeros_of(tracks):
    return find_zeros(tracks[..., :2], tracks[..., 2])


@pytest.mark.parametrize("share", [0.005, 0.6, 0.97])
@pytest.mark.parametrize("likelihood", [np.nan, 1.0])
def test_zeros_without_an_informative_likelihood_are_missing(share, likelihood):
    tracks, lost = lose(make_lively_tracks(frames=1000), LEFT, share)
    tracks[..., 2] = likelihood
    found = zeros_of(tracks)
    assert lost.any()
    np.testing.assert_array_equal(found[:, LEFT], lost)
    assert found.sum() == lost.sum()


def test_an_informative_likelihood_decides():
    tracks, lost = lose(make_lively_tracks(), LEFT, 0.5)
    tracks[..., 2] = np.where(np.arange(300) % 7, 0.99, 0.98)[:, None]
    assert not zeros_of(tracks).any()
    tracks[lost, LEFT, 2] = np.nan  # no likelihood for these
    np.testing.assert_array_equal(zeros_of(tracks)[:, LEFT], lost)


def test_one_coordinate_at_zero_is_a_position():
    tracks, lost = lose(make_lively_tracks(), LEFT, 0.5)
    tracks[lost, LEFT, 1] = 50
    assert not zeros_of(tracks).any()


def test_the_center_of_egocentric_poses_is_at_the_origin():
    tracks = make_tracks(place=(0, 0), likelihood=np.nan)
    assert (tracks[:, TAIL, :2] == 0).all()
    assert not zeros_of(tracks).any()
    tracks[::3, TAIL, :2] += 1e-15  # rounding
    assert not zeros_of(tracks).any()
    tracks[::4, TAIL, :2] = 7.0  # frames that were not aligned
    assert not zeros_of(tracks).any()
    tracks[::2, LEFT, :2] = 0  # another keypoint is missing
    assert np.flatnonzero(zeros_of(tracks).any(axis=0)).tolist() == [LEFT]


def test_integer_positions_clipped_at_the_edge_are_zero_sometimes():
    """Each coordinate is 0 in a tenth of the frames, so both are in a hundredth."""
    rng = np.random.default_rng(0)
    tracks = make_lively_tracks(frames=3000)
    tracks[..., 2] = np.nan
    cut = rng.integers(-10, 90, size=(3000, 2)).clip(0)
    tracks[:, LEFT, :2] = cut
    by_chance = (cut == 0).all(axis=1)
    assert by_chance.sum() > 20
    assert not zeros_of(tracks).any()
    lost = rng.random(3000) < 0.3
    tracks[lost, LEFT, :2] = 0
    np.testing.assert_array_equal(zeros_of(tracks)[:, LEFT], lost | by_chance)


def test_an_animal_in_the_corner_of_the_image_is_not_missing():
    """It walks to the corner, waits there with both coordinates clipped, and returns."""
    way = np.concatenate(
        [np.linspace(300, -20, 200), np.full(400, -20), np.linspace(-20, 300, 200)]
    )
    place = np.stack([way, 0.9 * way], axis=1) + np.random.default_rng(0).normal(size=(800, 2))
    tracks = make_tracks(frames=800, place=place, likelihood=np.nan)
    tracks[..., :2] = tracks[..., :2].clip(0)
    assert (tracks[..., :2] == 0).all(axis=-1).mean() > 0.3
    assert not zeros_of(tracks).any()


def test_tracks_may_start_at_the_origin():
    tracks = make_lively_tracks()
    tracks[..., :2] -= tracks[0, TAIL, :2]
    tracks[..., 2] = np.nan
    assert (tracks[0, TAIL, :2] == 0).all()
    assert not zeros_of(tracks).any()


def test_in_3d_all_three_coordinates_must_be_zero():
    tracks, lost = lose(make_lively_tracks(), LEFT, 0.4)
    for height in (np.zeros(300), np.where(lost, 0, 5)):
        positions = np.concatenate(
            [tracks[..., :2], np.broadcast_to(height[:, None, None], (300, 4, 1))], axis=-1
        )
        np.testing.assert_array_equal(find_zeros(positions, tracks[..., 2])[:, LEFT], lost)
    positions[..., 2] = 5
    assert not find_zeros(positions, tracks[..., 2]).any()


def test_a_file_is_read_without_missing_zeros_and_reports_them(tmp_path):
    tracks, lost = lose(make_lively_tracks(), LEFT, 0.6)
    tracks[:30, 2, :2] = 0
    path = write_deeplabcut(path=tmp_path / "a.csv", tracks=tracks, likelihood=False)
    poses = read_poses(path, "", 30)
    positions = poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values
    np.testing.assert_array_equal(np.isnan(positions).all(axis=-1)[:, LEFT], lost)
    np.testing.assert_allclose(positions[~lost, LEFT], tracks[~lost, LEFT, :2])
    share = f"{lost.mean():.0%}".replace("%", " %")
    assert poses.attrs["notes"] == (
        f"left_paw, right_paw: exactly at 0, 0 in {share}, 10 % of frames, counted as missing"
    )


def test_a_keypoint_that_is_always_zero_is_named():
    tracks = make_lively_tracks()
    tracks[:, LEFT, :2], tracks[..., 2] = 0, np.nan
    notes = []
    poses = correct_readings(make_dataset(tracks=tracks), notes)
    assert notes == ["left_paw: always at 0, 0; if it was never seen, add it to exclude_keypoints"]
    assert np.isfinite(poses.position).all()


def test_a_plausible_recording_is_not_changed():
    recording, notes = make_dataset(tracks=make_lively_tracks()), []
    assert correct_readings(recording, notes).identical(recording)
    assert notes == []


@pytest.mark.parametrize("highest", [100.0, 99.97, 57.0])
def test_likelihoods_in_percent_become_shares(highest):
    likelihoods, notes = np.linspace(0, highest, 101), []
    np.testing.assert_allclose(scale_likelihood(likelihoods, notes), likelihoods / 100)
    assert notes == [f"likelihoods in percent (up to {highest:.4g}), divided by 100"]


@pytest.mark.parametrize(
    "likelihoods",
    [[0.0, 0.5, 1.0], [0.9, 1.2, 1.1], [0.5, 3.0, 2.0], [np.nan] * 3, [0.9] * 200 + [57.0]],
)
def test_scores_around_one_are_not_changed(likelihoods):
    notes = []
    assert scale_likelihood(np.array(likelihoods), notes).tolist() == pytest.approx(
        likelihoods, nan_ok=True
    )
    assert notes == []


def test_scores_of_another_scale_are_not_changed_and_give_a_note():
    notes = []
    assert scale_likelihood(np.arange(256.0), notes).max() == 255
    assert notes == ["likelihoods reach 255, neither 1 nor 100 %: not changed"]


def test_likelihoods_in_percent_are_compared_with_pose_confidence(tmp_path):
    tracks = make_lively_tracks()
    tracks[..., 2], tracks[:50, LEFT, 2] = 99.0, 3.0
    path = write_deeplabcut(path=tmp_path / "a.csv", tracks=tracks)
    poses = read_poses(path, "", 30)
    assert sorted(set(poses.confidence.values.ravel())) == [0.03, 0.99]
    assert "likelihoods in percent (up to 99)" in poses.attrs["notes"]


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.6, "60 %"), (1, "100 %"), (0.9996, "99.96 %"), (0.00012, "0.012 %"), (0, "0 %")],
)
def test_shares_are_never_rounded_to_0_or_100_percent(share, text):
    assert percent(share) == text
