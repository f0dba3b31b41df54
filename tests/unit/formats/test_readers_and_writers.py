"""A format's reader returns what its writer wrote."""

import os
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from formats.aligned import AlignedPoses, map_array, open_aligned, save_aligned
from formats.dataset import locate
from formats.files import sha256, write_atomically
from formats.latents import open_latents, write_latents
from formats.motifs import (
    read_frames,
    read_motifs,
    read_together,
    write_motifs,
    write_together,
)
from formats.runs import blocks_of, find_runs
from formats.tables import community_name, read_table, write_table


def test_sha256_of_an_empty_file_is_the_known_one(tmp_path):
    (tmp_path / "empty").touch()
    assert sha256(tmp_path / "empty").startswith("e3b0c44298fc1c149afbf4c8996fb924")


def test_the_old_file_remains_if_the_new_one_cannot_be_written(tmp_path):
    path = tmp_path / "model.pt"
    path.write_text("old")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match=r"cannot write it .*unchanged.*model\.pt"):
        write_atomically(path, fail)
    assert os.listdir(tmp_path) == ["model.pt"]
    assert path.read_text() == "old"


def test_runs_of_true_values_are_found():
    assert find_runs(np.array([1, 0, 1, 1, 0, 1], bool)).tolist() == [[0, 1], [2, 4], [5, 6]]
    assert find_runs(np.zeros(3, bool)).tolist() == []


def test_blocks_cover_every_row_once():
    assert list(blocks_of(5, 2)) == [slice(0, 2), slice(2, 4), slice(4, 5)]


@pytest.mark.parametrize("frames", [0, 3])
def test_aligned_poses_are_read_back_and_mapped(tmp_path, frames):
    poses = np.arange(2 * frames, dtype=np.float32).reshape(frames, 2)
    track = np.arange(3 * frames, dtype=np.float32).reshape(frames, 3)
    usable = np.arange(frames) > 0
    limits = {"nose_x": [-1.0, 2.0]}
    made = AlignedPoses(poses, usable, ["nose_x", "light"], 29.97, ["light"], limits, 8.5, track)
    save_aligned(made, tmp_path / "a.npz")
    back = open_aligned(tmp_path / "a.npz")
    for name in ("poses", "usable", "track"):
        np.testing.assert_array_equal(getattr(back, name), getattr(made, name))
        assert getattr(back, name).dtype == getattr(made, name).dtype
    assert (back.features, back.fps, list(back.scalars)) == (["nose_x", "light"], 29.97, ["light"])
    assert (back.limits, back.unit) == (limits, 8.5)
    assert isinstance(back.poses, np.memmap) == bool(frames)


def test_an_unknown_track_is_empty(tmp_path):
    save_aligned(AlignedPoses(np.ones((2, 1)), np.ones(2, bool), ["a"], 30), tmp_path / "a.npz")
    assert np.isnan(open_aligned(tmp_path / "a.npz").track).all()


def test_an_array_in_an_npz_can_be_mapped(tmp_path):
    array = np.asfortranarray(np.random.default_rng(0).normal(size=(7, 5)))
    np.savez(tmp_path / "a.npz", before=np.arange(3), array=array)
    np.testing.assert_array_equal(map_array(tmp_path / "a.npz", "array"), array)


def test_a_row_of_the_dataset_is_a_frame_of_a_recording():
    segments = [
        {"session": "a", "side": "train", "start": 0, "stop": 10, "first_frame": 5},
        {"session": "b", "side": "test", "start": 0, "stop": 4, "first_frame": 100},
        {"session": "b", "side": "train", "start": 10, "stop": 20, "first_frame": 30},
    ]
    description = {"segments": segments}
    assert locate(9, description, "train") == ("a", 14)
    assert locate(10, description, "train") == ("b", 30)
    assert locate(3, description, "test") == ("b", 103)


def test_latents_are_written_block_by_block(tmp_path):
    latents = np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32)
    write_latents(tmp_path / "a.npy", iter([latents[:2], latents[2:]]), latents.shape)
    np.testing.assert_array_equal(open_latents(tmp_path / "a.npy"), latents)


