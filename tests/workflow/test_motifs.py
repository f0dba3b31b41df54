"""Motifs of a complete run: every frame has a row, all tables agree, and every motif is used."""

import json
import shutil
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
import yaml
from formats.motif_names import digest_of
from formats.motifs import read_motifs
from projects import SHEET, Project
from sklearn.metrics import adjusted_rand_score

TABLES = "results/motif_tables/vame/seed0/kmeans-4"
SESSIONS = ("mouse1", "mouse2")
TIME_WINDOW, HALF = 8, 4


def motifs_of(project, session, folder="vame/seed0/kmeans-4"):
    return pd.read_csv(project / f"results/motifs/{folder}/{session}.csv", comment="#")


def table(project, name):
    return pd.read_csv(project / TABLES / f"{name}.csv")


@pytest.mark.parametrize("session", SESSIONS)
def test_every_frame_of_the_recording_has_its_row(finished_once, session):
    rows = motifs_of(finished_once, session)
    usable = np.load(finished_once / f"results/aligned/{session}.npz")["usable"]
    assert rows["frame"].tolist() == list(range(400))
    np.testing.assert_allclose(rows["seconds"], np.arange(400) / 30, atol=1e-4)
    np.testing.assert_array_equal(rows["usable"], usable)
    inside = np.lib.stride_tricks.sliding_window_view(usable, TIME_WINDOW).all(axis=1)
    known = np.zeros(400, bool)
    known[HALF : HALF + len(inside)] = inside
    np.testing.assert_array_equal(rows["motif"].notna(), known)


def test_frames_have_the_communities_of_the_table_and_the_distances_of_the_bouts(finished_once):
    communities = table(finished_once, "communities").set_index("motif")["community"]
    bouts = table(finished_once, "bouts")
    assert bouts["community"].tolist() == bouts["motif"].map(communities).tolist()
    np.testing.assert_allclose(bouts["seconds"], (bouts["stop"] - bouts["start"]) / 30, rtol=1e-5)
    for session, own in bouts.groupby("session"):
        rows = motifs_of(finished_once, session)
        known = rows["motif"].notna()
        assert rows.loc[~known, ["name", "community", "distance"]].isna().all(axis=None)
        motifs = rows.loc[known, "motif"]
        assert rows.loc[known, "community"].tolist() == motifs.map(communities).tolist()
        means = [rows["distance"][b.start : b.stop].mean() for b in own.itertuples()]
        np.testing.assert_allclose(means, own["distance"], atol=1e-4)
    lines = (finished_once / "results/motifs/vame/seed0/kmeans-4/mouse1.csv").read_text()
    assert {line.count(",") for line in lines.splitlines()} == {6}  # and no comment


def test_motifs_are_the_path_of_lowest_distances_and_costs_of_changes(finished_once):
    """The lowest total comes from numpy alone: means, and logarithms of standard deviations and
    changes of latents, over a quarter of a second, one second and four."""
    segmenter = np.load(finished_once / "results/segmenters/vame/seed0/kmeans-4.npz")
    assert segmenter["reaches"].tolist() == [4, 15, 60]  # at 30 frames a second
    for session in SESSIONS:
        latents = np.load(finished_once / f"results/latents/vame/seed0/{session}.npy").astype(float)
        own = motifs_of(finished_once, session)["motif"].to_numpy()[HALF:][: len(latents)]
        assert np.isfinite(latents).all()
        pooled = []
        for reach in (4, 15, 60):
            around = [latents[max(0, i - reach) : i + reach + 1] for i in range(len(latents))]
            pooled.append([each.mean(axis=0) for each in around])
            deviations = [each.std(axis=0) for each in around]
            changes = [np.abs(np.diff(each, axis=0)).mean(axis=0) for each in around]
            for part in (deviations, changes):
                typical = segmenter["typical"][len(pooled)]
                pooled.append(typical * np.log(part / typical + 0.1))
        pooled = np.hstack(
            [np.array(p) / s for p, s in zip(pooled, segmenter["scale"], strict=True)]
        )
        apart = ((pooled[:, None] - segmenter["centres"]) ** 2).sum(axis=2)
        lowest, change_cost = apart[0], segmenter["change_cost"]
        for distances in apart[1:]:
            lowest = np.minimum(lowest, lowest.min() + change_cost) + distances
        total = apart[np.arange(len(own)), own.astype(int)].sum()
        total += change_cost * (np.diff(own) != 0).sum()
        np.testing.assert_allclose(total, lowest.min(), rtol=1e-6)


