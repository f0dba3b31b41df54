"""Models by name, from `models` and `grid`, and the settings of each."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

from settings.schema import Schema, coerce, schema_errors

Settings = Mapping[str, Any]

WIDE = 128
"""Units of a GRU above which threads can share its operations. With 64 units it trains in 28 s on
one thread, in 25 s on two, and in minutes if another program uses one of the two."""


def of_rule(rule: str, schema: Schema, settings: Settings) -> dict[str, Any]:
    """Return the settings that the schema lists as used by a rule, independent of their order."""
    return {
        key: settings[key]
        for key, entry in sorted(schema["properties"].items())
        if rule in entry.get("used_by", [])
    }


def threads_to_train(settings: Settings) -> int:
    """Return the number of threads that speed up a training."""
    return 4 if settings["hidden_size_layer_1"] >= WIDE else 1


def settings_of_model(config: Settings, changes: Settings | None, schema: Schema) -> dict[str, Any]:
    """Return the whole config with the changes of one model."""
    return {**config, **_typed(changes or {}, schema)}


def _typed(changes: Settings, schema: Schema) -> dict[str, Any]:
    entries = schema["properties"]
    return {key: coerce(value, entries.get(key, {})) for key, value in changes.items()}


def model_schema(schema: Schema) -> dict[str, Any]:
    """Return the part of the schema that a model may change."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: entry
            for key, entry in schema["properties"].items()
            if "train_model" in entry.get("used_by", [])
        },
    }


def models_of_grid(grid: Mapping[str, list]) -> dict[str, dict[str, Any]]:
    """Return a model for each combination of values, named by them: beta-0.5_zdims-10.

    >>> list(models_of_grid({"zdims": [5, 10], "beta": [2.0]}))
    ['beta-2.0_zdims-5', 'beta-2.0_zdims-10']
    """
    if not grid:
        return {}
    keys = sorted(grid)
    combinations = itertools.product(*(grid[key] for key in keys))
    models = [dict(zip(keys, values, strict=True)) for values in combinations]
    return {"_".join(f"{key}-{value}" for key, value in own.items()): own for own in models}


def model_errors(config: Settings, schema: Schema) -> list[str]:
    """Return errors in `models` and `grid` other than types, which the schema checks."""
    models, grid = config["models"], config["grid"]
    if not isinstance(models, dict) or not isinstance(grid, dict):
        return []
    errors = [
        f"models: the name {name!r} is not text; put it in quotes"
        for name in models
        if not isinstance(name, str)
    ]
    own = model_schema(schema)
    for name, changes in models.items():
        if isinstance(changes, dict):
            errors += schema_errors(_typed(changes, schema), own, f"models.{name}.")
    lists = {key: values for key, values in grid.items() if isinstance(values, list)}
    for key, values in lists.items():
        for value in values:
            errors += schema_errors({key: value}, own, "grid.")
    errors = list(dict.fromkeys(errors))
    if lists != grid:
        return errors
    if not models and not grid:
        errors.append("models: there is no model and no grid; add a model")
    return errors or _grid_name_errors(models, grid, schema)


def _grid_name_errors(models: Settings, grid: Mapping[str, list], schema: Schema) -> list[str]:
    pattern = schema["properties"]["models"]["propertyNames"]["pattern"]
    names = models_of_grid(grid)
    return [
        *(
            f"grid: {name!r} cannot be part of a model's name; list these values under models"
            for name in names
            if not re.search(pattern, name)
        ),
        *(
            f"models.{name}: the grid also has a model of this name; rename it"
            for name in names
            if name in models
        ),
    ]


def models_to_embed(config: Settings) -> list[str]:
    """Return the models whose latents and motifs are computed, in an order of their own."""
    chosen = config["embed_models"]
    return sorted(name for name in config["models"] if chosen is None or name in chosen)
