"""Bouts, transitions and profiles that can be counted by hand."""

import numpy as np
import pandas as pd
import pytest
from formats.aligned import AlignedPoses
from motif_analysis.bouts import count_transitions, find_bouts
from motif_analysis.frames import motifs_of_frames
from motif_analysis.numbering import Numbering, keep_frames
from motif_analysis.pooling import Pooling
from motif_analysis.segmentation import Segmenter
from motif_analysis.tables import (
    Profile,
    bout_table,
    find_examples,
    motion,
    tabulate,
    transition_table,
    usage_of_motifs,
)

# Two runs with a gap between: motif 0 for 3 frames, 1 for 1, 0 for 1 | 1 for 2, 0 for 2.
MOTIFS = np.array([-1, 0, 0, 0, 1, 0, -1, 1, 1, 0, 0, -1], dtype=np.int16)


def test_a_bout_ends_with_its_run():
    bouts = find_bouts(MOTIFS)
    assert bouts.motif.tolist() == [0, 1, 0, 1, 0]
    assert bouts.start.tolist() == [1, 4, 5, 7, 9]
    assert bouts.stop.tolist() == [4, 5, 6, 9, 11]
    assert find_bouts(np.array([2, 2], np.int16)).frames.tolist() == [2]


@pytest.mark.parametrize("motifs", [[], [-1, -1]])
def test_without_motifs_there_are_no_bouts(motifs):
    bouts = find_bouts(np.array(motifs, np.int16))
    assert bouts.motif.tolist() == []
    assert usage_of_motifs(bouts, 2, 10.0)["share"].tolist() == [0, 0]


def test_usage_of_motifs_has_a_row_of_zeros_for_one_that_is_never_used():
    table = usage_of_motifs(find_bouts(MOTIFS), 3, fps=10.0)
    assert table["frames"].tolist() == [6, 3, 0]
    np.testing.assert_allclose(table["share"], [6 / 9, 3 / 9, 0])
    assert table["bouts"].tolist() == [3, 2, 0]
    np.testing.assert_allclose(table["bout_seconds_median"], [0.2, 0.15, np.nan])
    np.testing.assert_allclose(table["bout_seconds_q25"], [0.15, 0.125, np.nan])
    np.testing.assert_allclose(table["bout_seconds_q75"], [0.25, 0.175, np.nan])


def test_there_is_no_transition_across_a_join():
    counts = count_transitions(find_bouts(MOTIFS), 3)
    assert counts.tolist() == [[0, 1, 0], [2, 0, 0], [0, 0, 0]]


def test_probabilities_are_those_of_the_next_motif_or_empty():
    table = transition_table({"a": np.array([[0, 1, 3], [2, 0, 0], [0, 0, 0]])})
    assert len(table) == 6  # no motif follows itself
    table = table.set_index(["from_motif", "to_motif"])["probability"]
    assert table[0].tolist() == [0.25, 0.75]
    assert table[1].tolist() == [1, 0]
    assert table[2].isna().all()


def test_a_motif_is_at_the_centre_of_its_window():
    """In windows of 4 frames, the centre of the first one is frame 2."""
    assert motifs_of_frames(np.array([5, 6, -1, 7]), 7, 4).tolist() == [-1, -1, 5, 6, -1, 7, -1]
    assert motifs_of_frames(np.array([], int), 3, 4).tolist() == [-1, -1, -1]


def test_speed_and_turning_of_a_known_path_are_right():
    """Speed is 3 px per frame at 10 fps; turning is 2 degrees per frame, across 180 degrees."""
    frames = np.arange(20)
    track = np.column_stack([3.0 * frames, 0.0 * frames, np.radians(160 + 2.0 * frames)])
    track[:, 2] = (track[:, 2] + np.pi) % (2 * np.pi) - np.pi
    track[15] = np.nan
    moved = motion(track, fps=10.0)
    known = np.isfinite(moved).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(~known), [0, 14, 15, 16, 19])
    np.testing.assert_allclose(moved[known], [[30, 20]] * known.sum(), rtol=1e-4)


