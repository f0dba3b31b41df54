"""Typing and checking of values by a JSON schema, with messages for users."""

import difflib
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

Schema = Mapping[str, Any]


class SettingsError(ValueError):
    """All errors of a config or a sessions table.

    >>> print(SettingsError("config", ["beta: is missing"]))
    config has 1 error:
      - beta: is missing
    """

    def __init__(self, where: str | Path, errors: list[str]) -> None:
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        super().__init__(f"{where} has {count}:\n" + "\n".join(f"  - {error}" for error in errors))


def read_schema(path: str | Path) -> Schema:
    # Every job reads the schema again: PyYAML's C parser, if available, takes a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(Path(path).read_text(encoding="utf-8"), loader)


def coerce(value: Any, entry: Schema) -> Any:
    """Convert a value to the type of its entry in the schema, if possible.

    Numbers become numbers (YAML reads 5e-4 as a string), and VAME's 0 and 1 become the booleans or
    names that they stand for: the notation of a value changes no result and reruns nothing.
    """
    if isinstance(value, (str, int, float, type(None))):
        value = entry.get("aliases", {}).get(value, value)
    kinds = entry.get("type", [])
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        value = COERCERS.get(kind, _keep)(value, entry)
    if kinds != "array" and isinstance(value, list) and "items" in entry:
        value = _to_array(value, entry)
    return value


def _keep(value, entry):
    return value


def _to_boolean(value, entry):
    return bool(value) if value in (0, 1) else value


def _to_number(value, entry):
    if isinstance(value, str):
        return _read(value, float)
    try:
        return float(value) if type(value) is int else value
    except OverflowError:  # for example of 400 digits
        return math.inf  # which the schema check rejects


def _to_integer(value, entry):
    if isinstance(value, str):
        return _read(value, int)
    return int(value) if type(value) is float and value.is_integer() else value


def _read(text, kind):
    try:
        return kind(text)
    except ValueError:
        return text


def _to_array(value, entry):
    """Convert a single number to a list, if only a list is allowed.

    Where items may not repeat, order has no meaning: they are sorted, numbers before names.
    """
    if isinstance(value, (int, float)) and entry.get("type") == "array":
        value = [value]
    if not isinstance(value, list) or "items" not in entry:
        return value
    value = [coerce(item, entry["items"]) for item in value]
    if entry.get("uniqueItems") and {type(item) for item in value} <= {str, int, float}:
        numbers = [item for item in value if not isinstance(item, str)]
        return sorted(numbers) + sorted(item for item in value if isinstance(item, str))
    return value


def _to_object(value, entry):
    if not isinstance(value, dict) or "properties" not in entry:
        return value
    return {key: coerce(inner, entry["properties"].get(key, {})) for key, inner in value.items()}


COERCERS: dict[str, Callable[[Any, Schema], Any]] = {
    "boolean": _to_boolean,
    "number": _to_number,
    "integer": _to_integer,
    "array": _to_array,
    "object": _to_object,
}


def with_defaults(settings: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Fill in the schema's defaults, also within objects."""
    filled = dict(settings)
    for key, entry in schema["properties"].items():
        if "default" in entry:
            filled.setdefault(key, coerce(entry["default"], entry))
        if isinstance(filled.get(key), dict) and "properties" in entry:
            filled[key] = with_defaults(filled[key], entry)
    return filled


def schema_errors(settings: Mapping[str, Any], schema: Schema, where: str = "") -> list[str]:
    """One sentence per violation of the schema: the key, what is wrong, what it should be."""
    errors = [
        f"{where}{key}: {value} is not a finite number"
        for key, value in settings.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
    for error in sorted(
        Draft202012Validator(schema).iter_errors(settings), key=lambda error: error.json_path
    ):
        path = [str(part) for part in error.absolute_path]
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            unknown = sorted(map(str, set(error.instance) - set(known)))
            errors += [_unknown(f"{where}{'.'.join([*path, key])}", key, known) for key in unknown]
        elif error.validator == "required":
            errors += [
                f"{where}{key}: is missing; set it: {schema['properties'][key]['description']}"
                for key in error.validator_value
                if key not in error.instance
            ]
        else:
            entry = schema["properties"].get(path[0], {}) if path else {}
            meaning = entry.get("description", schema.get("description", ""))
            errors.append(f"{where}{'.'.join(path)}: {error.message}; it means: {meaning}")
    return list(dict.fromkeys(errors))


def _unknown(place: str, key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {nearest[0]}?" if nearest else "config/README.md lists the settings"
    return f"{place}: there is no such setting; {hint}"
