import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import yaml
from tiny_models import SETTINGS, make_config
from vame_core.config import (
    DERIVED,
    QUIRKS,
    LossConfig,
    ModelConfig,
    NetworkConfig,
    Quirk,
    TrainingConfig,
)

SCHEMA = Path(__file__).resolve().parents[3] / "workflow" / "schemas" / "config.schema.yaml"
SECTIONS = (NetworkConfig, LossConfig, TrainingConfig)


@pytest.fixture(scope="module")
def entries():
    properties = yaml.safe_load(SCHEMA.read_text())["properties"]
    return {k: v for k, v in properties.items() if "train_model" in v.get("used_by", [])}


def test_the_dataclasses_have_the_settings_of_training_in_the_schema(entries):
    names = [field.name for section in SECTIONS for field in fields(section)]
    assert sorted(names) == sorted([*entries, DERIVED])
    assert len(set(names)) == len(names)


def test_choices_are_those_of_the_schema(entries):
    hints = {k: v for section in SECTIONS for k, v in get_type_hints(section).items()}
    choices = {k: set(get_args(v)) for k, v in hints.items() if get_origin(v) is Literal}
    assert choices == {k: set(v["enum"]) for k, v in entries.items() if "enum" in v}
    assert set(entries["vame_quirks"]["items"]["enum"]) == QUIRKS


def test_types_are_those_of_the_schema(entries):
    python = {"integer": int, "number": float, "boolean": bool, "string": str, "null": type(None)}
    python["array"] = Quirk
    for section in SECTIONS:
        for name, hint in get_type_hints(section).items():
            if "type" in entries.get(name, {}) and "enum" not in entries[name]:
                kinds = entries[name]["type"]
                kinds = {python[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)}
                assert set(get_args(hint) or [hint]) == kinds, name


def test_defaults_are_only_in_the_schema(entries):
    for section in SECTIONS:
        for field in fields(section):
            assert field.default is MISSING, field.name
            assert field.default_factory is MISSING, field.name
    assert all("default" in entry for entry in entries.values())


def test_the_defaults_of_the_schema_give_a_config(entries):
    defaults = {name: entry["default"] for name, entry in entries.items()}
    assert ModelConfig.from_settings(defaults).as_settings() == defaults


def test_settings_can_be_restored():
    assert make_config().as_settings() == SETTINGS
    assert ModelConfig.from_settings(make_config().as_settings()) == make_config()


@pytest.mark.parametrize("quirk", sorted(QUIRKS))
def test_each_quirk_can_be_restored(quirk):
    config = make_config(vame_quirks=[quirk])
    assert config.training.vame_quirks == {quirk}
    assert config.network.mixed_decoder_start == (quirk == "mixed_decoder_start")
    assert config.as_settings() == SETTINGS | {"vame_quirks": [quirk]}
    assert ModelConfig.from_settings(config.as_settings()) == config


def test_the_order_of_quirks_has_no_effect():
    names = sorted(QUIRKS)
    assert make_config(vame_quirks=names[::-1]).as_settings()["vame_quirks"] == names


def test_settings_are_plain_values():
    assert json.loads(json.dumps(make_config().as_settings())) == SETTINGS


def test_values_are_converted_to_their_types():
    # In VAME, noise: 1 means off.
    settings = make_config(beta=2, softplus=0, noise=1).as_settings()
    assert [(settings[k], type(settings[k])) for k in ("beta", "softplus", "noise")] == [
        (2.0, float),
        (False, bool),
        (True, bool),
    ]


def test_all_missing_and_unknown_settings_are_named():
    settings = SETTINGS | {"zdim": 3, "tempo": 1}
    del settings["zdims"], settings["beta"]
    with pytest.raises(ValueError, match="zdims") as error:
        ModelConfig.from_settings(settings)
    message = str(error.value)
    assert "missing: ['beta', 'zdims']" in message
    assert "unknown: ['tempo', 'zdim']" in message


def test_a_window_has_the_encoded_and_the_predicted_frames():
    config = make_config(time_window=8, prediction_steps=3)
    assert (config.network.future_steps, config.network.frames_used) == (3, 11)
    assert config.window_length == 11


def test_without_future_decoder_a_window_has_the_encoded_frames():
    config = make_config(time_window=8, prediction_steps=3, prediction_decoder=False)
    assert (config.network.future_steps, config.network.frames_used) == (0, 8)
    assert config.window_length == 8


@pytest.mark.parametrize("future", [True, False])
def test_windows_sampled_as_in_vame_have_twice_the_encoded_frames(future):
    quirks = ["windows_across_joins"]
    config = make_config(
        time_window=8, prediction_steps=3, prediction_decoder=future, vame_quirks=quirks
    )
    assert config.window_length == 16
