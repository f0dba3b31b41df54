"""NWB files of sessions have the right content, and NWB's own tools find no errors."""

import json
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import h5py
import numpy as np
import pandas as pd
import pynwb
import pytest
import xarray as xr
from formats.aligned import AlignedPoses
from formats.poses import load_poses, save_poses
from formats.runs import find_runs
from pose_prep.reading import read_poses
from recordings import BODY, make_dataset, make_lively_tracks
from reporting.nwb import Segmentation, SessionResults, build_nwb, write_nwb

FPS, FRAMES, TIME_WINDOW, CENTRE = 30.0, 90, 8, 4
GAP = slice(40, 46)
NAMES = {0: "walk", 1: "", 2: ""}
CUT = Segmentation("vame", "0", "kmeans-3", {"time_window": TIME_WINDOW, "zdims": 3}, "c0de")
METADATA = {
    "session_start_time": "2024-03-14T10:30:00+01:00",
    "species": "Mus musculus",
    "sex": "F",
    "age": "P90D",
    **dict.fromkeys(("strain", "genotype", "session_description", "animal", "video"), ""),
    **dict.fromkeys(("experimenter", "institution", "lab"), ""),
}


def make_results(*, gap=GAP, tracks=None, fps=FPS):
    """Return results of a recording with a gap, around which there are no latents and motifs."""
    usable = np.ones(FRAMES, bool)
    usable[gap] = False
    tracks = make_lively_tracks(frames=FRAMES) if tracks is None else tracks
    tracks[gap] = np.nan
    rng = np.random.default_rng(0)
    latents = rng.normal(size=(FRAMES - TIME_WINDOW + 1, 3)).astype(np.float32)
    inside = np.lib.stride_tricks.sliding_window_view(usable, TIME_WINDOW).all(axis=1)
    latents[~inside] = np.nan
    motifs = np.full(FRAMES, -1, np.int16)
    motifs[CENTRE : CENTRE + len(latents)] = np.where(inside, np.arange(len(latents)) // 9 % 2, -1)
    edges = [(start, stop) for motif in (0, 1) for start, stop in find_runs(motifs == motif)]
    table = pd.DataFrame(sorted(edges), columns=["start", "stop"])
    table["motif"] = motifs[table["start"]]
    table["name"] = table["motif"].map(NAMES)
    table["distance"] = np.arange(len(table)) / 7
    bouts = pd.concat([table.assign(session="mouse1"), table[:1].assign(session="other")])
    communities = pd.DataFrame(
        {
            "motif": list(NAMES),
            "name": list(NAMES.values()),
            "community": pd.array([1, 0, pd.NA], "Int64"),
        }
    )
    poses = make_dataset(tracks=tracks, fps=FPS).assign_attrs(source_software="DeepLabCut")
    aligned = AlignedPoses(np.zeros((FRAMES, 1), np.float32), usable, ["nose_x"], fps)
    return SessionResults("mouse1", poses, aligned, latents, motifs, bouts, communities)


def write(path, results=None, video="", skeleton=None, **metadata):
    results = results or make_results()
    write_nwb(build_nwb(results, CUT, METADATA | metadata, video, skeleton), path)
    return path


@contextmanager
def opened(path):
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        yield io.read()


@pytest.fixture(scope="module")
def results():
    return make_results()


@pytest.fixture(scope="module")
def path(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("nwb")
    (folder / "mouse1.mp4").touch()
    skeleton = [["nose", "left_paw", "tail"], ["nose", "wing"]]
    written = write(folder / "mouse1.nwb", results, "mouse1.mp4", skeleton, animal="rat7")
    return written


def test_poses_are_those_that_were_tracked_at_their_times(path, results):
    with opened(path) as file:
        pose = file.processing["behavior"]["PoseEstimation"]
        assert pose.source_software == "DeepLabCut"
        assert pose.skeleton.nodes[:].tolist() == list(BODY)
        assert pose.skeleton.edges[:].tolist() == [
            [0, 1],
            [1, 3],
        ]  # the edge to the wing, which does not exist, is left out
        for name in BODY:
            series = pose[name]
            own = results.poses.isel(individuals=0).sel(keypoints=name)
            np.testing.assert_array_equal(
                series.data[:], own.position.transpose("time", "space").astype(np.float32)
            )
            np.testing.assert_array_equal(series.confidence[:], own.confidence)
            assert (series.starting_time, series.rate, series.unit) == (0, FPS, "pixels")
            assert np.isnan(series.data[GAP]).all()


def test_the_workflow_reads_its_own_file_as_a_recording(path, results):
    own = read_poses(path, "", FPS)
    first = results.poses.position.values
    np.testing.assert_allclose(own.position.transpose(*results.poses.position.dims), first, 1e-6)


def test_the_first_latent_and_motif_are_at_half_a_window(path, results):
    with opened(path) as file:
        project = file.processing["behavior"]["VAMEProject"]
        latents, motifs = project.latent_space_series, project.motif_series["motifs"]
        for series in (latents, motifs, project.community_series["communities"]):
            assert series.starting_time == CENTRE / FPS
            assert series.rate == FPS
            assert len(series.data) == FRAMES - TIME_WINDOW + 1
        np.testing.assert_array_equal(latents.data[:], results.latents)
        unusable = slice(GAP.start - TIME_WINDOW + 1, GAP.stop)
        assert np.isnan(latents.data[unusable]).all()
        assert np.isfinite(latents.data[: unusable.start]).all()
        frames = np.rint(motifs.get_timestamps() * FPS).astype(int)
        np.testing.assert_array_equal(motifs.data[:], results.motifs[frames])
        community = np.array([1, 0, -1])  # motif 0, motif 1, no motif
        np.testing.assert_array_equal(
            project.community_series["communities"].data[:], community[motifs.data[:]]
        )
        assert motifs.latent_space_series is latents


def test_bouts_are_those_of_the_table_of_bouts(path, results):
    with opened(path) as file:
        bouts = file.intervals["bouts"].to_dataframe()
    own = results.bouts[results.bouts["session"] == "mouse1"]
    assert len(bouts) == len(own) > 5
    for column, name in (
        ("start_frame", "start"),
        ("stop_frame", "stop"),
        ("motif", "motif"),
        ("motif_name", "name"),
        ("distance", "distance"),
    ):
        assert bouts[column].tolist() == own[name].tolist()
    assert bouts["start_time"].tolist() == (own["start"] / FPS).tolist()
    assert bouts["stop_time"].tolist() == (own["stop"] / FPS).tolist()
    assert bouts["label"].tolist() == [NAMES[motif] or str(motif) for motif in own["motif"]]
    assert bouts["community"].tolist() == [[1, 0][motif] for motif in own["motif"]]


def test_bouts_are_within_intervals_with_motifs_and_these_within_usable_ones(path, results):
    with opened(path) as file:
        usable = file.intervals["usable"].to_dataframe()
        motifs = file.intervals["with_motif"].to_dataframe()
        bouts = file.intervals["bouts"]
        assert bouts.observation_intervals is file.intervals["with_motif"]
        table = bouts.to_dataframe()
    frames = [[0, GAP.start], [GAP.stop, FRAMES]]
    assert usable[["start_frame", "stop_frame"]].to_numpy().tolist() == frames
    assert usable["stop_time"].tolist() == [GAP.start / FPS, FRAMES / FPS]
    inner = [[start + CENTRE, stop - CENTRE + 1] for start, stop in frames]
    assert motifs[["start_frame", "stop_frame"]].to_numpy().tolist() == inner
    inside = [
        ((motifs["start_frame"] <= start) & (stop <= motifs["stop_frame"])).sum()
        for start, stop in zip(table["start_frame"], table["stop_frame"], strict=True)
    ]
    assert set(inside) == {1}


def test_all_motifs_are_listed_including_unused_ones(path):
    with opened(path) as file:
        motifs = file.intervals["bouts"].ethogram
        table = motifs.to_dataframe()
        assert motifs.exclusive
        assert file.intervals["bouts"].labeling_method == "curated"  # one motif has a name
    assert table["behavior"].tolist() == ["walk", "1", "2"]
    assert table["native_code"].tolist() == [0, 1, 2]
    assert table["category"].tolist() == ["community B", "community A", ""]


def test_a_video_is_linked_relative_to_the_file(path):
    with opened(path) as file:
        video = file.acquisition["video"]
        assert video.external_file[:].tolist() == ["mouse1.mp4"]
        assert (video.format, video.rate) == ("external", FPS)
        assert file.processing["behavior"]["PoseEstimation"].source_video is video
        assert file.intervals["bouts"].source_video is video


def test_settings_and_cells_of_the_sessions_table_are_in_the_file(tmp_path, path):
    with opened(path) as file:
        project = file.processing["behavior"]["VAMEProject"]
        settings = json.loads(project.vame_config)
        assert settings == CUT.settings | {
            "model": "vame",
            "seed": "0",
            "segmentation": "kmeans-3",
        }
        assert project.time_window_samples == TIME_WINDOW
        assert project.pose_estimation is file.processing["behavior"]["PoseEstimation"]
        assert file.session_start_time.isoformat() == METADATA["session_start_time"]
        subject = file.subject
        assert (subject.subject_id, subject.species) == ("rat7", "Mus musculus")
        assert (subject.sex, subject.age, subject.strain) == ("F", "P90D", None)
        assert file.session_id == "mouse1"
        assert (file.lab, file.experimenter) == (None, None)
    cells = {"lab": "Ours", "experimenter": "Doe, Jane; Roe, Richard", "strain": "C57BL/6J"}
    with opened(write(tmp_path / "a.nwb", **cells, session_description="Open field")) as file:
        assert file.experimenter == ("Doe, Jane", "Roe, Richard")
        assert (file.lab, file.subject.strain) == ("Ours", "C57BL/6J")
        assert (file.session_description, file.subject.subject_id) == ("Open field", "mouse1")


def stored(path):
    """Return all datasets and attributes except the date of creation; references as paths."""
    found = {}

    def plain(file, value):
        if isinstance(value, h5py.Reference):
            return file[value].name
        return value.tolist() if isinstance(value, np.ndarray | np.generic) else value

    with h5py.File(path) as file:

        def look(name, item):
            found.update({(name, key): plain(file, each) for key, each in item.attrs.items()})
            if isinstance(item, h5py.Dataset) and name != "file_create_date":
                found[name] = str(item.dtype), item[()].tolist() if item.shape else item[()]

        look("/", file)
        file.visititems(look)
    return found


def test_a_rerun_writes_the_same_data(path, results, tmp_path):
    skeleton = [["nose", "left_paw", "tail"], ["nose", "wing"]]
    again = write(tmp_path / "b.nwb", make_results(), "mouse1.mp4", skeleton, animal="rat7")
    first, second = stored(path), stored(again)
    identifiers = [value for key, value in first.items() if key[-1] == "object_id"]
    assert len(set(identifiers)) == len(identifiers) > 40
    assert {UUID(value).version for value in identifiers} == {5}
    np.testing.assert_equal(second, first)


@pytest.mark.parametrize(
    "change",
    [
        lambda own: {"results": replace(own, latents=own.latents + 1)},
        lambda own: {"results": replace(own, bouts=own.bouts[1:])},
        lambda own: {"sex": "M"},
        lambda own: {"video": "another.mp4"},
    ],
)
def test_other_content_has_another_identifier(path, results, tmp_path, change):
    own = {"results": results, "video": "mouse1.mp4", "animal": "rat7"}
    own["skeleton"] = [["nose", "left_paw", "tail"], ["nose", "wing"]]
    other = write(tmp_path / "b.nwb", **(own | change(results)))
    with opened(path) as one, opened(other) as two:
        assert one.identifier != two.identifier
        assert one.subject.object_id != two.subject.object_id


def test_all_arrays_are_compressed(path):
    with h5py.File(path) as file:
        found = []

        def look(name, item):
            if isinstance(item, h5py.Dataset) and item.size and item.size > 30:
                found.append((name, item.compression))

        for name in ("acquisition", "intervals", "processing"):
            file[name].visititems(look)
    assert len(found) > 10
    assert {compression for name, compression in found if not name.endswith("/id")} == {"gzip"}


MADE = {
    "with a video, cut by a gap": lambda folder: {"video": "mouse1.mp4"},
    "all cells": lambda folder: {
        "experimenter": "Doe, Jane",
        "institution": "Ours",
        "lab": "Lab",
        "skeleton": [["nose", "tail"]],
    },
    "without a bout": lambda folder: {"results": make_results(gap=slice(0, FRAMES))},
    "shorter than a window": lambda folder: {"results": too_short()},
    "in space": lambda folder: {"results": in_space()},
    "series of VAME": lambda folder: {"results": without_positions()},
    "keypoints with slashes": lambda folder: {"results": with_slashes()},
    "at another rate": lambda folder: {"results": make_results(fps=15.0)},
}


def too_short():
    own = make_results(gap=slice(0, FRAMES))
    aligned = replace(own.aligned, usable=own.aligned.usable[:5])
    poses = own.poses.isel(time=slice(0, 5))
    return replace(
        own, poses=poses, aligned=aligned, latents=own.latents[:0], motifs=own.motifs[:5]
    )


def in_space():
    own = make_results()
    third = own.poses.position.sel(space=["x"]).assign_coords(space=["z"])
    both = [own.poses.position, third]
    position = xr.concat(both, "space")
    poses = own.poses.drop_vars("position").drop_vars("space").assign(position=position)
    return replace(own, poses=poses)


def without_positions():
    own = make_results()
    features = ("time", "feature"), np.zeros((FRAMES, 2))
    poses = own.poses.drop_vars(["position", "confidence"]).assign(features=features)
    return replace(own, poses=poses)


def with_slashes():
    own = make_results()
    names = ["ear/left", "ear:left", "a:b", "tail"]
    poses = own.poses.assign_coords(keypoints=names)
    poses["confidence"] = poses["confidence"] * np.nan
    return replace(own, poses=poses)


@pytest.fixture(scope="module", params=MADE)
def made(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "mouse1.mp4").touch()
    return write(folder / "mouse1.nwb", **MADE[request.param](folder))


def test_pynwbs_validator_finds_nothing(made):
    assert pynwb.validate(path=str(made)) == []


def test_nwbinspector_finds_nothing_critical(made):
    inspector = pytest.importorskip("nwbinspector", reason="nwbinspector is not installed")
    config = inspector.load_config("dandi")  # the requirements of the archive
    found = [*inspector.inspect_nwbfile(nwbfile_path=made, config=config)]
    failed = [  # some checks of the inspector fail for tables without rows
        each.message
        for each in found
        if each.importance.name == "ERROR" and "empty dimension" not in each.message
    ]
    grave = [each for each in found if each.importance.name in ("CRITICAL", "PYNWB_VALIDATION")]
    assert failed + grave == []


def test_unknown_metadata_are_left_out(tmp_path):
    with opened(write(tmp_path / "a.nwb", without_positions())) as file:
        assert "PoseEstimation" not in file.processing["behavior"].data_interfaces
        assert file.intervals["bouts"].source_pose is None
    with opened(write(tmp_path / "b.nwb", with_slashes())) as file:
        pose = file.processing["behavior"]["PoseEstimation"]
        names = ["ear-left (0)", "ear-left (1)", "a-b", "tail"]
        assert pose.skeleton.nodes[:].tolist() == names
        assert pose["a-b"].confidence is None
        assert pose.skeleton.edges is None
    with opened(write(tmp_path / "c.nwb", in_space())) as file:
        series = file.processing["behavior"]["PoseEstimation"]["nose"]
        assert (series.data.shape, series.unit) == ((FRAMES, 3), "unknown")
        assert file.acquisition == {}


def test_frames_of_motifs_are_those_of_the_aligned_poses(tmp_path):
    """With resample_fps, poses and motifs have different rates and the same seconds."""
    with opened(write(tmp_path / "a.nwb", make_results(fps=15.0))) as file:
        behavior = file.processing["behavior"]
        assert behavior["PoseEstimation"]["nose"].rate == FPS
        motifs = behavior["VAMEProject"].motif_series["motifs"]
        assert (motifs.rate, motifs.starting_time) == (15, CENTRE / 15)
        assert file.intervals["usable"]["stop_time"][-1] == FRAMES / 15


def test_poses_from_a_file_are_written(tmp_path):
    """The dataset is read from its file and has the notes of the reader."""
    own = make_results()
    notes = "frame 0 is the first of the file, at the time 12.5"
    save_poses(own.poses.assign_attrs(notes=notes), tmp_path / "p.nc")
    with opened(
        write(tmp_path / "a.nwb", replace(own, poses=load_poses(tmp_path / "p.nc")))
    ) as file:
        assert notes in file.processing["behavior"]["PoseEstimation"].description
