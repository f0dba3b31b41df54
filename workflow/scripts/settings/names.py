"""Names of sessions and animals: clashes, and conversion of other names to session names."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from formats.names import animal_of_prefix

RESERVED = {"all": "the name that tables of results use for all sessions together"}
"""Names that no session may have, and why."""


def clean_name(name: str) -> str:
    """Replace characters that may not be in a file's name by a dash, as in names of sessions."""
    return re.sub("[^A-Za-z0-9_.-]+", "-", name)


def session_names(names: Iterable[str]) -> dict[str, str]:
    """Map names of other programs to unique names that a session may have.

    >>> session_names(["m1", "m#2 (new)", "m-2-new", "all"])
    {'m1': 'm1', 'm#2 (new)': 'm-2-new-2', 'm-2-new': 'm-2-new', 'all': 'all-2'}
    """
    cleaned = {name: clean_name(name).strip("-").lstrip("-.") or "session" for name in names}
    kept = {name for name, new in cleaned.items() if name == new and name not in RESERVED}
    taken = {name.casefold() for name in {*kept, *RESERVED}}
    for name, new in cleaned.items():
        if name in kept:
            continue
        number, chosen = 1, new
        while chosen.casefold() in taken:
            number += 1
            chosen = f"{new}-{number}"
        taken.add(chosen.casefold())
        cleaned[name] = chosen
    return cleaned


def prefix_errors(prefixes: Sequence[str]) -> list[str]:
    """Return errors about prefixes of two animals that would have the same name."""
    animals: dict[str, list[str]] = {}
    for prefix in prefixes:
        animals.setdefault(animal_of_prefix(prefix), []).append(prefix)
    return [
        f"individual_prefixes in the config: {' and '.join(map(repr, own))} would both be the "
        f"individual {animal}; remove one"
        for animal, own in animals.items()
        if len(own) > 1
    ]


def reserved_errors(rows: Sequence[tuple[int, Mapping[str, Any]]]) -> list[str]:
    return [
        f"line {line}, session: {row['session']} is {RESERVED[row['session']]}; give the recording "
        "another name"
        for line, row in rows
        if row["session"] in RESERVED
    ]


def clash_errors(
    rows: Sequence[tuple[int, Mapping[str, Any]]], of_all: Collection[int], same_case: bool
) -> list[str]:
    """Return errors about sessions whose results would have the same paths.

    Parameters
    ----------
    rows
        Line of the sessions table and row of each session.
    of_all
        Lines whose individual is `all`.
    same_case
        True if the disk does not distinguish capitals from small letters.
    """
    errors, first = [], {}
    for line, row in rows:
        name = row["session"]
        place = name.casefold() if same_case else name
        before, other = first.setdefault(place, (line, row))
        if other is row:
            continue
        if before == line:
            errors.append(
                f"line {line}, individual: {other['individual']!r} and {row['individual']!r} of "
                f"{row['poses']} would both be the session {name}; write one row per animal, each "
                "with a unique session name"
            )
        elif other["session"] != name:
            errors.append(
                f"line {line}, session: {name} differs from {other['session']} (line {before}) "
                "only in capitals, which this disk does not distinguish; rename one of them"
            )
        elif line in of_all and before not in of_all:
            errors.append(
                f"line {before}, session: {name} is also a name from individual: all in line "
                f"{line}; rename one of them"
            )
        else:
            made = "a name from individual: all" if before in of_all else "the name"
            errors.append(
                f"line {line}, session: {name} is also {made} in line {before}; rename one of them"
            )
    return errors


def ignores_case(path: Path) -> bool:
    """True if the disk of a file does not distinguish small letters and capitals in names."""
    other = path.with_name(path.name.swapcase())
    return other.name != path.name and other.exists() and other.samefile(path)
