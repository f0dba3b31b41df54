"""A file is written completely or not at all."""

import os
import platform

import pytest
from formats.files import write_atomically


def left_in(folder):
    return sorted(file.name for file in folder.iterdir())


def test_only_the_file_itself_is_written(tmp_path):
    path = tmp_path / "file"
    for content in (b"first", b"second"):
        write_atomically(path, lambda file, content=content: file.write(content))
        assert path.read_bytes() == content
    assert left_in(tmp_path) == ["file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, OSError])
def test_a_writer_that_fails_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"new")
        raise error(28, "No space left on device")

    with pytest.raises(error):
        write_atomically(path, write)
    assert path.read_bytes() == b"old"
    assert left_in(tmp_path) == ["file"]


def test_the_old_file_remains_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write(file):
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"

    write_atomically(path, write)
    assert path.read_bytes() == b"new"


def test_a_process_that_reads_the_old_file_can_continue(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with open(path, "rb") as reader:
        write_atomically(path, lambda file: file.write(b"new"))
        assert reader.read() == b"old"


def test_a_full_disk_is_reported_with_the_file(tmp_path):
    path = tmp_path / "model.pt"

    def write(file):
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device") as error:
        write_atomically(path, write)
    assert str(path) in str(error.value)
    assert error.value.errno == 28


def test_a_missing_folder_is_named(tmp_path):
    path = tmp_path / "absent" / "model.pt"
    with pytest.raises(OSError, match="cannot write it") as error:
        write_atomically(path, lambda file: file.write(b""))
    assert str(path) in str(error.value)


def test_two_writers_do_not_share_a_temporary_file(tmp_path, monkeypatch):
    path, aside = tmp_path / "file", []

    def write(file):
        aside.append(file.name)
        file.write(b"x")

    for process, machine in ((1, "node1"), (2, "node1"), (1, "node2")):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        monkeypatch.setattr(platform, "node", lambda machine=machine: machine)
        write_atomically(path, write)
    assert len(set(aside)) == 3
