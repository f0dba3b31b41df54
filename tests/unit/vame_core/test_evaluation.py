"""Held-out metrics have the values that were computed by hand."""

import pytest
import torch
from formats.dataset import locate
from tiny_models import make_config, make_frames, make_model, make_windows
from vame_core.evaluation import (
    errors_of_windows,
    example_reconstructions,
    fit_linear_baseline,
    held_out_metrics,
)
from vame_core.windows import Windows

# Windows have two frames and one future frame of one feature; a session has 10 rows.
SHORT = {"time_window": 2, "prediction_steps": 1, "zdims": 1, "kmeans_loss": 1}


def make_description(*, sessions, rows=10, n_features=1, mean=0.0, std=1.0):
    return {
        "segments": [
            {"session": name, "side": "test", "start": rows * i, "stop": rows * (i + 1)}
            | {"first_frame": 100 * (i + 1)}
            for i, name in enumerate(sessions)
        ],
        "features": [f"x{i}" for i in range(n_features)],
        "scaling": {"mean": [mean] * n_features, "std": [std] * n_features},
        "scalars": [],
        "units": dict.fromkeys(sessions, 1.0),
        "fps": dict.fromkeys(sessions, 30.0),
    }


def windows_of(values, length, rows=10):
    frames = torch.tensor(values, dtype=torch.float32).reshape(-1, 1)
    segments = [(start, start + rows) for start in range(0, len(frames), rows)]
    return Windows(frames, segments, length)


def constant_model(value, **changes):
    """Return a model that reconstructs and predicts `value` for any input."""
    model = make_model(n_features=1, **changes).eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        for name, weights in model.named_parameters():
            if name.endswith("hidden_to_output.bias"):
                weights.fill_(value)
    return model


def metrics_of(values, *, prediction=1.0, sessions=("a", "b"), held_out_windows=1000, **changes):
    config = make_config(**{**SHORT, "held_out_windows": held_out_windows, **changes})
    held_out = windows_of(values, config.window_length)
    return held_out_metrics(
        constant_model(prediction, **{**SHORT, **changes}),
        held_out,
        held_out,
        make_description(sessions=sessions),
        config,
    )


class TestMetrics:
    def test_errors_are_means_over_windows_and_elements(self):
        """Session a is 1 in all frames and b is 3; a prediction of 1 has errors of 0 and 4."""
        metrics, _ = metrics_of([1.0] * 10 + [3.0] * 10)
        assert metrics["reconstruction"] == pytest.approx(2)
        assert metrics["future"] == pytest.approx(2)

    def test_r2_is_one_minus_the_error_over_the_variance(self):
        """The values 1 and 3 have a variance of 1, so an error of 2 is an R² of -1."""
        metrics, _ = metrics_of([1.0] * 10 + [3.0] * 10)
        assert metrics["r2_reconstruction"] == pytest.approx(-1)
        assert metrics["r2_future"] == pytest.approx(-1)

    def test_predicting_the_mean_has_an_r2_of_zero(self):
        metrics, _ = metrics_of([1.0] * 10 + [3.0] * 10, prediction=2.0)
        assert metrics["r2_reconstruction"] == pytest.approx(0, abs=1e-6)

    def test_repeating_the_last_frame_has_the_error_of_the_movement(self):
        """On a ramp, the next two frames are 1 and 2 away: the error is (1 + 4) / 2."""
        metrics, _ = metrics_of(range(20), prediction_steps=2)
        assert metrics["hold_last_frame"] == pytest.approx(2.5)

    def test_repeating_the_last_frame_is_exact_without_movement(self):
        metrics, _ = metrics_of([1.0] * 10 + [3.0] * 10)
        assert metrics["hold_last_frame"] == 0
        assert metrics["r2_hold_last_frame"] == 1

    def test_each_session_has_its_own_row(self):
        _, rows = metrics_of([1.0] * 10 + [3.0] * 10)
        assert [(row["session"], row["windows"]) for row in rows] == [("a", 8), ("b", 8)]
        assert [row["reconstruction"] for row in rows] == pytest.approx([0, 4])
        assert [row["future"] for row in rows] == pytest.approx([0, 4])

    def test_rows_weighted_by_their_windows_give_the_overall_metrics(self):
        metrics, rows = metrics_of(
            torch.randn(30, generator=torch.Generator().manual_seed(0)).tolist(),
            sessions=("a", "b", "c"),
            held_out_windows=11,
        )
        assert metrics["held_out_windows"] == sum(row["windows"] for row in rows) == 11
        assert metrics["held_out_sessions"] == 3
        for name in ("reconstruction", "future", "hold_last_frame", "pca_future"):
            weighted = sum(row["windows"] * row[name] for row in rows) / 11
            assert metrics[name] == pytest.approx(weighted), name

    def test_two_segments_of_a_session_are_one_row(self):
        _, rows = metrics_of([1.0] * 10 + [3.0] * 10, sessions=("a", "a"))
        assert [(row["session"], row["windows"]) for row in rows] == [("a", 16)]
        assert rows[0]["reconstruction"] == pytest.approx(2)

    def test_without_future_decoder_there_are_no_metrics_of_the_future(self):
        metrics, rows = metrics_of([1.0] * 10 + [3.0] * 10, prediction_decoder=False)
        assert metrics["reconstruction"] == pytest.approx(2)
        future = ("future", "r2_future", "hold_last_frame", "r2_hold_last_frame", "pca_future")
        assert {metrics[name] for name in (*future, "r2_pca_future")} == {None}
        assert {rows[0][name] for name in ("future", "hold_last_frame", "pca_future")} == {None}
        assert metrics["prediction_steps"] is None

    def test_metrics_name_the_frames_of_their_errors(self):
        metrics, _ = metrics_of([1.0] * 10 + [3.0] * 10, prediction_steps=2)
        assert [metrics[name] for name in ("time_window", "prediction_steps", "zdims")] == [2, 2, 1]

    def test_a_constant_latent_is_not_active(self):
        metrics, _ = metrics_of([1.0] * 10 + [3.0] * 10)
        assert metrics["active_latents"] == 0
        assert metrics["kl_nats_per_window"] == 0  # mean 0 and variance 1 are those of the prior


