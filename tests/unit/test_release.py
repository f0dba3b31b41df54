"""A release has the notes of its version; files for GitHub agree with the project."""

import re
from pathlib import Path

import pytest
import yaml
from release_notes import notes_of

ROOT = Path(__file__).resolve().parents[2]
GITHUB = sorted((ROOT / ".github").rglob("*.yml"))
CHANGELOG = """# Changelog

## 1.10.0 (2030-02-01)

- Second.
- Third.

## 1.1.0 (2030-01-01)

- First.
"""


@pytest.mark.parametrize(
    ("version", "notes"), [("1.10.0", "- Second.\n- Third."), ("1.1.0", "- First.")]
)
def test_notes_are_those_of_the_version(version, notes):
    assert notes_of(f"v{version}", CHANGELOG, version) == notes


@pytest.mark.parametrize(
    ("tag", "version", "message"),
    [
        ("v1.1.0", "1.1.1", "the tag is v1.1.0, and pyproject.toml has version 1.1.1"),
        ("v1.0.0", "1.0.0", "no section '## 1.0.0"),
        ("v1x1.0", "1x1.0", "no section"),
    ],
)
def test_a_tag_without_its_version_or_notes_is_refused(tag, version, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        notes_of(tag, CHANGELOG, version)


@pytest.mark.parametrize("path", GITHUB, ids=lambda path: path.name)
def test_commands_on_github_are_targets_and_files_that_exist(path):
    text = path.read_text()
    assert yaml.safe_load(text)
    targets = re.findall(r"run: make ([\w-]+)", text)
    makefile = (ROOT / "Makefile").read_text()
    assert [name for name in targets if f"\n{name}:" not in makefile] == []
    assert [
        file for file in re.findall(r"python (\S+\.py)", text) if not (ROOT / file).is_file()
    ] == []


def test_ci_tests_every_python_that_has_exact_versions():
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]
    files = sorted((ROOT / "envs").glob("constraints-*.txt"))
    assert jobs["test"]["strategy"]["matrix"]["python"] == [path.stem[12:] for path in files]
