"""The version of this workflow that a job ran, for its record."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import unquote

FETCHED = "hosted-git"
"""Where Snakemake keeps a workflow from GitHub or GitLab: hosted-git/{kind}/{host}/{name}/{ref}."""

CODE = ("Snakefile", "workflow", "envs")
SECONDS = 10


def describe_workflow(root: Path) -> dict[str, Any]:
    """Return version, commit, and whether the code was as committed; None for what is unknown.

    A workflow that Snakemake fetched has no repository: `source` is where it came from, and the
    commit is None if it was asked for by a tag or branch.

    Parameters
    ----------
    root
        The workflow's folder, which has `CITATION.cff`.
    """
    described = {"version": version_of(root)}
    if FETCHED in root.parts:
        _, host, *name, ref = map(unquote, root.parts[root.parts.index(FETCHED) + 1 :])
        commit = ref if re.fullmatch("[0-9a-f]{40}", ref) else None
        return described | {"source": "/".join([host, *name]), "ref": ref, "commit": commit}
    edits = git(root, "status", "--porcelain", "--", *CODE)
    clean = None if edits is None else not edits
    return described | {"commit": git(root, "rev-parse", "HEAD"), "clean": clean}


def version_of(root: Path) -> str | None:
    file = root / "CITATION.cff"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    found = re.search(r"^version: *\"?([^\s\"]+)", text, re.MULTILINE)
    return found.group(1) if found else None


def git(root: Path, *arguments: str) -> str | None:
    """Return the output of git in this folder; None if it is no repository, or without git."""
    if not (root / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "-C", root, *arguments],
            env=os.environ | {"GIT_OPTIONAL_LOCKS": "0"},  # other jobs ask at the same time
            capture_output=True,
            check=True,
            text=True,
            timeout=SECONDS,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()
