"""A training writes its files, and can be interrupted and resumed."""

import csv
import json
import math
import signal

import numpy as np
import pytest
import torch
from tiny_models import make_config, make_frames, make_model
from vame_core import run as running
from vame_core.annealing import ANNEALED
from vame_core.checkpoint import KEYS, load_checkpoint
from vame_core.interruption import Signals
from vame_core.run import explain, open_run, train
from vame_core.training import NonFiniteError

FEATURES = ["nose_x", "nose_y", "paw_x"]
SEGMENTS = [
    {"session": "a", "side": "train", "start": 0, "stop": 100, "first_frame": 40},
    {"session": "b", "side": "train", "start": 100, "stop": 150, "first_frame": 7},
    {"session": "a", "side": "test", "start": 0, "stop": 40, "first_frame": 0},
]
SCALING = {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0]}


class Nobody(Signals):
    """Signals that never arrive."""

    seen = None

    def __init__(self):
        pass


class Project:
    """A dataset and the folder of one model."""

    def __init__(self, folder):
        self.data, self.folder = folder / "dataset", folder / "models" / "seed3"
        self.data.mkdir()
        self.folder.mkdir(parents=True)
        for split, rows in (("train", 150), ("test", 40)):
            self.save(split, make_frames(frames=rows, seed=rows).numpy())
        description = {"segments": SEGMENTS, "features": FEATURES, "scaling": SCALING}
        (self.data / "dataset.json").write_text(json.dumps(description))

    def save(self, split, frames):
        np.save(self.data / f"{split}.npy", frames)

    def open(self, code="digest", pretrained="", **changes):
        with torch.random.fork_rng():
            return open_run(
                make_config(**changes),
                self.folder,
                train=str(self.data / "train.npy"),
                test=str(self.data / "test.npy"),
                description=str(self.data / "dataset.json"),
                pretrained=str(pretrained),
                seed=3,
                code=code,
            )

    def train(self, *, signals=None, minutes=1000.0, **changes):
        """Train, and return the finished steps at each yield."""
        return list(train(self.open(**changes), signals or Nobody(), minutes))

    def files(self):
        return sorted(
            str(path.relative_to(self.folder))
            for path in self.folder.rglob("*")
            if path.is_file() and "tfevents" not in path.name
        )

    def history(self):
        with open(self.folder / "history.csv") as file:
            return [row | {"seconds": ""} for row in csv.DictReader(file)]

    def checkpoint(self, name):
        return load_checkpoint(self.folder / name)


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def assert_same_models(one, other):
    for name in ("model.pt", "last.pt"):
        first, second = one.checkpoint(name), other.checkpoint(name)
        for key, value in first.pop("weights").items():
            assert torch.equal(value, second["weights"][key]), key
        del second["weights"]
        assert first == second


class After(Signals):
    """Signals of which one arrives before the n-th check."""

    def __init__(self, n, number=signal.SIGTERM):
        self.left, self.number = n, number

    @property
    def seen(self):
        self.left -= 1
        return self.number if self.left < 0 else None


# --- outputs --------------------------------------------------------------------------------------


def test_training_writes_history_models_snapshots_and_state(project):
    project.train(max_epochs=3, model_snapshot=2)
    state, *rest = sorted(project.files(), key=lambda name: not name.startswith("state-"))
    assert state.startswith("state-")
    assert rest == ["history.csv", "last.pt", "model.pt", "snapshots/epoch2.pt"]
    assert [row["epoch"] for row in project.history()] == ["1", "2", "3"]
    assert len(list(project.folder.glob("events.out.tfevents.*"))) == 1


def test_checkpoints_describe_data_and_selection(project, capsys):
    project.train(max_epochs=3)
    best, last = project.checkpoint("model.pt"), project.checkpoint("last.pt")
    assert set(best) == set(KEYS)
    assert best["settings"] == make_config(max_epochs=3).as_settings()
    assert (best["features"], best["scaling"], best["seed"]) == (FEATURES, SCALING, 3)
    assert (best["code"], best["device"], len(best["dataset"])) == ("digest", "cpu", 64)
    assert best["selection"] == f"the lowest held_out_loss at a KL weight above {ANNEALED}"
    assert (last["epoch"], last["selection"]) == (3, "the last epoch, 3")
    printed = capsys.readouterr().out
    # Segments of 100 and 50 frames have 89 and 39 windows.
    assert "128 training and 29 held-out windows of 12 frames, 3 features" in printed
    assert "trained for 3 of 3 epochs\n" in printed


def test_the_best_epoch_is_the_model(project):
    project.train(max_epochs=4, learning_rate=0.05)
    losses = [float(row["test_loss"]) for row in project.history()]
    assert project.checkpoint("model.pt")["epoch"] == 1 + int(np.argmin(losses))


def test_every_step_is_yielded_and_every_epoch(project):
    assert project.train(max_epochs=2, steps_per_epoch=2) == [0, 1, 2, 2, 3, 4, 4]


def test_without_annealing_the_last_epoch_is_the_model(project, capsys):
    project.train(max_epochs=2, annealtime=100)
    best, last = project.checkpoint("model.pt"), project.checkpoint("last.pt")
    assert best["epoch"] == last["epoch"] == 2
    assert best["selection"] == "the last epoch, since the KL weight never exceeded 0.99"
    assert "WARNING: the KL weight never exceeded 0.99" in capsys.readouterr().out


