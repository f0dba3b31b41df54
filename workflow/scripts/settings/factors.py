"""Factors: columns of the sessions table that have one value for each animal."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from settings.schema import Schema

Row = dict[str, Any]

OF_THE_SCHEMA = {
    *("species", "sex", "age", "strain", "genotype", "experimenter", "institution", "lab")
}
"""Columns that the schema has, for NWB files, and that may be factors as well."""


def with_factors(schema: Schema, factors: Iterable[str]) -> dict[str, Any]:
    """Return the schema of a sessions table that can also have these columns."""
    entry = {"type": "string", "default": "", "description": "A factor that the config names."}
    own = {name: entry for name in factors if name not in schema["properties"]}
    return {**schema, "properties": {**schema["properties"], **own}}


def factor_errors(
    rows: Sequence[tuple[int, Row]], factors: Iterable[str], schema: Schema
) -> list[str]:
    """Return errors: factors without a column, sessions without a value, animals with two values.

    Parameters
    ----------
    rows
        (line, row) of each session.
    schema
        Of the sessions table, without factors.
    """
    errors = []
    for name in factors:
        if name in schema["properties"] and name not in OF_THE_SCHEMA:
            errors.append(
                f"factors in the config: {name} has a meaning of its own in the sessions table; "
                "name a column that you add, such as sex or batch"
            )
            continue
        if not any(row[name] for _, row in rows):
            errors.append(
                f"factors in the config: the sessions table has no column {name}, or no value in "
                "it; add one, or take the name out of factors"
            )
            continue
        errors += _errors_of(name, rows)
    return errors


def _errors_of(name: str, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> list[str]:
    errors = []
    first: dict[str, tuple[int, str]] = {}
    for line, row in rows:
        if not row["group"]:
            continue
        if not row[name]:
            errors.append(
                f"line {line}, {name}: is empty; a session with a group needs a value of each of "
                "factors"
            )
            continue
        before, value = first.setdefault(row["animal"] or row["session"], (line, row[name]))
        if value != row[name]:
            errors.append(
                f"line {line}, {name}: {row['animal']} is {row[name]}, but {value} in line "
                f"{before}; a factor has one value for each animal, so correct it, or take {name} "
                "out of factors"
            )
    return errors
