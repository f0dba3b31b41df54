import numpy as np
import pytest
from formats.aligned import open_aligned, save_aligned
from formats.runs import find_runs
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.quality import inspect_recording
from pose_prep.recording import clean_recording, to_egocentric
from recordings import BODY, make_dataset, make_lively_tracks, make_tracks

KEYPOINTS = list(BODY)
LEFT = KEYPOINTS.index("left_paw")


def settings(**changes):
    return AlignmentSettings(
        **{
            "keypoints": None,
            "exclude_keypoints": [],
            "vertical_axis": None,
            "resample_fps": None,
            "center": "tail",
            "orient": "nose",
            "pose_confidence": 0.9,
            "max_gap_seconds": 0.3,
            "robust": False,
            "iqr_factor": 4,
            "scale": "none",
            "motion_features": [],
            "outlier_center": "median",
            "swapped_ends": "report",
            "savgol_filter": False,
            "savgol_length": 5,
            "savgol_order": 2,
        }
        | changes
    )


def align(tracks, fps=10.0, **changes):
    """Return the aligned recording and its table of quality."""
    recording, chosen = make_dataset(tracks=tracks, fps=fps), settings(**changes)
    table = inspect_recording(clean_recording(recording, chosen), 0.5).table
    return align_recording(recording, chosen), table


def test_center_is_the_origin_and_orient_is_on_the_positive_x_axis():
    positions = np.array(
        [[[5.0, 9.0], [5.0, 5.0], [4.0, 6.0]]]
    )  # in the image, the nose is below the tail
    nose, tail, paw = to_egocentric(positions, positions[:, [1, 0]])[0]
    assert nose.tolist() == [4, 0]
    assert tail.tolist() == [0, 0]
    np.testing.assert_allclose(paw, [1, 1])


def test_an_animal_on_the_positive_x_axis_is_not_changed():
    positions = make_tracks(place=(0, 0))[..., :2]
    egocentric = to_egocentric(positions, positions[:, [3, 0]])
    np.testing.assert_allclose(egocentric[0], list(BODY.values()))


def test_several_full_turns_have_no_effect():
    turns = np.linspace(-4 * np.pi, 4 * np.pi, 721)
    place = np.random.default_rng(0).uniform(0, 1000, size=(721, 2))
    aligned, _ = align(make_tracks(frames=721, heading=turns, place=place))
    # Features are nose_x, then both paws; the egocentric pose of the turning animal is constant.
    np.testing.assert_allclose(aligned.poses, np.tile([10, 6, -3, 6, 3], (721, 1)), atol=1e-4)


def test_a_mirrored_animal_stays_mirrored():
    mirrored = {name: (x, -y) for name, (x, y) in BODY.items()}
    aligned, _ = align(make_tracks(body=mirrored, heading=2.0))
    np.testing.assert_allclose(aligned.poses[0], [10, 6, 3, 6, -3], atol=1e-5)


def test_features_have_the_order_of_the_file_without_three_constant_ones():
    aligned, _ = align(make_lively_tracks(), keypoints=["tail", "right_paw", "nose"])
    assert aligned.features == ["nose_x", "right_paw_x", "right_paw_y"]
    assert aligned.poses.shape == (300, 3)
    assert aligned.poses.dtype == np.float32
    aligned, _ = align(make_lively_tracks())
    assert aligned.features == ["nose_x", "left_paw_x", "left_paw_y", "right_paw_x", "right_paw_y"]


def test_a_frame_without_direction_is_unusable():
    tracks = make_tracks()
    tracks[7, KEYPOINTS.index("nose")] = tracks[7, KEYPOINTS.index("tail")]
    aligned, _ = align(tracks, robust=True)
    assert np.flatnonzero(~aligned.usable).tolist() == [7]
    assert np.isnan(aligned.poses[7]).all()


