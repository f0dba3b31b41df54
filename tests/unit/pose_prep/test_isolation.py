"""Readers that crash, hang or raise an error give an error in a sentence."""

import os
import signal
import time

import pytest
from pose_prep import isolation
from pose_prep.isolation import in_a_process


@pytest.fixture
def path(tmp_path):
    (tmp_path / "p.h5").write_bytes(b"")
    return tmp_path / "p.h5"


def test_the_result_of_a_reader_is_returned(path):
    assert in_a_process(lambda path, more: (path.name, more), path, 3) == ("p.h5", 3)


def crash(path):
    os.kill(os.getpid(), signal.SIGTERM)


def leave(path):
    os._exit(3)


def hang(path):
    time.sleep(60)


def raise_sentence(path):
    raise ValueError("no frames")


def raise_other(path):
    raise KeyError("tracks")


@pytest.mark.parametrize(
    ("reader", "sentence"),
    [
        (crash, r"crashed while reading it \(SIGTERM\)"),
        (leave, r"crashed while reading it \(no result\)"),
        (hang, "reading did not end within 1 seconds"),
        (raise_sentence, "^no frames$"),
        (raise_other, r"^it is damaged or of another format \(KeyError: 'tracks'\)$"),
    ],
)
def test_every_failure_of_a_reader_is_a_sentence(path, monkeypatch, reader, sentence):
    monkeypatch.setattr(isolation, "SECONDS", 1)
    with pytest.raises(ValueError, match=sentence):
        in_a_process(reader, path)
