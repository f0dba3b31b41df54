import copy
import math
import os
import shutil
import subprocess
import sys

import pytest
import torch
from tiny_models import ROOT, make_batch, make_config, make_frames, make_model, make_windows
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from vame_core import training
from vame_core.losses import Terms
from vame_core.model import Outputs
from vame_core.steps import MEASURED, Evaluation, evaluate, split_window, train_step
from vame_core.training import (
    MOST_BACKOFFS,
    Backoff,
    Epoch,
    NonFiniteError,
    fit,
    start_training,
    steps_in_epoch,
)
from vame_core.windows import Windows

COLUMNS = [
    *("epoch", "seconds", "kl_weight", "learning_rate"),
    *("train_loss", "train_reconstruction", "train_future", "train_kl", "train_cluster"),
    *("test_loss", "test_reconstruction", "test_future", "test_kl", "test_cluster"),
    *("test_active_latents", "test_posterior_variance", "gradient_norm", "backoffs"),
]


def start(config, *, seed=0):
    """Return a state and the windows of both splits."""
    length, frames = config.window_length, make_frames(frames=200)
    train = Windows(frames[:150], [(0, 150)], length)
    held_out = Windows(frames[160:], [(0, 40)], length)
    model = make_model(seed=seed, **config.as_settings())
    state = start_training(model, config, train, torch.Generator().manual_seed(seed))
    return state, train, held_out


def run(config, **start_with):
    """Return the state after training, and its epochs."""
    state, train, held_out = start(config, **start_with)
    return state, [epoch for epoch in fit(state, train, held_out, config) if epoch]


def weights_of(state):
    return {name: value.clone() for name, value in state.model.state_dict().items()}


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


@pytest.fixture
def held_out_losses(monkeypatch):
    """Replace evaluation and training steps: held-out losses are those of a list."""

    def script(losses):
        values = iter(losses)

        def evaluation(model, batches, **_):
            return Evaluation(Terms(next(values), 0.0, 0.0, 0.0), 0, 1.0)

        monkeypatch.setattr(training, "evaluate", evaluation)
        monkeypatch.setattr(training, "train_step", step)

    def step(model, windows, optimizer, weights, **_):
        optimizer.step()
        return torch.zeros(5)

    return script


def scripted(held_out_losses, losses, **changes):
    """Train on a list of held-out losses, with weight on the reconstruction only."""
    held_out_losses(losses)
    return run(
        make_config(
            **{"mse_reconstruction_reduction": "mean", "steps_per_epoch": 1, "max_epochs": 20}
            | changes
        )
    )


# --- a step ---------------------------------------------------------------------------------------


class Recorder(nn.Module):
    """A model that reconstructs its input plus a learned shift, and records its inputs."""

    def __init__(self, future_steps=4):
        super().__init__()
        self.shift = nn.Parameter(torch.zeros(()))
        self.future_steps = future_steps
        self.given = []

    def forward(self, windows, generator=None):
        self.given.append(windows)
        future = windows[:, : self.future_steps] + self.shift
        latents = windows.mean(dim=1)
        return Outputs(windows + self.shift, future, latents, latents, torch.zeros_like(latents))


def step(model, windows, *, noise=False, seed=0, lr=0.1, weights=Terms(1.0, 0.0, 0.0, 0.0)):  # noqa: B008
    return train_step(
        model,
        windows,
        torch.optim.SGD(model.parameters(), lr=lr),
        weights,
        time_window=8,
        kmeans_loss=2,
        noise=noise,
        generator=torch.Generator().manual_seed(seed),
    )


def test_a_window_has_the_encoded_frames_and_the_next_ones():
    windows = make_batch(time=12)
    target, future = split_window(windows, 8)
    assert torch.equal(target, windows[:, :8])
    assert torch.equal(future, windows[:, 8:])


def test_the_model_gets_only_the_encoded_frames():
    model, windows = Recorder(), make_batch(time=12)
    step(model, windows)
    assert torch.equal(model.given[0], windows[:, :8])


def test_noise_is_added_to_the_input_and_not_to_the_target():
    model, windows = Recorder(), make_batch(time=12)
    terms = step(model, windows, noise=True)
    noise = model.given[0] - windows[:, :8]
    assert noise.abs().min() > 0
    # The noisy input is reconstructed, so the error is the noise.
    assert terms[0].item() == pytest.approx(noise.square().mean().item(), rel=1e-5)


