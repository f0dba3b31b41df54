"""A digest covers a script and our modules that it imports, and only their code."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects import ROOT
from settings.sources import PACKAGES, Sources, files_of_workflow

SCRIPTS = ROOT / "workflow/scripts"
RULES = sorted(path.stem for path in SCRIPTS.glob("*.py") if path.stem != "job")
PYTHONS = sorted(Path.home().glob(".pyenv/versions/3.1[1-9]*/bin/python"))
CODE = """
import numpy as np

LIMIT = {"a": 0.5, 'b': None}
TEXT = "² \U0001face"  # which is of Unicode 15: Python 3.11 does not print it

def scale(x: np.ndarray, /, *args, power=2, **more) -> "float":
    async def inner():
        await x
    try:
        return [f"{y!r:>{power}} and {y}" "more" for y in x if (z := y) > 0]
    except* (ValueError, TypeError) as error:
        raise KeyError(-1, 1j, b"x", ...) from error
    finally:
        print(x[1:2, ::3], sep="")

match LIMIT:
    case {"a": 0.5, **rest} | [_, *rest]:
        lambda a, *, b=1: a if b else ~a
"""


@pytest.fixture
def folder(tmp_path):
    """Write three scripts: one imports vame_core.losses, one vame_core.model, one neither."""
    (tmp_path / "vame_core").mkdir()
    for file, text in {
        "vame_core/__init__.py": "",
        "vame_core/losses.py": "import torch\n",
        "vame_core/model.py": "def f():\n    from vame_core.losses import norm\n",
        "job.py": "",
        "evaluate.py": "from vame_core.losses import norm\n",
        "train.py": "from job import job\nimport vame_core.model\n",
        "plot.py": "import matplotlib\n",
    }.items():
        (tmp_path / file).write_text(text)
    return tmp_path


def digests(folder):
    sources = Sources(lambda file: folder / file)
    return {name: sources.digest(name) for name in ("evaluate", "train", "plot")}


def changed(folder, file, text):
    """Return names of the scripts whose digests change with a file's text."""
    before, old = digests(folder), (folder / file).read_text()
    (folder / file).write_text(text(old))
    after = digests(folder)
    (folder / file).write_text(old)
    return {name for name in before if before[name] != after[name]}


@pytest.mark.parametrize(
    ("file", "scripts"),
    [
        ("vame_core/losses.py", {"evaluate", "train"}),
        ("vame_core/model.py", {"train"}),
        ("vame_core/__init__.py", {"evaluate", "train"}),
        ("job.py", {"train"}),
        ("plot.py", {"plot"}),
    ],
)
def test_an_edit_changes_the_digests_of_scripts_that_import_the_file(folder, file, scripts):
    assert changed(folder, file, lambda text: text + "x = 1\n") == scripts


@pytest.mark.parametrize(
    "edit",
    [
        lambda text: text + "\n# a comment\n",
        lambda text: '"""A docstring."""\n' + text,
        lambda text: text.replace("def f():", 'def f():\n    """Of a function."""').replace(
            "import torch", 'import torch\n"""Of an attribute."""'
        ),
        lambda text: text.replace("\n", "\n\n") + "\n\n\n",
        lambda text: text.replace("import norm", "import (\n        norm,\n    )"),
    ],
    ids=["comment", "module docstring", "other docstrings", "blank lines", "layout"],
)
def test_comments_and_layout_do_not_change_a_digest(folder, edit):
    for file in ("vame_core/losses.py", "vame_core/model.py", "train.py"):
        assert changed(folder, file, edit) == set()


def test_a_moved_module_changes_the_digest(folder):
    before = digests(folder)
    (folder / "vame_core/losses.py").rename(folder / "vame_core/terms.py")
    for file in ("vame_core/model.py", "evaluate.py"):
        (folder / file).write_text((folder / file).read_text().replace("losses", "terms"))
    assert {name for name, value in digests(folder).items() if value != before[name]} == {
        "evaluate",
        "train",
    }


DIGESTS = """
import sys, types
sys.path.insert(0, sys.argv[1])
sys.modules["yaml"] = sys.modules["jsonschema"] = types.ModuleType("absent")
from settings.sources import Sources
sources = Sources(lambda file: f"{sys.argv[2]}/{file}")
print([sources.digest(script) for script in sys.argv[3:]])
"""


def digests_on(python, folder, *scripts):
    command = [python, "-c", DIGESTS, SCRIPTS, folder, *scripts]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("python", PYTHONS or [sys.executable])
def test_digests_are_the_same_on_every_python(tmp_path, python):
    """Digests of this workflow are compared, and one with a fixed value."""
    (tmp_path / "sample.py").write_text(CODE)
    assert digests_on(python, tmp_path, "sample") == "['f2b5a2d22ca5']"
    sources = Sources(lambda file: SCRIPTS / file)
    assert digests_on(python, SCRIPTS, *RULES) == str([sources.digest(rule) for rule in RULES])


def imported(path):
    """Return our files that a file imports, found by a second implementation."""
    names = {
        line.split()[1]
        for line in path.read_text().splitlines()
        if line.split() and line.split()[0] in ("from", "import")
    }
    files = [SCRIPTS / f"{name.replace('.', '/')}.py" for name in names]
    return {file for file in files if file.is_file()}


@pytest.mark.parametrize("rule", RULES)
def test_the_digest_of_a_rule_covers_exactly_what_its_script_imports(rule):
    ahead, expected = {SCRIPTS / f"{rule}.py"}, set()
    while ahead:
        file = ahead.pop()
        expected.add(file)
        if file.parent != SCRIPTS:
            expected.add(file.parent / "__init__.py")
        ahead |= imported(file) - expected
    found = Sources(lambda file: SCRIPTS / file).files_behind(f"{rule}.py")
    assert found == {file.relative_to(SCRIPTS).as_posix() for file in expected}


@pytest.mark.parametrize("text", ["\n# a comment\n", '\n"""A string alone."""\n'])
def test_a_comment_changes_no_digest(tmp_path, text):
    """So an unfinished training, whose state contains the digest, can continue."""
    shutil.copytree(SCRIPTS, tmp_path, dirs_exist_ok=True)
    for path in tmp_path.rglob("*.py"):
        path.write_text(path.read_text() + text)
    here, there = (
        Sources(lambda file, folder=folder: folder / file) for folder in (SCRIPTS, tmp_path)
    )
    assert {rule: there.digest(rule) for rule in RULES} == {
        rule: here.digest(rule) for rule in RULES
    }


def test_the_digest_follows_every_package():
    assert {path.parent.name for path in SCRIPTS.glob("*/__init__.py")} == PACKAGES


def test_all_files_of_a_local_workflow_are_found():
    files = files_of_workflow(lambda file: ROOT / "workflow" / file)
    assert {"Snakefile", "LICENSE", "envs/poses.yaml", "workflow/scripts/job.py"} <= files.keys()
    assert all(os.path.isfile(path) for path in files.values())
