import csv
import io
import os
import pickle
from pathlib import Path

import pytest
import torch
from tiny_models import make_batch, make_config, make_model
from vame_core.checkpoint import (
    FORMAT,
    KEYS,
    load_checkpoint,
    load_model,
    load_pretrained,
    require_features,
    require_same_data,
    require_scaling,
    save_checkpoint,
    save_rows,
)

FEATURES = ["nose_x", "nose_y", "paw_x"]


def make_checkpoint(**changes):
    return {
        "weights": make_model(**changes).state_dict(),
        "settings": make_config(**changes).as_settings(),
        "features": FEATURES,
        "scaling": {"mean": [1.0, 2.0, 3.0], "std": [4.0, 5.0, 6.0]},
        "seed": 3,
        "epoch": 7,
        "selection": "the last epoch, 7",
        "dataset": "0" * 64,
        "code": "abc",
        "device": "cpu",
        "threads": 2,
    }


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.pt"
    save_checkpoint(path, make_checkpoint())
    return path


def assert_same_weights(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def left_in(folder):
    return sorted(file.name for file in folder.iterdir())


# --- content of a checkpoint ----------------------------------------------------------------------


def test_a_checkpoint_has_these_keys():
    # Existing files have these keys: a change needs a new FORMAT and a reader of the old one.
    assert FORMAT == 1
    assert sorted(KEYS) == [
        "code",
        "dataset",
        "device",
        "epoch",
        "features",
        "format",
        "scaling",
        "seed",
        "selection",
        "settings",
        "threads",
        "versions",
        "weights",
    ]


def test_a_saved_checkpoint_can_be_read_back(path):
    saved, loaded = make_checkpoint(), load_checkpoint(path)
    assert set(loaded) == set(KEYS)
    assert_same_weights(loaded.pop("weights"), saved.pop("weights"))
    assert {name: loaded[name] for name in saved} == saved
    assert (loaded["format"], loaded["versions"]["torch"]) == (FORMAT, str(torch.__version__))


def test_a_checkpoint_is_read_without_running_code(path):
    assert set(torch.load(path, weights_only=True)) == set(KEYS)


def test_a_checkpoint_contains_everything_to_use_its_model(path):
    model, config, checkpoint = load_model(path, torch.device("cpu"))
    assert config == make_config()
    assert not model.training
    assert checkpoint["features"] == FEATURES
    windows = make_batch()
    for value, expected in zip(model(windows), make_model().eval()(windows), strict=True):
        assert torch.equal(value, expected)


@pytest.mark.parametrize(
    "changes",
    [{"prediction_decoder": False}, {"softplus": True}, {"vame_quirks": ["mixed_decoder_start"]}],
    ids=["no future", "softplus", "mixed"],
)
def test_a_loaded_model_has_the_network_of_the_saved_one(tmp_path, changes):
    save_checkpoint(tmp_path / "model.pt", make_checkpoint(**changes))
    model, _, _ = load_model(tmp_path / "model.pt", torch.device("cpu"))
    expected = make_model(**changes).eval()(make_batch())
    assert torch.equal(model(make_batch()).reconstruction, expected.reconstruction)
    assert (model(make_batch()).future is None) == (expected.future is None)


@pytest.mark.parametrize("change", [{"tempo": 1}, {"seed": None}], ids=["unknown", "missing"])
def test_a_checkpoint_with_other_keys_is_not_written(tmp_path, change):
    checkpoint = make_checkpoint()
    for name, value in change.items():
        if value is None:
            del checkpoint[name]
        else:
            checkpoint[name] = value
    with pytest.raises(AssertionError):
        save_checkpoint(tmp_path / "model.pt", checkpoint)
    assert left_in(tmp_path) == []


# --- files that are not checkpoints ---------------------------------------------------------------


class Malice:
    def __init__(self, victim):
        self.victim = str(victim)

    def __reduce__(self):
        return (os.mkdir, (self.victim,))


@pytest.mark.parametrize("write", [torch.save, lambda x, p: p.write_bytes(pickle.dumps(x))])
@pytest.mark.parametrize("load", [load_checkpoint, lambda p: load_pretrained(make_model(), p)])
def test_a_pickle_with_code_is_refused_without_running_it(tmp_path, write, load):
    victim, path = tmp_path / "victim", tmp_path / "model.pt"
    write({"weights": Malice(victim)}, path)
    with pytest.raises(ValueError, match="would run code") as error:
        load(path)
    assert str(path) in str(error.value)
    assert not victim.exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("load", [load_checkpoint, lambda p: load_pretrained(make_model(), p)])
def test_a_truncated_file_is_refused(path, share, load):
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="truncated") as error:
        load(path)
    assert str(path) in str(error.value)


def test_a_text_file_is_refused(tmp_path):
    path = tmp_path / "model.pt"
    path.write_text("epoch,seconds\n1,2\n")
    with pytest.raises(ValueError, match=r"model\.pt"):
        load_checkpoint(path)


@pytest.mark.parametrize("content", [{"weights": {}}, [1, 2], torch.zeros(3)])
def test_another_programs_file_is_refused(tmp_path, content):
    path = tmp_path / "model.pt"
    torch.save(content, path)
    with pytest.raises(ValueError, match="not a checkpoint of this workflow"):
        load_checkpoint(path)


