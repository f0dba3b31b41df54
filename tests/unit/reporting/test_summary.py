"""The summary describes in sentences what tables have as numbers."""

import json
import re

import pandas as pd
import pytest
from formats.tables import read_table
from manifests import DATASET, make_manifest
from motif_tables import QUALITY, make_tables
from reporting.differences import group_sentences
from reporting.facts import cautions, motif_sentences, shown, training_sentences
from reporting.page import TABLES, summarise

TRAININGS = pd.DataFrame(
    {
        "model": ["vame", "vame"],
        "seed": [0, 1],
        "time_window": 30,
        "prediction_steps": 15,
        "zdims": 16,
        "epochs": 6,
        "training_seconds": [100.0, 140.0],
        "r2_reconstruction": 0.92,
        "r2_pca_reconstruction": 0.9,
        "r2_future": 0.4,
    }
)
RECORDINGS = pd.DataFrame(
    {
        "session": ["a", "b<1>"],
        "minutes": [1.0, 2.5],
        "usable_share": [1.0, 0.4],
        "worst": ["nose", "tail"],
        "leave_out_because": ["", "40% of frames are usable"],
    }
)


def usage_of(frames, group="", animals=1):
    """Return a row per motif and animal, with `frames` of each motif."""
    return pd.DataFrame(
        [
            (f"{group}{animal}", f"{group}{animal}", group, motif, count)
            for animal in range(animals)
            for motif, count in enumerate(frames)
        ],
        columns=["session", "animal", "group", "motif", "frames"],
    ).assign(name="")


class TestTraining:
    def test_training_is_described_with_minutes_keypoints_and_settings(self):
        first, second, third = training_sentences(DATASET, TRAININGS)
        assert first.startswith("The data are 2 recordings at 30 frames per second, with 3.0")
        assert "0.5 minutes held out" in first
        assert second == (
            "Each frame has 4 features: coordinates of 2 keypoints (nose and left_ear) and speed."
        )
        assert third == (
            "Model vame reads 30 frames (1 s), encodes them as 16 latents and predicts the next 15 "
            "frames (2 seeds, 6 epochs, 2 minutes per training)."
        )

    def test_a_model_without_a_future_is_described(self):
        trainings = TRAININGS.assign(prediction_steps=float("nan"))
        assert "does not predict the future" in training_sentences(DATASET, trainings)[-1]


class TestMotifs:
    def test_usage_and_communities_are_described(self):
        communities = pd.DataFrame({"motif": [0, 1, 2, 3], "community": [0, 1, 0, None]})
        first, unused, joined, groups = motif_sentences(
            usage_of([50, 30, 20, 0]), communities, make_tables(groups=()).groups
        )
        assert first == (
            "3 of 4 motifs are used. The most frequent are 0 (50%), 1 (30%) and 2 (20%); half of "
            "all frames belong to 1 motif."
        )
        assert unused == "Unused motifs: 3."
        named = usage_of([50, 30, 20, 0])
        named.loc[named["motif"] == 1, "name"] = "walk"
        sentences = motif_sentences(named, communities, make_tables(groups=()).groups)
        assert "0 (50%), 1 “walk” (30%) and 2 (20%)" in sentences[0]
        assert "B (1 “walk”)" in sentences[2]
        assert joined == (
            "Motifs that follow one another form 2 communities: A (0 and 2) and B (1)."
        )
        assert groups == "Groups are not compared: the sessions table has no group."

    def test_a_run_without_motifs_is_described(self):
        (sentence,) = motif_sentences(usage_of([0, 0]), pd.DataFrame(), pd.DataFrame())
        assert sentence.startswith("No frame has a motif")

    def test_no_difference_is_reported_only_if_one_was_possible(self):
        tables = make_tables(n_motifs=3, unused=0)
        groups = tables.groups.assign(q_value=0.5, animals_a=4, animals_b=4)
        assert group_sentences(tables.usage, groups) == [
            "No difference in motif usage was found between groups control (4 animals) and treated "
            "(4 animals); the smallest q-value is 0.5. This does not mean that they are equal."
        ]
        few = "too few animals (1 and 4; at least 4 per group are needed)"
        assert group_sentences(tables.usage, groups.assign(animals_a=1, note=few)) == [
            f"Groups control (1 animal) and treated (4 animals) cannot be compared: {few}."
        ]

    def test_groups_differ_if_q_is_small_and_not_if_only_p_is(self):
        tables = make_tables(n_motifs=3, unused=0)
        usage, groups = tables.usage, tables.groups.assign(
            share_a=0.1, share_b=[0.2, 0.05, 0.1], difference=[0.1, -0.05, 0.0],
            hedges_g=[1.2, -0.9, 0.0],
            p_value=1e-9, q_value=[0.01, 0.04, 0.3], animals_a=5, animals_b=4,
        )  # fmt: skip
        (sentence,) = group_sentences(usage, groups)
        assert sentence == (
            "Usage of 2 motifs differs between groups control (5 animals) and treated (4 animals): "
            "motif 0 is more frequent in treated (20.0%; control: 10.0%; q = 0.01, Hedges' g +1.2) "
            "and motif 1 is less frequent in treated (5.0%; control: 10.0%; q = 0.04, Hedges' g "
            "−0.9)."
        )

    def test_one_group_is_not_compared(self):
        (sentence,) = group_sentences(usage_of([1], "calm"), pd.DataFrame())
        assert "only one group, calm" in sentence