def test_short_gaps_are_filled_and_long_ones_are_unusable():
    tracks = make_tracks(heading=0.3)
    tracks[3:6, LEFT] = (999, 999, 0.1)  # three frames: 0.3 s at 10 fps
    tracks[10:14, LEFT] = (999, 999, 0.1)  # four
    aligned, quality = align(tracks)
    assert np.flatnonzero(~aligned.usable).tolist() == [10, 11, 12, 13]
    np.testing.assert_allclose(aligned.poses[3:6], aligned.poses[:3], atol=1e-4)
    row = quality.loc["left_paw"]
    assert row.tolist() == [7 / 20, 3 / 20, 0, 4 / 20, 0.4, 0]
    assert quality.loc["right_paw"].tolist() == [0, 0, 0, 0, 0, 0]
    np.testing.assert_allclose(
        quality.loc["all keypoints"].tolist(), [7 / 80, 3 / 80, 0, 4 / 20, 0.4, 0]
    )


def test_a_lost_center_makes_a_frame_unusable_and_counts_for_no_other_keypoint():
    tracks = make_tracks()
    tracks[:5, KEYPOINTS.index("tail"), 2] = 0
    aligned, quality = align(tracks, robust=True)
    assert np.flatnonzero(~aligned.usable).tolist() == [0, 1, 2, 3, 4]
    assert quality["unusable_share"].tolist() == [0, 0, 0, 0.25, 0.25]


def jittering_tracks(frames=60):
    """Return tracks whose paws move by about half a pixel, too little for an outlier."""
    rng = np.random.default_rng(3)
    body = {name: np.array(xy) + rng.uniform(-1, 1, (frames, 2)) for name, xy in BODY.items()}
    return make_tracks(frames=frames, body=body)


def test_an_outlier_is_replaced_by_its_neighbours():
    tracks = jittering_tracks()
    tracks[30, LEFT, :2] += 30
    aligned, quality = align(tracks, robust=True)
    x = aligned.features.index("left_paw_x")
    np.testing.assert_allclose(aligned.poses[30, x], aligned.poses[[29, 31], x].mean(), rtol=1e-5)
    assert quality["outlier_share"].tolist() == [0, 1 / 60, 0, 0, 1 / 240]
    assert aligned.usable.all()
    assert align(tracks, robust=False)[0].poses[30, x] > 20


def test_given_limits_of_other_recordings_are_used_for_outliers():
    tracks = jittering_tracks()
    tracks[30, LEFT, :2] += 30
    own, _ = align(tracks, robust=True)
    x = own.features.index("left_paw_x")
    assert own.limits.keys() == set(own.features)
    recording = make_dataset(tracks=tracks)
    again = align_recording(recording, settings(robust=True), own.limits)
    np.testing.assert_array_equal(again.poses, own.poses)
    assert again.limits == own.limits
    wide = align_recording(recording, settings(robust=True), {"left_paw_x": [-99, 99]})
    assert wide.poses[30, x] > 20
    narrow = own.limits | {"left_paw_x": [5.9, 6.1]}
    cleaned = clean_recording(recording, settings(robust=True), narrow)
    assert cleaned.outlier[:, LEFT].mean() > 0.5


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("smoothed", [True, False])
def test_with_limits_the_parts_of_a_recording_are_aligned_as_the_whole(seed, smoothed):
    """Exceptions are gaps across the cut and, with smoothing, half the filter's window."""
    rng = np.random.default_rng(seed)
    tracks = make_lively_tracks(frames=300, seed=seed)
    tracks[rng.random((300, 4)) < 0.05, 2] = 0
    tracks[rng.random((300, 4)) < 0.01, :2] += 30
    chosen = settings(robust=True, savgol_filter=smoothed)
    limits = align(make_lively_tracks(frames=300, seed=9), robust=True)[0].limits
    whole = align_recording(make_dataset(tracks=tracks), chosen, limits)
    cut = int(rng.integers(100, 200))
    for first, stop in ((0, cut), (cut, 300)):
        part = align_recording(make_dataset(tracks=tracks[first:stop]), chosen, limits)
        assert not (part.usable & ~whole.usable[first:stop]).any()
        runs = find_runs(part.usable)
        lost = whole.usable[first:stop] & ~part.usable
        assert all(at < 3 or at >= stop - first - 3 for at in np.flatnonzero(lost))
        for start, end in runs[np.diff(runs)[:, 0] >= 5]:
            margin = 2 if smoothed else 0
            rows = slice(start + margin * (start <= 3), end - margin * (end >= stop - first - 3))
            np.testing.assert_array_equal(
                part.poses[rows], whole.poses[first + rows.start : first + rows.stop]
            )


