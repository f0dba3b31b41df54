import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from formats.poses import load_poses, save_poses
from pose_prep.reading import read_poses
from recordings import (
    BODY,
    deeplabcut_table,
    make_lively_tracks,
    make_tracks,
    write_anipose,
    write_deeplabcut,
)

SHARED = Path(__file__).parents[4] / "shared" / "data"

HEADER = "scorer,S,S,S,S,S,S\nbodyparts,a,a,a,b,b,b\ncoords,x,y,likelihood,x,y,likelihood\n"
ROW = ",1,2,0.9,3,4,0.8\n"


def read_text(folder, text, **options):
    path = folder / "poses.csv"
    path.write_bytes(text.encode())
    return read_poses(path, "DeepLabCut", 30, **options)


def positions(poses):
    """Return (frame, keypoint, axis)."""
    return poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_deeplabcut_files_are_read_with_their_tracks(tmp_path, suffix):
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


def test_blank_lines_are_frames_except_at_the_end(tmp_path):
    poses = read_text(tmp_path, HEADER + "0" + ROW + "\n" + "2" + ROW + "\n\n")
    assert np.isnan(positions(poses)[:, 0, 0]).tolist() == [False, True, False]


@pytest.mark.parametrize("first", ["42150", "1", "frame0042", "img042.png"])
def test_frames_may_be_counted_from_anywhere(tmp_path, first):
    second = {"42150": "42151", "1": "2", "frame0042": "frame0043", "img042.png": "img043.png"}
    poses = read_text(tmp_path, HEADER + first + ROW + second[first] + ROW)
    assert poses.sizes["time"] == 2
    assert poses.time.values.tolist() == [0, 1 / 30]


def test_a_file_with_missing_frames_is_refused(tmp_path):
    with pytest.raises(
        ValueError, match=r"poses.csv.*row 1 .* is frame 7, but frame 6 is expected"
    ):
        read_text(tmp_path, HEADER + "5" + ROW + "7" + ROW)


def test_byte_order_mark_and_crlf_have_no_effect(tmp_path):
    text = HEADER + "0" + ROW
    plain = read_text(tmp_path, text)
    marked = read_text(tmp_path, "\ufeff" + text.replace("\n", "\r\n"))
    assert marked.identical(plain)