def test_a_step_returns_the_terms_before_it_and_the_norm_of_the_gradient():
    model = Recorder()
    model.shift.data.fill_(2.0)
    terms = step(model, torch.zeros(5, 12, 3))
    assert terms.tolist() == pytest.approx([4, 4, 0, 0, 4])  # d shift² / d shift = 2 · 2
    assert not terms.requires_grad


def test_a_step_follows_the_weighted_gradient():
    model = Recorder()
    model.shift.data.fill_(2.0)
    step(model, torch.zeros(5, 12, 3), lr=0.1, weights=Terms(3.0, 0.0, 0.0, 0.0))
    # d 3 s² / ds = 6 s = 12
    assert model.shift.item() == pytest.approx(2 - 0.1 * 12)


def test_a_step_removes_older_gradients_and_trains():
    model, windows = make_model().eval(), make_batch(time=12)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e6)
    step(model, windows, lr=1e-3)
    assert model.training
    assert max(p.abs().max() for p in model.parameters()) < 10


def test_a_step_depends_only_on_the_generator():
    after = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.get_rng_state()
        model = make_model()
        step(model, make_batch(time=12), noise=True)
        assert torch.equal(torch.get_rng_state(), before)
        after.append(model.state_dict())
    assert_same_weights(*after)


# --- evaluation -----------------------------------------------------------------------------------


def evaluation_of(model, windows, size):
    return evaluate(model, iter(windows.split(size)), time_window=8, kmeans_loss=2)


@pytest.mark.parametrize("size", [1, 4, 7])
def test_an_evaluation_does_not_depend_on_the_batch_size(size):
    model, windows = make_model(), make_batch(batch=10, time=12)
    whole, parts = evaluation_of(model, windows, 10), evaluation_of(model, windows, size)
    assert parts.terms[:3] == pytest.approx(whole.terms[:3], rel=1e-5)
    assert parts.active_latents == whole.active_latents
    assert parts.posterior_variance == pytest.approx(whole.posterior_variance, rel=1e-5)


def test_an_evaluation_uses_the_posterior_mean_and_changes_nothing():
    model, windows = make_model().train(), make_batch(time=12)
    weights, before = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    terms = [evaluation_of(model, windows, 6).terms for _ in range(2)]
    outputs = model.eval()(windows[:, :8])
    error = (outputs.reconstruction - windows[:, :8]).square().mean().item()
    assert terms[0] == terms[1]
    assert terms[0].reconstruction == pytest.approx(error)
    assert_same_weights(model.state_dict(), weights)
    assert torch.equal(torch.get_rng_state(), before)


class Posterior(nn.Module):
    """A model whose input is its posterior: means in frame 0, variances in frame 1."""

    def forward(self, windows):
        mu, variance = windows[:, 0], windows[:, 1]
        return Outputs(windows, windows[:, :4], mu, mu, variance.log())


def test_active_latents_are_those_with_varying_means():
    windows = torch.ones(100, 12, 4)
    sign = torch.tensor([1.0, -1.0]).repeat(50)
    # Variances over windows are 1, 0.04, 0.0025 and 0; the threshold is 0.01.
    windows[:, 0] = torch.stack([sign, 0.2 * sign, 0.05 * sign, 7 + 0 * sign], dim=1)
    assert evaluation_of(Posterior(), windows, 30).active_latents == 2


def test_posterior_variance_is_the_mean_of_variances():
    windows = torch.ones(4, 12, 3)
    windows[:2, 1] = 3.0
    assert evaluation_of(Posterior(), windows, 3).posterior_variance == pytest.approx(2)


def test_the_prior_has_a_variance_of_one_and_no_divergence():
    windows = torch.ones(4, 12, 3)
    windows[:, 0] = 0.0
    evaluation = evaluation_of(Posterior(), windows, 4)
    assert (evaluation.posterior_variance, evaluation.terms.kl) == pytest.approx((1, 0))
    assert evaluation.active_latents == 0


# --- epochs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("frames", "steps"), [(100, 12), (15, 1), (13, 1)])
def test_an_epoch_has_as_many_windows_as_there_are_frames(frames, steps):
    config = make_config(steps_per_epoch=None, batch_size=8)
    assert steps_in_epoch(config.training, make_windows(frames=frames)) == steps


def test_an_epoch_has_at_least_one_step():
    config = make_config(steps_per_epoch=None, batch_size=1000)
    assert steps_in_epoch(config.training, make_windows(frames=20)) == 1


def test_steps_per_epoch_are_those_of_the_setting():
    assert steps_in_epoch(make_config(steps_per_epoch=7).training, make_windows()) == 7


