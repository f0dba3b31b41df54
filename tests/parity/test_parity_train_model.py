import numpy as np
import pytest
import torch
import yaml
from parity.models import assert_close, make_peer_model
from tiny_models import DEFAULTS, ROOT, make_config, make_frames, make_model
from vame_core import rnn_vae
from vame_core.model import RNNVAE
from vame_core.training import fit, start_training
from vame_core.windows import Windows, open_windows

SETTINGS = {
    "project_name": "mouse",
    "model_name": "VAME",
    "pretrained_weights": False,
    "pretrained_model": "None",
    "project_random_state": 42,
    "num_features": 3,
    "time_window": 8,
    "zdims": 3,
    "prediction_decoder": True,
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
    "steps_per_epoch": 2,
    "max_epochs": 7,
    "model_snapshot": 2,
    "model_convergence": 50,
    "learning_rate": 0.005,
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
}


def make_project(folder):
    for name in ("model", "data/train"):
        (folder / name).mkdir(parents=True)
    for n, side in enumerate(("train", "test")):
        frames = 3 + 10 * make_frames(frames=60, seed=n)
        np.save(folder / "data" / "train" / f"{side}_seq.npy", frames.T.double().numpy())
    return folder


def train_ours(folder, **changes):
    config = folder / "config.yaml"
    config.write_text(yaml.safe_dump(SETTINGS | changes))
    rnn_vae.train_model(str(config))
    config.unlink()


def train_theirs(peer, folder, **changes):
    config = SETTINGS | changes | {"project_path": str(folder)}
    peer.rnn_vae.train_model(config, save_logs=False)


@pytest.fixture
def projects(tmp_path):
    return make_project(tmp_path / "ours"), make_project(tmp_path / "theirs")


def files(folder):
    """Return all files except records of states, which the peer does not write here, and logs."""
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in paths if path.parts[0] in ("data", "model"))


def losses(folder, name):
    return np.load(folder / "model" / "model_losses" / f"{name}_VAME.npy")


def test_the_same_files_with_the_same_shapes_are_written(peer, projects):
    ours, theirs = projects
    train_ours(ours)
    train_theirs(peer, theirs)
    assert files(ours) == files(theirs)
    for path in files(ours):
        if path.endswith(".npy"):
            one, other = np.load(ours / path), np.load(theirs / path)
            assert (one.shape, one.dtype) == (other.shape, other.dtype), path
    for name in ("mean", "std"):
        saved = [np.load(p / "data" / "train" / f"seq_{name}.npy") for p in projects]
        assert saved[0] == pytest.approx(saved[1])
    assert losses(ours, "weight_values").tolist() == losses(theirs, "weight_values").tolist()


def test_each_loads_the_models_of_the_other(peer, projects):
    ours, theirs = projects
    train_ours(ours)
    train_theirs(peer, theirs)
    path = "model/best_model/VAME_mouse.pkl"
    make_peer_model(peer).load_state_dict(torch.load(ours / path), strict=True)
    mixed = make_model(vame_quirks=["mixed_decoder_start"])
    mixed.load_state_dict(torch.load(theirs / path), strict=True)


def has_future(model):
    return any(name.startswith("decoder_future") for name in model.state_dict())


class Replay:
    """Give both trainings the same windows and noise: a split's samples depend only on its turn."""

    def __init__(self, *, batch_size):
        self.batch_size = batch_size
        self.turns = {}

    def starts(self, owner, n, count):
        side = "train" if n == self.batch_size else "test"
        turn = self.turns[owner, side] = self.turns.get((owner, side), 0) + 1
        rng = np.random.default_rng([turn, len(side)])
        torch.manual_seed(turn)
        return torch.from_numpy(rng.integers(count, size=n))

    def loader(self):
        replay = self

        class Loader:
            def __init__(self, dataset, batch_size, **_):
                self.dataset, self.batch_size = dataset, batch_size

            def __iter__(self):
                data = torch.from_numpy(self.dataset.X)
                length = self.dataset.temporal_window
                for _ in range(len(self)):
                    starts = replay.starts("theirs", self.batch_size, data.shape[1] - length)
                    windows = [data[:, start : start + length] for start in starts]
                    yield torch.stack(windows)

            def __len__(self):
                return len(self.dataset) // self.batch_size

        return Loader

    def draw(self):
        return lambda windows, n, generator: windows.take(self.starts("ours", n, len(windows)))


@pytest.fixture
def replay(peer, monkeypatch):
    """Let both trainings start with the same weights and use the same windows."""

    def with_weights(make):
        def made(*args, **kwargs):
            model = make(*args, **kwargs)
            weights = make_model(prediction_decoder=has_future(model)).state_dict()
            model.load_state_dict(weights)
            return model

        return made

    replay = Replay(batch_size=SETTINGS["batch_size"])
    monkeypatch.setattr(peer.rnn_vae.Data, "DataLoader", replay.loader())
    monkeypatch.setattr(peer.rnn_vae, "RNN_VAE", with_weights(peer.rnn_vae.RNN_VAE))
    monkeypatch.setattr(rnn_vae, "RNNVAE", with_weights(rnn_vae.RNNVAE))
    monkeypatch.setattr(Windows, "draw", replay.draw())
    return replay


