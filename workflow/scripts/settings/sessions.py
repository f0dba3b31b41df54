"""The checked sessions table: one recording per row; all errors are reported at once."""

import csv
import difflib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from settings.animals import keypoints_of_animals, rows_of_animals
from settings.files import DEMO, Access, path_errors
from settings.frozen import keypoints_of
from settings.headers import Header, header_of
from settings.names import clash_errors, ignores_case, prefix_errors, reserved_errors
from settings.schema import Schema, SettingsError, coerce, schema_errors

Row = dict[str, Any]
FILE_COLUMNS = ("poses", "features", "labels", "video")


def checked_sessions(
    config: Mapping[str, Any],
    schema: Schema,
    access: Access,
    frozen: Mapping[str, Any] | None,
    *,
    warn: Callable[[str], None] | None,
) -> list[Row]:
    """Check the sessions table and return its rows, typed, with defaults, one per animal.

    Parameters
    ----------
    warn
        Function that prints a warning. If None, headers of pose files are not read: a job need not
        repeat the checks of the main process.

    Raises
    ------
    SettingsError
        Naming every row and column with an error, every missing file, and every keypoint of
        the config that a recording lacks.
    """
    path = Path(config["sessions"])
    entries = read_rows(path, schema)
    repeated, errors = duplicates_of(entries), []
    numbered: list[tuple[int, Row]] = []
    aside: dict[int, dict[str, str]] = {}  # by line with individual `all`
    for line, entry in entries:
        where = f"line {line}, "
        row = {key: cell.get("default") for key, cell in schema["properties"].items()} | entry
        found = schema_errors(entry, schema, where) + repeated.get(line, [])
        if found:
            errors += found
            continue
        own, found, reasons = rows_of_line(row, where, config, access, frozen, warn is not None)
        if row["individual"] == "all":
            aside[line] = reasons
        errors += found
        # Also with an error: the session exists for the checks of the config's names.
        numbered += [(line, each) for each in own]
    rows = [row for _, row in numbered]
    errors += [
        *prefix_errors(config["individual_prefixes"]),
        *reserved_errors(numbered),
        *clash_errors(numbered, aside, ignores_case(path)),
        *animal_errors(rows),
        *name_errors(rows, config),
    ]
    if warn:
        headers = headers_of(rows, config["individual_prefixes"])
        errors += exclusion_errors(headers.values(), config)
        for sentence in [*unnamed_animals(numbered, headers, aside), *repeated_files(rows)]:
            warn(sentence)
    if errors:
        raise SettingsError(path, errors)
    return rows


def rows_of_line(
    row: Row,
    where: str,
    config: Mapping[str, Any],
    access: Access,
    frozen: Mapping[str, Any] | None,
    check_headers: bool,
) -> tuple[list[Row], list[str], dict[str, str]]:
    """Return the rows of a line of the table, several where its individual is `all`.

    Returns
    -------
    Rows; their errors; by name, why an individual was excluded.
    """
    rows, errors, aside = [row], file_errors(row, where, access), {}
    check_headers &= not errors and Path(row["poses"]).is_file()
    if check_headers:
        errors += header_errors(row, where, config, frozen)
    if not errors and row["individual"] == "all":
        rows, found, aside = rows_of_animals(row, config)
        errors += [f"{where}{error}" for error in found]
        if check_headers:
            errors += [text for each in rows for text in header_errors(each, where, config, frozen)]
    return rows, errors, aside


def read_rows(path: Path, schema: Schema) -> list[tuple[int, Row]]:
    """Read (line, row) of every row that is not blank; empty cells are omitted.

    Raises
    ------
    SettingsError
        If the table does not exist, or lacks a required column.
    """
    if not path.is_file():
        message = (
            f"sessions: {path} does not exist; create a sessions table there (config/README.md "
            "shows an example), or set the path of yours"
        )
        raise SettingsError("config", [message])
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file, delimiter="\t", restkey="(beyond the last column)")
            columns = table.fieldnames or []
            rows = [(table.line_num, row) for row in table if any(row.values())]
    except (UnicodeDecodeError, csv.Error) as error:
        message = f"it is not a text table ({error}); save it as UTF-8, separated by tabs"
        raise SettingsError(path, [message]) from error
    missing = [
        f"column {key} is missing; columns are separated by tabs and named in the first line: "
        f"{', '.join(schema['properties'])}"
        for key in schema["required"]
        if key not in columns
    ]
    if missing or not rows:
        raise SettingsError(path, missing or ["it has no rows; add one row per recording"])
    return [(line, _typed(row, schema)) for line, row in rows]


def _typed(row: Mapping[str, Any], schema: Schema) -> Row:
    """Return the cells that are not empty; those beyond the last column are a list."""
    entries = schema["properties"]
    return {
        key: coerce(value.strip(), entries.get(key, {})) if isinstance(value, str) else value
        for key, value in row.items()
        if value and (not isinstance(value, str) or value.strip())
    }


def duplicates_of(entries: Iterable[tuple[int, Row]]) -> dict[int, list[str]]:
    """Return errors, by line, about sessions that are named more than once."""
    first: dict[Any, int] = {}
    return {
        line: [
            f"line {line}, session: {session} is also in line {first[session]}; give each "
            "recording a unique name"
        ]
        for line, row in entries
        if first.setdefault(session := row.get("session"), line) != line
    }