@pytest.mark.parametrize("name", ["noext", "poses.txt", "poses.csv.gz", "poses.h5"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_text_is_recognised_by_its_bytes(tmp_path, name, encoding, pack):
    text = (HEADER + "0" + ROW).replace("a,a,a", "né,né,né")
    plain = read_text(tmp_path, text)
    (tmp_path / name).write_bytes(pack(text.encode(encoding)))
    poses = read_poses(tmp_path / name, "", 30)
    assert poses.keypoints.values.tolist() == ["né", "b"]
    np.testing.assert_array_equal(poses.position, plain.position)
    message = f"{name} is not in UTF-8 and was read as latin-1; check its names"
    assert poses.attrs["notes"] == (message if encoding == "latin-1" else "")


def test_a_byte_of_latin_1_may_be_late_in_a_file(tmp_path):
    rows = "".join(f"img{n:06}.png" + ROW for n in range(60_000))
    (tmp_path / "p.csv").write_bytes((HEADER + rows + "nächstes060000" + ROW).encode("latin-1"))
    assert read_poses(tmp_path / "p.csv", "", 30).sizes["time"] == 60_001


def test_an_h5_needs_no_suffix(tmp_path):
    tracks = make_lively_tracks(frames=4)
    path = write_deeplabcut(path=tmp_path / "p.h5", tracks=tracks).rename(tmp_path / "p")
    np.testing.assert_array_equal(positions(read_poses(path, "", 30)), tracks[..., :2])


def test_a_compressed_file_that_would_fill_the_memory_is_refused(tmp_path):
    (tmp_path / "p.csv.gz").write_bytes(
        gzip.compress(HEADER.encode() + (b"," * 6 + b"\n") * 3_000_000)
    )
    with pytest.raises(ValueError, match=r"p\.csv\.gz: .*its table would be \d+ values from"):
        read_poses(tmp_path / "p.csv.gz", "", 30)


@pytest.mark.parametrize("where", ["all", "second", "last"])
@pytest.mark.parametrize("cells", [1, 3])
def test_rows_longer_than_the_header_are_refused(tmp_path, where, cells):
    rows = [f"{n}{ROW}" for n in range(5)]
    for n in {"all": range(5), "second": [1], "last": [4]}[where]:
        rows[n] = f"r{n}," * cells + rows[n]
    first = {"all": 4, "second": 5, "last": 8}[where]
    message = (
        rf"poses\.csv: .*row {first} of the file has {7 + cells} cells, its header 7: .*row names"
    )
    with pytest.raises(ValueError, match=message):
        read_text(tmp_path, HEADER + "".join(rows))


@pytest.mark.parametrize("kept", [slice(1, None), slice(-1)])
def test_rows_all_shorter_than_the_header_are_refused(tmp_path, kept):
    rows = "".join(",".join(f"{n}{ROW}".strip().split(",")[kept]) + "\n" for n in range(4))
    with pytest.raises(ValueError, match=r"poses\.csv: .*rows have at most 6 cells, its header 7"):
        read_text(tmp_path, HEADER + rows)


def test_empty_cells_at_the_end_of_rows_have_no_effect(tmp_path):
    plain = read_text(tmp_path, HEADER + "0" + ROW + "1,1,2,0.9,,,\n")
    body = "0" + ROW.replace("\n", ",,\n") + "1,1,2,0.9\n"
    assert read_text(tmp_path, HEADER + body).identical(plain)
    assert read_text(tmp_path, HEADER.replace("\n", ",,\n") + body).identical(plain)


def test_rows_of_anipose_may_not_be_longer_than_its_header(tmp_path):
    path = write_anipose(path=tmp_path / "p.csv", tracks=np.ones((3, 4, 4)))
    header, *rows = path.read_text().splitlines()
    path.write_text("\n".join([header, *(f"r{n},{row}" for n, row in enumerate(rows))]))
    with pytest.raises(
        ValueError, match=r"p\.csv: .*row 2 of the file has 21 cells, its header 20"
    ):
        read_poses(path, "", 30)
    path.write_text("\n".join([header, *(f"{row},," for row in rows)]))
    assert (read_poses(path, "", 30).position == 1).all()


PICTURES = [f"img{n:05}.png" for n in range(6)]


def labelled(folder, kind, videos, pictures):
    """Write a table as DeepLabCut does for labels of a training set, with three index columns."""
    tracks = make_lively_tracks(frames=len(pictures))
    table = deeplabcut_table(tracks=tracks, likelihood=False)
    index = [("labeled-data", *each) for each in zip(videos, pictures, strict=True)]
    table.index = pd.MultiIndex.from_tuples(index)
    path = folder / f"CollectedData.{kind}"
    if kind == "csv":
        table.to_csv(path)
    else:
        table.to_hdf(path, key="keypoints", mode="w")
    return path, tracks[..., :2]


@pytest.mark.parametrize("kind", ["csv", "h5"])
def test_frame_numbers_come_from_the_column_of_index_that_has_them(tmp_path, kind):
    path, tracks = labelled(tmp_path, kind, ["clip7"] * 6, PICTURES)
    np.testing.assert_array_equal(positions(read_poses(path, "", 30)), tracks)
    path, _ = labelled(tmp_path, kind, ["clip7"] * 3, [PICTURES[n] for n in (1, 2, 5)])
    message = (
        rf"{path.name}: .*is frame img00005.png, but frame 3 is.*write one row.*analyze_videos"
    )
    with pytest.raises(ValueError, match=message):
        read_poses(path, "", 30)
    path, _ = labelled(tmp_path, kind, ["a"] * 3 + ["b"] * 3, PICTURES)
    with pytest.raises(ValueError, match=rf"{path.name}: .*several videos or folders \(a, b"):
        read_poses(path, "", 30)


def test_columns_of_index_are_also_found_among_columns_of_an_h5(tmp_path):
    path, _ = labelled(tmp_path, "csv", ["clip"] * 3, [PICTURES[n] for n in (1, 2, 5)])
    table = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    table.to_hdf(tmp_path / "p.h5", key="keypoints", mode="w")
    with pytest.raises(
        ValueError, match=r"p\.h5: .*row 2 .* is frame img00005.png, but frame 3 is expected"
    ):
        read_poses(tmp_path / "p.h5", "", 30)


@pytest.mark.parametrize("separator", ["/", "\\"])
def test_pictures_may_be_named_with_their_folder(tmp_path, separator):
    names = [separator.join(["labeled-data", "clip1", name]) for name in PICTURES]
    text = HEADER + "".join(name + ROW for name in names)
    assert read_text(tmp_path, text).sizes["time"] == 6
    with pytest.raises(ValueError, match=r"poses\.csv: .*frame 3 is expected: .*analyze_videos"):
        read_text(tmp_path, HEADER + names[2] + ROW + names[4] + ROW)
    with pytest.raises(ValueError, match=r"poses\.csv: .*several videos or folders"):
        read_text(tmp_path, HEADER + names[2] + ROW + names[3].replace("clip1", "clip2") + ROW)


@pytest.mark.parametrize("levels", [1, 3])
def test_a_row_with_the_names_of_the_index_is_not_a_frame(tmp_path, levels):
    tracks = make_lively_tracks(frames=6)
    table = deeplabcut_table(tracks=tracks)
    names = ["folder", "video", "frame"][-levels:]
    table.index = pd.MultiIndex.from_tuples(
        [("labeled-data", "clip", f"img{n}.png")[-levels:] for n in range(6)], names=names
    )
    table.to_csv(tmp_path / "p.csv")
    np.testing.assert_array_equal(
        positions(read_poses(tmp_path / "p.csv", "", 30)), tracks[..., :2]
    )


@pytest.mark.parametrize(
    ("index", "complaint"),
    [
        (["0.0", "0.033", "0.067"], "its index column contains times (0.0, …, 0.033)"),
        (["10:00:00.00", "10:00:00.03", "10:00:00.06"], "its index column contains times (10:00"),
        (["0", "33", "67"], "row 1 of the data is frame 33, but frame 1 is expected"),
        (["0", "33", "67"], "numbers that increase by 33.5 may be times: write 0, 1, 2"),
    ],
)
def test_times_instead_of_frame_numbers_are_refused(tmp_path, index, complaint):
    with pytest.raises(ValueError, match=r"poses\.csv: ") as caught:
        read_text(tmp_path, HEADER + "".join(each + ROW for each in index))
    assert complaint in str(caught.value)


ANIMALS = (
    "scorer,S,S,S,S\nindividuals,m1,m1,,\nbodyparts,a,a,lamp,lamp\ncoords,x,y,x,y\n0,1,2,3,4\n"
)


def test_an_animal_without_a_name_is_ignored(tmp_path):
    poses = read_text(tmp_path, ANIMALS)
    assert poses.individuals.values.tolist() == ["m1"]
    assert positions(poses).tolist() == [[[1, 2]]]
    assert poses.attrs["notes"] == "columns without an animal, left out: lamp"
    with pytest.raises(
        ValueError, match=r"poses\.csv: .*names no animal for a, lamp: fill in its row"
    ):
        read_text(tmp_path, ANIMALS.replace("m1", ""))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("a,a,lamp", "a,,lamp", "names no keypoint for its coordinate 2"),
        ("m1,m1,,", "m1,,m2,m2", "m1 a has one of the coords x and y"),
    ],
)
def test_merged_cells_of_a_spreadsheet_are_refused(tmp_path, old, new, complaint):
    with pytest.raises(ValueError, match=r"poses\.csv: ") as caught:
        read_text(tmp_path, ANIMALS.replace(old, new))
    assert complaint in str(caught.value)


