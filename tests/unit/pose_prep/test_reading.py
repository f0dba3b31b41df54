from pathlib import Path

import numpy as np
import pytest
from pose_prep.reading import read_poses
from pose_prep.storage import load_poses, save_poses
from recordings import BODY, make_lively_tracks, make_tracks, write_deeplabcut

SHARED = Path(__file__).parents[4] / "shared" / "data"

HEADER = "scorer,S,S,S,S,S,S\nbodyparts,a,a,a,b,b,b\ncoords,x,y,likelihood,x,y,likelihood\n"
ROW = ",1,2,0.9,3,4,0.8\n"


def read_text(folder, text, **options):
    path = folder / "poses.csv"
    path.write_bytes(text.encode())
    return read_poses(path, "DeepLabCut", 30, **options)


def positions(poses):
    """(frame, keypoint, axis)"""
    return poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_deeplabcut_files_give_back_what_was_tracked(tmp_path, suffix):
    tracks = make_lively_tracks(frames=7)
    path = write_deeplabcut(path=tmp_path / f"poses.{suffix}", tracks=tracks)
    poses = read_poses(path, "DeepLabCut", 25)
    np.testing.assert_array_equal(positions(poses), tracks[..., :2])
    np.testing.assert_array_equal(poses.confidence.values[..., 0], tracks[..., 2])
    assert list(poses.keypoints.values) == list(BODY)
    assert poses.attrs["fps"] == 25


@pytest.mark.parametrize("blank", ["0,,,,,,\n", ",,,,,,\n", "\n"])
def test_a_blank_first_frame_is_a_frame(tmp_path, blank):
    poses = read_text(tmp_path, HEADER + blank + "1" + ROW + "2" + ROW)
    assert np.isnan(positions(poses)).tolist() == [[[True] * 2] * 2] + [[[False] * 2] * 2] * 2


def test_blank_frames_in_the_middle_count_and_blank_lines_at_the_end_do_not(tmp_path):
    poses = read_text(tmp_path, HEADER + "0" + ROW + "\n" + "2" + ROW + "\n\n")
    assert np.isnan(positions(poses)[:, 0, 0]).tolist() == [False, True, False]


@pytest.mark.parametrize("first", ["42150", "1", "frame0042", "img042.png"])
def test_frames_may_be_counted_from_anywhere(tmp_path, first):
    second = {"42150": "42151", "1": "2", "frame0042": "frame0043", "img042.png": "img043.png"}
    poses = read_text(tmp_path, HEADER + first + ROW + second[first] + ROW)
    assert poses.sizes["time"] == 2
    assert poses.time.values.tolist() == [0, 1 / 30]


def test_a_file_that_leaves_frames_out_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"poses.csv.*row 1 .* is frame 7, expected 6"):
        read_text(tmp_path, HEADER + "5" + ROW + "7" + ROW)


def test_byte_order_mark_and_crlf_change_nothing(tmp_path):
    text = HEADER + "0" + ROW
    plain = read_text(tmp_path, text)
    marked = read_text(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))
    assert marked.identical(plain)


def test_whole_numbers_are_read_as_floats(tmp_path):
    poses = read_text(tmp_path, HEADER + "0,1,2,1,3,4,1\n")
    assert poses.position.dtype == poses.confidence.dtype == np.float64


def test_likelihood_may_be_absent(tmp_path):
    path = write_deeplabcut(path=tmp_path / "p.csv", tracks=make_tracks(), likelihood=False)
    assert np.isnan(read_poses(path, "DeepLabCut", 30).confidence).all()


def test_further_coordinates_of_ensembles_are_left_aside(tmp_path):
    text = (
        "scorer,S,S,S,S\nbodyparts,a,a,a,a\ncoords,x,y,likelihood,x_ens_var\n0,1,2,1,9\n1,1,2,1,9\n"
    )
    assert positions(read_text(tmp_path, text)).tolist() == [[[1, 2]], [[1, 2]]]


def test_names_with_spaces_and_slashes_are_kept(tmp_path):
    text = (HEADER + "0" + ROW).replace("a,a,a", "Butt/Proximal Tail," * 2 + "Butt/Proximal Tail")
    assert read_text(tmp_path, text).keypoints.values[0] == "Butt/Proximal Tail"


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_one_of_several_individuals_is_chosen_by_name(tmp_path, suffix):
    tracks = np.stack([make_tracks(), make_lively_tracks(frames=20)], axis=1)
    path = write_deeplabcut(
        path=tmp_path / f"p.{suffix}", tracks=tracks, individuals=["white", "black"]
    )
    poses = read_poses(path, "DeepLabCut", 30, individual="black")
    np.testing.assert_array_equal(positions(poses), tracks[:, 1, :, :2])
    assert poses.individuals.values.tolist() == ["black"]
    with pytest.raises(ValueError, match=r"2 individuals.*white, black"):
        read_poses(path, "DeepLabCut", 30)
    with pytest.raises(ValueError, match=r"'red'.*white, black"):
        read_poses(path, "DeepLabCut", 30, individual="red")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x,y\n1,2\n", "header must read"),
        ("", "is empty"),
        ("\n\n", "is empty"),
        ("\0\0\0,\0", "holds no text"),
        (HEADER, "poses.csv"),
        (HEADER + "0,1,2,high,3,4,1\n", "high"),
        (HEADER.replace("b,b,b", "a,a,a") + "0" + ROW, "individual_0 a x is there twice"),
        (HEADER.replace("x,y", "u,v") + "0" + ROW, "needs the coords x and y"),
        (HEADER.replace("coords,x", "coords") + "0" + ROW, "have [6, 7] columns"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=r"poses.csv") as caught:
        read_text(tmp_path, text)
    assert complaint in str(caught.value)


def test_an_absent_file_is_refused_by_name(tmp_path):
    with pytest.raises(OSError, match=r"No such file.*p.csv"):
        read_poses(tmp_path / "p.csv", "DeepLabCut", 30)


def test_netcdf_gives_back_what_was_read(tmp_path):
    path = write_deeplabcut(path=tmp_path / "p.csv", tracks=make_lively_tracks(frames=5))
    poses = read_poses(path, "DeepLabCut", 29.385)
    save_poses(poses, tmp_path / "p.nc")
    assert load_poses(tmp_path / "p.nc").identical(poses)


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data is not beside the repository")
def test_csv_and_h5_of_one_real_recording_are_identical():
    stem = "raw_clip1DLC_resnet50_OpenFieldHighResApr8shuffle1_1030000"
    from_csv, from_h5 = (
        read_poses(SHARED / f"{stem}.{s}", "DeepLabCut", 60) for s in ("csv", "h5")
    )
    assert from_csv.position.shape == (7200, 2, 6, 1)
    np.testing.assert_array_equal(from_csv.position, from_h5.position)
    np.testing.assert_array_equal(from_csv.confidence, from_h5.confidence)


@pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data is not beside the repository")
@pytest.mark.parametrize(
    ("file", "software", "individual", "frames"),
    [
        ("SLEAP_single-mouse_EPM.analysis.h5", "SLEAP", None, 18485),
        ("predictions.slp", "SLEAP", "track_1", 3000),
        ("180607_004.train_frames=75.rng=0.csv", "LightningPose", None, 2000),
        ("madlc_bd0662f1.csv", "DeepLabCut", "mouse_white_tail", 901),
        ("formats/openfield_dlc_inference_example_missingdata.csv", "DeepLabCut", None, 2330),
    ],
)
def test_real_recordings_of_other_trackers_are_read(file, software, individual, frames):
    assert read_poses(SHARED / file, software, 30, individual).sizes["time"] == frames
