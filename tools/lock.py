"""Write envs/constraints-{Python}.txt: one exact version of each package that `make` installs.

uv resolves the groups of pyproject.toml for Linux and macOS and for each Python, whichever of these
it runs on. The files have names and versions only, so that pip takes them from wherever it is told
to; a version holds for all builds of it, so that a CPU build of torch is one.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = ("linux", "darwin")
GROUPS = ("dev", "docs")
ON_EVERY_PYTHON = ("torch==2.13.0",)  # the release that tests and benchmarks ran with
HEADER = "# Exact versions for Python {python}, Linux and macOS. `make lock` writes this file.\n"


def main() -> None:
    """Resolve anew for each Python: versions become the newest that pyproject.toml allows."""
    for python in PYTHONS:
        path = ROOT / "envs" / f"constraints-{python}.txt"
        text = HEADER.format(python=python) + "".join(resolve(python))
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def resolve(python: str) -> list[str]:
    """The lines of one file, sorted by name.

    Raises
    ------
    subprocess.CalledProcessError
        If no versions fit together; uv has printed which do not.
    """
    start, end = python, f"3.{int(python.partition('.')[2]) + 1}"
    here = f"python_full_version >= '{start}' and python_full_version < '{end}'"
    systems = [f"{here} and sys_platform == '{system}'" for system in SYSTEMS]
    own = f"\n[tool.uv]\nenvironments = {systems}\nconstraint-dependencies = {[*ON_EVERY_PYTHON]}\n"
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder, "pyproject.toml")
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        project.write_text(text + own, encoding="utf-8")
        uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
        groups = [argument for group in GROUPS for argument in ("--group", group)]
        how = ["--quiet", "--no-header", "--no-annotate", "--no-emit-index-url"]
        result = subprocess.run(
            [uv, "pip", "compile", "--universal", "--python-version", python, *how, *groups],
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    return names_and_versions(result.stdout)


def names_and_versions(resolved: str) -> list[str]:
    """Lines without markers: a constraint on a package that nobody installs does nothing.

    Of a package with several versions, each line keeps the releases of Python that it is for.

    >>> names_and_versions("a==1 ; sys_platform == 'linux'")
    ['a==1\\n']
    """
    found = [Requirement(line) for line in resolved.splitlines() if re.match(r"\w", line)]
    names = [entry.name for entry in found]
    return [
        f"{entry.name}{entry.specifier}\n" if names.count(entry.name) == 1 else f"{entry}\n"
        for entry in found
    ]


if __name__ == "__main__":
    main()