def test_another_format_is_named(tmp_path):
    path = tmp_path / "model.pt"
    save_checkpoint(path, make_checkpoint() | {"format": 99})
    with pytest.raises(ValueError, match="format 99, this version reads 1"):
        load_checkpoint(path)


def test_a_missing_file_is_reported_as_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "model.pt")


# --- weights to start from ------------------------------------------------------------------------


def test_training_can_start_from_a_checkpoint(path):
    model = make_model(seed=1)
    load_pretrained(model, path)
    assert_same_weights(model.state_dict(), make_model().state_dict())


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "torch before 1.6"])
def test_training_can_start_from_a_file_of_vame(tmp_path, zipped):
    path = tmp_path / "VAME_project.pkl"
    torch.save(make_model().state_dict(), path, _use_new_zipfile_serialization=zipped)
    model = make_model(seed=1)
    load_pretrained(model, path)
    assert_same_weights(model.state_dict(), make_model().state_dict())


def test_a_missing_pretrained_model_is_an_error_and_not_random_weights(tmp_path):
    with pytest.raises(FileNotFoundError, match="pretrained_model") as error:
        load_pretrained(make_model(), tmp_path / "None")
    assert str(tmp_path / "None") in str(error.value)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"zdims": 4}, r"decoder\.latent_to_hidden\.weight: \(12, 3\) in the file, \(12, 4\) here"),
        (
            {"n_features": 2},
            r"encoder\.encoder_rnn\.weight_ih_l0: \(21, 3\) in the file, \(21, 2\)",
        ),
        (
            {"prediction_decoder": False},
            r"decoder_future\.[a-z_]+\.bias: \(\d+,\) in the file, absent",
        ),
    ],
    ids=["latents", "features", "future decoder"],
)
def test_another_architecture_is_named_and_nothing_is_loaded(path, changes, named):
    model = make_model(seed=1, **changes)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match=named) as error:
        load_pretrained(model, path)
    assert "has another architecture" in str(error.value)
    assert str(path) in str(error.value)
    assert_same_weights(model.state_dict(), before)


def test_differing_weights_are_counted(path):
    # Two of Lambda; for each decoder, from latents to hidden states and the GRU in both directions.
    model = make_model(zdims=4)
    with pytest.raises(ValueError, match="10 of 44 weights differ"):
        load_pretrained(model, path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, torch.zeros(3)])
def test_a_file_without_weights_is_refused_as_another_architecture(tmp_path, content):
    torch.save(content, tmp_path / "other.pkl")
    with pytest.raises(ValueError, match="has another architecture"):
        load_pretrained(make_model(), tmp_path / "other.pkl")


@pytest.mark.parametrize(
    ("features", "named"),
    [
        (["a", "b"], "lack c and add none"),
        (["a", "b", "c", "d"], "lack none and add d"),
        (["b", "a", "c"], "the order differs: the model's is a, b, c"),
    ],
)
def test_other_features_are_named(features, named):
    with pytest.raises(ValueError, match=named):
        require_features({"features": ["a", "b", "c"]}, features, Path("model.pt"))


def test_the_same_features_and_scaling_are_accepted():
    checkpoint = {"features": ["a"], "scaling": {"mean": [0.1], "std": [2.0]}}
    require_features(checkpoint, ["a"], Path("model.pt"))
    require_scaling(checkpoint, {"mean": [0.1], "std": [2.0]}, Path("model.pt"))


def test_another_scaling_is_named():
    checkpoint = {"features": ["a", "b"], "scaling": {"mean": [0.0, 1.0], "std": [1.0, 2.0]}}
    with pytest.raises(ValueError, match=r"b: std 2 in the model, 3 in the data\)"):
        require_scaling(checkpoint, {"mean": [0.0, 1.0], "std": [1.0, 3.0]}, Path("model.pt"))


def test_a_dataset_must_have_features_and_scaling():
    checkpoint = {"features": ["a"], "scaling": {"mean": [0.1], "std": [2.0]}}
    require_same_data(checkpoint, checkpoint, "model.pt")
    with pytest.raises(ValueError, match="trained on other features"):
        require_same_data(checkpoint, checkpoint | {"features": ["b"]}, "model.pt")
    scaling = {"mean": [0.2], "std": [2.0]}
    with pytest.raises(ValueError, match="another scaling"):
        require_same_data(checkpoint, checkpoint | {"scaling": scaling}, "model.pt")


def test_training_does_not_start_from_a_model_of_other_features(path):
    with pytest.raises(ValueError, match="trained on other features"):
        load_pretrained(make_model(), path, ["x", "y", "z"])


# --- the history ----------------------------------------------------------------------------------


def test_history_is_a_table_with_empty_cells(tmp_path):
    path = tmp_path / "history.csv"
    save_rows(path, [{"epoch": 1, "future": None}, {"epoch": 2, "future": 0.1 + 0.2}])
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert rows[0] == {"epoch": "1", "future": ""}
    assert float(rows[1]["future"]) == 0.1 + 0.2
    assert left_in(tmp_path) == ["history.csv"]


def test_a_history_without_rows_writes_no_file(tmp_path):
    """This happens if a training was interrupted in its first epoch."""
    save_rows(tmp_path / "history.csv", [])
    assert left_in(tmp_path) == []
