import ast
import inspect
import json
import logging
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from tiny_models import make_batch, make_frames, make_model
from torch import nn
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau
from vame_core import rnn_vae, training
from vame_core.losses import Terms
from vame_core.steps import Evaluation

SPEC = Path(__file__).resolve().parents[4] / "shared" / "spec" / "rnn_vae.md"

# The functions documented for vame.model.rnn_vae.
SIGNATURES = {
    "reconstruction_loss": "x x_tilde reduction",
    "future_reconstruction_loss": "x x_tilde reduction",
    "cluster_loss": "H kloss lmbda batch_size",
    "kullback_leibler_loss": "mu logvar",
    "kl_annealing": "epoch kl_start annealtime function",
    "gaussian": "ins is_training seq_len std_n=0.8",
    "train": "train_loader epoch model optimizer anneal_function BETA kl_start annealtime seq_len "
    "future_decoder future_steps scheduler mse_red mse_pred kloss klmbda bsize noise",
    "test": "test_loader model BETA kl_weight seq_len mse_red kloss klmbda future_decoder bsize",
    "train_model": "config save_logs=False",
}


def parameters_of(name):
    """Return a function's parameters with their defaults, in one line."""
    parameters = inspect.signature(getattr(rnn_vae, name)).parameters.values()
    assert {p.kind for p in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    return " ".join(
        p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters
    )


# --- names and parameters -------------------------------------------------------------------------


@pytest.mark.parametrize("name", SIGNATURES)
def test_parameters_are_the_documented_ones_in_their_order(name):
    assert parameters_of(name) == SIGNATURES[name]


def test_the_reference_documents_the_same_parameters():
    if not SPEC.is_file():
        pytest.skip("the reference page of vame.model.rnn_vae is not beside this repository")
    documented = {}
    for block in re.findall(r"```python\n(.*?)```", SPEC.read_text(), flags=re.DOTALL):
        function = ast.parse(block.rstrip() + ":\n    ...").body[0]
        names = [argument.arg for argument in function.args.args]
        defaults = [ast.unparse(default) for default in function.args.defaults]
        plain = len(names) - len(defaults)
        documented[function.name] = " ".join(
            names[:plain] + [f"{n}={d}" for n, d in zip(names[plain:], defaults, strict=True)]
        )
    assert documented == SIGNATURES
    assert documented == {name: parameters_of(name) for name in documented}


# --- losses ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["reconstruction_loss", "future_reconstruction_loss"])
@pytest.mark.parametrize(("reduction", "value"), [("sum", 24), ("mean", 1)])
def test_errors_of_one_have_these_losses(name, reduction, value):
    windows = make_batch(batch=2, time=4, n_features=3)
    assert getattr(rnn_vae, name)(windows, windows + 1, reduction).item() == pytest.approx(value)


def test_divergence_is_a_mean_over_batch_and_latents():
    assert rnn_vae.kullback_leibler_loss(torch.ones(4, 7), torch.zeros(4, 7)) == 0.5


def test_the_cluster_loss_reads_one_latent_vector_per_column():
    # Four windows, two latents, one direction of length 5.
    H = torch.tensor([[3.0], [4.0]]).repeat(1, 4)
    assert rnn_vae.cluster_loss(H, 2, 0.1, 4).item() == pytest.approx(0.5)


def test_the_cluster_loss_is_divided_by_the_given_batch_size():
    H = torch.tensor([[3.0], [4.0]]).repeat(1, 4)
    # Four columns, divided by √16: half the value.
    assert rnn_vae.cluster_loss(H, 2, 0.1, 16).item() == pytest.approx(0.25)


def test_annealing_weights_have_these_values():
    weights = [rnn_vae.kl_annealing(epoch, 2, 4, "linear") for epoch in range(1, 8)]
    assert weights == [0, 0, 0.25, 0.5, 0.75, 1, 1]
    with pytest.raises(NotImplementedError):
        rnn_vae.kl_annealing(5, 2, 4, "cosine")


def test_noise_is_added_only_in_training():
    windows = make_batch()
    assert torch.equal(rnn_vae.gaussian(windows, False, 8), windows)
    torch.manual_seed(3)
    noise = torch.randn_like(windows)
    torch.manual_seed(3)
    noisy = rnn_vae.gaussian(windows, True, 8, 0.5)
    torch.testing.assert_close(noisy, windows + 0.5 * windows.std(1, keepdim=True) * noise)


# --- an epoch -------------------------------------------------------------------------------------


class Shift(nn.Module):
    """Return VAME's tuple: the input plus a learned shift, ones as latents, and the prior."""

    def __init__(self, *, future=True, shift=2.0, zdims=5):
        super().__init__()
        self.shift = nn.Parameter(torch.tensor(shift))
        self.future, self.zdims = future, zdims
        self.given = []

    def forward(self, windows):
        if self.training:
            self.given.append(windows)
        latents = torch.ones(len(windows), self.zdims) + 0 * self.shift
        decoded = [windows + self.shift, *([windows[:, :3] + self.shift] * self.future)]
        return (*decoded, latents, latents, torch.zeros_like(latents))


class Steps(LRScheduler):
    """A scheduler that records its steps."""

    def __init__(self):
        self.calls = []

    def step(self, *arguments):
        self.calls.append(arguments)


def loader(*, batches=3, batch=4, features=2, time=16):
    """Return batches of zeros as VAME's loader does, (batch, feature, time)."""
    return [torch.zeros(batch, features, time) for _ in range(batches)]


def run_train(model, batches, *, scheduler=None, lr=0.0, **changes):
    arguments = {
        "epoch": 4,
        "optimizer": torch.optim.SGD(model.parameters(), lr=lr),
        "anneal_function": "linear",
        "BETA": 3.0,
        "kl_start": 2,
        "annealtime": 4,
        "seq_len": 16,
        "future_decoder": getattr(model, "future", True),
        "future_steps": 3,
        "scheduler": scheduler or Steps(),
        "mse_red": "sum",
        "mse_pred": "sum",
        "kloss": 2,
        "klmbda": 0.1,
        "bsize": 4,
        "noise": False,
    }
    return rnn_vae.train(batches, model=model, **arguments | changes)


def run_test(model, batches, **changes):
    arguments = {
        "BETA": 3.0,
        "kl_weight": 0.5,
        "seq_len": 16,
        "mse_red": "sum",
        "kloss": 2,
        "klmbda": 0.1,
        "future_decoder": getattr(model, "future", True),
        "bsize": 4,
    }
    return rnn_vae.test(batches, model, **arguments | changes)


# Per batch of 4 windows, 2 features: 8 × 8 × 4 and 8 × 3 × 4 squared errors of 2, a divergence
# of half a nat per latent, and ones in five latents: a singular value of √5.
RECONSTRUCTION, FUTURE, DIVERGENCE, CLUSTER = 256, 96, 0.5, 0.1 * 5**0.5


def test_train_returns_means_over_batches():
    weight, loss, cluster, divergence, reconstruction, future = run_train(Shift(), loader())
    assert weight == 0.5
    assert loss == pytest.approx(RECONSTRUCTION + FUTURE + 3 * 0.5 * DIVERGENCE + 0.5 * CLUSTER)
    assert cluster == pytest.approx(0.5 * CLUSTER)
    assert divergence == pytest.approx(DIVERGENCE)
    assert (reconstruction, future) == pytest.approx((RECONSTRUCTION, FUTURE))


def test_train_works_without_future_decoder():
    _, loss, _, _, reconstruction, future = run_train(Shift(future=False), loader())
    assert loss == pytest.approx(RECONSTRUCTION + 1.5 * DIVERGENCE + 0.5 * CLUSTER)
    assert (reconstruction, future) == pytest.approx((RECONSTRUCTION, 0))


def test_train_averages_errors_if_requested():
    _, _, _, _, reconstruction, future = run_train(
        Shift(), loader(), mse_red="mean", mse_pred="mean"
    )
    assert (reconstruction, future) == pytest.approx((4, 4))


def test_train_follows_the_gradient():
    model = Shift(future=False)
    # d 64 s² / ds = 128 s = 256, once per batch.
    run_train(model, loader(batches=1), lr=1e-3)
    assert model.shift.item() == pytest.approx(2 - 0.256)


def test_train_steps_the_scheduler_once():
    scheduler = Steps()
    run_train(Shift(), loader(), scheduler=scheduler)
    assert scheduler.calls == [()]


def test_train_steps_a_plateau_scheduler_with_the_loss_of_the_last_batch(monkeypatch):
    model, seen = Shift(future=False), []
    scheduler = ReduceLROnPlateau(torch.optim.SGD(model.parameters(), lr=0.1))
    monkeypatch.setattr(scheduler, "step", lambda loss: seen.append(float(loss)))
    # The rate leads to the minimum of 64 s²: the error of the second batch is zero.
    run_train(model, loader(batches=2), scheduler=scheduler, lr=1 / 128)
    assert seen == pytest.approx([1.5 * DIVERGENCE + 0.5 * CLUSTER], abs=1e-4)


@pytest.mark.parametrize("noise", [False, True])
def test_the_model_gets_the_first_half_with_noise_if_requested(noise):
    model, windows = Shift(), torch.randn(4, 2, 16)
    run_train(model, [windows], noise=noise)
    half = windows.permute(0, 2, 1)[:, :8]
    assert model.given[-1].shape == half.shape
    assert torch.equal(model.given[-1], half) != noise


def test_train_uses_the_real_size_of_a_smaller_last_batch():
    # VAME divides by the given batch size: √2 of four windows instead of √4.
    _, _, cluster, _, reconstruction, _ = run_train(Shift(), [torch.zeros(2, 2, 16)])
    assert cluster == pytest.approx(0.5 * CLUSTER * 0.5**0.5)
    assert reconstruction == pytest.approx(RECONSTRUCTION / 2)


def test_train_accepts_double_precision():
    returned = run_train(Shift(), [batch.double() for batch in loader()])
    assert returned == pytest.approx(run_train(Shift(), loader()))


def test_train_accepts_a_data_loader():
    batches = torch.utils.data.DataLoader(torch.zeros(12, 2, 16), batch_size=4)
    assert run_train(Shift(), batches) == pytest.approx(run_train(Shift(), loader()))


def test_train_and_test_accept_our_model():
    model = make_model(vame_quirks=["mixed_decoder_start"])
    batches = [make_batch(batch=4, time=16, seed=s).permute(0, 2, 1) for s in range(3)]
    before = model.state_dict()["lmbda.hidden_to_mean.weight"].clone()
    returned = run_train(model, batches, lr=1e-3, future_steps=4)
    assert np.isfinite(returned).all()
    assert not torch.equal(model.state_dict()["lmbda.hidden_to_mean.weight"], before)
    assert np.isfinite(run_test(model, batches)).all()


def test_test_returns_means_and_the_sum_of_the_cluster_loss():
    # No future in the loss.
    reconstruction, loss, cluster = run_test(Shift(), loader())
    assert reconstruction == pytest.approx(RECONSTRUCTION)
    assert loss == pytest.approx(RECONSTRUCTION + 1.5 * DIVERGENCE + 0.5 * CLUSTER)
    assert cluster == pytest.approx(3 * 0.5 * CLUSTER)


def test_test_uses_the_posterior_mean_and_changes_nothing():
    model = make_model(vame_quirks=["mixed_decoder_start"]).train()
    batches = [make_batch(batch=4, time=16).permute(0, 2, 1)]
    weights = {name: value.clone() for name, value in model.state_dict().items()}
    before = torch.get_rng_state()
    assert run_test(model, batches) == run_test(model, batches)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(("run", "name"), [(run_train, "train_loader"), (run_test, "test_loader")])
def test_a_loader_without_batches_is_named(run, name):
    with pytest.raises(ValueError, match=f"{name} yields no batch"):
        run(Shift(), [])


# --- a VAME project -------------------------------------------------------------------------------

SETTINGS = {
    "project_name": "mouse",
    "model_name": "VAME",
    "pretrained_weights": False,
    "pretrained_model": "None",
    "num_features": 3,
    "time_window": 8,
    "zdims": 3,
    "prediction_decoder": 1,
    "prediction_steps": 4,
    "softplus": False,
    "hidden_size_layer_1": 7,
    "hidden_size_layer_2": 7,
    "hidden_size_rec": 6,
    "hidden_size_pred": 5,
    "dropout_encoder": 0,
    "dropout_rec": 0,
    "dropout_pred": 0,
    "batch_size": 8,
    "max_epochs": 5,
    "steps_per_epoch": 2,
    "model_snapshot": 2,
    "model_convergence": 50,
    "learning_rate": 0.01,
    "scheduler": 1,
    "scheduler_step_size": 100,
    "scheduler_gamma": 0.2,
    "noise": False,
    "beta": 1.0,
    "mse_reconstruction_reduction": "sum",
    "mse_prediction_reduction": "sum",
    "kmeans_loss": 3,
    "kmeans_lambda": 0.1,
    "anneal_function": "linear",
    "kl_start": 1,
    "annealtime": 2,
    "project_random_state": 42,
}
LOSSES = [
    "fut_losses",
    "kl_losses",
    "kmeans_losses",
    "mse_test_losses",
    "mse_train_losses",
    "test_losses",
    "train_losses",
    "weight_values",
]


class Project:
    """A VAME project whose training set has random walks."""

    def __init__(self, folder):
        self.folder = folder
        for side, frames in (("train", 60), ("test", 24)):
            self.save_sequence(side, make_frames(frames=frames).T.double().numpy() * 10 + 3)

    def save_sequence(self, side, array):
        path = self.folder / "data" / "train" / f"{side}_seq.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, array)

    def train(self, save_logs=False, without=(), **changes):
        settings = {k: v for k, v in (SETTINGS | changes).items() if k not in without}
        config = self.folder / "config.yaml"
        config.write_text(yaml.safe_dump(settings))
        rnn_vae.train_model(str(config), save_logs)

    def state(self):
        return json.loads((self.folder / "states" / "states.json").read_text())["train_model"]

    def losses(self, name):
        return np.load(self.folder / "model" / "model_losses" / f"{name}_VAME.npy")

    def weights(self, name="VAME_mouse"):
        path = self.folder / "model" / "best_model" / f"{name}.pkl"
        return torch.load(path, weights_only=True)

    def files(self, folder="."):
        root = self.folder / folder
        return sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: None
    )  # slow, and not needed without power failures
    return Project(tmp_path)


