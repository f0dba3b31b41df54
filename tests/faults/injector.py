"""Runs that are disturbed, and what they must come to all the same."""

import csv
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from projects import ROOT, Project

MODEL = "results/models/long/seed0"
EXPORT = "results/export/long/seed0"
TARGETS = (f"{EXPORT}/manifest.json",)
# Long enough that most moments lie within training; the rest as in every tiny project.
LONG = {"models": {"long": {"max_epochs": 30, "steps_per_epoch": 30, "noise": True}}}


class Disturbed:
    """Snakemake running in a project, its processes, and the blows that they take."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.project = project
        self._printed = open(project / "printed.txt", "a")  # noqa: SIM115
        self.process = subprocess.Popen(
            project.command(*TARGETS, *arguments),
            cwd=ROOT,
            stdout=self._printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def job(self, script: str) -> psutil.Process | None:
        """The Python process of a rule's script, if it runs now."""
        for process in self.processes():
            try:
                command = process.cmdline()
            except psutil.Error:
                continue
            if len(command) > 1 and command[-1].endswith(f".{script}.py"):
                return process
        return None

    def processes(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def wait_for(self, condition: Callable[[], object], seconds: float = 120) -> bool:
        """Whether the condition came true before Snakemake ended."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return False

    def kill_job(self) -> bool:
        """SIGKILL to the script that runs now, as a node out of memory does."""
        for script in ("train_model", "export_checkpoint"):
            if job := self.job(script):
                job.kill()
                return True
        return False

    def kill_all(self) -> bool:
        """SIGKILL to Snakemake and all its jobs at once, as a power cut does."""
        if self.process.poll() is not None:
            return False
        for process in [*self.processes(), psutil.Process(self.process.pid)]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        return True

    def press_ctrl_c(self) -> None:
        """SIGINT to the whole group, as a terminal sends it."""
        self.process.send_signal(signal.SIGINT)
        for process in self.processes():
            try:
                process.send_signal(signal.SIGINT)
            except psutil.NoSuchProcess:
                continue

    def end(self, seconds: float = 120) -> int:
        """Snakemake's exit code, once it and its jobs have ended."""
        children = self.processes()
        code = self.process.wait(seconds)
        psutil.wait_procs(children, seconds)
        self._printed.close()
        return code


def epochs_kept(project: Project) -> int:
    """Finished epochs in the state on disk; a state that cannot be read fails the test."""
    states = list((project / MODEL).glob("state-*.pt"))
    assert len(states) <= 1
    return torch.load(states[0], weights_only=True)["state"]["epoch"] if states else 0


def result_of(project: Project) -> dict:
    """All that a training leaves, but seconds: tensors, history, what the checkpoints say."""
    result = {}
    for name in ("model.pt", "last.pt"):
        checkpoint = torch.load(project / MODEL / name, weights_only=True)
        result |= {f"{name} {key}": value for key, value in checkpoint.items() if key != "weights"}
        result |= {f"{name} {key}": value for key, value in checkpoint["weights"].items()}
    exported = torch.load(project / EXPORT / "vame.pkl", weights_only=True)
    result |= {f"vame.pkl {key}": value for key, value in exported.items()}
    with open(project / MODEL / "history.csv") as file:
        for row in csv.DictReader(file):
            result[f"epoch {row['epoch']}"] = {k: v for k, v in row.items() if k != "seconds"}
    return result


def assert_same_result(project: Project, expected: dict) -> None:
    result = result_of(project)
    assert result.keys() == expected.keys()
    for name, value in expected.items():
        same = torch.equal(result[name], value) if torch.is_tensor(value) else result[name] == value
        assert same, name
    assert leftovers(project) == []


def leftovers(project: Project) -> list[str]:
    """Files that must not remain at the end: states and temporary files."""
    found = {*(project / "results").rglob("*.part*"), *(project / "results").rglob("state-*.pt")}
    return sorted(str(Path(path).relative_to(project.folder)) for path in found)