def test_every_step_and_every_epoch_is_yielded():
    config = make_config(max_epochs=3, steps_per_epoch=2)
    yielded = [epoch and epoch.epoch for epoch in fit(*start(config), config)]
    assert yielded == [None, None, 1, None, None, 2, None, None, 3]


def test_rows_have_the_columns_of_the_history():
    state, epochs = run(make_config(max_epochs=3))
    rows = [epoch.row() for epoch in epochs]
    assert [list(row) for row in rows] == [COLUMNS] * 3
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert state.epoch == 3
    assert all(math.isfinite(value) for row in rows for value in row.values())


def test_seconds_are_those_of_training_so_far():
    _, epochs = run(make_config(max_epochs=3))
    seconds = [epoch.seconds for epoch in epochs]
    assert 0 < seconds[0] < seconds[1] < seconds[2]


def test_a_clock_that_jumps_back_does_not_shorten_the_time(monkeypatch):
    clock = iter(range(10**6, 0, -3600))
    monkeypatch.setattr("time.time", lambda: next(clock))
    _, epochs = run(make_config(max_epochs=3))
    seconds = [epoch.seconds for epoch in epochs]
    assert 0 < seconds[0] < seconds[1] < seconds[2] < 600


def test_time_of_the_caller_is_not_training_time(monkeypatch):
    config = make_config(max_epochs=1)
    clock = iter(range(1000))
    monkeypatch.setattr(training.time, "perf_counter", lambda: next(clock))
    state, train, held_out = start(config)
    for _ in fit(state, train, held_out, config):
        for _ in range(50):
            next(clock)  # The caller is slow.
    assert state.seconds < 50


def test_without_future_decoder_the_future_is_empty():
    _, epochs = run(make_config(prediction_decoder=False, max_epochs=1))
    row = epochs[0].row()
    assert list(row) == COLUMNS
    assert (row["train_future"], row["test_future"]) == (None, None)


def test_the_loss_of_a_row_is_the_weighted_sum_of_its_terms():
    config = make_config(annealtime=2, max_epochs=2, beta=2.0)
    _, epochs = run(config)
    for row, weight in zip((epoch.row() for epoch in epochs), (0.5, 1.0), strict=True):
        assert row["kl_weight"] == weight
        for side in ("train", "test"):
            loss = (
                8 * 8 * 3 * row[f"{side}_reconstruction"]
                + 8 * 4 * 3 * row[f"{side}_future"]
                + 2.0 * weight * row[f"{side}_kl"] / 3
                + 0.1 * weight * row[f"{side}_cluster"]
            )
            assert row[f"{side}_loss"] == pytest.approx(loss, rel=1e-5)


def test_the_terms_of_a_row_are_means_over_the_steps_of_its_epoch(monkeypatch):
    steps = iter([1.0, 3.0, 5.0, 9.0])
    monkeypatch.setattr(training, "train_step", lambda *_, **__: torch.full((5,), next(steps)))
    _, epochs = run(make_config(max_epochs=2, steps_per_epoch=2))
    assert [epoch.train for epoch in epochs] == [(2, 2, 2, 2), (7, 7, 7, 7)]


def test_the_optimizer_is_adam_with_amsgrad():
    state, _, _ = start(make_config(learning_rate=0.02))
    assert isinstance(state.optimizer, torch.optim.Adam)
    group = state.optimizer.param_groups[0]
    assert (group["amsgrad"], group["lr"], group["weight_decay"]) == (True, 0.02, 0)
    assert len(group["params"]) == len(list(state.model.parameters()))


def test_held_out_windows_are_the_same_every_epoch(monkeypatch):
    seen = []

    def keep(model, batches, **kwargs):
        seen.append(torch.cat(list(batches)))
        return evaluate(model, iter([seen[-1]]), **kwargs)

    monkeypatch.setattr(training, "evaluate", keep)
    run(make_config(max_epochs=3, held_out_windows=10))
    assert [len(windows) for windows in seen] == [10, 10, 10]
    assert torch.equal(seen[0], seen[1])
    assert torch.equal(seen[0], seen[2])


def test_training_reduces_the_loss():
    _, epochs = run(make_config(max_epochs=15, steps_per_epoch=10, learning_rate=0.02))
    assert epochs[-1].test.terms.reconstruction < 0.5 * epochs[0].test.terms.reconstruction
    assert epochs[-1].test.terms.future < 0.7 * epochs[0].test.terms.future


@pytest.mark.parametrize("noise", [False, True])
def test_the_same_seed_gives_the_same_weights_with_any_global_state(noise):
    config = make_config(max_epochs=2, noise=noise)
    states = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        states.append(run(config)[0])
    assert_same_weights(*(weights_of(state) for state in states))
    other = weights_of(run(config, seed=1)[0])
    assert not torch.equal(
        other["lmbda.hidden_to_mean.bias"], weights_of(states[0])["lmbda.hidden_to_mean.bias"]
    )


