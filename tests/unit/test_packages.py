"""There are five stages, each with a rule file, a package and an environment."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
RULES = ROOT / "workflow" / "rules"
STAGES = {  # rule file and environment: package
    "poses": "pose_prep",
    "training": "vame_core",
    "motifs": "motif_analysis",
    "figures": "figures",
    "report": "reporting",
}
FOLDERS = {path.parent.name: path.parent for path in SCRIPTS.glob("*/__init__.py")}
LONGEST_FUNCTION, LONGEST_FILE = 60, 400

# Names of packages in conda that differ from the names of imports.
CONDA = {
    "torch": "pytorch",
    "yaml": "pyyaml",
    "matplotlib": "matplotlib-base",
    "tensorboardX": "tensorboardx",
    "sklearn": "scikit-learn",
    "sleap_io": "sleap-io",
    "umap": "umap-learn",
    "PIL": "pillow",
    "ndx_ethogram": "ndx-ethogram",
    "ndx_pose": "ndx-pose",
    "ndx_vame": "ndx-vame",
}


def imports_of(path):
    """Return the modules that a file imports anywhere."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module)
    return names


def tops(names):
    return {name.split(".")[0] for name in names}


def followed(path):
    """Return all imports of a file, also those through our own files."""
    seen, ahead = set(), imports_of(path)
    while ahead:
        name = ahead.pop()
        seen.add(name)
        for own in (
            (SCRIPTS / name.replace(".", "/")).with_suffix(".py"),
            SCRIPTS / name / "__init__.py",
        ):
            if own.is_file():
                ahead |= imports_of(own) - seen
    return seen


def rules():
    """Return (rule, stage, environment, script) of every rule that runs a script."""
    for path in sorted(RULES.glob("*.smk")):
        for name, body in re.findall(
            r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.M | re.S
        ):
            script = re.search(r'script:\s*"\.\./scripts/(\w+\.py)"', body)
            environment = re.search(r'conda:\s*"\.\./\.\./envs/(\w+)\.yaml"', body)
            yield name, path.stem, environment.group(1), SCRIPTS / script.group(1)


def environments():
    """Return the packages that each environment needs: imports of its scripts and their modules."""
    own = {*FOLDERS, *(path.stem for path in SCRIPTS.glob("*.py"))}
    needed = {}
    for _, _, environment, script in rules():
        foreign = tops(followed(script)) - set(sys.stdlib_module_names) - own
        needed.setdefault(f"envs/{environment}.yaml", set()).update(foreign)
    return needed


each_rule = pytest.mark.parametrize(("name", "stage", "environment", "script"), list(rules()))


def test_there_are_five_stages_and_shared_packages():
    assert FOLDERS.keys() == {*STAGES.values(), "formats", "settings"}
    assert {path.stem for path in RULES.glob("*.smk")} == {*STAGES, "common"}
    assert {path.stem for path in (ROOT / "envs").glob("*.yaml")} == set(STAGES)


@each_rule
def test_a_rule_runs_its_script_in_its_stages_environment_with_its_stages_package(
    name, stage, environment, script
):
    assert (script.stem, environment) == (name, stage)
    assert tops(imports_of(script)) & FOLDERS.keys() <= {STAGES[stage], "formats"}


@each_rule
def test_a_script_has_no_logic(name, stage, environment, script):
    longest = 40 if name == "train_model" else 28
    assert len(script.read_text().splitlines()) <= longest


@each_rule
def test_a_rule_depends_on_the_code_of_its_script(name, stage, environment, script):
    text = (RULES / f"{stage}.smk").read_text()
    body = re.search(rf"^rule {name}:\n(.*?)(?=^\S|\Z)", text, re.M | re.S).group(1)
    assert f'code=source_digest("{name}")' in body or f'**params_of("{name}")' in body


@pytest.mark.parametrize("package", FOLDERS)
def test_a_package_imports_only_formats_of_our_packages(package):
    others = {"snakemake", "job", *FOLDERS} - {package, "formats"}
    for path in FOLDERS[package].glob("*.py"):
        assert not tops(imports_of(path)) & others, path.name
        assert not re.search(r"\bsnakemake\.", path.read_text()), path.name


def test_packages_have_no_subfolders_which_digests_would_miss():
    assert sorted(SCRIPTS.glob("*/*/*.py")) == []


def test_imports_are_from_modules():
    """A digest follows `from package.module import name` but not `from package import module`."""
    for path in SCRIPTS.rglob("*.py"):
        assert not imports_of(path) & FOLDERS.keys(), path


@pytest.mark.parametrize("environment", environments())
def test_an_environment_has_the_packages_that_its_rules_import(environment):
    dependencies = yaml.safe_load((ROOT / environment).read_text())["dependencies"]
    of_pip = [name for entry in dependencies if isinstance(entry, dict) for name in entry["pip"]]
    entries = [entry for entry in dependencies if isinstance(entry, str)] + of_pip
    names = {re.split(r"[=<>! ]", entry)[0] for entry in entries}
    needed = {CONDA.get(name, name) for name in environments()[environment]}
    assert needed <= names


def test_every_script_except_job_belongs_to_a_rule():
    scripts = {path.stem for path in SCRIPTS.glob("*.py")}
    assert scripts == {name for name, *_ in rules()} | {"job"}


def test_rules_are_short():
    """The mean per rule includes shared functions: Python code belongs in packages."""
    lines = sum(len(path.read_text().splitlines()) for path in RULES.glob("*.smk"))
    assert lines / len(list(rules())) <= 31


def sources():
    return [*SCRIPTS.rglob("*.py"), *(ROOT / "tools").glob("*.py"), *RULES.glob("*.smk")]


def test_files_are_short():
    long = {p.name: n for p in sources() if (n := len(p.read_text().splitlines())) > LONGEST_FILE}
    assert long == {}


def test_functions_are_at_most_a_page_long():
    long = {
        f"{path.name}: {node.name}": lines
        for path in sources()
        if path.suffix == ".py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := node.end_lineno - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_modules_of_tests_have_different_names():
    """pytest imports them by their name, without the folder."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(names) == len(set(names))