class TestLinearBaseline:
    # Each segment is one window of two frames; the first frame has variance 2, the second 0.5.
    # The future frame is 3 times the first plus the second.
    WINDOWS = ((2.0, 0.0, 6.0), (-2.0, 0.0, -6.0), (0.0, 1.0, 1.0), (0.0, -1.0, -1.0))

    def fitted(self, **changes):
        windows = windows_of([value for row in self.WINDOWS for value in row], length=3, rows=3)
        network = make_config(**{**SHORT, **changes}).network
        return fit_linear_baseline(windows, network), windows, network

    def test_the_first_component_has_the_largest_variance(self):
        baseline, _, _ = self.fitted(zdims=1)
        assert baseline.components.abs().tolist() == [pytest.approx([1, 0], abs=1e-6)]

    def test_the_error_is_the_variance_of_the_other_component(self):
        """Two of four windows have an error of 1 in one of two frames: 0.25."""
        baseline, windows, network = self.fitted(zdims=1)
        model = constant_model(0.0, **SHORT)
        errors = errors_of_windows(model, [windows.take(torch.arange(4))], baseline, network)
        assert errors["pca_reconstruction"].tolist() == pytest.approx([0, 0, 0.5, 0.5], abs=1e-6)

    def test_the_future_is_predicted_by_least_squares(self):
        """The first frame alone predicts 3 times its value; the second frame is missed."""
        baseline, windows, network = self.fitted(zdims=1)
        model = constant_model(0.0, **SHORT)
        errors = errors_of_windows(model, [windows.take(torch.arange(4))], baseline, network)
        assert errors["pca_future"].tolist() == pytest.approx([0, 0, 1, 1], abs=1e-5)

    @pytest.mark.parametrize("zdims", [2, 30])
    def test_as_many_components_as_elements_have_no_error(self, zdims):
        baseline, windows, _ = self.fitted(zdims=zdims)
        batch = windows.take(torch.arange(4))
        reconstruction, future = baseline(batch[:, :2], 1)
        torch.testing.assert_close(reconstruction, batch[:, :2])
        torch.testing.assert_close(future, batch[:, 2:])

    def test_a_direction_without_variance_is_ignored(self):
        windows = windows_of([1.0, 1.0, 1.0, 3.0, 3.0, 3.0], length=3, rows=3)
        network = make_config(**{**SHORT, "zdims": 2}).network
        baseline = fit_linear_baseline(windows, network)
        _, future = baseline(torch.tensor([[[1.0], [1.0]], [[3.0], [3.0]]]), 1)
        torch.testing.assert_close(future.flatten(), torch.tensor([1.0, 3.0]))

    def test_the_mean_is_not_a_component(self):
        baseline, windows, _ = self.fitted(zdims=1)
        shifted = Windows(windows.frames + 50, [(3 * i, 3 * i + 3) for i in range(4)], 3)
        moved = fit_linear_baseline(shifted, make_config(**SHORT).network)
        torch.testing.assert_close(moved.components.abs(), baseline.components.abs())
        torch.testing.assert_close(moved.mean, baseline.mean + 50)

    def test_a_sine_has_two_components_and_a_future(self):
        """All windows of a sine are in the plane of its sine and cosine."""
        frames = (torch.arange(400) * 0.6).sin().unsqueeze(1)
        windows = Windows(frames, [(0, 400)], 12)
        network = make_config(zdims=2).network
        batch = windows.take(torch.arange(50))
        reconstruction, future = fit_linear_baseline(windows, network)(batch[:, :8], 4)
        torch.testing.assert_close(reconstruction, batch[:, :8], atol=1e-5, rtol=0)
        torch.testing.assert_close(future, batch[:, 8:], atol=1e-5, rtol=0)

    def test_the_error_agrees_with_the_singular_values_of_the_windows(self):
        """The squared error is the sum of the other squared singular values (Eckart & Young)."""
        windows = make_windows(frames=80, length=12)
        network = make_config(zdims=5).network
        batch = windows.take(torch.arange(len(windows)))
        reconstruction, _ = fit_linear_baseline(windows, network)(batch[:, :8], 4)
        rows = batch[:, :8].flatten(1).double()
        left_out = torch.linalg.svdvals(rows - rows.mean(dim=0))[5:].square().sum()
        assert float((reconstruction - batch[:, :8]).square().sum()) == pytest.approx(
            float(left_out), rel=1e-4
        )


