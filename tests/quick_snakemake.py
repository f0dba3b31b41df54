"""Snakemake's command line, in a fraction of the time where nothing but Snakemake runs.

Run as a program, this is a process that has imported Snakemake once and answers each request, a
line of JSON, with a command line's exit status and output. Each runs in a fork of its own, so none
sees what another one left behind, but for two things that depend on a file's content alone and
take most of the time: the Python that Snakemake makes of a Snakefile, and the digest of a source.
"""

import contextlib
import functools
import json
import os
import pickle
import subprocess
import sys
import tempfile
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any


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


class Memory:
    """What forks computed, by what it was computed from, for the forks that follow."""

    def __init__(self) -> None:
        self.known: dict[Hashable, Any] = {}
        self.new: dict[Hashable, Any] = {}

    def recall(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        if key not in self.known:
            self.known[key] = self.new[key] = compute()
        return self.known[key]


def remember(memory: Memory) -> None:
    """Let Snakemake take compiled Snakefiles and digests of sources from memory."""
    import snakemake.workflow

    parse, check = snakemake.workflow.parse, snakemake.workflow.Workflow.check

    def parse_once(file, workflow, linemap, rulecount):
        path = Path(file.get_path_or_uri(secret_free=True))
        if not path.is_file():
            return parse(file, workflow, linemap=linemap, rulecount=rulecount)

        def compute():
            own = {}
            return own, parse(file, workflow, linemap=own, rulecount=rulecount)

        key = ("parse", str(path), path.read_bytes(), rulecount)
        lines, result = memory.recall(key, compute)
        linemap.update(lines)
        return result

    def check_with_digests_known(workflow):
        if sources := workflow.globals.get("SOURCES"):

            def read(file):
                code = Path(sources._fetch(file)).read_bytes()
                return memory.recall(("read", code), lambda: sources._read_file(file))

            sources._read = functools.cache(read)
        check(workflow)

    snakemake.workflow.parse = parse_once
    snakemake.workflow.Workflow.check = check_with_digests_known


def serve() -> None:
    import jsonschema  # noqa: F401  what a run imports, imported before the forks
    import pandas  # noqa: F401
    import smart_open  # noqa: F401
    import snakemake.cli
    import snakemake.executors.dryrun
    import snakemake.executors.touch
    import snakemake.report
    import tables  # noqa: F401

    snakemake.cli.get_argument_parser()
    memory = Memory()
    remember(memory)
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as learnt:
            child = os.fork()
            if child == 0:
                os.dup2(output.fileno(), 1)
                os.dup2(output.fileno(), 2)
                os.chdir(request["folder"])
                os.environ["PATH"] = request["path"]
                try:
                    snakemake.cli.main(request["arguments"])  # exits, with the status
                finally:
                    pickle.dump(memory.new, learnt)
                    learnt.flush()
            _, status = os.waitpid(child, 0)
            output.seek(0)
            printed = output.read().decode()
            learnt.seek(0)
            with contextlib.suppress(EOFError):
                memory.known.update(pickle.load(learnt))
        print(json.dumps([os.waitstatus_to_exitcode(status), printed]), flush=True)


if __name__ == "__main__":
    serve()
