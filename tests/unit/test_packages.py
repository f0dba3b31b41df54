"""Packages meet in files: none imports Snakemake, or another one of them."""

import ast
import re
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "workflow" / "scripts"
RULES = ROOT / "workflow" / "rules"

SHARED = {"job_log", "job_outputs", "job_record"}  # by all scripts, and by no package

WITHOUT_RECORD = {"write_manifest", "verify", "ro_crate"}  # they read what records say

FOLDERS = {path.parent.name: path.parent for path in SCRIPTS.glob("*/__init__.py")}

# Names under which conda has what Python imports by another.
CONDA = {
    "torch": "pytorch",
    "yaml": "pyyaml",
    "matplotlib": "matplotlib-base",
    "tensorboardX": "tensorboardx",
}
CONDA |= {"sklearn": "scikit-learn", "umap": "umap-learn", "PIL": "pillow"}


def imports_of(path):
    """Top-level names that a file imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module.split(".")[0])
    return names


def foreign(names):
    """Of those, what a package index has."""
    own = {*FOLDERS, *(path.stem for path in SCRIPTS.glob("*.py"))}
    return names - set(sys.stdlib_module_names) - own


def listed_packages():
    """The table PACKAGES of common.smk."""
    text = (RULES / "common.smk").read_text()
    return ast.literal_eval(re.search(r"^PACKAGES = (\{.*?^\})", text, re.M | re.S).group(1))


def rules():
    """(rule, environment, script) of every rule that runs a script."""
    for path in sorted(RULES.glob("*.smk")):
        for name, body in re.findall(
            r"^rule (\w+):\n(.*?)(?=^\S|\Z)", path.read_text(), re.M | re.S
        ):
            script = re.search(r'script:\s*"\.\./scripts/(\w+\.py)"', body)
            environment = re.search(r'conda:\s*"\.\./\.\./(envs/\w+\.yaml)"', body)
            if script:
                yield name, environment and environment.group(1), SCRIPTS / script.group(1)


def environments():
    """What each environment has to hold: what its scripts, and the packages they use, import."""
    needed = {}
    for _, environment, script in rules():
        names = imports_of(script)
        for package in names & FOLDERS.keys():
            names = names.union(*map(imports_of, FOLDERS[package].glob("*.py")))
        needed.setdefault(environment, set()).update(foreign(names))
    return needed


def test_there_are_packages():
    assert {"pose_prep", "vame_core"} <= FOLDERS.keys()


@pytest.mark.parametrize("package", FOLDERS)
def test_a_package_imports_neither_snakemake_nor_another_package(package):
    others = {"snakemake", *SHARED, *FOLDERS} - {package}
    for path in FOLDERS[package].glob("*.py"):
        assert not imports_of(path) & others, path.name
        assert not re.search(r"\bsnakemake\.", path.read_text()), path.name


def test_a_packages_digest_covers_its_files():
    files = {
        name: sorted(path.stem for path in folder.glob("*.py")) for name, folder in FOLDERS.items()
    }
    assert {name: sorted(modules) for name, modules in listed_packages().items()} == files


def test_packages_have_no_folders_that_a_digest_would_miss():
    assert sorted(SCRIPTS.glob("*/*/*.py")) == []


@pytest.mark.parametrize("name, environment, script", list(rules()))  # noqa: PT006
def test_a_rule_has_a_script_of_its_name_and_an_environment(name, environment, script):
    assert script.stem == name
    assert script.is_file()
    assert (ROOT / environment).is_file()


@pytest.mark.parametrize("name, environment, script", list(rules()))  # noqa: PT006
def test_a_rule_depends_on_the_code_that_its_script_imports(name, environment, script):
    text = "\n".join(path.read_text() for path in RULES.glob("*.smk"))
    body = re.search(rf"^rule {name}:\n(.*?)(?=^\S|\Z)", text, re.M | re.S).group(1)
    arguments = re.search(r"code=source_digest\((.*)\),", body).group(1)
    digested = ast.literal_eval(f"({arguments},)")
    assert digested[0] == script.stem
    assert set(digested[1:]) == imports_of(script) & FOLDERS.keys()


@pytest.mark.parametrize("name, environment, script", list(rules()))  # noqa: PT006
def test_a_rule_leaves_a_record_which_its_script_writes_last(name, environment, script):
    if name in WITHOUT_RECORD:
        return
    text = "\n".join(path.read_text() for path in RULES.glob("*.smk"))
    body = re.search(rf"^rule {name}:\n(.*?)(?=^\S|\Z)", text, re.M | re.S).group(1)
    log, record = (
        re.search(rf'"{folder}/{name}/(.*)\.{suffix}"', body).group(1)
        for folder, suffix in (("logs", "log"), ("results/provenance", "json"))
    )
    assert record == log
    last = ast.parse(script.read_text()).body[-1]
    assert ast.unparse(last).startswith("record_job(snakemake")


@pytest.mark.parametrize("environment", environments())
def test_an_environment_holds_what_its_rules_import(environment):
    dependencies = yaml.safe_load((ROOT / environment).read_text())["dependencies"]
    of_pip = [name for entry in dependencies if isinstance(entry, dict) for name in entry["pip"]]
    entries = [entry for entry in dependencies if isinstance(entry, str)] + of_pip
    names = {re.split(r"[=<>! ]", entry)[0] for entry in entries}
    needed = {CONDA.get(name, name) for name in environments()[environment]}
    assert needed <= names


def test_every_script_is_a_rules_or_shared():
    scripts = {path.name for path in SCRIPTS.glob("*.py")}
    others = {"convert_vame_project.py"} | {f"{name}.py" for name in SHARED}  # run by hand; shared
    assert scripts == {script.name for _, _, script in rules()} | others
