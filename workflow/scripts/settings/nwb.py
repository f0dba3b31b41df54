"""Metadata of the sessions table that NWB files require."""

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
    """Select the cells of a row that are written to an NWB file."""
    return {key: row[key] for key in (*REQUIRED, *OPTIONAL)}


def metadata_errors(rows: Iterable[Mapping[str, Any]], schema: Schema) -> list[str]:
    """Return one sentence per missing column, which names all sessions that lack it."""
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
    """Return the errors of a time whose form the schema has checked."""
    try:
        ahead = datetime.fromisoformat(text) > datetime.now(UTC)
    except ValueError as error:
        return [f"session_start_time of {session}: {text} is not a valid time ({error})"]
    return [f"session_start_time of {session}: {text} is in the future"] if ahead else []
