"""Bouts to label next, on latents of one or two dimensions, in which the best ones are obvious."""

import json

import numpy as np
import pandas as pd
import pytest
from formats.files import write_json
from motif_analysis.boris import behaviours_of, boris_project
from motif_analysis.pooling import Pooling
from motif_analysis.segmentation import Segmenter
from motif_analysis.suggestions import (
    COLUMNS,
    choose_of_motifs,
    choose_uncertain,
    suggest_bouts,
)

FPS, BOUT = 10.0, 10
SEGMENTER = Segmenter("kmeans", 1, 2, Pooling(), np.empty(0), np.zeros((2, 2)))


def make_bouts(places, motifs=None, session="a"):
    """Return consecutive bouts of a second, each around its place, and their latents."""
    start = BOUT * np.arange(len(places))
    motifs = np.zeros(len(places), int) if motifs is None else motifs
    bouts = pd.DataFrame({"session": session, "motif": motifs, "name": "", "start": start})
    bouts["stop"] = start + BOUT
    bouts["start_seconds"], bouts["stop_seconds"] = start / FPS, (start + BOUT) / FPS
    bouts["seconds"] = BOUT / FPS
    spread = np.random.default_rng(0).normal(0, 0.1, (BOUT * len(places), 2))
    return bouts, np.repeat(np.asarray(places, float), BOUT, axis=0) + spread


def make_labels(labels):
    return np.repeat(np.array(labels, dtype=str), BOUT)


# Ten bouts each have a label left and right of 0; one bout without a label is at the boundary.
KNOWN = [(x, y) for x in (-4, 4) for y in range(-5, 5)]
LABELS = ["left"] * 10 + ["right"] * 10