def evaluations(monkeypatch, values):
    """Replace evaluation: held-out reconstruction errors are those of a list."""
    errors = iter(values)

    def evaluate(model, batches, **_):
        return Evaluation(Terms(next(errors), 0.0, 0.0, 0.0), 0, 1.0)

    monkeypatch.setattr(training, "evaluate", evaluate)


def same_weights(one, other):
    return all(torch.equal(value, other[name]) for name, value in one.items())


def test_the_files_of_vame_are_written(project):
    project.train()
    assert project.files() == sorted(
        [
            "config.yaml",
            "data/train/seq_mean.npy",
            "data/train/seq_std.npy",
            "data/train/test_seq.npy",
            "data/train/train_seq.npy",
            "model/best_model/VAME_mouse.pkl",
            "model/best_model/snapshots/VAME_mouse_epoch_2.pkl",
            "model/best_model/snapshots/VAME_mouse_epoch_4.pkl",
            *(f"model/model_losses/{name}_VAME.npy" for name in LOSSES),
            "states/states.json",
        ]
    )


def test_there_is_one_epoch_fewer_than_max_epochs(project):
    project.train()
    assert {len(project.losses(name)) for name in LOSSES} == {4}
    assert project.losses("weight_values").tolist() == [0, 0.5, 1, 1]
    assert all(np.isfinite(project.losses(name)).all() for name in LOSSES)


