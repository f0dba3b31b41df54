"""Every format returns the same tracks, and is recognised by its content."""

import gzip
import io
import pickle
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from formats.poses import load_poses, save_poses
from pose_prep.reading import read_poses
from pose_prep.recognition import recognise
from prefixes import PREFIXES
from recordings import (
    BODY,
    USUAL,
    deeplabcut_table,
    make_dataset,
    make_lively_tracks,
    write_anipose,
    write_deeplabcut,
    write_nwb,
    write_sleap_analysis,
    write_sleap_labels,
)

SHARED = Path(__file__).parents[4] / "shared" / "data"
real = pytest.mark.skipif(not SHARED.is_dir(), reason="shared/data is not beside the repository")

ONE = make_lively_tracks(frames=12)
TWO = np.stack([ONE, make_lively_tracks(frames=12, seed=1)], axis=1)


def positions(poses):
    """Return (frame, keypoint, axis)."""
    return poses.position.isel(individuals=0).transpose("time", "keypoints", "space").values


def write(folder, kind):
    if kind in ("csv", "h5"):
        return write_deeplabcut(path=folder / f"poses.{kind}", tracks=ONE), "DeepLabCut"
    if kind == "slp":
        return write_sleap_labels(path=folder / "p.slp", tracks=ONE[:, None]), "SLEAP"
    if kind == "analysis":
        return write_sleap_analysis(path=folder / "p.h5", tracks=ONE[:, None]), "SLEAP"
    if kind == "nwb":
        return write_nwb(path=folder / "p.nwb", tracks=[ONE]), "NWB"
    save_poses(make_dataset(tracks=ONE), folder / "p.nc")
    return folder / "p.nc", "movement"


@pytest.mark.parametrize("kind", ["csv", "h5", "slp", "analysis", "nwb", "movement"])
def test_every_format_gives_the_same_tracks_and_is_recognised(tmp_path, kind):
    path, software = write(tmp_path, kind)
    assert recognise(path) == software
    poses = read_poses(path, "", 10)
    tolerance = 1e-4 if software == "SLEAP" else 0  # it stores float32, and movement reads float32
    np.testing.assert_allclose(positions(poses), ONE[..., :2], rtol=0, atol=tolerance)
    np.testing.assert_allclose(poses.confidence.values[..., 0], ONE[..., 2])
    assert poses.keypoints.values.tolist() == list(BODY)
    assert poses.time.values.tolist() == [n / 10 for n in range(12)]
    assert (poses.attrs["fps"], poses.attrs["source_software"]) == (10, software)
    save_poses(poses, tmp_path / "again.nc")
    assert load_poses(tmp_path / "again.nc").identical(poses)


@pytest.mark.parametrize("order", [USUAL, USUAL[::-1], ("frame", "track", "node", "xy")])
@pytest.mark.parametrize("axes_are_named", [True, False])
def test_a_sleap_file_may_have_its_axes_in_any_order(tmp_path, order, axes_are_named):
    path = write_sleap_analysis(
        path=tmp_path / "p.h5", tracks=TWO, names=("black", "white"), order=order
    )
    if axes_are_named:
        with h5py.File(path, "a") as file:
            file["tracks"].attrs["dims"] = '["{}"]'.format('", "'.join(order))
    if not axes_are_named and order == USUAL[::-1]:
        order = ("frame", "node", "xy", "track")  # the order that is assumed
    poses = read_poses(path, "SLEAP", 10, individual="white")
    np.testing.assert_allclose(positions(poses), TWO[:, 1, :, :2], atol=1e-4)
    assert poses.attrs["notes"] == "the file also contains black"


@pytest.mark.parametrize("key", ["df_with_missing", "keypoints", "tracks"])
def test_a_deeplabcut_table_may_be_under_any_key(tmp_path, key):
    path = write_deeplabcut(path=tmp_path / "p.h5", tracks=ONE, key=key)
    np.testing.assert_array_equal(positions(read_poses(path, "", 10)), ONE[..., :2])


