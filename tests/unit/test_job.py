"""A job writes a log, complete outputs and a record, or reports an error in a sentence."""

import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import textwrap
from collections import namedtuple
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from formats.files import sha256
from job import job
from projects import ROOT
from snakemake.iocontainers import Namedlist

LOG = "logs/align_poses/mouse1.log"
RECORD = "results/provenance/align_poses/mouse1.json"


def namedlist(items):
    made = Namedlist()
    for name, value in items.items():
        start = len(made)
        made.extend(value if isinstance(value, list) else [value])
        made._set_name(name, start, end=len(made) if isinstance(value, list) else None)
    return made


@pytest.fixture
def snakemake(tmp_path, monkeypatch):
    """Return a script's `snakemake`, in a folder with files; pytest keeps descriptors 1 and 2."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("job.log_to", lambda _: sys.stderr)
    for path in ("poses.csv", "sub/a.labels.npy", "table.csv", LOG):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("old")
    named = {
        "input": {"poses": "poses.csv"},
        "output": {"table": "table.csv", "array": "sub/a.labels.npy"},
        "params": {"settings": {"robust": True}, "code": "abc"},
        "wildcards": {"session": "mouse1"},
        "log": {"log": LOG},
    }
    return SimpleNamespace(
        rule="align_poses", threads=2, **{key: namedlist(value) for key, value in named.items()}
    )


def write_outputs(out):
    for path in (out.table, out.array):
        Path(path).write_text("new")


def outputs(snakemake):
    return [Path(path).read_text() for path in snakemake.output]


def files_in(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


LEFT = ["a.labels.npy", "mouse1.log", "poses.csv", "table.csv"]


def test_outputs_are_renamed_when_all_are_written(snakemake, tmp_path):
    with job(snakemake) as out:
        write_outputs(out)
        assert outputs(snakemake) == ["old", "old"]
    assert outputs(snakemake) == ["new", "new"]
    assert files_in(tmp_path) == sorted([*LEFT, "mouse1.json"])


def test_a_temporary_file_has_the_suffix_of_its_output(snakemake):
    """Libraries choose the format by the suffix, or append a missing one."""
    with job(snakemake) as out:
        assert (Path(out.table).suffix, Path(out.array).suffix) == (".csv", ".npy")
        write_outputs(out)


def test_two_writers_do_not_share_a_temporary_file(snakemake, monkeypatch):
    asides = set()
    for process, machine in ((1, "node1"), (2, "node1"), (1, "node2")):
        monkeypatch.setattr(os, "getpid", lambda process=process: process)
        monkeypatch.setattr(platform, "node", lambda machine=machine: machine)
        with job(snakemake) as out:
            write_outputs(out)
            asides.add(out.table)
    assert len(asides) == 3


def test_an_output_may_be_a_folder_of_files_which_are_in_the_record(snakemake):
    snakemake.output = namedlist({"films": "films"})
    with job(snakemake) as out:
        Path(out.films).mkdir()
        (Path(out.films) / "a.gif").write_text("new")
        assert not Path("films").exists()
    assert Path("films/a.gif").read_text() == "new"
    assert json.loads(Path(RECORD).read_text())["outputs"].keys() == {"films/a.gif"}


def test_an_output_that_a_run_does_not_have_is_skipped(snakemake):
    snakemake.output = namedlist({"table": "table.csv", "films": []})
    with job(snakemake) as out:
        assert not hasattr(out, "films")
        Path(out.table).touch()


def test_an_unfinished_folder_is_removed(snakemake):
    snakemake.output = namedlist({"films": "films"})

    def fail():
        with job(snakemake) as out:
            Path(out.films).mkdir()
            (Path(out.films) / "a.gif").write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert sorted(path.name for path in Path().iterdir() if "films" in path.name) == []


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_a_failed_job_keeps_earlier_outputs(snakemake, tmp_path, error):
    def fail():
        with job(snakemake) as out:
            Path(out.table).write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert outputs(snakemake) == ["old", "old"]
    assert files_in(tmp_path) == LEFT


def test_a_job_that_writes_gradually_writes_to_the_outputs_directly(snakemake):
    with job(snakemake, aside=False) as out:
        assert out.table == "table.csv"
    assert outputs(snakemake) == ["old", "old"]
    assert Path(RECORD).is_file()


def test_an_output_that_was_not_written_is_named(snakemake, capfd):
    with pytest.raises(SystemExit), job(snakemake) as out:
        Path(out.table).write_text("new")
    assert "a.labels" in capfd.readouterr().err
    assert outputs(snakemake) == ["old", "old"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_a_disk_that_cannot_be_written_is_reported_with_the_outputs(snakemake, capfd, number):
    with pytest.raises(SystemExit), job(snakemake):
        raise OSError(number, "so says the library")
    expected = f"ERROR: cannot write table.csv, sub/a.labels.npy: {os.strerror(number)}"
    assert expected in capfd.readouterr().err


def test_a_full_disk_is_reported_with_any_message_of_a_library(snakemake, capfd, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(100, 100, 0))
    with pytest.raises(SystemExit), job(snakemake):
        raise RuntimeError("NetCDF: HDF error")
    assert "No space left on device" in capfd.readouterr().err


def test_an_input_that_cannot_be_read_is_not_an_output(snakemake, capfd):
    with pytest.raises(SystemExit), job(snakemake):
        Path("input.csv").read_text()
    printed = capfd.readouterr().err
    assert "input.csv" in printed
    assert "cannot write" not in printed


@pytest.mark.parametrize("jump", [-3600, 0, 3600])
def test_no_output_is_older_than_an_input(snakemake, jump):
    """If the clock jumps back between two jobs, outputs of the second one would seem stale."""
    now = Path("table.csv").stat().st_mtime
    os.utime("poses.csv", (now + jump, now + jump))
    with job(snakemake) as out:
        write_outputs(out)
    newest = Path("poses.csv").stat().st_mtime_ns
    assert all(Path(path).stat().st_mtime_ns >= newest for path in snakemake.output)


def test_a_record_has_code_inputs_and_outputs(snakemake):
    with job(snakemake) as out:
        write_outputs(out)
        out.device = "cuda"
    record = json.loads(Path(RECORD).read_text())
    assert record["rule"] == "align_poses"
    assert record["wildcards"] == {"session": "mouse1"}
    assert record["inputs"] == {"poses.csv": sha256("poses.csv")}
    assert record["outputs"] == {path: sha256(path) for path in snakemake.output}
    assert record["params"] == {"settings": {"robust": True}, "code": "abc"}
    assert (record["threads"], record["device"]) == (2, "cuda")
    assert datetime.fromisoformat(record["started"]) <= datetime.fromisoformat(record["finished"])
    assert record["machine"].keys() == {"host", "platform", "processor", "cpus"}
    assert record["software"]["python"].count(".") == 2


def test_files_that_are_not_written_yet_are_not_in_a_record(snakemake):
    with job(snakemake) as out:
        Path(out.table).write_text("new")
        assert out.describe()["outputs"].keys() == {"table.csv"}
        write_outputs(out)


def test_a_job_without_a_record_writes_none(snakemake):
    with job(snakemake, record=False) as out:
        write_outputs(out)
    assert not Path("results").exists()


SCRIPT = """
import sys
from types import SimpleNamespace
sys.path[:0] = [{scripts!r}, "."]
from job import job
snakemake = SimpleNamespace(
    rule="r", log=["logs/r/x.log"], input=[], output=SimpleNamespace(items=lambda: [])
)
with job(snakemake) as out:
    print("begun")
    {body}