def test_frames_without_a_motif_are_written_as_na_and_read_as_minus_one(tmp_path):
    motifs, distances = np.array([-1, 3, 0], np.int16), np.array([np.nan, 0.25, 2 / 3], np.float32)
    usable, names = np.array([False, True, True]), {3: "walk, fast"}
    write_motifs(tmp_path / "a.csv", motifs, usable, 2.0, distances, names, {0: 1, 3: 0})
    lines = (tmp_path / "a.csv").read_text().splitlines()
    assert lines == [
        "frame,seconds,motif,name,community,distance,usable",
        "0,0.0000,NA,NA,NA,NA,0",
        '1,0.5000,3,"walk, fast",0,0.2500,1',
        "2,1.0000,0,NA,1,0.6667,1",
    ]
    np.testing.assert_array_equal(read_motifs(tmp_path / "a.csv"), motifs)


def test_motifs_of_all_sessions_lie_in_one_file(tmp_path):
    """What jobs that read all recordings take has the motifs of each recording's table."""
    recordings = {"b": ([-1, 3, 0], 2.0), "a": ([3], 30.0), "fps": ([], 1.0)}
    arrays = {name: (np.array(own, np.int16), fps) for name, (own, fps) in recordings.items()}
    write_together(tmp_path / "all.npz", arrays)
    for asked in (["b", "a", "fps"], ["fps", "b"]):
        read = list(read_together(tmp_path / "all.npz", asked))
        assert [own.dtype for own in read] == [np.int16] * len(asked)
        assert [own.tolist() for own in read] == [recordings[name][0] for name in asked]
    write_motifs(tmp_path / "b.csv", arrays["b"][0], np.ones(3, bool), 2.0, None, {3: "walk"})
    table = pd.read_csv(tmp_path / "b.csv")
    (frames,) = read_frames(tmp_path / "all.npz", ["b"], {3: "walk"})
    assert frames["seconds"].tolist() == table["seconds"].tolist() == [0, 0.5, 1]
    assert frames["motif"].tolist() == table["motif"].fillna(-1).tolist()
    assert frames["name"].isna().tolist() == table["name"].isna().tolist() == [True, False, True]
    assert frames["name"][1] == table["name"][1] == "walk"


@pytest.mark.skipif(not shutil.which("Rscript"), reason="no R on this machine")
def test_r_reads_the_motifs_of_frames(tmp_path):
    names = {3: 'walk, #1 "fast" d\'eau'}
    motifs, usable = np.array([-1, 3, 0]), np.ones(3, bool)
    write_motifs(tmp_path / "a.csv", motifs, usable, 2.0, None, names, {3: 1})
    program = "x <- read.csv('a.csv'); cat(sapply(x, class), nrow(x), x$motif, x$name[2], sep='|')"
    run = ["Rscript", "--vanilla", "-e", program]
    printed = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    classes = "integer|numeric|integer|character|integer|logical|integer"
    assert printed == f"{classes}|3|NA|3|0|{names[3]}"


def test_names_stay_text(tmp_path):
    """Otherwise 007 and 7 would be the same session, and the group NA would be missing."""
    table = pd.DataFrame({"session": ["007", "7"], "group": ["NA", ""], "frames": [1, 2]})
    write_table(table, tmp_path / "a.csv")
    back = read_table(tmp_path / "a.csv")
    assert back["session"].tolist() == ["007", "7"]
    assert back["group"].tolist() == ["NA", ""]
    assert back["frames"].tolist() == [1, 2]


def test_na_is_a_missing_number_or_name(tmp_path):
    (tmp_path / "a.csv").write_text("motif,name\n1,walk\nNA,NA\n2,\n")
    back = read_table(tmp_path / "a.csv")
    assert back["motif"].tolist()[::2] == [1, 2]
    assert back["motif"].isna().tolist() == [False, True, False]
    assert back["name"].tolist() == ["walk", "", ""]


def test_only_lines_above_the_header_are_comments(tmp_path):
    (tmp_path / "a.csv").write_text("# session a\n# 30 fps\ngroup,frames\n#1,5\n")
    assert read_table(tmp_path / "a.csv").to_dict("list") == {"group": ["#1"], "frames": [5]}


def test_numbers_have_six_digits(tmp_path):
    write_table(pd.DataFrame({"x": [1 / 3]}), tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "x\n0.333333\n"


def test_the_27th_community_is_a1():
    assert [community_name(number) for number in (0, 25, 26, 27)] == ["A", "Z", "A1", "A2"]