def test_the_scorer_identifies_a_lightning_pose_file(tmp_path):
    path = write_deeplabcut(path=tmp_path / "p.csv", tracks=ONE)
    path.write_text(path.read_text().replace("tracker", "heatmap_tracker"))
    assert recognise(path) == "LightningPose"
    np.testing.assert_array_equal(positions(read_poses(path, "", 10)), ONE[..., :2])


def test_anipose_keypoints_keep_the_order_of_the_file(tmp_path):
    tracks = np.random.default_rng(0).normal(size=(5, 4, 4))
    path = write_anipose(path=tmp_path / "p.csv", tracks=tracks)
    assert recognise(path) == "Anipose"
    poses = read_poses(path, "", 10)
    assert poses.keypoints.values.tolist() == list(BODY)
    np.testing.assert_allclose(positions(poses), tracks[..., :3])
    np.testing.assert_allclose(poses.confidence.values[..., 0], tracks[..., 3])


def test_several_animals_of_an_nwb_file_are_individuals(tmp_path):
    path = write_nwb(path=tmp_path / "p.nwb", tracks=[TWO[:, 0], TWO[:, 1]], containers=("a", "b"))
    np.testing.assert_array_equal(
        positions(read_poses(path, "NWB", 10, individual="b")), TWO[:, 1, :, :2]
    )
    with pytest.raises(ValueError, match=r"contains 2 individuals.*a, b"):
        read_poses(path, "NWB", 10)


def test_frames_that_are_missing_in_a_file_are_empty(tmp_path):
    """Timestamps in NWB, times in netCDF and numbers in .slp identify the frames."""
    kept = [0, 1, 2, 3, 4, 5, 9, 10, 11]
    times = np.array(kept) / 10
    nwb = write_nwb(path=tmp_path / "p.nwb", tracks=[ONE[kept]], times=times)
    save_poses(make_dataset(tracks=ONE).isel(time=kept), tmp_path / "p.nc")
    slp = write_sleap_labels(path=tmp_path / "p.slp", tracks=ONE[kept][:, None], frames=kept)
    for path in (nwb, tmp_path / "p.nc", slp):
        found = positions(read_poses(path, "", 10))
        assert np.flatnonzero(np.isnan(found[:, 0, 0])).tolist() == [6, 7, 8]
        np.testing.assert_allclose(found[kept], ONE[kept][..., :2], atol=1e-4)


def test_times_that_do_not_increase_are_refused(tmp_path):
    path = write_nwb(path=tmp_path / "p.nwb", tracks=[ONE], times=np.array([0.0, 1, 1, *range(9)]))
    with pytest.raises(ValueError, match=r"p.nwb.*times must increase"):
        read_poses(path, "", 10)


def test_an_h5_with_missing_frames_is_refused(tmp_path):
    path = write_deeplabcut(path=tmp_path / "p.h5", tracks=ONE)
    pd.read_hdf(path).drop(index=[4, 5]).to_hdf(path, key="df_with_missing", mode="w")
    with pytest.raises(ValueError, match=r"p.h5.*row 4 .* is frame 6, but frame 4 is expected"):
        read_poses(path, "", 10)


@pytest.mark.parametrize("index", ["42150", "frame0000", "images"])
def test_frames_of_an_h5_may_be_counted_from_anywhere(tmp_path, index):
    path = write_deeplabcut(path=tmp_path / "p.h5", tracks=ONE)
    names = {
        "42150": range(42150, 42162),
        "frame0000": [f"frame{n:04}" for n in range(12)],
        "images": pd.MultiIndex.from_product(
            [["labeled-data"], ["day1"], [f"img{n:03}.png" for n in range(12)]]
        ),
    }
    pd.read_hdf(path).set_axis(names[index]).to_hdf(path, key="df_with_missing", mode="w")
    np.testing.assert_array_equal(positions(read_poses(path, "", 10)), ONE[..., :2])


def test_a_slp_of_400_frames_spread_over_90000_has_90000_frames(tmp_path):
    frames = np.linspace(0, 89_999, 400).astype(int)
    tracks = make_lively_tracks(frames=400)[:, None]
    path = write_sleap_labels(path=tmp_path / "p.slp", tracks=tracks, frames=frames)
    found = positions(read_poses(path, "", 30))
    assert len(found) == 90_000
    assert np.flatnonzero(np.isfinite(found).all(axis=(1, 2))).tolist() == frames.tolist()