"""


@pytest.mark.parametrize(
    ("body", "sentence", "traceback"),
    [
        ("from job import refused; refused()", "a.csv: no frame in it; export it again", False),
        ("open('gone.csv')", "No such file or directory: 'gone.csv'", False),
        (
            "from pathlib import Path; from formats.files import write_atomically;"
            "write_atomically(Path('logs'), lambda file: None)",
            "cannot write it (Is a directory); an existing file is unchanged: 'logs'",
            False,
        ),
        ("import numpy; numpy.ones(2) + numpy.ones(3)", "could not be broadcast", True),
        ("{}['key']", "KeyError", True),
    ],
)
def test_an_error_of_the_user_is_a_sentence_and_a_bug_is_a_traceback(
    tmp_path, body, sentence, traceback
):
    """A ValueError raised within numpy is also a bug of the workflow."""
    (tmp_path / "logs/r").mkdir(parents=True)
    scripts = tmp_path / "scripts"
    (tmp_path / "rules").mkdir()
    shutil.copytree(ROOT / "workflow/scripts/formats", scripts / "formats")
    own = (ROOT / "workflow/scripts/job.py").read_text() + textwrap.dedent(
        """
        def refused():
            raise ValueError(
                "a.csv: no frame in it; "
                "export it again"
            )
        """
    )
    (scripts / "job.py").write_text(own)
    # Snakemake's path of a script's folder, relative to that of the rules.
    script = SCRIPT.format(scripts=str(tmp_path / "rules/../scripts"), body=body)
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    log = (tmp_path / "logs/r/x.log").read_text()
    assert ran.returncode == 1
    assert log.startswith("begun")
    assert sentence in log
    assert ("Traceback" in log) == traceback
    assert ("ERROR: " in ran.stderr and sentence in ran.stderr) == (not traceback)
