"""Print the section of CHANGELOG.md on a version: the notes of its release on GitHub."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def notes_of(tag: str, changelog: str, version: str) -> str:
    """Return the section on the version of a tag.

    >>> notes_of("v1.0.0", "# Changelog\\n\\n## 1.0.0 (2030-01-01)\\n\\n- New.\\n", "1.0.0")
    '- New.'

    Raises
    ------
    ValueError
        If project and tag have different versions, or CHANGELOG.md has no notes on it.
    """
    if tag != f"v{version}":
        raise ValueError(f"the tag is {tag}, and pyproject.toml has version {version}")
    heading = rf"^## {re.escape(version)} \(\d{{4}}-\d\d-\d\d\)$"
    found = re.search(rf"{heading}\n(.*?)(?=^## |\Z)", changelog, re.MULTILINE | re.DOTALL)
    if not found or not found.group(1).strip():
        raise ValueError(f"CHANGELOG.md has no section '## {version} (date)' with notes")
    return found.group(1).strip()


def main(tag: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    try:
        print(notes_of(tag, changelog, project["version"]))
    except ValueError as error:
        sys.exit(f"ERROR: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
