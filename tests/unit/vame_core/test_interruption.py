import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from vame_core.interruption import Signals, only_one

PACKAGES = Path(__file__).resolve().parents[3] / "workflow" / "scripts"
HOLDER = """
import sys, time
from pathlib import Path
from vame_core.interruption import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield Signals()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_is_recorded_and_the_process_continues(signals, number):
    assert signals.seen is None
    os.kill(os.getpid(), number)
    assert signals.seen == number
    assert 128 + signals.seen in (143, 130)


@pytest.fixture
def holder(tmp_path):
    """Start another process that has the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / ".lock")],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(PACKAGES)},
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_which_one_has_the_lock(tmp_path, holder):
    who = f"process {holder.pid} on .*, since 20"
    with pytest.raises(BlockingIOError, match=who), only_one(tmp_path / ".lock"):
        pytest.fail("two hold it")


def test_a_killed_process_releases_the_lock(tmp_path, holder):
    holder.kill()
    holder.wait()
    with only_one(tmp_path / ".lock"):
        assert f"process {os.getpid()} " in (tmp_path / ".lock-holder").read_text()
    assert not (tmp_path / ".lock-holder").exists()


def test_an_error_releases_the_lock(tmp_path):
    with pytest.raises(KeyError), only_one(tmp_path / ".lock"):
        raise KeyError
    with only_one(tmp_path / ".lock"):
        pass


def test_a_file_system_without_locks_gives_a_warning(tmp_path, monkeypatch, capsys):
    def unsupported(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", unsupported)
    with only_one(tmp_path / ".lock"):
        assert "no file locks on this file system" in capsys.readouterr().out
