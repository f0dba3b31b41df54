"""How a finished run compares its models, and which one it chooses."""

import csv
import json

import pytest

MODELS = ("vame", "bare")


def read(finished, path):
    with open(finished / path, newline="") as file:
        return list(csv.DictReader(file))


def read_json(finished, path):
    return json.loads((finished / path).read_text())


def test_the_table_has_a_row_per_training_with_its_own_numbers(finished_once):
    rows = read(finished_once, "results/comparison.csv")
    assert [(row["model"], row["seed"]) for row in rows] == [("vame", "0"), ("bare", "0")]
    for row in rows:
        folder = f"results/models/{row['model']}/seed0"
        metrics = read_json(finished_once, f"{folder}/metrics.json")
        history = read(finished_once, f"{folder}/history.csv")
        seconds = float(history[-1]["seconds"])
        assert float(row["training_seconds"]) == pytest.approx(seconds, rel=1e-4)
        for name in ("reconstruction", "r2_pca_reconstruction", "active_latents"):
            assert float(row[name]) == pytest.approx(metrics[name], rel=1e-4)
        tables = f"results/motif_tables/{row['model']}/seed0/kmeans-4"
        findings = read_json(finished_once, f"{tables}/quality.json")["findings"]
        (bouts,) = (each["value"] for each in findings if each["name"] == "bout_seconds")
        assert float(row["bout_seconds"]) == pytest.approx(bouts, rel=1e-4)
        assert row["motifs"] == "kmeans-4"


def test_the_table_names_the_frames_of_each_error(finished_once):
    vame, bare = read(finished_once, "results/comparison.csv")
    assert vame["reconstruction_over"] == bare["reconstruction_over"] == "frames 1-8"
    assert (vame["future_over"], bare["future_over"]) == ("frames 9-12", "")
    assert (bare["future"], bare["hold_last_frame"]) == ("", "")
    assert vame["held_out_sessions"] == "2"


@pytest.mark.parametrize("model", MODELS)
def test_sessions_weighted_by_their_windows_give_the_overall_metrics(finished_once, model):
    metrics = read_json(finished_once, f"results/models/{model}/seed0/metrics.json")
    rows = [
        row
        for row in read(finished_once, "results/comparison_sessions.csv")
        if row["model"] == model
    ]
    assert [row["session"] for row in rows] == ["mouse1", "mouse2"]
    windows = [int(row["windows"]) for row in rows]
    assert sum(windows) == metrics["held_out_windows"]
    errors = [float(row["reconstruction"]) for row in rows]
    mean = sum(n * e for n, e in zip(windows, errors, strict=True)) / sum(windows)
    assert mean == pytest.approx(metrics["reconstruction"], rel=1e-4)


def test_two_held_out_sessions_do_not_decide_which_model_is_better(finished_once):
    (pair,) = read(finished_once, "results/comparison_pairs.csv")
    assert (pair["measure"], pair["model"], pair["other"]) == ("reconstruction", "vame", "bare")
    assert pair["note"] == "no interval: 2 held-out sessions, at least 6 are needed"
    assert (pair["low"], pair["high"], pair["better"]) == ("", "", "")
    rows = read(finished_once, "results/comparison.csv")
    assert {row["best_of_all_in"] for row in rows} == {""}


def test_best_is_the_export_of_the_chosen_model_with_the_reason(finished_once):
    choice = read_json(finished_once, "results/best/choice.json")
    rows = read(finished_once, "results/comparison.csv")
    best = max(rows, key=lambda row: float(row["r2_reconstruction"]))
    assert (choice["model"], choice["seed"]) == (best["model"], 0)
    assert "this difference is not certain" in choice["because"]
    for name in ("vame.pkl", "model.safetensors", "model.onnx", "manifest.json", "README.md"):
        export = finished_once / f"results/export/{choice['model']}/seed0/{name}"
        assert (finished_once / "results/best" / name).read_bytes() == export.read_bytes()


def test_a_model_that_is_removed_is_no_longer_compared(finished):
    finished.write_config(models={"vame": {}})
    after = {"compare_models", "choose_model", "plot_comparison"}
    after |= {"write_summary", "write_manifest"}
    assert finished.stale_rules() == after
    finished.snakemake()
    assert [row["model"] for row in read(finished, "results/comparison.csv")] == ["vame"]
    choice = read_json(finished, "results/best/choice.json")
    assert (choice["model"], choice["because"]) == ("vame", "it is the only model")