def test_the_model_can_be_loaded_as_that_of_vame(project):
    project.train()
    make_model(seed=1, vame_quirks=["mixed_decoder_start"]).load_state_dict(
        project.weights(), strict=True
    )


def test_all_features_have_one_scaling_from_training_frames(project):
    project.train()
    train = np.load(project.folder / "data" / "train" / "train_seq.npy")
    for name, value in (("mean", train.mean()), ("std", train.std())):
        saved = np.load(project.folder / "data" / "train" / f"seq_{name}.npy")
        assert saved.shape == ()
        assert saved == pytest.approx(value)


def test_scaled_and_shifted_data_give_the_same_training(project):
    project.train()
    weights = project.weights()
    for side in ("train", "test"):
        path = project.folder / "data" / "train" / f"{side}_seq.npy"
        project.save_sequence(side, 4 * np.load(path) + 64)
    project.train()
    for name, value in project.weights().items():
        torch.testing.assert_close(value, weights[name], rtol=1e-3, atol=1e-4)


def test_the_same_seed_gives_the_same_model_with_other_random_numbers_and_logs(project):
    project.train()
    weights = project.weights()
    torch.manual_seed(99)
    np.random.seed(99)  # noqa: NPY002
    project.train(save_logs=True)
    assert same_weights(weights, project.weights())
    project.train(project_random_state=7)
    assert not same_weights(weights, project.weights())