@pytest.mark.parametrize("evaluations", [1, 3])
def test_evaluating_the_model_between_steps_changes_nothing(evaluations):
    config = make_config(max_epochs=2, dropout_encoder=0.3)
    torch.manual_seed(0)
    expected = weights_of(run(config)[0])
    torch.manual_seed(0)
    state, train, held_out = start(config)
    for _ in fit(state, train, held_out, config):
        for _ in range(evaluations):
            evaluation_of(state.model, held_out.take(held_out.spread(4)), 2)
    assert_same_weights(weights_of(state), expected)


# --- which epoch is the best, and when training ends ----------------------------------------------


def test_training_ends_after_max_epochs(held_out_losses):
    state, epochs = scripted(held_out_losses, [5, 4, 3, 2, 1], max_epochs=4)
    assert [epoch.epoch for epoch in epochs] == [1, 2, 3, 4]
    assert state.epoch == 4


def test_the_best_epoch_has_the_lowest_held_out_loss(held_out_losses):
    state, epochs = scripted(held_out_losses, [5, 3, 4, 2, 6], max_epochs=5)
    assert [epoch.is_best for epoch in epochs] == [True, True, False, True, False]
    assert (state.best_epoch, state.best_score) == (4, 2)


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_an_epoch_whose_held_out_loss_is_not_a_number_is_repeated(held_out_losses, nothing):
    state, epochs = scripted(held_out_losses, [5, nothing, 3, 4], max_epochs=3)
    assert [epoch.epoch for epoch in epochs if isinstance(epoch, Epoch)] == [1, 2, 3]
    assert (state.best_epoch, state.best_score, state.backoffs) == (2, 3, 1)


def test_no_epoch_is_the_best_before_annealing_is_finished(held_out_losses):
    # Weights 0, 0, 1/2, 1.
    losses = [1, 1, 1, 9, 8]
    state, epochs = scripted(held_out_losses, losses, kl_start=2, annealtime=2, max_epochs=5)
    assert [epoch.kl_weight for epoch in epochs] == [0, 0, 0.5, 1, 1]
    assert [epoch.is_best for epoch in epochs] == [False, False, False, True, True]
    assert (state.best_epoch, state.best_score) == (5, 8)


def test_without_finished_annealing_there_is_no_best_epoch(held_out_losses):
    state, epochs = scripted(
        held_out_losses, [3, 2, 1, 1], annealtime=100, max_epochs=4, model_convergence=1
    )
    assert len(epochs) == 4
    assert (state.best_epoch, state.epochs_without_gain) == (None, 0)


@pytest.mark.parametrize("patience", [1, 3])
def test_training_ends_after_more_than_model_convergence_epochs_without_improvement(
    held_out_losses, patience
):
    state, epochs = scripted(held_out_losses, [2, 1] + [3] * 18, model_convergence=patience)
    assert len(epochs) == 2 + patience + 1
    assert (state.best_epoch, state.epochs_without_gain) == (2, patience + 1)


def test_an_improvement_renews_patience(held_out_losses):
    losses = [5, 6, 6, 4, 6, 6, 6, 6]
    _, epochs = scripted(held_out_losses, losses, model_convergence=2)
    assert len(epochs) == 7


def test_patience_is_not_counted_before_annealing_is_finished(held_out_losses):
    # It is annealed from epoch 8 on; 7 epochs without improvement before it are not counted.
    losses = [1] * 7 + [5, 6, 6, 6, 6]
    state, epochs = scripted(held_out_losses, losses, annealtime=8, model_convergence=2)
    assert state.best_epoch == 8
    assert len(epochs) == 11


def test_a_finished_state_is_not_trained_further(held_out_losses):
    state, _ = scripted(held_out_losses, [5, 4, 3], max_epochs=2)
    windows = make_windows()
    assert list(fit(state, windows, windows, make_config(max_epochs=2))) == []


# --- VAME's quirks --------------------------------------------------------------------------------


def test_the_last_epoch_is_skipped(held_out_losses):
    _, epochs = scripted(held_out_losses, [3, 2, 1], max_epochs=3, vame_quirks=["skip_last_epoch"])
    assert [epoch.epoch for epoch in epochs] == [1, 2]


