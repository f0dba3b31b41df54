"""Settings that are valid individually but not in combination, and warnings."""

import pytest
from projects import ROOT
from settings.config import checked_config, warnings_about
from settings.files import Access
from settings.models import settings_of_model
from settings.schema import SettingsError, read_schema

SCHEMA = read_schema(ROOT / "workflow/schemas/config.schema.yaml")
VALID = {"center": "tail", "orient": "nose"}
HERE = Access(shared_disk=True, can_fetch=lambda url: url.startswith("s3"))


def errors(access=HERE, **settings):
    """Return the errors of a config, or none if it is accepted."""
    try:
        checked_config(VALID | settings, SCHEMA, access)
    except SettingsError as error:
        return [line.removeprefix("  - ") for line in str(error).splitlines()[1:]]
    return []


@pytest.mark.parametrize(
    ("settings", "start"),
    [
        ({"savgol_length": 4}, "savgol_length: 4 is even"),
        (
            {"savgol_length": 3, "savgol_order": 3},
            "savgol_order: 3 must be below savgol_length (3)",
        ),
        ({"center": "nose"}, "orient: must differ from center"),
        ({"keypoints": ["tail", "a", "b"]}, "orient: 'nose' is not listed in keypoints"),
        ({"exclude_keypoints": ["tail"]}, "center: 'tail' is excluded by exclude_keypoints"),
        (
            {"choose_by": "future", "prediction_decoder": False},
            "choose_by: no model predicts the future",
        ),
        (
            {"publication": {"authors": [{"orcid": "0000-0002-1825-0097"}]}},
            "publication.authors.0.name: is missing; set it: Name of an author",
        ),
        ({"embed_models": ["b"]}, "embed_models: no model is 'b'; the models are: vame"),
        (
            {"time_window": 8, "prediction_steps": 9},
            "prediction_steps: model vame predicts 9 frames from 8",
        ),
        (
            {"split_gap": 44},
            "split_gap: 44 frames are fewer than a window of model vame has (time_window + "
            "prediction_steps = 45); set it to 45 or more",
        ),
        (
            {"vame_quirks": ["skip_last_epoch"], "max_epochs": 1},
            "vame_quirks: model vame has one epoch and would skip it",
        ),
        (
            {"pretrained_weights": True, "pretrained_model": "gone.pt"},
            "pretrained_model: gone.pt of model vame does not exist",
        ),
        (
            {"pretrained_weights": True, "pretrained_model": "ftp://x/a.pt"},
            "pretrained_model: ftp://x/a.pt cannot be fetched; install "
            "snakemake-storage-plugin-ftp",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, start):
    (error,) = errors(**settings)
    assert error.startswith(start)


@pytest.mark.parametrize(
    "settings",
    [
        {"split_gap": 45},
        {"split_gap": 30, "prediction_decoder": False},
        {"split_gap": 0, "vame_quirks": ["windows_across_joins"]},
        {"vame_quirks": ["skip_last_epoch"], "max_epochs": 2},
        {"pretrained_model": "gone.pt"},  # without pretrained_weights
        {"pretrained_weights": True, "pretrained_model": "s3://lab/a.pt"},
        {"choose_by": "future", "models": {"a": {"prediction_decoder": False}, "b": {}}},
    ],
)
def test_settings_that_fit_together_are_accepted(settings):
    assert errors(**settings) == []


def test_errors_of_all_models_are_named_at_once():
    found = errors(models={"a": {"prediction_steps": 31}, "b": {"batch_size": 0}, "c": {"zdim": 1}})
    assert [error.split(":")[0] for error in found] == ["models.b.batch_size", "models.c.zdim"]
    found = errors(
        split_gap=10, models={"a": {"prediction_steps": 31}, "b": {"time_window": 15}}, seeds=[1]
    )
    assert [error.split(":")[0] for error in found] == [
        "prediction_steps",
        "split_gap",
        "split_gap",
    ]


def test_a_local_file_is_refused_if_jobs_have_no_access_to_its_disk(tmp_path):
    (tmp_path / "a.pt").touch()
    settings = {"pretrained_weights": True, "pretrained_model": str(tmp_path / "a.pt")}
    assert errors(**settings) == []
    (error,) = errors(Access(shared_disk=False, can_fetch=HERE.can_fetch), **settings)
    assert "is on this machine, whose disks the jobs cannot read" in error


def test_the_notation_of_a_config_has_no_effect():
    written = VALID | {"n_motifs": 15, "scheduler": 1, "beta": 2, "motifs": ["kmeans", "hmm"]}
    typed = VALID | {"n_motifs": [15], "scheduler": "plateau", "beta": "2.0"}
    typed |= {"motifs": ["hmm", "kmeans"]}
    one, two = (checked_config(each, SCHEMA, HERE) for each in (written, typed))
    assert sorted(map(repr, one.items())) == sorted(map(repr, two.items()))  # types, too


def test_the_given_config_is_not_changed():
    given = VALID | {"grid": {"zdims": ["3"]}, "demo": {"seed": "2"}, "models": {}}
    before = repr(given)
    checked_config(given, SCHEMA, HERE)
    assert repr(given) == before


def entries(schema, place=""):
    """Return all settings of the schema, also nested ones, by their place."""
    for key, entry in schema["properties"].items():
        yield f"{place}{key}", entry
        if "properties" in entry:
            yield from entries(entry, f"{place}{key}.")


def test_every_setting_has_a_type():
    untyped = [place for place, entry in entries(SCHEMA) if "type" not in entry]
    assert untyped == []


def test_ignored_keys_are_not_settings():
    assert SCHEMA["ignored"] == sorted(SCHEMA["ignored"], key=str.lower)
    assert not SCHEMA["properties"].keys() & set(SCHEMA["ignored"])


def test_ignored_keys_may_have_any_value():
    assert errors(**dict.fromkeys(SCHEMA["ignored"], "anything")) == []


def test_a_value_outside_of_the_choices_is_refused_once():
    (error,) = errors(scheduler=3)
    assert error.startswith("scheduler: 3 is not one of ['constant', 'plateau', 'one_cycle']")


def warned(**settings):
    config = checked_config(VALID | settings, SCHEMA, HERE)
    models = {
        name: settings_of_model(config, changes, SCHEMA)
        for name, changes in config["models"].items()
    }
    return warnings_about(config, models, SCHEMA)


@pytest.mark.parametrize(
    ("settings", "start"),
    [
        (
            {"beta_norm": False, "dropout_rec": 0.1},
            "these keys of VAME's config have no effect here: beta_norm, dropout_rec",
        ),
        ({"kmeans_loss": 31}, "kmeans_loss: model vame has only 30 singular values (zdims), so 31"),
        (
            {"softplus": 1},
            "softplus: model vame cannot have a posterior that is narrower than the prior",
        ),
        (
            {"max_epochs": 5},
            "max_epochs: model vame ends after 5 epochs, before the KL weight is fully",
        ),
        (
            {"anneal_function": "sigmoid", "annealtime": 20, "max_epochs": 24},
            "max_epochs: model vame ends after 24 epochs, before the KL weight is fully",
        ),
    ],
)
def test_settings_with_surprising_effects_give_warnings(settings, start):
    (sentence,) = warned(**settings)
    assert sentence.startswith(start)


@pytest.mark.parametrize("settings", [{}, {"max_epochs": 6}, {"kmeans_loss": 30}])
def test_settings_without_surprising_effects_give_no_warnings(settings):
    assert warned(**settings) == []