def make_aligned(poses, *, features=("nose_x", "light"), scalars=("light",)):
    poses = np.array(poses, np.float32)
    track = np.zeros((len(poses), 3), np.float32)
    usable = np.ones(len(poses), bool)
    return AlignedPoses(poses, usable, list(features), 30.0, list(scalars), track=track)


def test_a_profile_is_the_mean_over_the_frames_of_a_motif():
    profile = Profile(3, ["nose_x", "light"], ["light"])
    profile.add(make_aligned([[1e6 + 1, 5], [1e6 + 3, 5], [0, 7], [9, 9]]), np.array([0, 0, 1, -1]))
    swapped = make_aligned([[6, 1e6 + 5]], features=("light", "nose_x"))
    profile.add(swapped, np.array([0]))
    table = profile.table().set_index(["motif", "feature"])
    assert table.loc[(0, "nose_x"), "mean"] == pytest.approx(1e6 + 3)
    assert table.loc[(0, "nose_x"), "sd"] == pytest.approx(np.std([1, 3, 5]))
    assert table.loc[(0, "light"), "mean"] == pytest.approx(16 / 3)
    assert table.loc[(1, "nose_x"), "mean"] == pytest.approx(0, abs=1e-3)
    assert table.loc[2, "mean"].isna().all()
    assert table.loc[0, "unit"].to_dict() == {
        "nose_x": "px",
        "light": "",
        "speed": "px/s",
        "turning": "deg/s",
    }


def test_an_extra_feature_named_speed_is_distinguished_from_the_animals_speed():
    profile = Profile(1, ["nose_x", "speed"], ["speed"])
    profile.add(make_aligned([[1, 5]] * 9, features=("nose_x", "speed")), np.zeros(9, int))
    table = profile.table()
    assert table["feature"].tolist() == ["nose_x", "speed (scalar)", "speed", "turning"]
    assert table["mean"].tolist() == [1, 5, 0, 0]


def test_examples_are_the_bouts_nearest_to_the_centre_among_the_long_ones():
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), np.array([[0.0], [10.0]]))
    windows = np.array([9, 0.5, 0.5, 10, 0, 10, 10, 2, 2, np.nan], np.float32)[:, None]
    motifs = motifs_of_frames(np.array([-1, 0, 0, 1, 0, 1, 1, 0, 0, -1]), 13, 4)
    table = find_examples(bout_table("a", find_bouts(motifs), windows, segmenter, fps=2.0))
    own = table[table["motif"] == 0]
    assert own["rank"].tolist() == [1, 2]  # the bout of one window is nearer, but too short
    assert own[["first_frame", "last_frame"]].to_numpy().tolist() == [[3, 4], [9, 10]]
    assert own["seconds"].tolist() == [1, 1]
    assert isinstance(table, pd.DataFrame)
    assert list(table) == ["motif", "rank", "session", "first_frame", "last_frame", "seconds"]


def test_a_bout_has_its_times_and_its_mean_distance_to_the_centre():
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), np.array([[0.0], [10.0]]))
    windows = np.array([9, 1, 2, 10, np.nan], np.float32)[:, None]
    motifs = motifs_of_frames(np.array([-1, 0, 0, 1, -1]), 8, 4)  # a window's frame is its third
    table = bout_table("a", find_bouts(motifs), windows, segmenter, fps=2.0)
    assert table.to_dict("list") == {
        "session": ["a", "a"],
        "motif": [0, 1],
        "start": [3, 5],
        "stop": [5, 6],
        "start_seconds": [1.5, 2.5],
        "stop_seconds": [2.5, 3.0],
        "seconds": [1.0, 0.5],
        "distance": [1.5, 0.0],
    }


def test_merged_motifs_count_as_one_and_have_a_name():
    three = np.array([[0.0], [10.0], [11.0]])
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), three).merge({2: 1})
    latents = np.array([0, 10, 11, 11, 0.0])[:, None]
    assert segmenter.label(latents).tolist() == [0, 1, 1, 1, 0]
    assert segmenter.distances(latents, segmenter.label(latents)).tolist() == [0] * 5  # the nearest
    motifs = motifs_of_frames(segmenter.label(latents), 8, 4)
    recording = {"session": "a", "animal": "a", "group": ""}, motifs, latents
    tables = tabulate(
        [(*recording, make_aligned(np.zeros((8, 2))))],
        segmenter,
        pd.DataFrame(columns=["session", "frame", "x", "y"]),
        communities=None,
        permutations=10,
        names={1: "walk"},
    )
    usage = tables["usage"].set_index("motif")
    assert usage["frames"].to_dict() == {0: 2, 1: 3}
    assert usage["name"].to_dict() == {0: "", 1: "walk"}
    for name in ("profile", "communities", "bouts", "examples"):
        assert set(zip(tables[name]["motif"], tables[name]["name"], strict=True)) == {
            (0, ""),
            (1, "walk"),
        }