def test_tables_count_what_the_frames_say(finished_once):
    rows = pd.concat([motifs_of(finished_once, name).assign(session=name) for name in SESSIONS])
    usage = table(finished_once, "usage")
    assert len(usage) == 2 * 4
    assert usage["animal"].tolist() == usage["session"].tolist()
    assert set(usage["group"]) == {"treated", "control"}
    counted = rows.groupby(["session", "motif"]).size()
    for row in usage.itertuples():
        assert row.frames == counted.get((row.session, row.motif), 0)
    total = usage.groupby("motif")["frames"].sum()
    assert total.tolist() == sorted(total, reverse=True)  # numbered by decreasing usage
    counts = table(finished_once, "transitions").set_index("session")
    assert counts.loc["all", "count"].sum() == sum(
        ((motif != motif.shift()) & motif.notna() & motif.shift().notna()).sum()
        for motif in (motifs_of(finished_once, name)["motif"] for name in SESSIONS)
    )


def test_profile_examples_and_communities_are_of_the_same_motifs(finished_once):
    profile = table(finished_once, "profile")
    assert set(profile["motif"]) == {0, 1, 2, 3}
    assert {"nose_x", "left_paw_y", "speed", "turning"} <= set(profile["feature"])
    nose = []
    for session in SESSIONS:
        aligned = np.load(finished_once / f"results/aligned/{session}.npz")
        column = aligned["features"].tolist().index("nose_x")
        own = motifs_of(finished_once, session)["motif"] == 0
        nose.append(aligned["poses"][own, column] * aligned["unit"])  # in pixels
    mean = profile.set_index(["motif", "feature"]).loc[(0, "nose_x"), "mean"]
    assert mean == pytest.approx(np.concatenate(nose).mean(), rel=1e-4)
    for row in table(finished_once, "examples").itertuples():
        own = motifs_of(finished_once, row.session)["motif"]
        assert (own[row.first_frame : row.last_frame + 1] == row.motif).all()
    assert table(finished_once, "communities")["motif"].tolist() == [0, 1, 2, 3]


def test_every_number_has_a_verdict_and_a_sentence(finished_once):
    quality = json.loads((finished_once / TABLES / "quality.json").read_text())
    findings = {each["name"]: each for each in quality["findings"]}
    metrics = json.loads((finished_once / "results/models/vame/seed0/metrics.json").read_text())
    assert findings["r2_future"]["value"] == pytest.approx(metrics["r2_future"], abs=1e-6)
    assert findings["r2_future"]["baseline"] == pytest.approx(
        metrics["r2_hold_last_frame"], abs=1e-6
    )
    assert findings["seed_agreement"]["verdict"] == "unknown"
    assert findings["nmi"]["verdict"] == "unknown"  # the sessions table has no labels
    assert findings["different_motifs"]["verdict"] == "unknown"  # one animal in each group
    assert {each["verdict"] for each in findings.values()} <= {"good", "doubtful", "bad", "unknown"}
    assert all(each["sentence"].endswith(".") for each in findings.values())
    assert any("seeds: [0, 1, 2]" in sentence for sentence in quality["advice"])


