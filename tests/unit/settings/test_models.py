"""Models of a grid are named by their values; a model has the config with its changes."""

import pytest
from projects import ROOT
from settings.models import models_of_grid, of_rule, settings_of_model, threads_to_train
from settings.schema import coerce, read_schema, with_defaults

SCHEMA = read_schema(ROOT / "workflow/schemas/config.schema.yaml")
CONFIG = with_defaults({"center": "tail", "orient": "nose"}, SCHEMA)


def test_a_grid_has_a_model_for_each_combination_with_keys_in_any_order():
    grid = {"zdims": [5, 10], "beta": [0.5, 2.0], "noise": [True]}
    models = models_of_grid(grid)
    assert models["beta-0.5_noise-True_zdims-10"] == {"beta": 0.5, "noise": True, "zdims": 10}
    assert list(models) == list(
        models_of_grid({"beta": [0.5, 2.0], "noise": [True], "zdims": [5, 10]})
    )
    assert len(models) == 4


def test_an_empty_grid_has_no_model():
    assert models_of_grid({}) == {}


def test_names_are_those_of_snakemakes_paramspace():
    pandas = pytest.importorskip("pandas")
    from snakemake.utils import Paramspace

    grid = {"beta": [0.5, 2.0], "scheduler": ["constant", "one_cycle"], "zdims": [5]}
    models = models_of_grid(grid)
    table = pandas.DataFrame(models.values(), dtype=object)
    space = Paramspace(table, filename_params="*", param_sep="-", filename_sep="_")
    assert list(models) == list(space.instance_patterns)


def test_changes_of_a_model_are_typed_and_do_not_change_the_config():
    model = settings_of_model(CONFIG, {"beta": "2", "scheduler": 1, "noise": 1}, SCHEMA)
    assert (model["beta"], model["scheduler"], model["noise"]) == (2.0, "plateau", True)
    assert type(model["beta"]) is float
    assert (CONFIG["beta"], CONFIG["scheduler"], CONFIG["noise"]) == (1.0, "one_cycle", False)
    assert settings_of_model(CONFIG, None, SCHEMA) == CONFIG


def test_a_rule_gets_the_settings_that_it_uses_in_a_fixed_order():
    used = of_rule("split_dataset", SCHEMA, CONFIG)
    assert list(used) == sorted(used)
    assert "scaling" in used
    assert "zdims" not in used


@pytest.mark.parametrize(
    ("value", "entry", "typed"),
    [
        ("1e-3", {"type": "number"}, 0.001),
        (3, {"type": "number"}, 3.0),
        ("4", {"type": "integer"}, 4),
        (4.0, {"type": "integer"}, 4),
        (4.5, {"type": "integer"}, 4.5),
        ("many", {"type": "integer"}, "many"),
        (1, {"type": "boolean"}, True),
        (2, {"type": "boolean"}, 2),
        (None, {"type": ["integer", "null"]}, None),
        (5, {"type": "array", "items": {"type": "integer"}}, [5]),
        (["3", 1], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, [1, 3]),
        (["b", "a"], {"type": "array", "items": {"type": "string"}}, ["b", "a"]),
        ({"n": "1"}, {"type": "object", "properties": {"n": {"type": "integer"}}}, {"n": 1}),
        (0, {"enum": ["constant"], "aliases": {0: "constant"}}, "constant"),
    ],
)
def test_a_value_is_converted_to_the_type_of_its_entry_if_possible(value, entry, typed):
    read = coerce(value, entry)
    assert read == typed
    assert type(read) is type(typed)


def test_a_narrow_network_trains_on_one_thread():
    assert [threads_to_train({"hidden_size_layer_1": units}) for units in (64, 127, 128)] == [
        1,
        1,
        4,
    ]
