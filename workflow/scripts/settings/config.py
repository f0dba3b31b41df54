"""The checked config: typed, with defaults; all errors are reported at once."""

from collections.abc import Iterator, Mapping
from typing import Any

from settings.files import Access, path_errors
from settings.frozen import alignment_errors
from settings.models import model_errors, models_of_grid, settings_of_model
from settings.schema import Schema, SettingsError, coerce, schema_errors, with_defaults

Settings = Mapping[str, Any]


def checked_config(
    config: Settings, schema: Schema, access: Access, frozen: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Check the config: fill in defaults, convert values to the types of the schema.

    With a frozen model, this is the only model, and recordings are aligned as it requires.

    Raises
    ------
    SettingsError
        Naming every unknown key, wrong type, value out of range, missing key and conflict.
    """
    entries = schema["properties"]
    config = {key: coerce(value, entries.get(key, {})) for key, value in config.items()}
    if isinstance(config.get("grid"), dict):
        config["grid"] = {
            key: coerce(values, {"items": entries.get(key, {})})
            for key, values in config["grid"].items()
        }
    errors = []
    if frozen:
        errors = alignment_errors(config, frozen)
        own = {"models": {frozen["model"]: {}}, "grid": {}, "seeds": [frozen["seed"]]}
        config = frozen["alignment"] | config | own
    errors += schema_errors(config, schema)
    config = with_defaults(config, schema)
    errors += model_errors(config, schema)
    if not errors:
        config["models"] = config["models"] | models_of_grid(config["grid"])
        errors = contradictions(config, schema, access)
    if errors:
        raise SettingsError("config", errors)
    return config


def contradictions(config: Settings, schema: Schema, access: Access) -> list[str]:
    """Return errors about settings that are valid individually, but not in combination."""
    errors = [*_broken(ALIGNMENT_RULES, config), *_keypoint_errors(config)]
    if config["motif_names"]:
        absent = (
            f"motif_names: {config['motif_names']} does not exist; correct the path, or set "
            "motif_names: null"
        )
        errors += path_errors(config["motif_names"], absent, "motif_names: ", access)
    if config["use_model"]:
        return errors
    models = {
        name: settings_of_model(config, changes, schema)
        for name, changes in config["models"].items()
    }
    if config["choose_by"] == "future" and not any(
        model["prediction_decoder"] for model in models.values()
    ):
        errors.append(
            "choose_by: no model predicts the future; choose by reconstruction, or set "
            "prediction_decoder: true for a model"
        )
    errors += [
        f"embed_models: no model is {name!r}; the models are: {', '.join(sorted(models))}"
        for name in config["embed_models"] or []
        if name not in models
    ]
    for name, model in models.items():
        errors += _broken(MODEL_RULES, model | {"name": name, "window": frames_used(model)})
        if model["pretrained_weights"]:
            path = model["pretrained_model"]
            absent = (
                f"pretrained_model: {path} of model {name} does not exist; correct the path, or "
                "set pretrained_weights: false"
            )
            errors += path_errors(path, absent, "pretrained_model: ", access)
    return errors


def frames_used(model: Settings) -> int:
    """Frames of a window that a model is trained on: encoded and predicted."""
    return model["time_window"] + model["prediction_steps"] * model["prediction_decoder"]


# Condition of a problem, and its message, in which settings stand in braces.
ALIGNMENT_RULES = (
    (
        lambda s: s["savgol_length"] % 2 == 0,
        "savgol_length: {savgol_length} is even; choose an odd number",
    ),
    (
        lambda s: s["savgol_order"] >= s["savgol_length"],
        "savgol_order: {savgol_order} must be below savgol_length ({savgol_length})",
    ),
    (lambda s: s["center"] == s["orient"], "orient: must differ from center"),
)
MODEL_RULES = (
    (
        lambda s: s["prediction_decoder"] and s["prediction_steps"] > s["time_window"],
        "prediction_steps: model {name} predicts {prediction_steps} frames from {time_window}; "
        "set it to time_window or less",
    ),
    (
        lambda s: "windows_across_joins" not in s["vame_quirks"] and s["split_gap"] < s["window"],
        "split_gap: {split_gap} frames are fewer than a window of model {name} has (time_window + "
        "prediction_steps = {window}); set it to {window} or more",
    ),
    (
        lambda s: "skip_last_epoch" in s["vame_quirks"] and s["max_epochs"] == 1,
        "vame_quirks: model {name} has one epoch and would skip it; increase max_epochs, or "
        "remove skip_last_epoch from the list",
    ),
)
MODEL_WARNINGS = (
    (
        lambda s: s["kmeans_loss"] > s["zdims"],
        "kmeans_loss: model {name} has only {zdims} singular values (zdims), so {kmeans_loss} has "
        "the effect of {zdims}",
    ),
    (
        lambda s: s["softplus"],
        "softplus: model {name} cannot have a posterior that is narrower than the prior",
    ),
    (
        lambda s: s["max_epochs"] < s["annealed"],
        "max_epochs: model {name} ends after {max_epochs} epochs, before the KL weight is fully "
        "annealed (epoch {annealed}); the model will be that of its last epoch",
    ),
)


def _broken(rules, settings: Settings) -> Iterator[str]:
    return (message.format(**settings) for wrong, message in rules if wrong(settings))


def _keypoint_errors(config: Settings) -> list[str]:
    named = {key: config[key] for key in ("center", "orient")}
    listed = config["keypoints"]
    return [
        *(
            f"{key}: {name!r} is not listed in keypoints; add it there, or choose a listed one"
            for key, name in named.items()
            if listed is not None and name not in listed
        ),
        *(
            f"{key}: {name!r} is excluded by exclude_keypoints; remove it there, or choose another"
            for key, name in named.items()
            if name in config["exclude_keypoints"]
        ),
    ]


def warnings_about(config: Settings, models: Mapping[str, Settings], schema: Schema) -> list[str]:
    """What is allowed, but does not do what one may expect."""
    dead = sorted(key for key in config if schema["properties"][key].get("deprecated"))
    sentences = [f"these keys of VAME's config do nothing here: {', '.join(dead)}"] * bool(dead)
    for name, model in models.items():
        start = model["kl_start"] if model["anneal_function"] == "linear" else 5
        known = model | {"name": name, "annealed": model["annealtime"] + start}
        sentences += _broken(MODEL_WARNINGS, known)
    return sentences