VARIANTS = [
    {},
    {"scheduler": 0, "noise": True},
    {"scheduler_step_size": 1, "learning_rate": 0.05},
    {"anneal_function": "sigmoid", "annealtime": 1, "prediction_decoder": False},
    {"model_convergence": 3, "annealtime": 50},
]


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_train_model_gives_the_same_numbers_and_weights(peer, projects, replay, changes):
    ours, theirs = projects
    changes = {"max_epochs": 10, "steps_per_epoch": 5} | changes
    train_theirs(peer, theirs, **changes)
    train_ours(ours, **changes)
    for name in ("train", "test", "kmeans", "kl", "mse_train", "mse_test", "fut"):
        expected = losses(theirs, f"{name}_losses")  # without the epoch at which patience ended
        assert_close(losses(ours, f"{name}_losses")[: len(expected)], expected, tolerance=2e-4)
    assert len(losses(ours, "train_losses")) == changes.get("model_convergence", 8) + 1
    path = "model/best_model/snapshots/VAME_mouse_epoch_4.pkl"
    for name, value in torch.load(theirs / path).items():
        assert_close(torch.load(ours / path)[name], value, tolerance=2e-4)


@pytest.mark.parametrize("changes", VARIANTS, ids=str)
def test_the_preset_trains_as_vame_does(peer, projects, replay, changes):
    """The workflow's training with presets/vame.yaml has the same history in every epoch."""
    settings = SETTINGS | {"max_epochs": 10, "steps_per_epoch": 5} | changes
    train_theirs(peer, projects[1], **settings)
    preset = yaml.safe_load((ROOT / "config/presets/vame.yaml").read_text())
    trained = {key: value for key, value in preset.items() if key in DEFAULTS}
    named = {0: "constant", 1: "plateau"}[settings["scheduler"]]
    own = {key: value for key, value in settings.items() if key in DEFAULTS}
    config = make_config(**(trained | own | {"scheduler": named}))

    mean, std = (np.load(projects[1] / f"data/train/seq_{name}.npy") for name in ("mean", "std"))
    description = {"segments": []}
    sides = []
    for side in ("train", "test"):
        frames = np.load(projects[0] / f"data/train/{side}_seq.npy").T
        path = projects[0] / f"{side}.npy"
        np.save(path, ((frames - mean) / std).astype(np.float32))
        sides.append(open_windows(path, description, side, config, torch.device("cpu")))
    model = RNNVAE(config.network, 3)
    weights = make_model(prediction_decoder=config.network.prediction_decoder).state_dict()
    model.load_state_dict(weights)
    state = start_training(model, config, sides[0], torch.default_generator)
    rows = [epoch.row() for epoch in fit(state, *sides, config) if epoch]

    batch, n_features = config.training.batch_size, 3
    per_batch = {"time": config.network.time_window, "future": config.network.future_steps}
    history = {name: [row[name] or 0.0 for row in rows] for name in rows[0]}
    for name, column, factor in (
        ("train_losses", "train_loss", 1),
        ("kl_losses", "train_kl", 1 / config.network.zdims),
        ("mse_train_losses", "train_reconstruction", batch * n_features * per_batch["time"]),
        ("mse_test_losses", "test_reconstruction", batch // 4 * n_features * per_batch["time"]),
        ("fut_losses", "train_future", batch * n_features * per_batch["future"]),
        ("weight_values", "kl_weight", 1),
    ):
        expected = losses(projects[1], name)  # without the epoch at which patience ended
        actual = np.array(history[column])[: len(expected)] * factor
        assert_close(actual, expected, tolerance=2e-4)
    cluster = np.array(history["kl_weight"]) * history["train_cluster"] * np.array(0.1)
    expected = losses(projects[1], "kmeans_losses")
    assert_close(cluster[: len(expected)], expected, tolerance=2e-4)
    assert len(rows) == changes.get("model_convergence", 8) + 1
    saved = projects[1] / "model/best_model/VAME_mouse.pkl"
    assert saved.exists() == (state.best_epoch is not None)


def test_both_continue_a_model_of_the_project_without_annealing(peer, projects):
    ours, theirs = projects
    changes = {
        "pretrained_weights": True,
        "pretrained_model": "first",
        "annealtime": 10,
        "max_epochs": 4,
    }
    train_ours(ours, model_name="first")
    train_ours(ours, **changes)
    train_theirs(peer, theirs, model_name="first")
    train_theirs(peer, theirs, **changes)
    assert losses(theirs, "weight_values").tolist() == [1, 1, 1]
    assert losses(ours, "weight_values").tolist() == [1, 1, 1]
