"""What the sessions table has to say of a session before it can be written as an NWB file."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from settings.schema import Schema

REQUIRED = ("session_start_time", "species", "sex", "age")
"""Columns without which a file is no NWB file (the first), or the DANDI archive refuses it."""
OPTIONAL = (
    *("strain", "genotype", "session_description", "experimenter", "institution", "lab"),
    *("animal", "video"),
)


def metadata_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """The cells of a row that an NWB file has."""
    return {key: row[key] for key in (*REQUIRED, *OPTIONAL)}


def metadata_errors(rows: Iterable[Mapping[str, Any]], schema: Schema) -> list[str]:
    """What sessions lack for an NWB file: one sentence per column, which names all of them."""
    rows = list(rows)
    empty = {key: [row["session"] for row in rows if not row[key]] for key in REQUIRED}
    errors = [
        f"column {key} is missing or empty for {', '.join(names)}, and NWB files need it: "
        f"{schema['properties'][key]['description']}"
        for key, names in empty.items()
        if names
    ]
    for row in rows:
        if row["session_start_time"]:
            errors += start_errors(row["session"], row["session_start_time"])
    return errors


def start_errors(session: str, text: str) -> list[str]:
    """What is wrong with a time that has the form that the schema asks for."""
    try:
        ahead = datetime.fromisoformat(text) > datetime.now(UTC)
    except ValueError as error:
        return [f"session_start_time of {session}: there is no time {text} ({error})"]
    return [f"session_start_time of {session}: {text} lies in the future"] if ahead else []