def test_outlier_and_gap_together_are_not_filled_beyond_the_limit():
    tracks = jittering_tracks()
    tracks[30:33, LEFT, 2] = 0  # three frames, filled at first …
    tracks[33, LEFT, :2] += 30  # … until the fourth proves to be an outlier
    aligned, quality = align(tracks, robust=True)
    assert np.flatnonzero(~aligned.usable).tolist() == [30, 31, 32, 33]
    assert quality.loc["left_paw", "longest_gap_seconds"] == 0.4
    assert quality.loc["left_paw", "interpolated_share"] == 0


@pytest.mark.parametrize("seed", range(5))
def test_no_keypoint_is_interpolated_for_longer_than_the_limit(seed):
    rng = np.random.default_rng(seed)
    tracks = jittering_tracks(frames=400)
    lost = rng.random((400, 4)) < 0.15
    wrong = rng.random((400, 4)) < [0, 0.02, 0.02, 0]
    tracks[lost, 2] = 0
    tracks[wrong, :2] += 30
    aligned, quality = align(tracks, robust=True, max_gap_seconds=0.2)

    open_frames = np.zeros(400, bool)
    for keypoint in range(4):
        for start, stop in find_runs((lost | wrong)[:, keypoint]):
            open_frames[start:stop] |= stop - start > 2 or start == 0 or stop == 400
    assert not (aligned.usable & open_frames).any()
    # An outlier in a gap next to a frame that cannot be aligned has no neighbour for interpolation.
    assert (aligned.usable | open_frames).mean() > 0.98
    np.testing.assert_allclose(quality["outlier_share"][:4], (wrong & ~lost).mean(axis=0))


def test_smoothing_is_optional_and_does_not_change_unusable_frames():
    tracks = make_lively_tracks()
    tracks[100:120, LEFT, 2] = 0
    rough, _ = align(tracks)
    smooth, _ = align(tracks, savgol_filter=True)
    assert np.isnan(smooth.poses[100:120]).all()
    assert np.isfinite(smooth.poses[120:]).all()
    assert np.diff(smooth.poses[120:], axis=0).std() < np.diff(rough.poses[120:], axis=0).std()


def test_without_likelihood_every_position_is_used():
    tracks = make_tracks()
    tracks[..., 2] = np.nan
    tracks[4, LEFT, :2] = np.nan
    aligned, quality = align(tracks)
    assert aligned.usable.all()
    assert quality.loc["left_paw", "missing_share"] == 1 / 20


def test_a_keypoint_that_is_never_confident_is_reported_and_excluded():
    tracks = make_tracks()
    tracks[:, LEFT, 2] = 0.5
    aligned, quality = align(tracks)
    assert aligned.features == ["nose_x", "right_paw_x", "right_paw_y"]
    assert aligned.usable.all()
    assert quality.loc["left_paw", "missing_share"] == 1


@pytest.mark.parametrize("name", ["nose", "tail"])
def test_a_reference_keypoint_that_is_never_confident_is_refused(name):
    tracks = make_tracks()
    tracks[:, KEYPOINTS.index(name), 2] = 0.5
    with pytest.raises(
        ValueError, match=rf"mouse.csv: no frame has a confident position of {name}; choose another"
    ):
        align(tracks)


def test_keypoints_are_excluded_by_name_if_a_recording_has_them():
    aligned, quality = align(make_tracks(), exclude_keypoints=["left_paw", "LED"])
    assert aligned.features == ["nose_x", "right_paw_x", "right_paw_y"]
    assert "left_paw" not in quality.index