def test_patience_counts_from_the_start(held_out_losses):
    state, epochs = scripted(
        held_out_losses,
        [1] * 20,
        annealtime=100,
        vame_quirks=["patience_from_start"],
        model_convergence=3,
    )
    assert len(epochs) == 4
    assert state.best_epoch is None


def test_the_best_reconstruction_is_selected(monkeypatch):
    # The future error increases faster than the reconstruction error decreases.
    terms = iter([Terms(3.0, 1.0, 0.0, 0.0), Terms(2.0, 9.0, 0.0, 0.0), Terms(4.0, 0.0, 0.0, 0.0)])
    monkeypatch.setattr(training, "evaluate", lambda *_, **__: Evaluation(next(terms), 0, 1.0))
    state, _ = run(make_config(max_epochs=3, vame_quirks=["selection_by_reconstruction"]))
    assert (state.best_epoch, state.best_score) == (2, 2)


def test_by_default_the_whole_loss_selects_the_epoch(monkeypatch):
    terms = iter([Terms(3.0, 1.0, 0.0, 0.0), Terms(2.0, 9.0, 0.0, 0.0), Terms(4.0, 0.5, 0.0, 0.0)])
    monkeypatch.setattr(training, "evaluate", lambda *_, **__: Evaluation(next(terms), 0, 1.0))
    state, _ = run(make_config(max_epochs=3, steps_per_epoch=1))
    # Of 8 × 8 × 3 and 8 × 4 × 3 elements: 672, 1248 and 816.
    assert (state.best_epoch, state.best_score) == (1, 672)


@pytest.mark.parametrize(
    ("steps", "batches"),
    [(None, 20), (3, 3)],  # as many windows as there are frames, 40, or as in the setting
)
def test_held_out_windows_are_sampled_again_in_batches_of_a_quarter(monkeypatch, steps, batches):
    seen = []

    def keep(model, batches, **kwargs):
        seen.append(list(batches))
        return evaluate(model, seen[-1], **kwargs)

    monkeypatch.setattr(training, "evaluate", keep)
    changes = {"vame_quirks": ["redrawn_held_out_windows"], "steps_per_epoch": steps}
    run(make_config(max_epochs=2, batch_size=8, **changes))
    assert [[len(batch) for batch in epoch] for epoch in seen] == [[2] * batches] * 2
    assert not torch.equal(torch.cat(seen[0]), torch.cat(seen[1]))


def test_the_plateau_can_use_the_loss_of_the_last_batch(monkeypatch, held_out_losses):
    # From the first epoch on, held-out losses decrease, and losses of the last batch do not.
    held_out_losses([9, 8, 7, 6, 5])
    losses = iter([5.0, 1.0, 0.0, 2.0, 0.0, 2.0, 0.0, 2.0, 0.0, 2.0])
    monkeypatch.setattr(
        training, "train_step", lambda *_, **__: torch.tensor([next(losses), 0.0, 0.0, 0.0, 0.0])
    )
    _, epochs = run(
        make_config(
            max_epochs=5,
            steps_per_epoch=2,
            annealtime=100,
            scheduler="plateau",
            scheduler_step_size=1,
            vame_quirks=["plateau_on_last_batch"],
            learning_rate=0.02,
        )
    )
    # The losses of the last batches are 1, 2, 2, 2, 2: no improvement in epochs 2 and 3.
    assert rates(epochs) == pytest.approx([0.02, 0.02, 0.02, 0.01, 0.01])


@pytest.mark.parametrize("future", [True, False])
def test_windows_that_are_longer_than_needed_are_cut(monkeypatch, future):
    lengths = set()

    def keep(model, windows, *arguments, **kwargs):
        lengths.add(windows.shape[1])
        return train_step(model, windows, *arguments, **kwargs)

    monkeypatch.setattr(training, "train_step", keep)
    changes = {"vame_quirks": ["windows_across_joins"], "prediction_decoder": future}
    config = make_config(max_epochs=1, **changes)
    _, epochs = run(config)
    assert lengths == {12 if future else 8}
    assert math.isfinite(epochs[0].test_loss)


# --- learning rates -------------------------------------------------------------------------------


def rates(epochs):
    return [epoch.learning_rate for epoch in epochs]


def test_the_constant_rate_is_constant(held_out_losses):
    _, epochs = scripted(held_out_losses, [1] * 5, max_epochs=5, learning_rate=0.02)
    assert rates(epochs) == [0.02] * 5


