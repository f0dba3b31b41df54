"""Clashing names are found, and others are converted to names of sessions, files and animals."""

import os
import re
from pathlib import Path

import pytest
import yaml
from formats.files import own_name
from formats.records import name_in_record
from projects import ROOT
from settings.files import Access, path_errors, plain_name
from settings.names import RESERVED, session_names

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/sessions.schema.yaml").read_text())
PATTERN = SCHEMA["properties"]["session"]["pattern"]


@pytest.mark.parametrize(
    ("names", "new"),
    [
        (["m1", "2024-05-01_m3"], ["m1", "2024-05-01_m3"]),
        (["video 1", "Mouse#2 (trial)"], ["video-1", "Mouse-2-trial"]),
        (["a b", "a-b", "a#b"], ["a-b-2", "a-b", "a-b-3"]),
        (["A b", "a-B"], ["A-b-2", "a-B"]),
        (["é", "ü", "..", "-", ".m"], ["session", "session-2", "session-3", "session-4", "m"]),
        (["all", "all-2"], ["all-3", "all-2"]),
        (["a/b", "../c", "{x}"], ["a-b", "c", "x"]),
    ],
)
def test_sessions_of_other_programs_get_unique_valid_names(names, new):
    assert list(session_names(names).values()) == new
    assert all(re.search(PATTERN, name) and name not in RESERVED for name in new)


@pytest.mark.parametrize(
    "path",
    [
        "mouse{1}.csv",
        "a/{b}/c d.csv",
        "../{x}/100%.csv",
        "/data/<results>/%7B{}.csv",
        "{session}/{wildcards.session}/{n,[0-9]{2}}.csv",
    ],
)
def test_a_file_with_braces_gets_a_link_without_braces(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    link = plain_name(path)
    assert not set(link) & set("{}<>")
    assert ".." not in Path(link).parts
    assert os.readlink(link) == os.path.abspath(path)
    assert own_name(link) == path
    assert name_in_record(link, Path("results/provenance/import_poses/a.json")) == path
    before = os.lstat(link)
    assert plain_name(path) == link
    assert os.lstat(link).st_ino == before.st_ino  # it is not created again
    assert before.st_mtime == 0  # and is older than all results of it


def test_a_link_to_another_place_is_corrected(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    link = Path(plain_name("a{1}.csv"))
    link.unlink()
    link.symlink_to("/elsewhere/a{1}.csv")  # the project was copied with its links
    plain_name("a{1}.csv")
    assert os.readlink(link) == str(tmp_path / "a{1}.csv")


@pytest.mark.parametrize("path", ["mouse.csv", "a b#[c]*?'\".csv", "100%7B.csv", "../é/x.csv", ""])
def test_other_names_are_not_changed(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    assert plain_name(path) == path
    assert own_name(path) == path
    assert not list(tmp_path.iterdir())


def test_without_links_the_file_has_to_be_renamed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(".snakemake").write_text("no folder")
    with pytest.raises(ValueError, match=r"^a\{1\}\.csv: Snakemake treats .* rename the file$"):
        plain_name("a{1}.csv")


def test_braces_in_an_address_are_refused():
    access = Access(shared_disk=True, can_fetch=lambda url: True)
    (error,) = path_errors("https://x.org/a{1}.csv", "", "line 2, poses: ", access)
    assert error.startswith(
        "line 2, poses: https://x.org/a{1}.csv contains braces or angle brackets"
    )
    assert path_errors("https://x.org/a%7B1%7D.csv", "", "", access) == []