def test_a_bout_near_the_boundary_of_two_labels_comes_first():
    bouts, latents = make_bouts([*KNOWN, (-4, 0), (4, 1), (0, 0), (3, -2)])
    labels = {"a": make_labels([*LABELS, "", "", "", ""])}
    table = suggest_bouts(bouts, {"a": latents}, labels, SEGMENTER)
    assert list(table) == COLUMNS
    assert table["start"].tolist()[0] == BOUT * 22
    assert table["rank"].tolist() == [1, 2, 3, 4]
    assert table["uncertainty"].is_monotonic_decreasing
    assert table["uncertainty"].between(0, 1).all()
    likely = dict(zip(table["start"] // BOUT, table["likely"], strict=True))
    assert (likely[20], likely[21], likely[23]) == ("left", "right", "right")
    assert {*table["likely"], *table["second"]} == {"left", "right"}
    sums = table["probability"] + table["second_probability"]
    np.testing.assert_allclose(sums, 1)


def test_bouts_that_are_labelled_or_too_short_are_not_suggested():
    bouts, latents = make_bouts([*KNOWN, (0, 0), (0, 1), (0, 2)])
    labels = make_labels([*LABELS, "", "", ""])
    labels[200:206] = "left"  # more than half of the first
    labels[210:214] = "left"  # less than half of the second
    bouts.loc[22, "seconds"] = 0.1
    table = suggest_bouts(bouts, {"a": latents}, {"a": labels}, SEGMENTER)
    assert table["start"].tolist() == [210]


def test_no_two_suggestions_are_from_the_same_neighbourhood():
    """Five neighbourhoods of eight bouts are along the boundary; many other bouts are certain."""
    places = [(0, 6 * place) for place in range(5) for _ in range(8)]
    certain = [(x, y) for x in (-4, 4) for y in range(0, 25)]
    bouts, latents = make_bouts([*KNOWN, *places, *certain])
    labels = {"a": make_labels([*LABELS, *[""] * (len(places) + len(certain))])}
    table = suggest_bouts(bouts, {"a": latents}, labels, SEGMENTER, count=5)
    chosen = (table["start"] // BOUT - len(KNOWN)) // 8
    assert sorted(chosen) == [0, 1, 2, 3, 4]


def test_the_most_uncertain_bout_of_each_cluster_is_chosen():
    points = np.array([[0.0], [0.1], [9.0], [9.1], [5.0]])
    chosen = choose_uncertain(points, np.array([0.2, 0.3, 0.9, 0.8, 0.5]), 3)
    assert chosen.tolist() == [2, 4, 1]
    same = choose_uncertain(np.zeros((4, 1)), np.array([0.1, 0.4, 0.3, 0.2]), 3)
    assert same.tolist() == [1]


@pytest.mark.parametrize("labels", [{}, {"a": make_labels(["left"] + [""] * 11)}])
def test_without_two_labels_all_motifs_are_equally_frequent(labels):
    bouts, latents = make_bouts([(x, 0) for x in range(12)], motifs=[0] * 8 + [1] * 3 + [2])
    table = suggest_bouts(bouts, {"a": latents}, labels, SEGMENTER, count=6)
    assert table["motif"].tolist() == [0, 1, 2, 0, 1, 0]
    assert table["start"].nunique() == 6
    assert table[["uncertainty", "likely", "second"]].isna().all(axis=None)


def test_the_most_central_bout_of_each_cluster_of_a_motif_is_chosen():
    points = np.array([[0.0], [1.0], [2.0], [50.0], [51.0], [53.0]])
    assert sorted(choose_of_motifs(points, np.zeros(6, int), 2)) == [1, 4]


def test_if_all_bouts_are_labelled_nothing_is_suggested():
    bouts, latents = make_bouts(KNOWN)
    table = suggest_bouts(bouts, {"a": latents}, {"a": make_labels(LABELS)}, SEGMENTER)
    assert list(table) == COLUMNS
    assert table.empty


def make_project(tmp_path, labels):
    bouts, latents = make_bouts([(0, 0), (1, 0)], motifs=[0, 3])
    bouts["name"] = ["walk", ""]
    suggestions = suggest_bouts(bouts, {"a": latents}, {}, SEGMENTER)
    sessions = [
        {"session": "a", "animal": "rat 1", "fps": 30.0},
        {"session": "b", "animal": "rat 1", "fps": 30.0},
        {"session": "c", "animal": "rat 2", "fps": 25.0},
    ]
    videos = {"a": "videos/a.mp4", "c": "https://lab.org/c.mp4"}
    seconds = {"a": 2.0, "b": 60.0, "c": 60.0}
    behaviours = behaviours_of(bouts, labels)
    place = "results/suggestions/vame/seed0/kmeans-4"
    files = videos, seconds, place
    project = boris_project("kmeans-4, vame", behaviours, sessions, suggestions, *files)
    write_json(tmp_path / "project.boris", project)
    return json.loads((tmp_path / "project.boris").read_text())


def test_a_boris_project_has_the_keys_of_its_format(tmp_path):
    """They are those of an empty project of BORIS 8.27, and of a behaviour and an observation."""
    project = make_project(tmp_path, {"a": np.array(["", "sniff", "groom"])})
    assert project.keys() == {
        *("time_format", "project_date", "project_name", "project_description"),
        *("project_format_version", "subjects_conf", "behaviors_conf", "observations"),
        *("behavioral_categories", "independent_variables", "coding_map"),
        *("behaviors_coding_map", "converters"),
    }
    assert project["project_format_version"] == "7.0"
    assert [each["name"] for each in project["subjects_conf"].values()] == ["rat 1", "rat 2"]
    first, second = project["behaviors_conf"].values()
    assert (first["code"], second["code"]) == ("groom", "sniff")
    assert (first["key"], second["key"]) == ("a", "b")
    assert first["type"] == "State event"
    assert first.keys() == {
        *("type", "key", "code", "description", "color", "category", "modifiers", "excluded"),
        "coding map",
    }


def test_a_boris_project_has_existing_videos_and_times_of_bouts(tmp_path):
    project = make_project(tmp_path, {})
    assert list(project["observations"]) == ["a"]
    observation = project["observations"]["a"]
    path = "../../../../../videos/a.mp4"
    assert observation["file"] == {"1": [path]} | {str(n): [] for n in range(2, 9)}
    assert (observation["type"], observation["events"]) == ("MEDIA", [])
    assert observation["media_info"]["length"] == {path: 2.0}
    assert observation["media_info"]["fps"] == {path: 30.0}
    assert observation["description"].splitlines() == [
        "0.00 to 1.00 s (suggestion 1)",
        "1.00 to 2.00 s (suggestion 2)",
    ]


def test_without_labels_behaviours_are_motifs(tmp_path):
    project = make_project(tmp_path, {})
    codes = [each["code"] for each in project["behaviors_conf"].values()]
    assert codes == ["walk", "motif 3"]