def test_a_plateau_reduces_the_rate_after_more_epochs_than_the_step_size(
    held_out_losses,
):
    _, epochs = scripted(
        held_out_losses,
        [1, *[2] * 7],
        max_epochs=8,
        scheduler="plateau",
        scheduler_step_size=2,
        scheduler_gamma=0.5,
        learning_rate=0.02,
    )
    # Epoch 1 is the best; epochs 2 to 4 are not better, and neither are epochs 5 to 7.
    assert rates(epochs) == pytest.approx([0.02] * 4 + [0.01] * 3 + [0.005])


def test_a_plateau_is_detected_only_after_annealing(held_out_losses):
    _, epochs = scripted(
        held_out_losses,
        [*[1] * 5, *[2] * 4],
        max_epochs=9,
        annealtime=5,
        scheduler="plateau",
        scheduler_step_size=2,
        learning_rate=0.02,
    )
    assert rates(epochs) == pytest.approx([0.02] * 8 + [0.01])


def test_a_decreasing_loss_keeps_the_rate(held_out_losses):
    _, epochs = scripted(
        held_out_losses,
        [9, 8, 7, 6, 5, 4],
        max_epochs=6,
        scheduler="plateau",
        scheduler_step_size=1,
        learning_rate=0.02,
    )
    assert rates(epochs) == [0.02] * 6


# There are ten steps per epoch; the warm-up is at most 30 % of 20 epochs.
@pytest.mark.parametrize(("warmup_steps", "peak"), [(20, 2), (1000, 6)])
def test_one_cycle_increases_to_the_rate_and_decreases_to_zero(held_out_losses, warmup_steps, peak):
    state, epochs = scripted(
        held_out_losses,
        [1] * 20,
        max_epochs=20,
        steps_per_epoch=10,
        model_convergence=20,
        scheduler="one_cycle",
        warmup_steps=warmup_steps,
        learning_rate=0.02,
    )
    assert epochs[0].learning_rate == pytest.approx(0.02 / 25)
    assert rates(epochs).index(max(rates(epochs))) == peak
    assert rates(epochs)[peak] == pytest.approx(0.02, rel=0.01)
    assert rates(epochs)[: peak + 1] == sorted(rates(epochs)[: peak + 1])
    assert rates(epochs)[peak:] == sorted(rates(epochs)[peak:], reverse=True)
    assert state.optimizer.param_groups[0]["lr"] < 1e-3 * 0.02


# --- on other devices -----------------------------------------------------------------------------


class HostReads(TorchDispatchMode):
    """Count device synchronisations: numbers of a tensor that are read."""

    READS = (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default)

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.count += function in self.READS
        return function(*args, **kwargs or {})


@pytest.mark.parametrize("scheduler", ["constant", "plateau", "one_cycle"])
def test_no_step_reads_a_number_if_that_synchronises_the_device(monkeypatch, scheduler):
    monkeypatch.setattr(training, "needs_no_synchronisation", lambda device: False)
    reads, tolist = HostReads(), torch.Tensor.tolist

    def counted(tensor):
        reads.count += 1
        return tolist(tensor)

    monkeypatch.setattr(torch.Tensor, "tolist", counted)
    config = make_config(
        max_epochs=2, steps_per_epoch=4, scheduler=scheduler, gradient_clip=0.1, noise=True
    )
    steps = fit(*start(config), config)
    counts = {"steps": [], "ends of epochs": []}
    for _ in range(10):  # two epochs with four steps and an end each
        before = reads.count
        with reads:
            event = next(steps)
        counts["ends of epochs" if event else "steps"].append(reads.count - before)
    assert counts["steps"] == [0] * 8
    assert min(counts["ends of epochs"]) > 0  # the counter works


def weights_after_training(**changes):
    state, train, held_out = start(config := make_config(**changes))
    if config.training.compile:
        state.model.compile()
    for _ in fit(state, train, held_out, config):
        pass
    return weights_of(state)


def largest_difference(weights, reference):
    """Return the largest difference of a weight, relative to the largest value of its tensor."""
    return max(
        float((weights[name] - value).abs().max() / value.abs().max())
        for name, value in reference.items()
    )


def test_a_fused_optimizer_changes_only_rounding():
    fused, plain = (weights_after_training(fused_optimizer=fused) for fused in (True, False))
    assert largest_difference(fused, plain) < 1e-4


def test_tf32_on_the_cpu_is_single_precision():
    plain, rounded = (weights_after_training(precision=name) for name in ("float32", "tf32"))
    assert_same_weights(rounded, plain)


def test_bfloat16_rounds_products_and_keeps_weights_and_losses_in_single_precision():
    plain, rounded = (
        weights_after_training(precision=name, learning_rate=1e-3) for name in ("float32", "bf16")
    )
    assert {value.dtype for value in rounded.values()} == {torch.float32}
    assert 0 < largest_difference(rounded, plain) < 0.2