def test_whole_numbers_are_read_as_floats(tmp_path):
    poses = read_text(tmp_path, HEADER + "0,1,2,1,3,4,1\n")
    assert poses.position.dtype == poses.confidence.dtype == np.float64


def test_likelihood_may_be_absent(tmp_path):
    path = write_deeplabcut(path=tmp_path / "p.csv", tracks=make_tracks(), likelihood=False)
    assert np.isnan(read_poses(path, "DeepLabCut", 30).confidence).all()


def test_further_coordinates_of_ensembles_are_excluded(tmp_path):
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
        ("\0\0\0,\0", "contains no text"),
        (HEADER, "has a header, but no rows with values"),
        (HEADER + "0,1,2,high,3,4,1\n", "high"),
        (HEADER.replace("b,b,b", "a,a,a") + "0" + ROW, "individual_0 a x appears twice"),
        (HEADER.replace("x,y", "u,v") + "0" + ROW, "needs the coords x and y"),
        (HEADER.replace("coords,x", "coords") + "0" + ROW, "have [6, 7] columns"),
    ],
)
def test_other_files_are_refused_with_their_name(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=r"poses.csv") as caught:
        read_text(tmp_path, text)
    assert complaint in str(caught.value)


def test_a_missing_file_is_refused_with_its_name(tmp_path):
    with pytest.raises(OSError, match=r"No such file.*p.csv"):
        read_poses(tmp_path / "p.csv", "DeepLabCut", 30)


def test_poses_in_netcdf_can_be_read_back(tmp_path):
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