def test_seeds_labels_and_animals_are_evaluated(finished):
    """A second seed, labels and a hidden Markov model are added to the finished run."""
    for session in SESSIONS:
        labels = pd.Series(np.repeat(["a", "b"], 200), name="label")
        labels.to_csv(finished / f"recordings/{session}.labels.csv", index_label="frame")
    header, *rows = SHEET.splitlines()
    sheet = [f"{header}\tanimal\tlabels"]
    for row, name in zip(rows, SESSIONS, strict=True):
        sheet.append(f"{row}\trat_{name}\trecordings/{name}.labels.csv")
    finished.write_sheet("\n".join(sheet) + "\n")
    finished.write_config(models={"vame": {}}, seeds=[0, 3], motifs=["hmm", "kmeans"])
    finished.snakemake("--", f"{TABLES.replace('kmeans', 'hmm')}/quality.json")
    agreement = pd.read_csv(finished / "results/motif_tables/vame/agreement.csv")
    assert agreement["segmentation"].tolist() == ["hmm-4", "kmeans-4"]
    assert (agreement[["seed_a", "seed_b"]] == [0, 3]).all(axis=None)
    assert (agreement["nmi_low"] <= agreement["nmi_high"]).all()
    for row in agreement.itertuples():
        one, other = (
            pd.concat(
                [
                    motifs_of(finished, name, f"vame/seed{seed}/{row.segmentation}")
                    for name in SESSIONS
                ]
            )["motif"]
            for seed in (0, 3)
        )
        known = one.notna() & other.notna()
        expected = adjusted_rand_score(one[known], other[known])
        assert row.adjusted_rand == pytest.approx(expected, abs=1e-5)
    quality = json.loads((finished / f"{TABLES.replace('kmeans', 'hmm')}/quality.json").read_text())
    findings = {each["name"]: each for each in quality["findings"]}
    assert findings["seed_agreement"]["value"] == pytest.approx(
        agreement["adjusted_rand"][0], abs=1e-5
    )
    assert 0 <= findings["nmi"]["value"] <= 1
    assert 0 <= findings["probe_f1"]["chance"] <= 1
    usage = pd.read_csv(finished / TABLES.replace("kmeans", "hmm") / "usage.csv")
    assert set(usage["animal"]) == {"rat_mouse1", "rat_mouse2"}


def test_usage_is_compared_within_an_animal_by_group_condition_and_time_bin(finished):
    """One animal is in both groups and both conditions; bins of 3 s divide its 13 s."""
    header, *rows = SHEET.splitlines()
    lines = [f"{header}\tanimal\tsex", *(f"{row}\trat\tF" for row in rows)]
    finished.write_sheet("\n".join(lines) + "\n")
    intervals = "session\tstart_seconds\tstop_seconds\tcondition\n"
    times = ((0, 5, "rest"), (5, 9, "drug"), (9, 13.4, "rest"))
    for session in SESSIONS:
        intervals += "".join(f"{session}\t{a}\t{b}\t{name}\n" for a, b, name in times)
    (finished / "config/intervals.tsv").write_text(intervals)
    settings = {"intervals": "config/intervals.tsv", "time_bins": "3 s", "factors": ["sex"]}
    finished.write_config(models={"vame": {}}, **settings)
    printed = finished.snakemake()
    for rule in ("split_dataset", "train_model", "segment_motifs", "label_motifs"):
        assert f"rule {rule}:" not in printed, rule

    motifs = {name: motifs_of(finished, name)["motif"] for name in SESSIONS}
    own = motifs["mouse1"]
    over_time = table(finished, "usage_over_time").set_index(["session", "part", "motif"])
    spans = {
        "rest": [*range(150), *range(270, 400)],
        "drug": range(150, 270),
        "3-6 s": range(90, 180),
    }
    for part, frames in spans.items():
        expected = (own[frames] == 1).sum()
        assert over_time.loc[("mouse1", part, 1), "frames"] == expected
        share = expected / own[frames].notna().sum()
        assert over_time.loc[("mouse1", part, 1), "share"] == pytest.approx(share, rel=1e-5)
    parts = table(finished, "usage_over_time").groupby("by")["part"].unique()
    assert list(parts["time bin"]) == ["0-3 s", "3-6 s", "6-9 s", "9-12 s"]  # the rest is too short

    compared = table(finished, "comparisons_over_time")
    assert len(compared) == 4 * (1 + 3)
    assert set(compared["note"]) == {"too few animals in both (1; at least 6 are needed)"}
    groups = table(finished, "groups")
    assert set(groups["design"]) == {"paired"}
    both = [over_time.loc[(name, "rest", 0), "share"] for name in SESSIONS]
    rest = compared[(compared["by"] == "condition") & (compared["motif"] == 0)].iloc[0]
    assert rest["share_a"] == pytest.approx(np.mean(both), rel=1e-4)

    figures = finished / "results/figures/vame/seed0/kmeans-4"
    for suffix in ("svg", "png"):
        assert (figures / f"usage_over_time.{suffix}").stat().st_size > 1000
    page = " ".join((finished / "results/summary.html").read_text().split())
    for sentence in (
        "Groups control and treated (within 1 animal in both) cannot be compared: too few animals",
        "Conditions rest and drug (within 1 animal that have both) cannot be compared: too few",
        "Time bins cannot be compared with the first one (0-3 s): too few animals in both (1;",
        "Groups, conditions and time bins were compared within animals by sign-flip",
    ):
        assert sentence in page