@pytest.mark.slow
@pytest.mark.skipif(not (shutil.which("c++") or shutil.which("g++")), reason="no C++ compiler")
def test_a_compiled_step_changes_only_rounding():
    # In a new process: shapes that tests check cannot be compiled.
    program = (
        "from unit.vame_core.test_training import largest_difference, weights_after_training\n"
        "train = lambda on: weights_after_training(compile=on, max_epochs=1)\n"
        "compiled, plain = train(True), train(False)\n"
        "print(largest_difference(compiled, plain), compiled.keys() == plain.keys())"
    )
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("tests", "workflow/scripts"))
    result = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    difference, same_names = result.stdout.split()
    assert same_names == "True"
    assert float(difference) < 1e-4


# --- resuming from a copy -------------------------------------------------------------------------


def stop_and_continue(stop_at, **changes):
    """Return (state, epochs) of a whole run, and of one that continues a copy of the nth yield."""
    config = make_config(**{"max_epochs": 3, "noise": True, "annealtime": 2} | changes)
    state, train, held_out = start(config)
    copied, epochs = None, []
    for n, epoch in enumerate(fit(state, train, held_out, config), start=1):
        if n == stop_at:
            copied, epochs = copy.deepcopy(state), []
        elif epoch:
            epochs.append(epoch)
    torch.manual_seed(1234)
    resumed = [epoch for epoch in fit(copied, train, held_out, config) if epoch]
    return (state, epochs), (copied, resumed)


# With three steps per epoch, every fourth yield is the end of an epoch.
PLACES = pytest.mark.parametrize("stop_at", [1, 3, 4, 6], ids=["1.1", "1.3", "1", "2.2"])


@PLACES
@pytest.mark.parametrize("scheduler", ["constant", "plateau", "one_cycle"])
@pytest.mark.parametrize("quirks", [[], ["redrawn_held_out_windows"]], ids=["fixed", "redrawn"])
def test_continuing_from_a_copy_gives_the_same_weights(scheduler, stop_at, quirks):
    (whole, _), (copied, _) = stop_and_continue(
        stop_at, steps_per_epoch=3, scheduler=scheduler, scheduler_step_size=1, vame_quirks=quirks
    )
    assert_same_weights(weights_of(copied), weights_of(whole))
    assert (copied.epoch, copied.best_epoch) == (whole.epoch, whole.best_epoch)
    assert copied.best_score == whole.best_score


@PLACES
@pytest.mark.parametrize("scheduler", ["constant", "plateau", "one_cycle"])
def test_continuing_from_a_copy_gives_the_same_history(scheduler, stop_at):
    (_, epochs), (_, resumed) = stop_and_continue(
        stop_at, steps_per_epoch=3, scheduler=scheduler, scheduler_step_size=1
    )
    expected, rows = ([epoch.row() | {"seconds": 0} for epoch in e] for e in (epochs, resumed))
    assert rows == expected


# --- numerical failures ---------------------------------------------------------------------------

BAD_ROW = 57


@pytest.fixture(params=["detection at steps", "detection at epochs"])
def detection(request, monkeypatch):
    """Use both ways to detect a failure: at its step, or at the end of the epoch and again."""
    monkeypatch.setattr(
        training, "needs_no_synchronisation", lambda _: request.param == "detection at steps"
    )


def begin_with_a_bad_frame(config, value):
    """Start a training whose first step is good, and whose second has windows with BAD_ROW."""
    state, train, held_out = start(config)
    train.frames[BAD_ROW] = value
    good, bad = torch.tensor([0, 1, 2, 80, 81, 82, 83, 84]), torch.arange(50, 58)
    train.choose = lambda n, generator: bad if state.step else good
    return state, train, held_out


@pytest.mark.parametrize("value", [math.nan, math.inf, 1e30])
def test_a_failure_names_the_numbers_the_step_and_the_windows(detection, value):
    config = make_config()
    with pytest.raises(NonFiniteError) as raised:
        list(fit(*begin_with_a_bad_frame(config, value), config))
    failure = raised.value
    assert (failure.epoch, failure.step) == (1, 2)
    assert "gradient" in failure.names
    assert "reconstruction" in failure.names
    assert set(failure.rows) <= set(range(50, 58))
    assert "reconstruction" in str(failure)
    assert "step 2 of epoch 1" in str(failure)