def test_all_tables_have_the_same_motifs():
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), np.array([[0.0], [10.0]]))
    motifs = {"a": np.array([-1, -1, 0, 0, 1, 0, -1]), "b": np.array([-1, -1, 1, 1, 0, -1, -1])}
    latents = {name: 10.0 * own[2:-1, None] for name, own in motifs.items()}
    aligned = make_aligned(np.zeros((7, 2)))
    recordings = [
        ({"session": s, "animal": f"rat {s}", "group": ""}, motifs[s], latents[s], aligned)
        for s in "ab"
    ]
    latent_map = pd.DataFrame({"session": ["a", "b", "a"], "frame": [4, 4, 3], "x": 0.0, "y": 1.0})
    tables = tabulate(iter(recordings), segmenter, latent_map, communities=None, permutations=10)
    usage = tables["usage"]
    assert list(usage)[:4] == ["session", "animal", "group", "motif"]
    assert usage["frames"].tolist() == [3, 1, 1, 2]
    counts = tables["transitions"].set_index(["session", "from_motif"])["count"]
    assert counts["a"].tolist() == [1, 1]
    assert counts["b"].tolist() == [0, 1]
    assert counts["all"].tolist() == [1, 2]
    assert tables["latent_map"]["motif"].tolist() == [1, 0, 0]
    assert list(tables["latent_map"]) == ["session", "frame", "motif", "name", "x", "y"]
    assert "motif" not in latent_map
    assert set(tables["profile"]["motif"]) == set(tables["communities"]["motif"]) == {0, 1}
    assert set(tables["examples"]["session"]) == {"a", "b"}
    assert tables["groups"].empty


def test_numbers_that_no_motif_has_are_in_no_table():
    """There are motifs 1 and 4, since others of a reference were not found again."""
    numbering = Numbering(np.array([1, 4]), 5, np.zeros(2, bool))
    centres = np.array([[0.0], [10.0]])
    motifs = np.array([-1, -1, 1, 1, 4, 1, -1])
    known = {"numbering": numbering, "fitted": keep_frames({"a": motifs})}
    segmenter = Segmenter("kmeans", 4, 1, Pooling(), np.empty(0), centres, **known)
    latents = np.where(motifs == 4, 10.0, 0.0)[2:-1, None]
    np.testing.assert_array_equal(segmenter.label(latents), motifs[2:-1])
    recording = {"session": "a", "animal": "a", "group": ""}, motifs, latents
    recording = *recording, make_aligned(np.zeros((7, 2)))
    empty = pd.DataFrame(columns=["session", "frame", "x", "y"])
    tables = tabulate([recording], segmenter, empty, None, 10)
    assert tables["usage"].set_index("motif")["frames"].to_dict() == {1: 3, 4: 1}
    counts = tables["transitions"].set_index(["session", "from_motif", "to_motif"])["count"]
    assert counts["a"].to_dict() == {(1, 4): 1, (4, 1): 1}
    assert tables["linkage"]["motifs"].tolist() == ["1 4"]
    for name in ("profile", "communities", "examples"):
        assert set(tables[name]["motif"]) == {1, 4}


def test_a_map_without_windows_is_empty():
    segmenter = Segmenter("kmeans", 1, 1, Pooling(), np.empty(0), np.array([[0.0]]))
    recording = {"session": "a"}, np.array([0]), np.zeros((1, 1)), make_aligned([[0, 0]])
    empty = pd.DataFrame(columns=["session", "frame", "x", "y"])
    recording[0].update(animal="a", group="")
    assert tabulate([recording], segmenter, empty, None, 10)["latent_map"].empty
