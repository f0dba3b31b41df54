"""Animals and keypoints are read from the header of any file, or not at all."""

import gzip

import h5py
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from prefixes import PREFIXES
from recordings import (
    BODY,
    make_dataset,
    make_lively_tracks,
    write_anipose,
    write_deeplabcut,
    write_nwb,
    write_nwb_series,
    write_sleap_analysis,
    write_sleap_labels,
)
from settings import headers

NAMES = ("black", "white 2")
KEYPOINTS = list(BODY)


@pytest.fixture
def tracks():
    """Return tracks (frame, individual, keypoint, 3)."""
    return np.stack([make_lively_tracks(frames=9, seed=seed) for seed in (1, 2)], axis=1)


def write_movement(path, tracks):
    mice = [make_dataset(tracks=tracks[:, n]).isel(individuals=0, drop=True) for n in (0, 1)]
    xr.concat(mice, pd.Index(NAMES, name="individuals")).to_netcdf(path)


WRITERS = {
    "cage.csv": lambda path, tracks: write_deeplabcut(path=path, tracks=tracks, individuals=NAMES),
    "cage.h5": lambda path, tracks: write_deeplabcut(path=path, tracks=tracks, individuals=NAMES),
    "cage.slp": lambda path, tracks: write_sleap_labels(path=path, tracks=tracks, names=NAMES),
    "analysis.h5": lambda path, tracks: write_sleap_analysis(path=path, tracks=tracks, names=NAMES),
    "cage.nwb": lambda path, tracks: write_nwb(
        path=path, tracks=tracks.swapaxes(0, 1), containers=NAMES
    ),
    "cage.nc": write_movement,
}


@pytest.mark.parametrize("name", WRITERS)
def test_animals_and_keypoints_are_those_of_the_file(tmp_path, tracks, name):
    WRITERS[name](tmp_path / name, tracks)
    individuals, keypoints = headers.header_of(str(tmp_path / name), [])
    assert individuals == list(NAMES)
    assert set(keypoints) == set(KEYPOINTS)


def test_a_file_of_one_animal_has_no_names(tmp_path, tracks):
    write_deeplabcut(path=tmp_path / "mouse.csv", tracks=tracks[:, 0])
    assert headers.header_of(str(tmp_path / "mouse.csv"), []) == ([], KEYPOINTS)
    three_dimensional = np.concatenate([tracks[:, 0], tracks[:, 0, :, :1]], axis=-1)
    write_anipose(path=tmp_path / "mouse3d.csv", tracks=three_dimensional)
    _, keypoints = headers.header_of(str(tmp_path / "mouse3d.csv"), [])
    assert set(KEYPOINTS) <= set(keypoints)


@pytest.mark.parametrize(
    ("prefixes", "header"),
    [
        ([], ([], ["B_nose", "W_nose", "lamp"])),
        (["X_"], ([], ["B_nose", "W_nose", "lamp"])),
        (["B_", "W_"], (["B", "W"], ["nose", "nose"])),
        (["B_"], (["B"], ["nose"])),
    ],
)
def test_prefixes_of_keypoints_distinguish_animals(prefixes, header):
    assert headers.split_header([], ["B_nose", "W_nose", "lamp"], prefixes) == header


@pytest.mark.parametrize("case", PREFIXES)
def test_a_keypoint_belongs_to_the_longest_prefix(case):
    prefixes, keypoints, animals = PREFIXES[case]
    individuals, names = headers.split_header([], keypoints, prefixes)
    assert individuals == list(animals)
    assert names == [name for own in animals.values() for name in own]


def test_prefixes_are_ignored_if_a_file_names_its_animals():
    header = ["a", "b"], ["B_nose", "W_nose"]
    assert headers.split_header(*header, ["B_", "W_"]) == header


@pytest.mark.parametrize("name", ["damaged.h5", "damaged.nwb", "damaged.csv", "unknown.xyz"])
def test_a_file_of_another_kind_has_no_header(tmp_path, name):
    (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)))
    assert headers.header_of(str(tmp_path / name), []) == ([], [])


def test_a_file_is_read_once(tmp_path, tracks, monkeypatch):
    path = str(write_deeplabcut(path=tmp_path / "mouse.csv", tracks=tracks[:, 0]))
    first = headers.header_of(path, [])
    monkeypatch.setattr(headers, "csv_header", None)
    assert headers.header_of(path, []) == first


def test_nwb_containers_are_in_modules_of_any_name_and_depth(tmp_path, tracks):
    rows = {name: {"data": tracks[:, 0, n, :2], "rate": 10.0} for n, name in enumerate(KEYPOINTS)}
    animals = {("SLEAP_VIDEO_000", "a"): rows, ("left", "b"): rows, ("right", "b"): rows}
    path = write_nwb_series(path=tmp_path / "cage.nwb", animals=animals)
    assert headers.header_of(str(path), [])[0] == ["a", "left/b", "right/b"]
    with h5py.File(path, "a") as file:
        file.move("processing/left/b", "processing/left/cage/b")
    individuals, keypoints = headers.hdf5_header(str(path))
    assert individuals == ["a", "left/cage/b", "right/b"]
    assert sorted(keypoints) == sorted(KEYPOINTS)


@pytest.mark.parametrize("name", ["noext", "mouse.csv.gz", "mouse.txt", "mouse.h5"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_format_is_recognised_by_content_and_not_by_name(
    tmp_path, tracks, name, encoding, pack
):
    text = write_deeplabcut(path=tmp_path / "cage.csv", tracks=tracks, individuals=NAMES)
    content = text.read_text().replace("nose", "näse")
    (tmp_path / name).write_bytes(pack(content.encode(encoding)))
    individuals, keypoints = headers.header_of(str(tmp_path / name), [])
    assert individuals == list(NAMES)
    assert keypoints == ["näse", *KEYPOINTS[1:]]


def test_an_hdf5_without_a_suffix_is_read(tmp_path, tracks):
    write_sleap_analysis(path=tmp_path / "a.h5", tracks=tracks, names=NAMES).rename(tmp_path / "a")
    assert headers.header_of(str(tmp_path / "a"), [])[0] == list(NAMES)


def test_columns_of_index_and_cells_without_a_name_are_not_animals(tmp_path):
    """In labels of a training set, the first three columns are folder, video and picture."""
    (tmp_path / "labels.csv").write_text(
        "scorer,,,S,S,S,S\nindividuals,,,m1,m1,,\nbodyparts,,,nose,nose,lamp,lamp\ncoords,,,x,y,x,y\n"
    )
    assert headers.header_of(str(tmp_path / "labels.csv"), []) == (["m1"], ["nose"])


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"scorer,S" * 99)[:30], b'scorer,"' + b"a" * 999_999],
    ids=[
        "gzip that is cut off",
        "a cell without an end",
    ],  # ids are given, since bytes of gzip contain a time
)
def test_unreadable_text_has_no_header(tmp_path, content):
    (tmp_path / "p.csv").write_bytes(content)
    assert headers.header_of(str(tmp_path / "p.csv"), []) == ([], [])
