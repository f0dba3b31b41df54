"""Digests of the code that a rule runs: its script and our modules that it imports, recursively.

They depend on content, whereas Snakemake's own trigger for scripts compares times (so a fresh clone
counts as an edit) and ignores imports. Comments, docstrings and layout do not count. A digest is
the same on every Python version that can read the code.
"""

import ast
import functools
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PACKAGES = frozenset(
    {
        *("formats", "settings"),
        *("pose_prep", "vame_core", "motif_analysis", "figures", "reporting"),
    }
)
MODULES = frozenset({"job"})
BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
NOT_CODE = frozenset({"ctx", "kind", "type_comment", "type_ignores"})


class Sources:
    """The scripts folder, wherever it is.

    Parameters
    ----------
    fetch
        Returns the path of a file in the folder, such as `vame_core/losses.py`. It also
        fetches the file where the workflow is used as a remote module.
    """

    def __init__(self, fetch: Callable[[str], str | Path]) -> None:
        self._fetch = fetch
        self._read = functools.cache(self._read_file)
        self.digest = functools.cache(self._digest)

    def as_param(self, script: str) -> Callable[[Any], str]:
        """Return a rule's digest as a param: a function, so that a job computes only its own."""
        return lambda wildcards: self.digest(script)

    def _digest(self, script: str) -> str:
        """Return twelve hex digits for a script, by its name, and our files that it imports."""
        digest = hashlib.sha256()
        for file in sorted(self.files_behind(f"{script}.py")):
            digest.update(f"{file}:{self._read(file)[0]}\n".encode())
        return digest.hexdigest()[:12]

    def files_behind(self, file: str) -> set[str]:
        """Return the file and those of ours that it imports, recursively."""
        found, ahead = set(), {file}
        while ahead:
            file = ahead.pop()
            found.add(file)
            ahead |= self._read(file)[1] - found
        return found

    def _read_file(self, file: str) -> tuple[str, frozenset[str]]:
        """Return the digest of one file's code, and our files that it imports."""
        tree = ast.parse(Path(self._fetch(file)).read_bytes())
        code = hashlib.sha256(code_of(tree).encode()).hexdigest()
        return code, frozenset(imported_files(tree))


def files_of_workflow(source: Callable[[str], str | Path]) -> dict[str, str]:
    """Return the workflow's files by relative path; all of them if it is a local folder."""
    own = {name: str(source(f"../{name}")) for name in ("Snakefile", "CITATION.cff", "LICENSE")}
    folder = Path(own["Snakefile"]).resolve().parent
    return own | {
        file.relative_to(folder).as_posix(): str(file)
        for name in ("envs", "workflow")
        for file in sorted((folder / name).rglob("*.*"))
        if file.suffix in (".py", ".rst", ".smk", ".yaml")
    }


def imported_files(tree: ast.AST) -> Iterator[str]:
    """Yield our files that it imports: `import package.module`, `from package.module import …`."""
    for node in statements(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            package, _, module = name.partition(".")
            if package in MODULES:
                yield f"{package}.py"
            elif package in PACKAGES:
                yield f"{package}/__init__.py"
                if module:
                    yield f"{package}/{module}.py"


def statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all statements, also in functions and branches; expressions are skipped for speed."""
    ahead = [tree]
    while ahead:
        node = ahead.pop()
        yield node
        for block in BLOCKS:
            ahead += getattr(node, block, [])


def code_of(tree: ast.AST) -> str:
    """Return code as text that is the same on every Python version.

    Unlike ast.dump, which prints fields that older versions do not have, it omits empty fields.
    """
    parts: list[str] = []
    _write(tree, parts)
    return "".join(parts)


def _write(node: Any, parts: list[str]) -> None:
    if isinstance(node, ast.AST):
        parts.append(f"({type(node).__name__}")
        for name in node._fields:
            value = getattr(node, name, None)
            if name not in NOT_CODE and value is not None and value != []:
                parts.append(f" {name}=")
                _write(_joined(value) if type(node) is ast.JoinedStr else value, parts)
        parts.append(")")
    elif isinstance(node, list):
        parts.append("[")
        for each in node:
            if not is_text_alone(each):
                _write(each, parts)
                parts.append(",")
        parts.append("]")
    else:
        parts.append(ascii(node))  # repr depends on the Unicode version of Python


def is_text_alone(node: Any) -> bool:
    """True for a docstring, and for a string behind a constant that documents it."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


def _joined(values: list[ast.expr]) -> list[ast.expr | str]:
    """Join adjacent text parts of an f-string, which Python versions divide differently."""
    parts: list[ast.expr | str] = [""]
    for value in values:
        if not isinstance(value, ast.Constant):
            parts += [value, ""]
        else:
            parts[-1] += value.value
    return parts