def test_without_intervals_and_time_bins_there_is_no_figure_over_time(finished_once):
    assert table(finished_once, "usage_over_time").empty
    assert table(finished_once, "comparisons_over_time").empty
    figures = finished_once / "results/figures/vame/seed0/kmeans-4"
    assert not (figures / "usage_over_time.svg").exists()


def test_bad_intervals_are_refused_by_line(finished):
    path = finished / "config/intervals.csv"
    path.write_text("session,start,stop,condition\nmouse1,0,90,a\nmouse3,0,90,a\nmouse1,80,99,b\n")
    finished.write_config(intervals="config/intervals.csv")
    printed = finished.quick("--dry-run", check=False)
    assert "config/intervals.csv has 2 errors" in printed
    assert "line 3: the sessions table has no session mouse3; there are: mouse1, mouse2" in printed
    assert "line 4: b overlaps with a of line 2; a frame has only one condition" in printed
    path.write_text("session,start,stop,condition\nmouse1,0,90,a\nmouse2,90,900,b\n")
    for target in ("results/quality.csv", f"{TABLES}/usage.csv"):
        printed = finished.snakemake("--", target, check=False)
        sentence = "line 3: b is from 3.00 to 30.00 s, but the recording mouse2 lasts 13.33 s"
        assert f"config/intervals.csv: {sentence}" in printed


def test_new_recordings_get_the_motifs_of_the_segmenter_beside_the_model(finished_once, tmp_path):
    """A recording of the training gets the same motifs if only model and segmenter are there."""
    shutil.copytree(finished_once / "results/export/vame/seed0", tmp_path / "model")
    shutil.copytree(finished_once / "results/segmenters/vame/seed0", tmp_path / "model/segmenters")
    (tmp_path / "config").mkdir()
    config = {"use_model": "model", "device": "cpu", "n_motifs": 4, "map_windows": 0}
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(finished_once / "recordings/mouse1.csv", tmp_path / "new.csv")
    project = Project(tmp_path)
    project.write_sheet("session\tposes\tfps\nnew\tnew.csv\t30\n")
    target = "results/motifs/vame/seed0/kmeans-4/new.csv"
    assert "segment_motifs" not in project.stale_rules()
    project.snakemake(target)
    one, other = motifs_of(finished_once, "mouse1"), motifs_of(project, "new")
    both = one["motif"].notna() & other["motif"].notna()
    assert both.mean() > 0.5
    assert (
        one["motif"][both] == other["motif"][both]
    ).mean() > 0.9  # outlier limits differ a little
    shutil.rmtree(tmp_path / "model/segmenters")
    assert "segment_motifs" in project.stale_rules()


def test_the_segmenter_in_the_results_folder_of_the_export_is_found(finished_once, tmp_path):
    (tmp_path / "config").mkdir()
    config = {"use_model": str(finished_once / "results/export/vame/seed0"), "n_motifs": 4}
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(finished_once / "recordings/mouse1.csv", tmp_path / "new.csv")
    project = Project(tmp_path)
    project.write_sheet("session\tposes\tfps\nnew\tnew.csv\t30\n")
    assert {"label_motifs", "judge_motifs"} <= project.stale_rules()
    assert "segment_motifs" not in project.stale_rules()