def test_all_unknown_keypoints_are_named_at_once():
    with pytest.raises(ValueError, match=r"mouse.csv: .*") as caught:
        align(make_tracks(), keypoints=["nose", "tial"], center="hip")
    message = str(caught.value)
    assert "keypoints: no keypoint 'tial', did you mean tail?" in message
    assert "center: no keypoint 'hip' (" in message
    assert "nose, left_paw, right_paw, tail" in message


def test_the_nearest_names_are_found_whatever_their_case():
    with pytest.raises(ValueError, match=r"'LeftPaw', did you mean left_paw"):
        align(make_tracks(), orient="LeftPaw")


def in_space(tracks, up):
    """Return the same animal in 3D with the vertical axis ``up``, and a height of each keypoint."""
    heights = np.tile(np.arange(1.0, 5.0), (len(tracks), 1))
    axes = {"z": [0, 1, 2], "x": [2, 0, 1], "y": [1, 2, 0]}[up]
    position = np.dstack([tracks[..., :2], heights])[..., axes]
    poses = make_dataset(tracks=tracks)
    return (
        poses.drop_vars(["position", "space"])
        .assign_coords(space=list("xyz"))
        .assign(
            position=(
                ("time", "space", "keypoints", "individuals"),
                position.transpose(0, 2, 1)[..., None],
            )
        )
    )


@pytest.mark.parametrize("up", ["x", "y", "z"])
def test_poses_in_3d_are_rotated_only_about_the_vertical_axis(up):
    turning = np.linspace(0, 9, 20)
    poses = in_space(make_tracks(heading=turning), up)
    aligned = align_recording(poses, settings(vertical_axis=up))
    assert aligned.features == [
        *("nose_x", "nose_z"),
        *(f"{side}_paw_{axis}" for side in ("left", "right") for axis in "xyz"),
    ]
    # Heights are relative to the tail, the fourth keypoint, which has a height of 4.
    expected = [10, -3, 6, -3, -2, 6, 3, -1]
    np.testing.assert_allclose(aligned.poses, np.tile(expected, (20, 1)), atol=1e-4)


def test_poses_in_3d_without_the_setting_are_refused_with_its_name():
    with pytest.raises(ValueError, match=r"has 3D poses; set vertical_axis"):
        align_recording(in_space(make_tracks(), "z"), settings())


def test_frames_absent_from_a_sparse_file_are_never_filled():
    """Every third frame is in the file; gaps of two frames would otherwise be filled."""
    tracks = make_lively_tracks(frames=90)
    absent = np.arange(90) % 3 != 0
    tracks[absent] = np.nan
    aligned, quality = align(tracks, max_gap_seconds=1)
    np.testing.assert_array_equal(aligned.usable, ~absent)
    assert quality["interpolated_share"].eq(0).all()
    dense = make_lively_tracks(frames=90)
    dense[np.arange(90) % 3 == 1] = np.nan
    assert align(dense, max_gap_seconds=1)[0].usable.all()


def test_sparse_frames_keep_their_number_of_usable_frames():
    """A SLEAP file of labels is an example: blocks of ten frames with long gaps between them."""
    tracks = np.full((90_000, 4, 3), np.nan)
    frames = (np.arange(40)[:, None] * 2200 + np.arange(10)).ravel()
    tracks[frames] = make_lively_tracks(frames=400)
    aligned, _ = align(tracks, fps=30.0)
    assert np.flatnonzero(aligned.usable).tolist() == frames.tolist()


def test_frames_without_any_keypoint_are_unusable():
    tracks = make_lively_tracks(frames=2000)
    tracks[500:1700, :, 2] = 0.01
    aligned, quality = align(tracks)
    assert np.flatnonzero(~aligned.usable).tolist() == list(range(500, 1700))
    assert quality.loc["all keypoints", "longest_gap_seconds"] == 120


