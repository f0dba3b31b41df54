"""Run Snakemake's command line without the seconds that each start takes.

As a program, this is a process that imports Snakemake once and answers each request, a line of
JSON, with the exit status and output of a command line. It caches two results that take most of the
time and depend only on the content of a file: the Python code of a Snakefile, and the digest of a
source. Scripts of jobs run as described in quick_scripts.py. Everything else is computed again.
test_stale.py compares its answers with those of a new process.
"""

import functools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any

from quick_scripts import ScriptServer


class QuickSnakemake:
    """The process that answers, from its first request until the tests end."""

    def __init__(self) -> None:
        self._process: subprocess.Popen | None = None

    def __call__(
        self, arguments: list[str], folder: Path, environment: dict[str, str], *, apart: bool
    ) -> tuple[int, str]:
        """Return exit status and output of `snakemake {arguments}`, run in a folder.

        With `apart`, it runs in a fork: needed if jobs run, or Snakefiles import other modules.
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        request = {
            "apart": apart,
            "arguments": arguments,
            "folder": str(folder),
            "environment": environment,
        }
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        status, output = json.loads(self._process.stdout.readline())
        return status, output


class Memory(dict):
    """Cached results, by the inputs that they were computed from."""

    def recall(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        if key not in self:
            self[key] = compute()
        return self[key]


def remember(memory: Memory) -> None:
    """Let Snakemake use cached Python code of Snakefiles and digests of sources."""
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


def run_scripts_by(server: ScriptServer) -> None:
    """Let Snakemake send scripts to a server, except those that have an environment."""
    import snakemake.script

    execute = snakemake.script.PythonScript.execute_script

    def execute_quickly(script, fname, edit=False):
        if script.conda_env is not None or script.container_img is not None:
            return execute(script, fname, edit)
        return script._execute_cmd(f"{server.command()} {{fname:q}}", fname=fname)

    snakemake.script.PythonScript.execute_script = execute_quickly


def run(arguments: list[str], folder: str, environment: dict[str, str], output: int) -> int:
    """Run a command line that prints into a file descriptor; return its exit status."""
    import snakemake.cli

    for stream in (1, 2):
        os.dup2(output, stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    try:
        snakemake.cli.main(arguments)
    except SystemExit as end:
        return int(end.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def run_apart(*request: Any) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = run(*request)
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def serve() -> None:
    import jsonschema  # noqa: F401  imported by a run; here before the first request
    import pandas  # noqa: F401
    import smart_open  # noqa: F401
    import snakemake.cli
    import snakemake.executors.dryrun
    import snakemake.executors.touch
    import snakemake.report
    import tables  # noqa: F401

    snakemake.cli.get_argument_parser()
    remember(Memory())
    with tempfile.TemporaryDirectory() as folder, os.fdopen(os.dup(1), "w") as answers:
        run_scripts_by(ScriptServer(folder))
        for line in sys.stdin:
            request = json.loads(line)
            how = run_apart if request.pop("apart") else run
            with tempfile.TemporaryFile() as output:
                status = how(*request.values(), output.fileno())
                output.seek(0)
                printed = output.read().decode()
            print(json.dumps([status, printed]), file=answers, flush=True)


if __name__ == "__main__":
    serve()