def test_animals_may_have_different_keypoints(tmp_path):
    """An example is a multi-animal project of DeepLabCut with unique objects."""
    path = write_deeplabcut(path=tmp_path / "p.csv", tracks=TWO, individuals=["mouse", "single"])
    rows = [line.split(",") for line in path.read_text().splitlines()]
    kept = [n for n in range(len(rows[0])) if rows[1][n] != "single" or rows[2][n] == "tail"]
    path.write_text("\n".join(",".join(row[n] for n in kept) for row in rows))
    mouse, single = (read_poses(path, "", 10, individual=name) for name in ("mouse", "single"))
    assert mouse.keypoints.values.tolist() == list(BODY)
    assert single.keypoints.values.tolist() == ["tail"]
    np.testing.assert_array_equal(positions(single), TWO[:, 1, 3:, :2])


def test_untracked_animals_of_a_slp_are_refused(tmp_path):
    path = write_sleap_labels(path=tmp_path / "p.slp", tracks=TWO, names=())
    with pytest.raises(ValueError, match=r"up to 2 animals in a frame.*track them in SLEAP"):
        read_poses(path, "", 10)


def test_two_mice_distinguished_by_prefixes_are_individuals(tmp_path):
    names = [*(f"{mouse}_{name}" for mouse in "BW" for name in BODY), "LED"]
    tracks = np.concatenate([TWO[:, 0], TWO[:, 1], ONE[:, :1]], axis=1)
    path = write_deeplabcut(path=tmp_path / "p.csv", tracks=tracks, keypoints=names)
    white = read_poses(path, "", 10, individual="W", prefixes=["B_", "W_"])
    assert white.keypoints.values.tolist() == list(BODY)
    np.testing.assert_array_equal(positions(white), TWO[:, 1, :, :2])
    assert white.attrs["notes"] == (
        "keypoints without an animal, left out: LED; the file also contains B"
    )
    with pytest.raises(ValueError, match=r"2 individuals.*B, W"):
        read_poses(path, "", 10, prefixes=["B_", "W_"])
    assert read_poses(path, "", 10).sizes["keypoints"] == 9


@pytest.mark.parametrize("case", PREFIXES)
def test_a_keypoint_belongs_to_the_longest_prefix(tmp_path, case):
    prefixes, keypoints, animals = PREFIXES[case]
    tracks = make_lively_tracks(frames=9, seed=4)[:, [0, 1, 2, 3, 0, 1, 2, 3][: len(keypoints)]]
    tracks = tracks + np.arange(len(keypoints))[:, None]
    path = write_deeplabcut(path=tmp_path / "p.csv", tracks=tracks, keypoints=keypoints)
    for animal, own in animals.items():
        poses = read_poses(path, "", 10, individual=animal, prefixes=prefixes)
        assert sorted(poses.keypoints.values) == sorted(own)
        prefix = next(each for each in prefixes if (each.rstrip("_") or each) == animal)
        columns = [keypoints.index(prefix + name) for name in poses.keypoints.values]
        np.testing.assert_array_equal(positions(poses), tracks[:, columns, :2])


def test_prefixes_of_one_individual_are_refused(tmp_path):
    path = write_deeplabcut(
        path=tmp_path / "p.csv", tracks=ONE, keypoints=["B_nose", "B_tail", "B-nose", "B-ear"]
    )
    with pytest.raises(ValueError, match=r"individual_prefixes: two of B_, B- would be the same"):
        read_poses(path, "", 10, individual="B", prefixes=["B_", "B-"])


def test_mice_distinguished_by_prefixes_may_have_different_keypoints(tmp_path):
    path = write_deeplabcut(
        path=tmp_path / "p.csv", tracks=ONE, keypoints=["B_nose", "B_tail", "W_nose", "W_ear"]
    )
    white = read_poses(path, "", 10, individual="W", prefixes=["B_", "W_"])
    assert white.keypoints.values.tolist() == ["nose", "ear"]
    np.testing.assert_array_equal(positions(white), ONE[:, 2:, :2])


