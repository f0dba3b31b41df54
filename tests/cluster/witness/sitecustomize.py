"""Record the start and the end of all scripts; Python imports this if the folder is on PYTHONPATH.

A rule's script writes one line of JSON into the file WITNESS when it starts, and one when it ends
without an error. A script that trains also allocates MEMORY_WANTED megabytes of memory as soon as
the file hog.now is in its folder.
"""

import atexit
import json
import os
import re
import sys
import threading
import time
from pathlib import Path

script = re.search(r"\.snakemake/scripts/\w+\.(\w+)\.py$", sys.orig_argv[-1])


def note(event: str) -> None:
    line = {
        "event": event,
        "rule": script.group(1),
        "time": time.time(),
        "process": os.getpid(),
        "job": os.environ.get("SLURM_JOB_ID"),
        "node": os.environ.get("SLURMD_NODENAME"),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "prefix": sys.prefix,
    }
    with open(os.environ["WITNESS"], "a") as file:
        file.write(
            json.dumps(line) + "\n"
        )  # a single write, so that lines of several jobs do not mix


def want_memory(megabytes: int) -> None:
    while not Path("hog.now").exists():
        time.sleep(0.1)
    globals()["held"] = b"x" * (megabytes * 2**20)


if script and "WITNESS" in os.environ:
    note("start")
    atexit.register(note, "end")
    if script.group(1) == "train_model" and "MEMORY_WANTED" in os.environ:
        megabytes = int(os.environ["MEMORY_WANTED"])
        threading.Thread(target=want_memory, args=[megabytes], daemon=True).start()
