"""Values get the type of their entry in the schema; errors name key, problem and meaning."""

import subprocess
import sys

import pytest
from projects import ROOT
from settings.schema import SettingsError, coerce, schema_errors, with_defaults

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["center", "orient"],
    "properties": {
        "center": {"type": "string", "description": "The origin."},
        "orient": {"type": "string", "description": "The x axis."},
        "zdims": {"type": "integer", "minimum": 1, "description": "Number of latents."},
        "demo": {
            "type": "object",
            "default": {},
            "additionalProperties": False,
            "properties": {"seed": {"type": "integer", "default": 1}},
        },
    },
}
NAMED = {"center": "tail", "orient": "nose"}


@pytest.mark.parametrize(("settings", "seed"), [({}, 1), ({"demo": {"seed": 3}}, 3)])
def test_defaults_are_filled_in_also_within_objects(settings, seed):
    assert with_defaults(settings, SCHEMA)["demo"] == {"seed": seed}


@pytest.mark.parametrize(
    ("settings", "errors"),
    [
        (NAMED, []),
        (
            {},
            ["center: is missing; set it: The origin.", "orient: is missing; set it: The x axis."],
        ),
        ({"orient": "nose"}, ["center: is missing; set it: The origin."]),
        (
            NAMED | {"zdim": 3, "q": 1},
            [
                "q: there is no such setting; config/README.md lists the settings",
                "zdim: there is no such setting; did you mean zdims?",
            ],
        ),
        (NAMED | {7: 1}, ["7: there is no such setting; config/README.md lists the settings"]),
        (
            NAMED | {"demo": {"sed": 2}},
            ["demo.sed: there is no such setting; did you mean seed?"],
        ),
        (
            NAMED | {"zdims": 0},
            ["zdims: 0 is less than the minimum of 1; it means: Number of latents."],
        ),
        (
            NAMED | {"zdims": "many"},
            ["zdims: 'many' is not of type 'integer'; it means: Number of latents."],
        ),
    ],
)
def test_each_violation_is_one_sentence(settings, errors):
    assert sorted(schema_errors(settings, SCHEMA)) == errors


def test_an_error_names_the_place_before_the_key():
    assert schema_errors(NAMED | {"zdims": 0}, SCHEMA, "models.a.")[0].startswith("models.a.zdims:")


def test_errors_are_counted():
    assert str(SettingsError("config", ["a"])) == "config has 1 error:\n  - a"
    assert str(SettingsError("s.tsv", ["a", "b"])) == "s.tsv has 2 errors:\n  - a\n  - b"


def test_a_single_number_is_read_as_a_list_where_a_list_is_needed():
    entry = {"items": {"type": "integer"}}
    assert coerce(15, entry | {"type": "array"}) == [15]
    assert coerce(15, entry | {"type": ["array", "null"]}) == 15


def test_a_number_that_is_too_large_is_refused():
    assert coerce(10**400, {"type": "number"}) == float("inf")
    assert "zdims: inf is not a finite number" in schema_errors(
        NAMED | {"zdims": float("inf")}, SCHEMA
    )


BARE = """
import sys
for name in ("numpy", "pandas", "h5py", "tables", "snakemake", "torch"):
    sys.modules[name] = None
sys.path.insert(0, sys.argv[1])
import settings.run, settings.sources
print(sorted(name for name in sys.modules if name.startswith("settings.")))
"""


def test_the_environment_of_snakemake_needs_only_yaml_and_jsonschema():
    folder = ROOT / "workflow/scripts"
    command = [sys.executable, "-c", BARE, folder]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    modules = {path.stem for path in (folder / "settings").glob("*.py")} - {"__init__"}
    assert printed.strip() == str(sorted(f"settings.{name}" for name in modules))