def test_frames_may_be_the_first_axis(project):
    project.train()
    weights = project.weights()
    for side in ("train", "test"):
        path = project.folder / "data" / "train" / f"{side}_seq.npy"
        project.save_sequence(side, np.load(path).T)
    project.train()
    assert same_weights(weights, project.weights())


@pytest.mark.parametrize("future", [0, 1])
@pytest.mark.parametrize("scheduler", [0, 1])
def test_training_runs_with_all_switches(project, future, scheduler):
    project.train(prediction_decoder=future, scheduler=scheduler, noise=True, softplus=True)
    assert project.losses("fut_losses").any() == bool(future)
    assert any(name.startswith("decoder_future") for name in project.weights()) == bool(future)


def test_the_best_model_is_the_annealed_one_with_the_best_reconstruction(project, monkeypatch):
    saved = []
    evaluations(monkeypatch, [1.0, 1.0, 5.0, 4.0, 6.0, 3.0, 7.0])
    monkeypatch.setattr(rnn_vae, "save_weights", lambda model, path: saved.append(path.name))
    project.train(max_epochs=8, model_snapshot=1)
    # It is annealed from epoch 3 on; epochs 3, 4 and 6 are the best so far, before their snapshots.
    expected = []
    for epoch in range(1, 8):
        expected += ["VAME_mouse.pkl"] * (epoch in (3, 4, 6))
        expected += [f"VAME_mouse_epoch_{epoch}.pkl"]
    assert saved == expected


