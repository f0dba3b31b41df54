"""Snakemake's command line, in a fraction of the time where nothing but Snakemake runs.

Run as a program, this is a process that has imported Snakemake once and answers each request, a
line of JSON, with a command line's exit status and output. Each runs in a fork of its own, so none
sees what another one left behind.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path


class QuickSnakemake:
    """The process, from its first request until the tests end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def __call__(self, arguments: list[str], folder: Path, path: str) -> tuple[int, str]:
        """Exit status and output of `snakemake {arguments}` in `folder`, with this PATH."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        request = {"arguments": arguments, "folder": str(folder), "path": path}
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        status, output = json.loads(self._process.stdout.readline())
        return status, output


def serve() -> None:
    import pandas  # noqa: F401  what a run imports, imported before the forks
    import smart_open  # noqa: F401
    import snakemake.cli
    import snakemake.executors.dryrun
    import snakemake.executors.touch
    import snakemake.report
    import tables  # noqa: F401

    snakemake.cli.get_argument_parser()
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if child == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.chdir(request["folder"])
                os.environ["PATH"] = request["path"]
                snakemake.cli.main(request["arguments"])  # exits, with the status
            _, status = os.waitpid(child, 0)
            output.seek(0)
            printed = output.read().decode()
        print(json.dumps([os.waitstatus_to_exitcode(status), printed]), flush=True)


if __name__ == "__main__":
    serve()