def test_a_netcdf_of_a_later_movement_is_read(tmp_path):
    later = make_dataset(tracks=ONE).rename(keypoints="keypoint", individuals="individual")
    save_poses(later, tmp_path / "p.nc")
    np.testing.assert_array_equal(positions(read_poses(tmp_path / "p.nc", "", 10)), ONE[..., :2])


def vame_dataset():
    """Return a session as a VAME project stores it, aligned upwards, with a speed."""
    poses = make_dataset(tracks=ONE)
    processed = poses.position.copy()
    processed.loc[{"keypoints": "tail"}] = 0
    processed.loc[{"keypoints": "nose", "space": "x"}] = 0
    poses["position_processed"] = processed
    poses["speed"] = ("time", np.arange(12.0))
    reference = {"centered_reference_keypoint": "tail", "orientation_reference_keypoint": "nose"}
    return poses.assign_attrs(reference)


def test_poses_that_vame_processed_are_used_unchanged(tmp_path):
    save_poses(vame_dataset(), tmp_path / "mouse_processed.nc")
    assert recognise(tmp_path / "mouse_processed.nc") == "VAME"
    series = read_poses(tmp_path / "mouse_processed.nc", "", 10).features
    assert series.feature.values.tolist() == [
        *("nose_y", "left_paw_x", "left_paw_y", "right_paw_x", "right_paw_y", "speed")
    ]
    np.testing.assert_array_equal(series.sel(feature="left_paw_x"), ONE[:, 1, 0])


def test_the_raw_poses_of_a_vame_project_are_read_by_their_name_in_movement(tmp_path):
    save_poses(vame_dataset(), tmp_path / "p.nc")
    poses = read_poses(tmp_path / "p.nc", "movement", 10)
    np.testing.assert_array_equal(positions(poses), ONE[..., :2])
    assert poses.features.sel(feature="speed").values.tolist() == list(range(12))


def test_vames_npy_is_feature_by_frame(tmp_path):
    array = np.random.default_rng(0).normal(size=(5, 40))
    np.save(tmp_path / "mouse-PE-seq.npy", array)
    poses = read_poses(tmp_path / "mouse-PE-seq.npy", "", 10)
    np.testing.assert_array_equal(poses.features.values, array.T)
    np.save(tmp_path / "turned.npy", array.T)
    with pytest.raises(ValueError, match=r"40 features of 5 frames"):
        read_poses(tmp_path / "turned.npy", "", 10)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x00" * 99, b"\xff\xfe\x00", b"PK\x03"])
def test_files_of_no_known_program_are_refused(tmp_path, content):
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"p\.csv: cannot be read: "):
        read_poses(tmp_path / "p.csv", "", 10)


TABLE = deeplabcut_table(tracks=ONE)
FLAT = TABLE.set_axis(["_".join(names[1:]) for names in TABLE], axis=1)


