"""A temporary Slurm on this machine, its records of jobs, and Snakemake running on it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from cluster.slow_disk import Machine
from projects import ROOT, SNAKEFILE, Project

FOLDER = Path(os.environ.get("SLURM_ON_ONE_MACHINE", ROOT.parent / "shared/tools/slurm"))
PROFILE = ROOT / "profiles/slurm"
WITNESS = Path(__file__).with_name("witness")
SECONDS = 1500  # limit for a run, also on a busy machine
# Six models, each of which requests a GPU: `auto` uses the CPU if there is none.
SWEEP = {
    "device": "auto",
    "models": {"bare": {"prediction_decoder": False, "noise": True}},
    "grid": {"zdims": [2, 3, 4, 5, 6]},
    "steps_per_epoch": 20,
}
# Threads that wait for each other release their core: results do not change.
PATIENT = {"OMP_WAIT_POLICY": "PASSIVE"}


def missing() -> str:
    """Return why Slurm cannot run here, or an empty text."""
    if not (FOLDER / "start-slurm.sh").is_file():
        return f"{FOLDER} has no start-slurm.sh; SLURM_ON_ONE_MACHINE names its folder"
    if os.geteuid():
        return "starting munge, slurmctld and slurmd takes root"
    return ""


def declared_jobs(printed: str) -> list[dict[str, str]]:
    """Return rule, wildcards, threads and resources of all jobs of a dry run, also in groups."""
    jobs = []
    for _, rule, details in re.findall(
        r"^( *)(?:local)?rule (\w+):\n((?:\1    .*\n)*)", printed, re.M
    ):
        given = dict(re.findall(r"^ *(threads|wildcards|resources): (.*)$", details, re.M))
        resources = dict(pair.split("=", 1) for pair in given.get("resources", "").split(", "))
        jobs.append({"rule": rule, "threads": "1", "wildcards": ""} | given | resources)
    return jobs


class Slurm:
    """Slurm with three nodes: cpu1, and gpu1 and gpu2 with two simulated GPUs each.

    The nodes claim to have the memory that the rules request, and their partitions accept the
    walltimes of the profile.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = os.environ | {"SLURMLAB_DIR": str(folder), "SLURMLAB_MEM": "48000"}

    def verb(self, *arguments: str, machine: Machine | None = None) -> None:
        command = [str(FOLDER / "start-slurm.sh"), *arguments]
        command = machine.command(*command) if machine else command
        subprocess.run(command, check=True, timeout=600, env=self._environment)

    def start(self) -> None:
        self.verb("start")
        for partition in ("main", "gpu", "scavenge"):
            self.ask("scontrol", "update", f"PartitionName={partition}", "MaxTime=3-0")

    def clean(self) -> None:
        self.verb("clean")

    def ask(self, *command: str) -> str:
        return subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    def accounted(self, run: str) -> list[dict[str, str]]:
        """Return accounting's rows of a run's jobs, one for each time that a job ran."""
        columns = "JobID,Comment,Partition,AllocTRES,State,TimelimitRaw,NodeList,ReqMem"
        text = self.ask(
            *("sacct", "--allocations", "--duplicates", "--noheader", "--parsable2"),
            *("--name", run, "--format", columns),
        )
        rows = [row.split("|") for row in text.splitlines()]
        return [dict(zip(columns.split(","), row, strict=True)) for row in rows]


class Run:
    """Snakemake with profiles/slurm in a project, here or on a `Machine`."""

    def __init__(
        self, project: Project, *arguments: str, hog: int = 0, machine: Machine | None = None
    ) -> None:
        self.project = project
        self.printed = project / "printed.txt"
        self._from = self.printed.stat().st_size if self.printed.exists() else 0
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
        command += ["--directory", str(project.folder), "--workflow-profile", str(PROFILE)]
        # The profile's 40 seconds between two status checks are for queues of many users.
        command += ["--slurm-init-seconds-before-status-checks", "2", *arguments]
        environment = PATIENT | {"PYTHONPATH": str(WITNESS)}
        environment |= {"WITNESS": str(project / "witness.jsonl")}
        environment |= {"MEMORY_WANTED": str(hog)} if hog else {}
        if machine:
            command = machine.command(*command)
            environment |= {"XDG_CACHE_HOME": str(machine.disk / "cache")}
        with open(self.printed, "a") as file:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stdout=file, stderr=file, env=os.environ | environment
            )

    def text(self) -> str:
        """Return what it has printed so far."""
        return self.printed.read_text()[self._from :]

    @property
    def name(self) -> str:
        """Return Slurm's name of all its jobs."""
        return re.search(r"SLURM run ID: (\S+)", self.text()).group(1)

    def job(self) -> str | None:
        """Return Slurm's number of the latest training job."""
        numbers = re.findall(r"rule_train_model/\S*?/?(\d+)\.log", self.text())
        return numbers[-1] if numbers else None

    def script(self) -> psutil.Process | None:
        """Return the process that trains now."""
        for process in psutil.process_iter(["cmdline", "cwd"]):
            command, folder = process.info["cmdline"], process.info["cwd"]
            trains = command and command[-1].endswith(".train_model.py")
            if trains and Path(folder) == self.project.folder:
                return process
        return None

    def wait_for(self, condition: Callable[[], object], seconds: float = SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.1)

    def end(self) -> int:
        return self.process.wait(SECONDS)

    def finish(self) -> None:
        assert self.end() == 0, self.text()

    def kill(self) -> None:
        """Send SIGKILL to Snakemake alone: its Slurm jobs continue."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def seen(project: Project) -> list[dict]:
    """Return the records of the project's scripts by `witness/sitecustomize.py`."""
    lines = (project / "witness.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