def test_a_recording_at_another_rate_is_resampled_to_the_given_one():
    """A paw that moves evenly has the same place at each time with any rate."""
    body = {**BODY, "left_paw": np.stack([np.arange(61.0) / 10, np.full(61, -3)], axis=1)}
    tracks = make_tracks(frames=61, body=body)
    tracks[20:24, LEFT, 2] = 0
    aligned, _ = align(tracks, fps=30.0, max_gap_seconds=0, resample_fps=20.0)
    assert aligned.fps == 20
    assert len(aligned.poses) == 41
    x = aligned.poses[:, aligned.features.index("left_paw_x")]
    np.testing.assert_allclose(x[aligned.usable], np.arange(41)[aligned.usable] * 0.15, atol=1e-5)
    # New frame n is between old frame floor(1.5 n) and the next: 13 ↔ 19.5, 16 ↔ 24.
    assert np.flatnonzero(~aligned.usable).tolist() == [13, 14, 15]
    doubled, _ = align(tracks, fps=30.0, max_gap_seconds=0, resample_fps=60.0)
    assert len(doubled.poses) == 121
    same, _ = align(tracks, fps=30.0, max_gap_seconds=0, resample_fps=30.0)
    np.testing.assert_array_equal(same.poses, align(tracks, fps=30.0, max_gap_seconds=0)[0].poses)


def with_scalars(tracks, **scalars):
    values = np.stack([np.asarray(values, float) for values in scalars.values()], axis=1)
    return (
        make_dataset(tracks=tracks)
        .assign(features=(("time", "feature"), values))
        .assign_coords(feature=list(scalars))
    )


def test_extra_features_are_added_to_the_pose_unchanged():
    tracks, light = make_lively_tracks(frames=40), np.arange(40) // 20
    speed = np.arange(40.0)
    speed[5:7] = np.nan
    speed[20:30] = np.nan
    recording = with_scalars(tracks, light=light, speed=speed)
    aligned = align_recording(recording, settings(savgol_filter=True))
    assert aligned.features[-2:] == aligned.scalars == ["light", "speed"]
    assert np.flatnonzero(~aligned.usable).tolist() == list(range(20, 30))
    assert aligned.poses[aligned.usable, -2].tolist() == light[aligned.usable].tolist()
    assert aligned.poses[:20, -1].tolist() == list(range(20))


def test_an_extra_feature_cannot_have_the_name_of_a_coordinate():
    recording = with_scalars(make_tracks(), nose_x=np.arange(20))
    with pytest.raises(ValueError, match=r"two features are called nose_x; rename a column"):
        align_recording(recording, settings())


def test_series_without_keypoints_are_used_unchanged():
    recording = with_scalars(make_tracks(), a=np.arange(20.0), b=-np.arange(20.0))
    recording = recording.drop_vars(["position", "confidence", "keypoints", "space", "individuals"])
    aligned = align_recording(recording, settings(robust=True, savgol_filter=True))
    assert aligned.poses.tolist() == [[n, -n] for n in range(20)]


def test_a_recording_without_a_usable_frame_is_refused():
    tracks = make_tracks()
    tracks[:10, LEFT, 2] = 0
    tracks[10:, 2, 2] = 0
    with pytest.raises(ValueError, match=r"mouse.csv: no frame has all of its keypoints"):
        align(tracks)


def test_aligned_poses_can_be_read_back(tmp_path):
    aligned, _ = align(make_lively_tracks(), fps=29.385)
    save_aligned(aligned, tmp_path / "a.npz")
    loaded = open_aligned(tmp_path / "a.npz")
    np.testing.assert_array_equal(loaded.poses, aligned.poses)
    np.testing.assert_array_equal(loaded.usable, aligned.usable)
    assert (loaded.features, loaded.fps) == (aligned.features, 29.385)
    assert loaded.limits == aligned.limits