def test_training_ends_when_it_has_converged(project, monkeypatch):
    evaluations(monkeypatch, [1.0, 1.0, 1.0, *map(float, range(2, 100))])
    project.train(max_epochs=50, model_convergence=3)
    # Epoch 3 is annealed and the best; four more epochs are not better.
    assert len(project.losses("train_losses")) == 7


def test_a_model_is_written_if_annealing_is_not_finished(project):
    project.train(annealtime=100)
    assert same_weights(project.weights(), project.weights("snapshots/VAME_mouse_epoch_4"))


def test_an_epoch_has_as_many_windows_as_there_are_frames(project, monkeypatch):
    train_step, evaluate = training.train_step, training.evaluate
    trained, tested = [], []

    def step(model, windows, *args, **kwargs):
        trained.append(len(windows))
        return train_step(model, windows, *args, **kwargs)

    def test(model, batches, **kwargs):
        batches = list(batches)
        tested.extend(map(len, batches))
        return evaluate(model, batches, **kwargs)

    monkeypatch.setattr(training, "train_step", step)
    monkeypatch.setattr(training, "evaluate", test)
    project.train(steps_per_epoch=None, max_epochs=2)
    # 60 training frames in batches of 8, 24 held-out ones in batches of 8 / 4.
    assert (trained, tested) == ([8] * 7, [2] * 12)


