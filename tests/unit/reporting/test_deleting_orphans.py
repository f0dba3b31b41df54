"""Orphans and folders that become empty are deleted; targets of links are kept."""

import pytest
from reporting.orphans import delete_results


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Create a folder with results of two models and a file of the user."""
    monkeypatch.chdir(tmp_path)
    for name in ("old/seed0/model.pt", "mine/seed0/model.pt", "mine/notes.txt"):
        (tmp_path / "results/models" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "results/models" / name).touch()
    return tmp_path


def left(folder):
    return {
        path.relative_to(folder).as_posix()
        for path in (folder / "results").rglob("*")
        if not path.is_dir()
    }


def test_only_named_files_and_folders_that_become_empty_are_deleted(folder):
    delete_results(["results/models/old/seed0", "results/models/mine/seed0/model.pt"])
    assert left(folder) == {"results/models/mine/notes.txt"}
    assert not (folder / "results/models/old").exists()
    assert not (folder / "results/models/mine/seed0").exists()


def test_the_results_folder_is_kept(folder):
    delete_results(["results/models"])
    assert (folder / "results").is_dir()


def test_a_link_is_deleted_and_its_target_is_kept(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "model.pt").touch()
    (folder / "results/models/old/seed1").symlink_to(elsewhere)
    (folder / "results/models/old/seed0/more").symlink_to(elsewhere)
    delete_results(["results/models/old/seed1", "results/models/old/seed0"])
    assert not (folder / "results/models/old").exists()
    assert (elsewhere / "model.pt").exists()


def test_nothing_outside_of_results_is_deleted(folder):
    (folder / "config.yaml").touch()
    with pytest.raises(AssertionError):
        delete_results(["config.yaml"])
    assert (folder / "config.yaml").exists()