def test_only_windows_with_the_bad_frame_are_responsible():
    config = make_config()
    state, train, held_out = start(config)
    train.frames[BAD_ROW] = math.nan
    train.choose = lambda n, generator: torch.tensor([0, 20, 45, 46, 50, 57, 58, 90])
    with pytest.raises(NonFiniteError) as raised:
        list(fit(state, train, held_out, config))
    assert raised.value.rows == [46, 50, 57]  # windows have 12 frames


def test_after_the_last_backoff_the_state_is_the_one_before_the_step(detection):
    config = make_config(steps_per_epoch=2)
    state, train, held_out = begin_with_a_bad_frame(config, math.nan)
    events = []
    with pytest.raises(NonFiniteError):
        events.extend(fit(state, train, held_out, config))
    assert (state.epoch, state.step, state.backoffs) == (0, 1, MOST_BACKOFFS)
    assert all(weight.isfinite().all() for weight in weights_of(state).values())
    one_step, train, held_out = begin_with_a_bad_frame(config, math.nan)
    one_step.optimizer.param_groups[0]["lr"] /= 2**MOST_BACKOFFS
    next(fit(one_step, train, held_out, config))
    assert_same_weights(weights_of(state), weights_of(one_step))
    assert torch.equal(state.generator.get_state(), one_step.generator.get_state())


def fail_once(monkeypatch, *, at):
    """Let the step `at`, counted from 1, have a gradient that is not a number, once."""
    count = iter(range(1, 1000))

    def step(*arguments, **kwargs):
        n = next(count)
        if n != at:
            return train_step(*arguments, **kwargs)
        return torch.full((len(MEASURED),), math.nan)

    monkeypatch.setattr(training, "train_step", step)


@pytest.mark.parametrize("scheduler", ["constant", "plateau", "one_cycle"])
def test_a_backoff_repeats_the_epoch_at_half_the_rate(monkeypatch, scheduler):
    """The epoch is repeated as if it had started at half the rate, which later epochs keep."""
    config = make_config(steps_per_epoch=3, max_epochs=4, scheduler=scheduler, noise=True)
    plain, train, held_out = start(config)
    for event in fit(plain, train, held_out, config):
        if isinstance(event, Epoch) and event.epoch == 1:
            for group in plain.optimizer.param_groups:
                for rate in {"lr", "initial_lr", "max_lr", "min_lr"} & group.keys():
                    group[rate] /= 2

    fail_once(monkeypatch, at=3 + 2)
    state, train, held_out = start(config)
    events = list(fit(state, train, held_out, config))
    epochs = [event for event in events if isinstance(event, Epoch)]
    assert [epoch.backoffs for epoch in epochs] == [0, 1, 1, 1]
    (backoff,) = (event for event in events if isinstance(event, Backoff))
    assert (backoff.failure.epoch, backoff.failure.step) == (2, 2)
    assert backoff.backoffs == 1
    assert backoff.learning_rate == pytest.approx(epochs[1].learning_rate)
    assert_same_weights(weights_of(state), weights_of(plain))


def test_both_ways_of_checking_give_the_same(monkeypatch):
    """Frame 57 is bad until the first backoff; then both continue in the same way."""
    runs = []
    for free in (True, False):
        monkeypatch.setattr(training, "needs_no_synchronisation", lambda _, free=free: free)
        config = make_config(steps_per_epoch=8, max_epochs=2, noise=True)
        state, train, held_out = start(config)
        good = train.frames[BAD_ROW].clone()
        train.frames[BAD_ROW] = math.nan
        events = []
        for event in fit(state, train, held_out, config):
            if isinstance(event, Backoff):
                train.frames[BAD_ROW] = good
            if event:
                events.append(event)
        assert isinstance(events[0], Backoff)
        runs.append((weights_of(state), str(events[0].failure), events[0].failure.rows))
    assert_same_weights(runs[0][0], runs[1][0])
    assert runs[0][1:] == runs[1][1:]


# --- gradient clipping ----------------------------------------------------------------------------


@pytest.mark.parametrize(("clip", "moved"), [(None, 0.4), (8.0, 0.4), (1.0, 0.1)])
def test_a_large_gradient_is_clipped(clip, moved):
    """The gradient is 2 · shift = 4, and the rate 0.1."""
    model = Recorder()
    model.shift.data.fill_(2.0)
    train_step(
        model,
        torch.zeros(5, 12, 3),
        torch.optim.SGD(model.parameters(), lr=0.1),
        Terms(1.0, 0.0, 0.0, 0.0),
        time_window=8,
        kmeans_loss=2,
        noise=False,
        generator=torch.Generator(),
        gradient_clip=clip,
    )
    assert model.shift.item() == pytest.approx(2.0 - moved, rel=1e-5)
