"""A whole run writes all its results, and has nothing to do afterwards."""

import csv
import hashlib
import json
import re

import numpy as np
import onnxruntime
import pytest
import torch
from projects import ROOT
from vame_core.checkpoint import load_model

MODEL = "results/models/vame/seed0"
EXPORT = "results/export/vame/seed0"


@pytest.fixture(scope="module")
def description(finished_once):
    return json.loads((finished_once / "results/dataset/dataset.json").read_text())


def test_a_finished_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.snakemake()


def test_segments_are_the_recording_scaled(finished_once, description):
    """The unscaled rows of each segment are the aligned frames that the description names."""
    mean, std = (np.array(description["scaling"][key]) for key in ("mean", "std"))
    for segment in description["segments"]:
        aligned = np.load(finished_once / f"results/aligned/{segment['session']}.npz")
        rows = np.load(finished_once / f"results/dataset/{segment['side']}.npy")
        rows = rows[segment["start"] : segment["stop"]]
        frames = slice(segment["first_frame"], segment["first_frame"] + len(rows))
        assert aligned["usable"][frames].all()
        np.testing.assert_allclose(rows * std + mean, aligned["poses"][frames], atol=1e-3)


def test_scaling_is_learnt_on_training_frames_alone(finished_once, description):
    train = np.load(finished_once / "results/dataset/train.npy")
    scalar = np.isin(description["features"], description["scalars"])
    np.testing.assert_allclose(train.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(train.var(axis=0)[scalar], 1, atol=1e-4)
    assert train.var(axis=0)[~scalar].mean() == pytest.approx(1, abs=1e-4)
    assert len(set(np.array(description["scaling"]["std"])[~scalar])) == 1


def test_history_has_one_row_per_epoch(finished_once):
    with open(finished_once / MODEL / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert [float(row["kl_weight"]) for row in rows] == [0, 1, 1, 1]
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0
    terms = ("loss", "reconstruction", "future", "kl", "cluster")
    assert list(rows[0])[:14] == [
        *("epoch", "seconds", "kl_weight", "learning_rate"),
        *(f"{side}_{term}" for side in ("train", "test") for term in terms),
    ]


def test_the_model_is_the_best_annealed_epoch(finished_once):
    with open(finished_once / MODEL / "history.csv") as file:
        rows = [row for row in csv.DictReader(file) if float(row["kl_weight"]) > 0.99]
    best = min(rows, key=lambda row: float(row["test_loss"]))
    checkpoint = torch.load(finished_once / MODEL / "model.pt", weights_only=True)
    assert checkpoint["epoch"] == int(best["epoch"])
    metrics = json.loads((finished_once / MODEL / "metrics.json").read_text())
    assert metrics["epoch"] == checkpoint["epoch"]
    assert metrics["reconstruction"] == pytest.approx(float(best["test_reconstruction"]), rel=1e-5)
    assert torch.load(finished_once / MODEL / "last.pt", weights_only=True)["epoch"] == 4


def test_snapshots_are_kept(finished_once):
    snapshots = sorted(path.name for path in (finished_once / MODEL / "snapshots").iterdir())
    assert snapshots == ["epoch2.pt", "epoch4.pt"]


def test_the_checkpoint_knows_its_features_and_scaling(finished_once, description):
    _, config, checkpoint = load_model(finished_once / MODEL / "model.pt", torch.device("cpu"))
    assert checkpoint["features"] == description["features"]
    assert checkpoint["scaling"] == description["scaling"]
    assert config.network.time_window == 8


def test_latents_are_those_of_the_windows_that_evaluation_used(finished_once, description):
    """Dataset and embedding prepare the aligned poses for the encoder with different code."""
    model, _, _ = load_model(finished_once / MODEL / "model.pt", torch.device("cpu"))
    test = torch.from_numpy(np.load(finished_once / "results/dataset/test.npy"))
    for segment in description["segments"]:
        if segment["side"] == "test":
            folder = finished_once / "results/latents/vame/seed0"
            latents = np.load(folder / f"{segment['session']}.npy")
            windows = test[segment["start"] : segment["stop"]].unfold(0, 8, 1).transpose(1, 2)
            with torch.inference_mode():
                mu, _ = model.encode(windows)
            first = segment["first_frame"]
            np.testing.assert_allclose(latents[first : first + len(mu)], mu.numpy(), atol=1e-5)


def test_latents_are_finite_where_all_frames_of_the_window_are_usable(finished_once):
    for session in ("mouse1", "mouse2"):
        usable = np.load(finished_once / f"results/aligned/{session}.npz")["usable"]
        latents = np.load(finished_once / f"results/latents/bare/seed0/{session}.npy")
        inside = np.lib.stride_tricks.sliding_window_view(usable, 8).all(axis=1)
        np.testing.assert_array_equal(np.isfinite(latents).all(axis=1), inside)


def test_the_exported_model_scales_pixels_as_the_training_did(finished_once, description):
    """The export of aligned poses has the error on held-out windows that evaluation measured."""
    network = onnxruntime.InferenceSession(finished_once / EXPORT / "model.onnx")
    std = np.array(description["scaling"]["std"])
    errors = []
    for segment in description["segments"]:
        if segment["side"] == "train":
            continue
        aligned = np.load(finished_once / f"results/aligned/{segment['session']}.npz")["poses"]
        first = segment["first_frame"]
        frames = aligned[first : first + segment["stop"] - segment["start"]]
        windows = np.lib.stride_tricks.sliding_window_view(frames, 12, axis=0)  # 8 and 4 after
        windows = np.ascontiguousarray(windows.transpose(0, 2, 1)[:, :8])
        (again,) = network.run(["reconstruction"], {"poses": windows})
        errors.append(((again - windows) / std) ** 2)
    metrics = json.loads((finished_once / MODEL / "metrics.json").read_text())
    assert np.concatenate(errors).mean() == pytest.approx(metrics["reconstruction"], rel=1e-4)


def test_the_manifest_names_the_inputs_of_the_export(finished_once):
    manifest = json.loads((finished_once / EXPORT / "manifest.json").read_text())

    def sha256(path):
        return hashlib.sha256((finished_once / path).read_bytes()).hexdigest()

    for name in ("vame.pkl", "model.safetensors", "model.onnx"):
        assert manifest["outputs"][name] == sha256(f"{EXPORT}/{name}")
    assert manifest["inputs"]["model.pt"] == sha256(f"{MODEL}/model.pt")
    assert manifest["inputs"]["dataset.json"] == sha256("results/dataset/dataset.json")
    assert manifest["inputs"]["train.npy"] == sha256("results/dataset/train.npy")
    assert manifest["onnx_largest_difference"] < 1e-4
    assert manifest["settings"]["zdims"] == 3
    assert manifest["seed"] == 0


def test_without_a_future_decoder_there_is_no_future(finished_once):
    folder = finished_once / "results/models/bare/seed0"
    with open(folder / "history.csv") as file:
        rows = list(csv.DictReader(file))
    assert {row["train_future"] + row["test_future"] for row in rows} == {""}
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["future"] is None
    assert metrics["r2_reconstruction"] < 1
    assert np.load(folder / "reconstructions.npz")["future"].shape[1] == 0


def test_a_model_that_was_never_annealed_is_its_last_epoch_with_the_reason(finished_once):
    checkpoint = torch.load(finished_once / "results/models/bare/seed0/model.pt", weights_only=True)
    assert checkpoint["epoch"] == 4
    assert "never exceeded 0.99" in checkpoint["selection"]


def test_every_job_has_a_log(finished_once):
    rules = {path.name for path in (finished_once / "logs").iterdir()}
    assert rules == {
        *("import_poses", "align_poses", "split_dataset", "train_model"),
        *("evaluate_model", "export_checkpoint", "plot_losses", "plot_reconstructions"),
        *(
            "embed_session",
            "segment_motifs",
            "label_motifs",
            "map_latents",
            "tabulate_motifs",
            "compare_seeds",
            "judge_motifs",
        ),
        *("compare_models", "choose_model", "plot_comparison", "write_manifest"),
        "write_model_card",
        *("inspect_poses", "check_poses", "plot_quality"),
        *("plot_motifs", "plot_ethogram", "film_motifs", "explore_motifs", "write_summary"),
    }
    log = (finished_once / "logs/train_model/vame/seed0.log").read_text()
    assert "trained for 4 of 4 epochs" in log


def test_every_recording_is_inspected_before_training(finished_once):
    folder = finished_once / "results/quality"
    with open(folder.with_suffix(".csv")) as file:
        rows = {row["session"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["mouse1", "mouse2"]
    assert {row["leave_out_because"] for row in rows.values()} == {""}
    for name in rows:
        assert (folder / f"{name}.svg").read_bytes().startswith(b"<?xml")
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (folder / f"{name}.csv").read_text().startswith("keypoint,missing_share,")


def test_figures_are_drawn(finished_once):
    for name in ("losses", "reconstructions"):
        for suffix, magic in (("svg", b"<?xml"), ("png", b"\x89PNG")):
            path = finished_once / f"results/figures/vame/seed0/{name}.{suffix}"
            assert path.read_bytes().startswith(magic)


def test_the_graph_of_rules_in_the_docs_is_complete(finished_once):
    page = (ROOT / "docs/development.md").read_text()
    drawn = {
        (before, after)
        for line in re.findall(r"^    (\w+ --> .*)$", page, re.MULTILINE)
        for before in [line.split(" --> ")[0]]
        for after in line.split(" --> ")[1].split(" & ")
        if before != "simulate_demo"  # only the demo has it
    }
    graph = finished_once.quick("--rulegraph", "mermaid-js")
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", graph))
    arrows = re.findall(r"(id\d+) --> (id\d+)", graph)
    rules = {(names[before], names[after]) for before, after in arrows}
    assert {pair for pair in rules if pair[1] != "all"} == drawn