def test_the_track_has_position_and_heading_of_the_animal():
    """The animal makes a full turn while it walks east; unusable frames are NaN."""
    heading = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    place = np.column_stack([100 + np.arange(40.0), np.full(40, 70.0)])
    tracks = make_tracks(frames=40, heading=heading, place=place)
    tracks[10:25, 0, 2] = 0  # the nose is lost for too long
    aligned, _ = align(tracks, max_gap_seconds=0.2)
    assert (~aligned.usable).sum() == 15
    np.testing.assert_array_equal(np.isfinite(aligned.track).all(axis=1), aligned.usable)
    known = aligned.track[aligned.usable]
    np.testing.assert_allclose(known[:, :2], place[aligned.usable], atol=1e-4)
    turned = np.exp(1j * known[:, 2]) / np.exp(1j * heading[aligned.usable])
    np.testing.assert_allclose(turned, 1, atol=1e-5)


MOTION = ["forward_speed", "sideways_speed", "turning"]


def test_motion_features_follow_the_coordinates_and_are_not_coordinates():
    tracks = make_tracks(frames=40, place=np.column_stack([3.0 * np.arange(40), np.zeros(40)]))
    aligned, _ = align(tracks, motion_features=[*MOTION, "height"])
    assert aligned.features[-3:] == list(aligned.scalars) == MOTION
    # Ten frames and thirty pixels per second; the animal is ten pixels long.
    np.testing.assert_allclose(aligned.poses[:, -3:], np.tile([3, 0, 0], (40, 1)), atol=1e-4)


def test_extra_features_of_the_user_are_last():
    recording = make_dataset(tracks=make_lively_tracks(), fps=10.0)
    frames = recording.sizes["time"]
    recording = recording.assign(features=(("time", "feature"), np.ones((frames, 1))))
    recording = recording.assign_coords(feature=["light"])
    aligned = align_recording(recording, settings(motion_features=MOTION))
    assert aligned.features[-4:] == list(aligned.scalars) == [*MOTION, "light"]


def test_a_body_length_of_the_same_pose_is_the_same_in_every_unit():
    tracks = make_lively_tracks()
    metres = tracks.copy()
    metres[..., :2] *= 0.001
    own, other = (
        align(each, scale="body_length", motion_features=MOTION)[0] for each in (tracks, metres)
    )
    np.testing.assert_allclose(own.poses, other.poses, rtol=1e-4, atol=1e-4)
    assert own.unit == pytest.approx(1000 * other.unit)
    np.testing.assert_allclose(own.as_recorded()[:, :-3], align(tracks)[0].poses, rtol=1e-5)
    np.testing.assert_array_equal(own.as_recorded()[:, -3:], own.poses[:, -3:])


def test_a_body_length_of_the_sessions_table_replaces_the_median():
    recording = make_dataset(tracks=make_lively_tracks(), fps=10.0)
    chosen = settings(scale="body_length", motion_features=MOTION)
    own = align_recording(recording, chosen)
    recording.attrs["body_length"] = 2 * own.unit
    given = align_recording(recording, chosen)
    np.testing.assert_allclose(given.poses[:, :-1], own.poses[:, :-1] / 2, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(given.poses[:, -1], own.poses[:, -1], rtol=1e-5)  # turning


def test_limits_of_outliers_are_in_body_lengths():
    """A paw that is ten body lengths away exceeds the limits of an animal of half the size."""
    small = make_lively_tracks()
    large = small.copy()
    large[..., :2] *= 2
    chosen = settings(scale="body_length", robust=True)
    limits = align_recording(make_dataset(tracks=small, fps=10.0), chosen).limits
    large[5, LEFT, :2] += 200
    cleaned = clean_recording(make_dataset(tracks=large, fps=10.0), chosen, limits)
    assert cleaned.outlier[:, LEFT].tolist() == [frame == 5 for frame in range(len(large))]


def test_unit_and_motion_are_kept_in_the_file(tmp_path):
    aligned, _ = align(make_lively_tracks(), scale="body_length", motion_features=MOTION)
    save_aligned(aligned, tmp_path / "aligned.npz")
    opened = open_aligned(tmp_path / "aligned.npz")
    assert (opened.unit, list(opened.scalars)) == (aligned.unit, MOTION)