class TestCautions:
    def test_cautions_name_recordings_bad_findings_few_animals_and_one_seed(self):
        usage = pd.concat([usage_of([1], "x", 3), usage_of([1], "y", 9)])
        findings = [
            {"verdict": "bad", "sentence": "It is bad."},
            {"verdict": "good", "sentence": "It is good."},
        ]
        found = cautions(RECORDINGS, usage, findings, seeds=1)
        assert found[0] == "Consider excluding recording b<1>: 40% of frames are usable."
        assert found[1] == "It is bad."
        assert found[2].startswith("Too few animals for a comparison of groups")
        assert "4 per group: x (3 animals)." in found[2]
        assert "one seed" in found[3]

    def test_an_animal_without_a_motif_is_not_counted(self):
        usage = pd.concat([usage_of([1], "x", 4), usage_of([1], "y", 3), usage_of([0], "y", 6)])
        (caution,) = cautions(RECORDINGS.head(1), usage, [], seeds=3)
        assert "y (3 animals)" in caution

    def test_animals_of_the_only_group_are_not_counted(self):
        usage = pd.concat([usage_of([1], "x", 2), usage_of([1], "", 9)])
        assert cautions(RECORDINGS.head(1), usage, [], seeds=3) == []

    def test_a_good_run_has_no_cautions(self):
        usage = pd.concat([usage_of([1], "x", 6), usage_of([1], "y", 6)])
        assert cautions(RECORDINGS.head(1), usage, [], seeds=3) == []


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.91234, "0.912"), (None, ""), (float("nan"), ""), (2, "2"), (12345.6, "12,346"), ("a", "a")],
)
def test_numbers_are_rounded(number, text):
    assert shown(number) == text


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Create a folder with the files from which the page is written."""
    folder = tmp_path_factory.mktemp("tables")
    RECORDINGS.to_csv(folder / "recordings.csv", index=False)
    TRAININGS.to_csv(folder / "trainings.csv", index=False)
    (folder / "dataset.json").write_text(json.dumps(DATASET))
    choice = {"model": "vame", "seed": 1, "because": "it is the only model"}
    (folder / "choice.json").write_text(json.dumps(choice))
    tables = make_tables()
    for name in ("usage", "communities", "groups", "comparisons_over_time"):
        getattr(tables, name).to_csv(folder / f"{name}.csv", index=False)
    (folder / "quality.json").write_text(json.dumps(QUALITY))
    (folder / "manifest.json").write_text(json.dumps(make_manifest()))
    return folder


class TestPage:
    def page(self, paths, segmented, **changed):
        inputs = {
            "recordings": paths / "recordings.csv",
            "dataset": paths / "dataset.json",
            "trainings": paths / "trainings.csv",
            "choice": paths / "choice.json",
            "frozen": None,
            "manifest": paths / "manifest.json",
            "motifs": {"pooling_seconds": [0.5], "expected_bout_seconds": 0.5},
        }
        tables = {
            name: [paths / f"{name}.{'json' if name == 'quality' else 'csv'}"] * len(segmented)
            for name in TABLES
        }
        return summarise(**(inputs | changed), segmented=segmented, tables=tables)[0]

    def test_the_page_has_all_parts_and_doubtful_findings_first(self, paths):
        page = self.page(paths, [{"model": "vame", "seed": "1", "segmentation": "kmeans-6"}])
        headings = re.findall(r"<h2>(.*)</h2>", page)
        assert headings == [
            *("Training data", "Quality", "Motifs and groups", "Cautions", "Advice"),
            "Methods text for a paper",
        ]
        assert "Poses were tracked with SLEAP [1]." in page
        assert page.index("Two of five bouts") < page.index("The reconstruction explains 91%")
        assert "Fewer motifs (n_motifs) would make bouts longer." in page
        assert "0.3 to 0.5" in re.sub(r"\s+", " ", page)

    def test_names_in_the_page_are_escaped(self, paths):
        page = self.page(paths, [{"model": "vame", "seed": "1", "segmentation": "kmeans-6"}])
        assert "b&lt;1&gt;" in page
        assert "b<1>" not in page
        assert "two frames &lt;," in page

    def test_the_chosen_model_is_described_and_others_are_listed(self, paths):
        segmented = [
            {"model": "vame", "seed": seed, "segmentation": name}
            for seed in ("0", "1")
            for name in ("hmm-6", "kmeans-6")
        ]
        page = self.page(paths, segmented)
        assert "model <b>vame</b>, seed 1, with motifs of segmentation\n<b>hmm-6</b>" in page
        rows = re.findall(r"<tr><td>(vame)</td><td>(\d)</td><td>(.*?)</td>", page)
        assert rows == [
            ("vame", "0", "hmm-6"),
            ("vame", "0", "kmeans-6"),
            ("vame", "1", "kmeans-6"),
        ]

    def test_the_page_reports_that_a_frozen_model_was_used(self, paths):
        page = self.page(
            paths,
            [{"model": "vame", "seed": "1", "segmentation": "kmeans-6"}],
            **{"dataset": None, "trainings": None, "choice": None, "frozen": "/data/export"},
        )
        assert "No model was trained" in page
        assert "/data/export" in page

    def test_the_page_is_written_without_motifs(self, paths):
        assert "Quality" not in self.page(paths, [])

    def test_tables_are_read_with_names_as_text(self, tmp_path):
        (tmp_path / "t.csv").write_text("session,group,leave_out_because\n007,,\nNA,NA,\n")
        table = read_table(tmp_path / "t.csv")
        assert table.to_numpy().tolist() == [["007", "", ""], ["NA", "NA", ""]]