def test_a_chosen_number_of_motifs_is_reported_and_exported_with_the_model(finished, tmp_path):
    """The chosen number is a separate segmentation, with a table, a figure and a sentence."""
    finished.write_config(models={"vame": {}}, n_motifs="auto", n_motifs_range=[2, 6])
    tables = "results/motif_tables/vame/seed0/kmeans-auto"
    figure = "results/figures/vame/seed0/kmeans-auto/n_motifs.svg"
    ethogram = "results/figures/vame/seed0/kmeans-auto/ethograms/mouse1.svg"
    finished.snakemake("--", f"{tables}/quality.json", figure, ethogram)
    tried = pd.read_csv(finished / tables / "n_motifs.csv")
    assert tried["n_motifs"].tolist() == [2, 3, 4, 5, 6]
    chosen = tried.loc[tried["chosen"] == 1, "n_motifs"].item()
    usage = pd.read_csv(finished / tables / "usage.csv")
    assert set(usage["motif"]) == set(range(chosen))
    quality = json.loads((finished / tables / "quality.json").read_text())
    (found,) = (each for each in quality["findings"] if each["name"] == "n_motifs")
    assert found["value"] == chosen
    assert found["sentence"].startswith(f"Of 2 to 6 motifs, {chosen} were chosen: ")
    shutil.copytree(finished / "results/export/vame/seed0", tmp_path / "model")
    shutil.copytree(finished / "results/segmenters/vame/seed0", tmp_path / "model/segmenters")
    (tmp_path / "config").mkdir()
    config = {"use_model": "model", "n_motifs": "auto", "map_windows": 0}
    (tmp_path / "config/config.yaml").write_text(yaml.safe_dump(config))
    shutil.copy(finished / "recordings/mouse1.csv", tmp_path / "new.csv")
    other = Project(tmp_path)
    other.write_sheet("session\tposes\tfps\nnew\tnew.csv\t30\n")
    assert "plot_n_motifs" in other.stale_rules()
    assert "segment_motifs" not in other.stale_rules()
    other.snakemake(f"{tables}/n_motifs.csv")
    text = (other / tables / "n_motifs.csv").read_text()
    assert text == (finished / tables / "n_motifs.csv").read_text()


def test_the_table_of_tried_numbers_is_empty_if_the_number_is_set(finished_once):
    assert table(finished_once, "n_motifs").empty


def test_groups_are_compared_by_animals(finished_once):
    groups = table(finished_once, "groups")
    pairs = list(combinations(["control", "treated"], 2))
    assert groups[["group_a", "group_b"]].drop_duplicates().to_numpy().tolist() == [
        list(pair) for pair in pairs
    ]
    assert (groups[["animals_a", "animals_b"]] == 1).all(axis=None)
    assert groups["p_value"].isna().all()


def test_names_and_merges_of_motifs_are_in_every_table_and_figure(finished):
    """Motif 3 counts as motif 1, which is named walk; nothing is fitted again."""
    key = ("vame", "0", "kmeans-4")
    segmenter = finished / "results/segmenters/vame/seed0/kmeans-4.npz"
    rows = [("1", "walk", "", ""), ("3", "", "1", "a fast walk")]
    lines = [
        ("# segmenter", *key, digest_of(segmenter)),
        ("model", "seed", "segmentation", "motif", "name", "merged_into", "note"),
        *((*key, *row) for row in rows),
    ]
    (finished / "config/names.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    before = read_motifs(finished / "results/motifs/vame/seed0/kmeans-4/mouse1.csv")
    finished.write_config(motif_names="config/names.tsv")
    printed = finished.snakemake()
    assert "rule segment_motifs" not in printed
    after = read_motifs(finished / "results/motifs/vame/seed0/kmeans-4/mouse1.csv")
    np.testing.assert_array_equal(after, np.where(before == 3, 1, before))
    tables = finished / "results/motif_tables/vame/seed0/kmeans-4"
    usage = pd.read_csv(tables / "usage.csv", keep_default_na=False)
    assert set(zip(usage["motif"], usage["name"], strict=True)) == {(0, ""), (1, "walk"), (2, "")}
    figures = finished / "results/figures/vame/seed0/kmeans-4"
    for name in ("ethograms/mouse1.svg", "poses.svg", "communities.svg"):
        assert "walk" in (figures / name).read_text(), name
    assert '"walk"' in (finished / "results/explorer/vame/seed0/kmeans-4.html").read_text()

    (finished / "config/names.tsv").write_text(
        "".join("\t".join(line) + "\n" for line in [(*lines[0][:4], "0" * 12), *lines[1:]])
    )
    printed = finished.snakemake(check=False)
    assert (
        "config/names.tsv: the names of kmeans-4 of model vame, seed 0 belong to another" in printed
    )
