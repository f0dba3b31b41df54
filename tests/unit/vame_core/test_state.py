"""A training that resumes from its file has the same result as without interruption."""

import json

import pytest
import torch
from tiny_models import make_config, make_frames, make_model
from vame_core.state import load_state, remove_states, save_state, state_file
from vame_core.training import fit, start_training
from vame_core.windows import Windows

IDENTITY = {"settings": {"zdims": 3, "beta": 1.0}, "dataset": "d", "code": "c", "seed": 0}
HISTORY = [{"epoch": 1, "seconds": 0.5, "test_future": None}]


def start(config, *, seed=0):
    length, frames = config.window_length, make_frames(frames=200)
    train = Windows(frames[:150], [(0, 150)], length)
    held_out = Windows(frames[160:], [(0, 40)], length)
    model = make_model(seed=seed, **config.as_settings())
    return start_training(model, config, train, torch.Generator().manual_seed(seed)), (
        train,
        held_out,
        config,
    )


def weights_of(state):
    return {name: value.clone() for name, value in state.model.state_dict().items()}


def rows_of(events):
    return [event.row() | {"seconds": 0} for event in events if event]


def run_through_a_file(path, config, stop_at):
    """Return weights and rows of a complete run, and of one that was saved and restarted."""
    torch.manual_seed(0)
    state, data = start(config)
    rows = []
    for n, event in enumerate(fit(state, *data), start=1):
        rows.append(event)
        if n == stop_at:
            save_state(path, state, IDENTITY, HISTORY, None)
            saved = len(rows)
    torch.manual_seed(99)
    resumed, data = start(config, seed=5)
    load_state(path, resumed, IDENTITY)
    later = list(fit(resumed, *data))
    return (weights_of(state), rows_of(rows[saved:])), (weights_of(resumed), rows_of(later))


@pytest.mark.parametrize("stop_at", [1, 3, 4, 6], ids=["1.1", "1.3", "1", "2.2"])
@pytest.mark.parametrize("scheduler", ["constant", "plateau", "one_cycle"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"vame_quirks": ["redrawn_held_out_windows"]},
        {"dropout_encoder": 0.5, "noise": True},
        {"gradient_clip": 1.0},
    ],
    ids=lambda changes: ",".join(changes) or "default",
)
def test_a_resumed_training_is_identical(tmp_path, stop_at, scheduler, changes):
    config = make_config(
        steps_per_epoch=3, scheduler=scheduler, scheduler_step_size=1, annealtime=2, **changes
    )
    whole, resumed = run_through_a_file(tmp_path / "state.pt", config, stop_at)
    assert resumed[1] == whole[1]
    for name, value in whole[0].items():
        assert torch.equal(resumed[0][name], value), name


def test_history_and_best_epoch_are_restored(tmp_path):
    state, _ = start(make_config())
    best = {"weights": weights_of(state), "epoch": 3, "selection": "why"}
    save_state(tmp_path / "state.pt", state, IDENTITY, HISTORY, best)
    history, loaded = load_state(tmp_path / "state.pt", state, IDENTITY)
    assert history == HISTORY
    assert torch.equal(loaded["weights"].popitem()[1], best["weights"].popitem()[1])
    assert loaded["selection"] == "why"


def test_a_saved_state_is_a_copy(tmp_path):
    """Further training does not change the state that a later backoff restores."""
    config = make_config(steps_per_epoch=3)
    state, data = start(config)
    steps = fit(state, *data)
    next(steps)
    before = {name: value.clone() for name, value in state.epoch_start["model"].items()}
    save_state(tmp_path / "state.pt", state, IDENTITY, [], None)
    next(steps)
    resumed, _ = start(config, seed=5)
    load_state(tmp_path / "state.pt", resumed, IDENTITY)
    for name, value in before.items():
        assert torch.equal(resumed.epoch_start["model"][name], value)


@pytest.mark.parametrize(
    "change",
    [{"settings": {"zdims": 4, "beta": 1.0}}, {"dataset": "e"}, {"code": "d"}, {"seed": 1}],
    ids=lambda change: next(iter(change)),
)
def test_each_training_has_its_own_file(tmp_path, change):
    assert state_file(tmp_path, IDENTITY | change) != state_file(tmp_path, IDENTITY)


def test_the_order_of_settings_has_no_effect(tmp_path):
    reordered = json.loads(json.dumps(dict(reversed(IDENTITY.items()))))
    assert state_file(tmp_path, reordered) == state_file(tmp_path, IDENTITY)


def test_the_state_of_another_training_is_refused(tmp_path):
    state, _ = start(make_config())
    save_state(tmp_path / "state.pt", state, IDENTITY, [], None)
    with pytest.raises(ValueError, match="another training; code, seed differ"):
        load_state(tmp_path / "state.pt", state, IDENTITY | {"seed": 3, "code": "x"})


def test_the_state_of_another_device_is_refused_and_kept(tmp_path):
    path = tmp_path / "state.pt"
    state, _ = start(make_config())
    save_state(path, state, IDENTITY, [], None)
    torch.save(torch.load(path, weights_only=True) | {"device": "cuda"}, path)
    with pytest.raises(ValueError, match="was written on cuda and cannot be resumed on cpu"):
        load_state(path, state, IDENTITY)
    assert path.is_file()


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_truncated_state_is_refused(tmp_path, share):
    path = tmp_path / "state.pt"
    state, _ = start(make_config())
    save_state(path, state, IDENTITY, [], None)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"state\.pt"):
        load_state(path, state, IDENTITY)


def test_a_failed_write_keeps_the_last_state(tmp_path, monkeypatch):
    path = tmp_path / "state.pt"
    state, _ = start(make_config())
    save_state(path, state, IDENTITY, HISTORY, None)

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", no_space)
    with pytest.raises(OSError, match=r"No space left.*state\.pt"):
        save_state(path, state, IDENTITY, [], None)
    monkeypatch.undo()
    assert load_state(path, state, IDENTITY)[0] == HISTORY
    assert [file.name for file in tmp_path.iterdir()] == ["state.pt"]


def test_only_states_are_removed(tmp_path):
    for name in ("state-0123.pt", "state-4567.pt", "model.pt", "history.csv"):
        (tmp_path / name).touch()
    remove_states(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["history.csv", "model.pt"]