def zipped(*names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return file.getvalue()


UNKNOWN = {
    "semi.csv": (
        TABLE.to_csv(sep=";", decimal=","),
        "separated by semicolons",
        "save it with comm",
    ),
    "tabs.tsv": (TABLE.to_csv(sep="\t"), "separated by tabs", "save it with commas"),
    "r.txt": (FLAT.to_csv(sep=" "), "separated by spaces", "save it with commas"),
    "predictions.csv": (
        "track,frame_idx,instance.score,nose.x,nose.y,nose.score\ntrack_0,0,0.9,1,2,0.9\n",
        "SLEAP's csv",
        "export the analysis h5",
    ),
    "live.csv": (TABLE.to_csv().split("\n", 1)[1], "has no row 'scorer'", "use the h5 next to it"),
    "noindex.csv": (
        TABLE.to_csv(index=False),
        "without its first column",
        "write it with its index",
    ),
    "capital.csv": (
        TABLE.to_csv().replace("scorer", "Scorer"),
        "the first cell must be 'scorer'",
        "in small letters and without blanks",
    ),
    "flat.csv": (FLAT.to_csv(index=False), "one row of names such as nose_x", "write its poses as"),
    "dots.csv": (FLAT.to_csv().replace("_", "."), "one row of names", "write its poses as"),
    "bare.csv": (FLAT.to_csv(header=False), "without a header", "write its poses as"),
    "lfs.h5": ("version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS", "lfs pull"),
    "page.csv": ("<!DOCTYPE html>\n<html>", "a web page", "download the file again"),
    "coco.json": ('{"images": [], "annotations": []}', "JSON", "write its poses as"),
    "v1DLC_full.pickle": (pickle.dumps({"a": 1}), "detections before tracking", "stitch_tracklets"),
    "v1DLC_meta.pickle": (
        pickle.dumps({"a": 1}),
        "which contains no poses",
        "use the h5 or csv next to it",
    ),
    "v1DLC_el.pickle": (pickle.dumps({"a": 1}), "tracklets (_el.pickle)", "stitch_tracklets"),
    "p.xlsx": (zipped("[Content_Types].xml", "xl/a.xml"), "an Excel workbook", "save its sheet as"),
    "p.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "Excel workbook", "save its sheet"),
    "p.npz": (zipped("poses.npy"), "npz", "write its poses as"),
    "p.zip": (zipped("poses.csv"), "an archive", "unpack it"),
    "p.csv.xz": (b"\xfd7zXZ\0" + bytes(99), "compressed with bzip2, xz or zstd", "decompress it"),
    "p.mat": (
        b"MATLAB 5.0 MAT-file, Platform: GLNXA64" + bytes(99),
        "MATLAB",
        "write its poses as",
    ),
    "p.parquet": (b"PAR1" + bytes(99), "parquet", "write its poses as"),
    "p.png": (b"\x89PNG\r\n\x1a\n" + bytes(99), "an image", "use a file of poses"),
    "p.mp4": (b"\0\0\0\x20ftypisom" + bytes(99), "a video", "use a file of poses"),
    "p.avi": (b"RIFF\x10\x20\0\0AVI LIST" + bytes(99), "a video", "use a file of poses"),
    "u.csv": (TABLE.to_csv().encode("utf-16-le"), "UTF-16 without a byte-order mark", "as UTF-8"),
    "p.nc": (b"CDF\x01" + bytes(99), "netCDF of version 3", "save it as version 4"),
    "p.h5.gz": (
        gzip.compress(b"\x89HDF\r\n\x1a\n" + bytes(99)),
        "it contains HDF5",
        "decompress it",
    ),
    "cut.gz": (
        gzip.compress(TABLE.to_csv().encode())[:60],
        "cannot be decompressed",
        "copy it again",
    ),
    "words.txt": (
        "nothing, that we know\n",
        "it starts with 'nothing, that",
        "known formats: Deep",
    ),
}


@pytest.mark.parametrize("suffix", [True, False])
@pytest.mark.parametrize("name", UNKNOWN)
def test_an_unknown_file_is_refused_with_its_probable_kind_and_a_cure(tmp_path, name, suffix):
    content, kind, cure = UNKNOWN[name]
    path = tmp_path / (name if suffix or name.endswith("pickle") else Path(name).stem)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=rf"{path.name}: cannot be read: ") as caught:
        read_poses(path, "", 10)
    assert kind in str(caught.value)
    assert cure in str(caught.value)


@pytest.mark.parametrize("name", ["semi.csv", "live.csv", "noindex.csv", "p.xlsx"])
def test_an_unknown_file_is_also_refused_if_the_program_is_named(tmp_path, name):
    content, kind, cure = UNKNOWN[name]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=rf"{name}: cannot be read as DeepLabCut: ") as caught:
        read_poses(tmp_path / name, "DeepLabCut", 10)
    assert kind in str(caught.value)
    assert cure in str(caught.value)


def test_vames_npy_needs_no_suffix(tmp_path):
    array = np.random.default_rng(0).normal(size=(5, 40))
    np.save(tmp_path / "p.npy", array)
    (tmp_path / "p.npy").rename(tmp_path / "p")
    np.testing.assert_array_equal(read_poses(tmp_path / "p", "", 10).features.values, array.T)


