"""Python imports this at its start, where the folder is on PYTHONPATH: a witness of every script run.

A rule's script leaves one line of JSON in the file that WITNESS names when it starts, and one when
it ends in order.
"""

import atexit
import json
import os
import re
import sys
import time

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
        file.write(json.dumps(line) + "\n")  # one write, so lines of several jobs do not mix


if script and "WITNESS" in os.environ:
    note("start")
    atexit.register(note, "end")