def test_numbers_are_read_in_the_notation_of_vames_config(project):
    # VAME reads YAML 1.2, in which 1e-2 is a number; its own beta is an integer.
    project.train()
    weights = project.weights()
    config = project.folder / "config.yaml"
    text = config.read_text()
    assert "learning_rate: 0.01\n" in text
    text = text.replace("learning_rate: 0.01\n", "learning_rate: 1e-2\n")
    config.write_text(text.replace("beta: 1.0\n", "beta: 1\n"))
    rnn_vae.train_model(str(config))
    assert same_weights(weights, project.weights())


# --- its state ------------------------------------------------------------------------------------


def test_success_is_recorded_with_arguments_and_times(project):
    project.train()
    state = project.state()
    assert state["execution_state"] == "success"
    assert state["config"] == str(project.folder / "config.yaml")
    assert state["started"] <= state["finished"]
    project.train(save_logs=True)
    assert project.state()["save_logs"] is True


def test_the_state_during_training_is_recorded(project, monkeypatch):
    states, evaluate = [], training.evaluate

    def record_state(*args, **kwargs):
        states.append(project.state()["execution_state"])
        return evaluate(*args, **kwargs)

    monkeypatch.setattr(training, "evaluate", record_state)
    project.train(max_epochs=2)
    assert states == ["running"]


def test_states_of_other_functions_are_kept(project):
    path = project.folder / "states" / "states.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"preprocessing": {"execution_state": "success"}}))
    project.train()
    states = json.loads(path.read_text())
    assert states["preprocessing"] == {"execution_state": "success"}
    assert states["train_model"]["execution_state"] == "success"


def failing(project, error, **train):
    with pytest.raises(error) as raised:
        project.train(**train)
    state = project.state()
    assert state["execution_state"] == "failed"
    assert state["error"] == f"{error.__name__}: {raised.value}"
    assert state["started"] <= state["finished"]
    return str(raised.value)


def test_missing_settings_are_all_named(project):
    message = failing(project, ValueError, without=("beta", "zdims"))
    assert message.endswith("beta, zdims")
    assert str(project.folder / "config.yaml") in message


def test_missing_data_are_named(project):
    (project.folder / "data" / "train" / "test_seq.npy").unlink()
    assert "test_seq.npy" in failing(project, FileNotFoundError)


def test_data_that_contradict_num_features_are_named(project):
    message = failing(project, ValueError, num_features=5)
    assert "train_seq.npy" in message
    assert "num_features = 5" in message


def test_too_few_frames_are_an_error(project):
    project.save_sequence("test", np.random.default_rng(0).normal(size=(3, 15)))
    assert "no window of 16 frames" in failing(project, ValueError)


def test_a_missing_pretrained_model_is_an_error(project):
    message = failing(
        project, FileNotFoundError, pretrained_weights=True, pretrained_model="absent"
    )
    assert "absent" in message


def test_an_unknown_annealing_function_is_a_failure(project):
    assert "cosine" in failing(project, NotImplementedError, anneal_function="cosine")


