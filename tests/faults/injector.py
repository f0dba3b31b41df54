"""Runs that are killed or interrupted, and a check of their results."""

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
# A longer training, so that most random moments are within it.
LONG = {"models": {"long": {"max_epochs": 30, "steps_per_epoch": 30, "noise": True}}}


class Disturbed:
    """Snakemake running in a project, with signals to its processes."""

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
        """Return the Python process of a rule's script if it runs now."""
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
        """Return whether the condition became true before Snakemake ended."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return False

    def kill_job(self) -> bool:
        """Send SIGKILL to the script that runs now, as a node without free memory does."""
        for script in ("train_model", "export_checkpoint"):
            if job := self.job(script):
                job.kill()
                return True
        return False

    def kill_all(self) -> bool:
        """Send SIGKILL to Snakemake and all its jobs at once, which is like a power cut."""
        if self.process.poll() is not None:
            return False
        for process in [*self.processes(), psutil.Process(self.process.pid)]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        return True

    def press_ctrl_c(self) -> None:
        """Send SIGINT to the whole process group, as a terminal does."""
        self.process.send_signal(signal.SIGINT)
        for process in self.processes():
            try:
                process.send_signal(signal.SIGINT)
            except psutil.NoSuchProcess:
                continue

    def end(self, seconds: float = 120) -> int:
        """Return Snakemake's exit code when it and its jobs have ended."""
        children = self.processes()
        code = self.process.wait(seconds)
        psutil.wait_procs(children, seconds)
        self._printed.close()
        return code


def epochs_kept(project: Project) -> int:
    """Return the finished epochs in the state on disk; fail if the state cannot be read."""
    states = list((project / MODEL).glob("state-*.pt"))
    assert len(states) <= 1
    return torch.load(states[0], weights_only=True)["state"]["epoch"] if states else 0


def result_of(project: Project) -> dict:
    """Return all results of a training except seconds: tensors, history and metadata."""
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
    """Return files that must not remain at the end: states and temporary files."""
    found = {*(project / "results").rglob("*.part*"), *(project / "results").rglob("state-*.pt")}
    return sorted(str(Path(path).relative_to(project.folder)) for path in found)
