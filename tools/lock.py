"""Write envs/constraints-{Python}.txt: one exact version of each package that `make` installs.

uv resolves the groups of pyproject.toml for Linux and macOS and for each Python, on any of them.
The files have only names and versions, so that pip may use any index; a version includes all its
builds, such as the CPU build of torch.
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
ON_EVERY_PYTHON = ("torch==2.13.0",)  # the release with which tests and benchmarks were run
HEADER = "# Exact versions for Python {python}, Linux and macOS. `make lock` writes this file.\n"


def main() -> None:
    """Write the newest versions that pyproject.toml allows, for each Python."""
    for python in PYTHONS:
        path = ROOT / "envs" / f"constraints-{python}.txt"
        text = HEADER.format(python=python) + "".join(resolve(python))
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def resolve(python: str) -> list[str]:
    """Return the lines of one file, sorted by name.

    Raises
    ------
    subprocess.CalledProcessError
        If no versions are compatible; uv has printed which ones conflict.
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
    """Return lines without markers: a constraint on a package that is not installed has no effect.

    If a package has several versions, each line keeps the releases of Python that it is for.

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