def test_a_missing_config_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.yaml"):
        rnn_vae.train_model(str(tmp_path / "config.yaml"))


def test_ctrl_c_is_recorded_as_aborted(project, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "evaluate", interrupt)
    with pytest.raises(KeyboardInterrupt):
        project.train()
    assert project.state()["execution_state"] == "aborted"


@pytest.fixture
def stop_in_epoch_two(project, monkeypatch):
    """Request the end of training in epoch 2, as a user can do."""
    evaluate, epochs = training.evaluate, []

    def ask(*args, **kwargs):
        epochs.append(None)
        if len(epochs) == 2:
            (project.folder / "model" / "STOP").touch()
        return evaluate(*args, **kwargs)

    monkeypatch.setattr(training, "evaluate", ask)


@pytest.mark.usefixtures("stop_in_epoch_two")
def test_a_stop_file_ends_training_after_the_epoch(project):
    with pytest.raises(KeyboardInterrupt):
        project.train(model_snapshot=50)
    assert project.state()["execution_state"] == "aborted"
    assert len(project.losses("train_losses")) == 2
    assert not (project.folder / "model" / "STOP").exists()
    # Annealing was not finished: the last weights become the model.
    stopped = project.weights("snapshots/VAME_mouse_stopped_epoch_2")
    assert same_weights(project.weights(), stopped)


def test_a_stop_file_of_an_earlier_run_is_cleared(project):
    (project.folder / "model").mkdir()
    (project.folder / "model" / "STOP").touch()
    try:
        project.train()
    except KeyboardInterrupt:  # it would end the tests
        pytest.fail("an old stop file stopped this run")
    assert project.state()["execution_state"] == "success"
    assert not (project.folder / "model" / "STOP").exists()
    assert len(project.losses("train_losses")) == 4


# --- starting from weights ------------------------------------------------------------------------


def test_training_continues_from_a_model_of_the_project(project):
    project.train(model_name="first")
    first = project.weights("first_mouse")
    project.train(pretrained_weights=True, pretrained_model="first", learning_rate=1e-9)
    for name, value in project.weights().items():
        torch.testing.assert_close(value, first[name], atol=1e-6, rtol=0)


def test_a_pretrained_model_is_not_annealed_again(project):
    project.train(model_name="first")
    project.train(pretrained_weights=True, pretrained_model="first", annealtime=10)
    assert project.losses("weight_values").tolist() == [1, 1, 1, 1]


def test_a_pretrained_model_may_be_a_path(project, tmp_path):
    path = tmp_path / "elsewhere.pkl"
    weights = make_model(seed=5).state_dict()
    torch.save(weights, path)
    project.train(pretrained_weights=True, pretrained_model=str(path), learning_rate=1e-9)
    for name, value in project.weights().items():
        torch.testing.assert_close(value, weights[name], atol=1e-6, rtol=0)


# --- its log --------------------------------------------------------------------------------------


def test_there_is_no_log_unless_requested(project):
    project.train()
    assert not (project.folder / "logs").exists()


def test_the_log_lists_every_epoch_of_the_run(project):
    project.train(save_logs=True)
    project.train(max_epochs=3)
    text = (project.folder / "logs" / "train_model.log").read_text()
    assert len(re.findall(r"epoch \d+ ", text)) == 4
    assert logging.getLogger("vame_core.vame_project").handlers == []


def test_a_failure_is_in_the_log(project):
    with pytest.raises(NotImplementedError):
        project.train(save_logs=True, anneal_function="cosine")
    text = (project.folder / "logs" / "train_model.log").read_text()
    assert "training failed" in text
    assert "NotImplementedError" in text
    assert logging.getLogger("vame_core.vame_project").handlers == []


def test_no_log_handler_is_left_after_an_error(project):
    with pytest.raises(ValueError, match="beta"):
        project.train(save_logs=True, without=("beta",))
    assert logging.getLogger("vame_core.vame_project").handlers == []