def test_a_file_that_declares_more_data_than_it_can_have_is_refused(tmp_path):
    with h5py.File(tmp_path / "p.h5", "w") as file:
        file.create_dataset("tracks", (1, 2, 3, 1 << 33), "f4", chunks=(1, 2, 3, 1000))
        file["node_names"] = np.array(["a", "b", "c"], dtype="S")
        file["track_names"] = np.array([], dtype="S1")
    late = write_sleap_labels(path=tmp_path / "p.slp", tracks=ONE[:1][:, None], frames=[1 << 40])
    (tmp_path / "p.csv").write_text(f"{','.join(['scorer', *'S' * 9999])}\n" + "\n" * 100_000)
    for path in (tmp_path / "p.h5", late, tmp_path / "p.csv"):
        with pytest.raises(ValueError, match=f"{path.name}: cannot be read"):
            read_poses(path, "", 10)


@real
def test_csv_netcdf_and_nwb_of_one_real_recording_are_identical():
    csv, netcdf, nwb = (
        read_poses(SHARED / f"formats/cropped_video.{kind}", "", 30)
        for kind in ("csv", "nc", "nwb")
    )
    assert csv.position.shape == (750, 2, 6, 1)
    # For the netCDF, an older pandas read the csv and rounded the last bit differently.
    np.testing.assert_allclose(csv.position, netcdf.position, rtol=1e-15)
    np.testing.assert_allclose(csv.confidence, netcdf.confidence, rtol=1e-13)
    # The NWB file does not store the order of its keypoints.
    nwb = nwb.sel(keypoints=csv.keypoints)
    np.testing.assert_array_equal(csv.position, nwb.position)
    np.testing.assert_array_equal(csv.confidence, nwb.confidence)
    assert csv.time.equals(netcdf.time)
    assert csv.time.equals(nwb.time)


@real
def test_h5_and_nwb_of_one_real_recording_are_identical():
    """DLC2NWB writes the individual before each keypoint, and the order of keypoints."""
    stem = SHARED / "formats/m3v1mp4DLC_resnet50_openfieldAug20shuffle1_30000"
    h5 = read_poses(f"{stem}.h5", "", 30)
    nwb = read_poses(f"{stem}.nwb", "", 30, prefixes=["ind1_"])
    assert h5.keypoints.values.tolist() == nwb.keypoints.values.tolist()
    np.testing.assert_array_equal(h5.position, nwb.position)
    np.testing.assert_array_equal(h5.confidence, nwb.confidence)


@real
@pytest.mark.parametrize("animal", ["track_0", "track_1"])
def test_slp_and_analysis_of_one_real_recording_are_identical(animal):
    slp, analysis = (
        read_poses(SHARED / name, "", 30, animal)
        for name in ("predictions.slp", "formats/predictions.analysis.h5")
    )
    assert slp.position.shape == (3000, 2, 13, 1)
    np.testing.assert_array_equal(slp.position, analysis.position)
    assert analysis.confidence.isnull().all()  # this file has no scores


@real
def test_an_old_vame_array_is_read():
    poses = read_poses(SHARED / "formats/48_14-20-02000_LVP0_vame_vel.npy", "", 25)
    assert poses.features.shape == (40265, 6)


@real
@pytest.mark.parametrize(
    ("file", "software"),
    [
        ("raw_clip1DLC_resnet50_OpenFieldHighResApr8shuffle1_1030000.h5", "DeepLabCut"),
        ("demo5_tracking.csv", "DeepLabCut"),
        ("madlc_bd0662f1.csv", "DeepLabCut"),
        ("180607_004.train_frames=75.rng=0.csv", "LightningPose"),
        ("SLEAP_single-mouse_EPM.analysis.h5", "SLEAP"),
        ("formats/testDLC_sleap.slp", "SLEAP"),
        ("formats/cropped_video.nwb", "NWB"),
        ("formats/cropped_video.nc", "movement"),
        ("formats/48_14-20-02000_LVP0_vame_vel.npy", "VAME"),
    ],
)
def test_real_files_are_recognised(file, software):
    assert recognise(SHARED / file) == software
