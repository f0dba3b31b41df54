import errno
import os
import platform
import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from job_outputs import written_aside


@pytest.fixture
def outputs(tmp_path):
    paths = {"table": tmp_path / "table.csv", "array": tmp_path / "sub" / "a.labels.npy"}
    paths["array"].parent.mkdir()
    for path in paths.values():
        path.write_text("old")
    return paths


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_all_are_renamed_once_all_are_written(tmp_path, outputs):
    with written_aside(outputs, []) as output:
        for path in (output.table, output.array):
            Path(path).write_text("new")
        assert [path.read_text() for path in outputs.values()] == ["old", "old"]
    assert [path.read_text() for path in outputs.values()] == ["new", "new"]
    assert files_in(tmp_path) == ["a.labels.npy", "table.csv"]


def test_an_aside_has_its_outputs_suffix(outputs):
    """Libraries choose the format by it, or append one that they miss."""
    with written_aside(outputs, []) as output:
        assert (Path(output.table).suffix, Path(output.array).suffix) == (".csv", ".npy")
        for path in (output.table, output.array):
            Path(path).touch()


def test_two_writers_do_not_share_an_aside(outputs, monkeypatch):
    asides = set()
    for process, machine in ((1, "node1"), (2, "node1"), (1, "node2")):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        monkeypatch.setattr(platform, "node", lambda machine=machine: machine)
        with written_aside({"table": outputs["table"]}, []) as output:
            Path(output.table).touch()
            asides.add(output.table)
    assert len(asides) == 3


def test_an_output_may_be_a_folder_of_files(tmp_path):
    outputs = {"films": tmp_path / "films"}
    with written_aside(outputs, []) as output:
        Path(output.films).mkdir()
        (Path(output.films) / "a.gif").write_text("new")
        assert not outputs["films"].exists()
    assert (outputs["films"] / "a.gif").read_text() == "new"


def test_a_folder_that_was_not_finished_is_removed(tmp_path):
    def job():
        with written_aside({"films": tmp_path / "films"}, []) as output:
            Path(output.films).mkdir()
            (Path(output.films) / "a.gif").write_text("half")
            raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        job()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_job_that_fails_leaves_what_was_there(tmp_path, outputs, error):
    def job():
        with written_aside(outputs, []) as output:
            Path(output.table).write_text("half")
            raise error

    with pytest.raises(error):
        job()
    assert [path.read_text() for path in outputs.values()] == ["old", "old"]
    assert files_in(tmp_path) == ["a.labels.npy", "table.csv"]


def test_an_output_that_was_not_written_is_an_error(outputs):
    with pytest.raises(FileNotFoundError), written_aside(outputs, []) as output:
        Path(output.table).write_text("new")
    assert outputs["table"].read_text() == "old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_takes_nothing_is_named_with_the_outputs(outputs, number):
    named = r"cannot write .*table\.csv.*a\.labels\.npy"
    with pytest.raises(OSError, match=named) as raised, written_aside(outputs, []):
        raise OSError(number, "so says the library")
    assert raised.value.errno == number


def test_a_full_disk_is_named_whatever_the_library_says(outputs, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 100, 0))
    with pytest.raises(OSError, match="No space left on device"), written_aside(outputs, []):
        raise RuntimeError("NetCDF: HDF error")


def test_an_input_that_cannot_be_read_is_not_an_output(outputs):
    with pytest.raises(FileNotFoundError, match=r"input\.csv"), written_aside(outputs, []):
        Path("input.csv").read_text()


@pytest.mark.parametrize("jump", [-3600, 0, 3600])
def test_no_output_is_older_than_an_input(tmp_path, outputs, jump):
    """Where the clock jumps back between two jobs, the second one's outputs would look stale."""
    now = outputs["table"].stat().st_mtime
    (tmp_path / "input").touch()
    os.utime(tmp_path / "input", (now + jump, now + jump))
    with written_aside(outputs, [str(tmp_path / "input")]) as output:
        for path in (output.table, output.array):
            Path(path).touch()
    newest = (tmp_path / "input").stat().st_mtime_ns
    assert all(path.stat().st_mtime_ns >= newest for path in outputs.values())