class TestExamples:
    def test_examples_are_in_the_recordings_units(self):
        model = make_model().eval()
        held_out = Windows(make_frames(frames=40), [(0, 20), (20, 40)], 12)
        description = make_description(
            sessions=("a", "b"), rows=20, n_features=3, mean=100.0, std=10.0
        )
        description["scalars"], description["units"]["b"] = ["x2"], 4.0
        examples = example_reconstructions(model, held_out, description, 2)
        frames = held_out.frames.numpy()
        assert examples["truth"].shape == (2, 12, 3)
        in_units = (frames[20:32] * 10 + 100) * [4, 4, 1]  # an extra feature has its own unit
        assert examples["truth"][1] == pytest.approx(in_units, rel=1e-5)
        assert examples["truth"][0] == pytest.approx(frames[:12] * 10 + 100, rel=1e-5)
        assert examples["reconstruction"].shape == (2, 8, 3)
        assert examples["future"].shape == (2, 4, 3)
        expected = model(torch.from_numpy(frames[:8])[None]).reconstruction * 10 + 100
        assert examples["reconstruction"][0] == pytest.approx(
            expected[0].detach().numpy(), rel=1e-4
        )

    def test_examples_have_session_and_frame(self):
        held_out = Windows(make_frames(frames=40), [(0, 20), (20, 40)], 12)
        description = make_description(sessions=("a", "b"), rows=20, n_features=3)
        examples = example_reconstructions(make_model().eval(), held_out, description, 2)
        assert examples["session"].tolist() == ["a", "b"]
        assert examples["first_frame"].tolist() == [100, 200]

    @pytest.mark.parametrize(
        ("row", "place"), [(0, ("a", 100)), (9, ("a", 109)), (10, ("b", 200)), (13, ("b", 203))]
    )
    def test_a_row_is_a_frame_of_its_recording(self, row, place):
        assert locate(row, make_description(sessions=("a", "b")), "test") == place


def test_evaluation_changes_no_weight():
    model = make_model().eval()
    before = [weights.clone() for weights in model.parameters()]
    windows = make_windows()
    description = make_description(sessions=("a",), rows=200, n_features=3)
    held_out_metrics(model, windows, windows, description, make_config())
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