def file_errors(row: Row, where: str, access: Access) -> list[str]:
    """Return errors about files of the row that no job could read."""
    errors = []
    for key in FILE_COLUMNS:
        if row[key] and not row[key].startswith(DEMO):
            absent = (
                f"{where}{key}: {row[key]} does not exist; the path is relative to {Path.cwd()}"
            )
            errors += path_errors(row[key], absent, f"{where}{key}: ", access)
    return errors


def header_errors(
    row: Row, where: str, config: Mapping[str, Any], frozen: Mapping[str, Any] | None
) -> list[str]:
    """Return errors about keypoints of the config and the row's individual absent in the file."""
    path, chosen, prefixes = row["poses"], row["individual"], config["individual_prefixes"]
    individuals, known = header_of(path, prefixes)
    whose = path
    if chosen in individuals:
        own = keypoints_of_animals(path, prefixes).get(chosen, known)
        known, whose = own, path if own == known else f"{chosen} in {path}"
    wanted = {"center": [config["center"]], "orient": [config["orient"]]}
    wanted["keypoints"] = config["keypoints"] or []
    if frozen:
        wanted["use_model"] = keypoints_of(frozen)
    errors = [
        f"{where}poses: {whose} has no keypoint {name!r} ({key} in the config); it has: "
        f"{', '.join(dict.fromkeys(known))}{nearest_names(name, known)}"
        for key, names in wanted.items()
        for name in names
        if known and name not in known
    ]
    if len(individuals) > 1 and chosen not in [*individuals, "all"]:
        cure = f"{chosen!r} is not one of them" if chosen else "choose one, or 'all'"
        errors.append(
            f"{where}individual: {path} has {len(individuals)} animals, "
            f"{', '.join(individuals)}; {cure}"
        )
    return errors


def nearest_names(name: str, known: Sequence[str]) -> str:
    folded = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(name.casefold(), folded, 3)
    return f"; did you mean {' or '.join(folded[each] for each in close)}?" if close else ""


def animal_errors(rows: Iterable[Row]) -> list[str]:
    groups: dict[str, set[str]] = {}
    for row in rows:
        if row["animal"] and row["group"]:
            groups.setdefault(row["animal"], set()).add(row["group"])
    return [
        f"animal: {name} is in the groups {', '.join(sorted(own))}, and groups are compared by "
        "animals; give it one group, or none"
        for name, own in groups.items()
        if len(own) > 1
    ]


def name_errors(rows: Iterable[Row], config: Mapping[str, Any]) -> list[str]:
    """Return errors about sessions and groups in the config that the table does not have."""
    if config["use_model"]:
        return []
    groups_of = {row["session"]: row["group"] for row in rows}
    names = set(groups_of)
    trained = names & set(config["train_on"] or names)
    known = {
        "train_on": names,
        "test_sessions": trained,
        "test_groups": {groups_of[name] for name in trained},
    }
    which = {"train_on": ""} if config["train_on"] else dict.fromkeys(known, "")
    return [
        f"{key} in the config: no recording of this table{which.get(key, ' that train_on lists')} "
        f"is {name!r}; the names are: {', '.join(sorted(own))}"
        for key, own in known.items()
        for name in config[key] or []
        if name not in own
    ]


def headers_of(rows: Iterable[Row], prefixes: Sequence[str]) -> dict[str, Header]:
    """Read the headers of all pose files that exist, by path."""
    return {
        row["poses"]: header_of(row["poses"], prefixes)
        for row in rows
        if Path(row["poses"]).is_file()
    }


def unnamed_animals(
    rows: Sequence[tuple[int, Row]],
    headers: Mapping[str, Header],
    aside: Mapping[int, Mapping[str, str]],
) -> list[str]:
    """Return a warning about each file whose individuals do not all become sessions."""
    sentences = []
    for path, (individuals, _) in headers.items():
        own = [(line, row["individual"]) for line, row in rows if row["poses"] == path]
        reasons = {name: why for line, _ in own for name, why in aside.get(line, {}).items()}
        others = [name for name in individuals if name not in {name for _, name in own}]
        unnamed = [name for name in others if name not in reasons]
        if reasons.keys() & {*others}:
            listed = "; ".join(why for name, why in reasons.items() if name in others)
            sentences.append(
                f"{path}: individual: all excludes "
                f"{' and '.join(n for n in reasons if n in others)}: {listed}"
            )
        if len(individuals) > 1 and unnamed:
            sentences.append(
                f"{path} also contains {', '.join(unnamed)}: animals that are not in the sessions "
                "table"
            )
    return sentences


def repeated_files(rows: Iterable[Row]) -> list[str]:
    """Return warnings about pose files of which the same animal is in several rows."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        path = os.path.realpath(row["poses"]) if Path(row["poses"]).is_file() else row["poses"]
        found.setdefault((path, row["individual"]), []).append(row)
    return [
        f"{own[0]['poses']}{f' ({animal})' if animal else ''}: "
        f"{', '.join(row['session'] for row in own)} are the same recording; keep only one of them"
        for (_, animal), own in found.items()
        if len(own) > 1
    ]


def exclusion_errors(headers: Iterable[Header], config: Mapping[str, Any]) -> list[str]:
    """Return errors about excluded keypoints that no recording has."""
    of_files = [keypoints for _, keypoints in headers]
    known = sorted({name for keypoints in of_files for name in keypoints})
    if not known or not all(of_files) or config["use_model"]:
        return []
    return [
        f"exclude_keypoints in the config: no recording has a keypoint {name!r}"
        f"{nearest_names(name, known)}"
        for name in config["exclude_keypoints"]
        if name not in known
    ]
