"""The workflow imports no module that Windows or macOS lack, and does not need fork there."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [*(ROOT / "workflow").rglob("*.py"), *(ROOT / "tools").glob("*.py")]
ONLY_POSIX = {
    *("fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty"),
    *("crypt", "nis", "spwd"),
}
# Functions that some systems lack, in modules that every system has.
NOT_EVERYWHERE = {
    *("os.fork", "os.forkpty", "os.getuid", "os.geteuid", "os.getpgid", "os.killpg", "os.setsid"),
    *("os.nice", "os.mkfifo", "os.chown", "os.sched_getaffinity", "os.posix_fadvise", "os.pread"),
    *("os.pwrite", "os.sysconf", "os.statvfs", "os.getloadavg", "os.uname", "os.O_DIRECTORY"),
    *("signal.SIGKILL", "signal.SIGALRM", "signal.SIGHUP", "signal.SIGUSR1", "signal.SIGUSR2"),
    *("signal.alarm", "signal.setitimer", "signal.pause", "signal.ITIMER_REAL", "signal.SIGSTOP"),
}
# A damaged HDF5 file could crash: it is read in a child process, or directly if there is no fork.
GUARDED = {
    "workflow/scripts/pose_prep/isolation.py": {
        *("signal.SIGALRM", "signal.setitimer", "signal.ITIMER_REAL"),
        "multiprocessing.get_context",
    },
    "workflow/scripts/settings/headers.py": {"multiprocessing.get_context"},
}

each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


@each
def test_no_module_that_only_posix_has_is_imported(path):
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    assert names & (ONLY_POSIX | NOT_EVERYWHERE) == set()


@each
def test_functions_that_some_systems_lack_are_called_only_where_fork_exists(path):
    text = path.read_text()
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    guarded = GUARDED.get(path.relative_to(ROOT).as_posix(), set())
    assert used & (NOT_EVERYWHERE | {"multiprocessing.get_context"}) == guarded
    if guarded:
        assert '"fork" in multiprocessing.get_all_start_methods()' in text or (
            '"fork" not in multiprocessing.get_all_start_methods()' in text
        )


@each
def test_text_is_read_and_written_as_utf_8(path):
    """Windows has another default encoding."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = {keyword.arg for keyword in node.keywords}
            if node.func.attr in ("read_text", "write_text"):
                assert "encoding" in named, f"line {node.lineno}"