def test_selection_by_reconstruction_is_reported(project):
    project.train(max_epochs=1, vame_quirks=["selection_by_reconstruction"])
    assert project.checkpoint("model.pt")["selection"].startswith("the lowest reconstruction at")


def test_patience_is_reported(project, capsys):
    project.train(max_epochs=50, model_convergence=1, learning_rate=0.5)
    assert "; 2 epochs without improvement ended training" in capsys.readouterr().out


def test_training_can_start_from_a_pretrained_model(project, tmp_path, capsys):
    weights = make_model(seed=9).state_dict()
    torch.save(weights, tmp_path / "vame.pkl")
    run = project.open(pretrained_weights=True, pretrained=tmp_path / "vame.pkl")
    for name, value in run.state.model.state_dict().items():
        assert torch.equal(value, weights[name])
    assert f"initial weights from {tmp_path / 'vame.pkl'}" in capsys.readouterr().out
    before = run.unfinished
    torch.save(make_model(seed=8).state_dict(), tmp_path / "vame.pkl")
    again = project.open(pretrained_weights=True, pretrained=tmp_path / "vame.pkl")
    assert again.unfinished != before  # other weights make it another training


# --- interrupted ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("looks", "step"), [(0, 1), (1, 2), (2, 2), (4, 4)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_training_resumes_after_a_signal_with_the_same_result(
    project, tmp_path, capsys, looks, step, number
):
    other = tmp_path / "undisturbed"
    other.mkdir()
    undisturbed = Project(other)
    undisturbed.train(max_epochs=3)
    with pytest.raises(SystemExit) as ended:
        project.train(max_epochs=3, signals=After(looks, number))
    assert ended.value.code == 128 + number
    assert f"{number.name}: stopped after epoch" in capsys.readouterr().out
    assert not (project.folder / "model.pt").exists()
    steps = project.train(max_epochs=3)
    assert "resuming from" in capsys.readouterr().out
    assert steps[0] == step
    assert project.history() == undisturbed.history()
    assert_same_models(project, undisturbed)


def test_the_history_on_disk_equals_that_of_the_state(project):
    with pytest.raises(SystemExit):
        project.train(max_epochs=3, signals=After(3))
    before = project.history()
    (project.folder / "history.csv").unlink()  # as Snakemake does after a failed job
    with pytest.raises(SystemExit):
        project.train(max_epochs=3, signals=After(0))
    assert project.history() == before


@pytest.mark.parametrize(("minutes", "saves"), [(0.0, 3), (1000.0, 1)])
def test_the_state_is_saved_after_epochs_and_checkpoint_minutes(
    project, monkeypatch, minutes, saves
):
    saved = []
    monkeypatch.setattr(running, "save_progress", lambda run: saved.append(run.steps_done))
    project.train(max_epochs=1, steps_per_epoch=2, minutes=minutes)
    assert saved == [1, 2, 2][-saves:]


def test_other_settings_start_again_and_remove_snapshots(project, capsys):
    project.train(max_epochs=2, model_snapshot=1)
    project.train(max_epochs=1, model_snapshot=50)
    assert "going on" not in capsys.readouterr().out
    assert not (project.folder / "snapshots").exists()


def test_other_code_starts_again(project):
    assert project.open(code="one").unfinished != project.open(code="other").unfinished


def test_a_stop_file_ends_training_after_the_epoch(project, capsys):
    run, steps = project.open(max_epochs=5), []
    for done in train(run, Nobody(), 1000.0):
        steps.append(done)
        if len(steps) == 2:
            run.stop.touch()
    assert steps == [0, 1, 2, 2]
    assert not run.stop.exists()
    ending = "; STOP ended training after epoch 1 of 5"
    assert project.checkpoint("model.pt")["selection"].endswith(ending)
    assert project.checkpoint("last.pt")["selection"] == f"the last epoch, 1{ending}"
    assert f"trained for 1 of 5 epochs{ending}" in capsys.readouterr().out


# --- numbers that are not finite ------------------------------------------------------------------


def test_a_failure_is_reported_with_sessions_and_frames(project, capsys):
    frames = make_frames(frames=150, seed=150).numpy()
    frames[120] = math.nan
    project.save("train", frames)
    with pytest.raises(ValueError, match="Halving the learning rate 3 times did not help") as error:
        project.train(steps_per_epoch=50)
    message = str(error.value)
    assert "the windows concerned start at b frame " in message  # row 120 is frame 27 of session b
    assert "lower learning_rate, or set gradient_clip" in message
    assert str(next(project.folder.glob("state-*.pt"))) in message
    printed = capsys.readouterr().out
    assert printed.count("WARNING: ") == 3
    assert "Epoch 1 restarts at half the learning rate, 0.005" in printed


def test_at_most_five_windows_are_named_by_session_and_frame():
    rows = [0, 99, 100, 101, 102, 103, 104]
    failure = NonFiniteError(["gradient"], 2, 7, rows)
    assert explain(failure, {"segments": SEGMENTS}) == (
        "gradient not finite in step 7 of epoch 2; the windows concerned start at a frame 40, "
        "a frame 139, b frame 7, b frame 8, b frame 9 and 2 more"
    )


def test_held_out_windows_that_fail_are_not_named():
    failure = NonFiniteError(["kl"], 2, None, [])
    expected = "kl not finite on the held-out windows of epoch 2"
    assert explain(failure, {"segments": SEGMENTS}) == expected
