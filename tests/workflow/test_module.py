"""Another workflow can use this one as a module, and Snakemake's catalog finds what it needs.

test_reproducible.py runs all jobs as a module.
"""

import re
import shutil
import subprocess

import pytest
import yaml
from projects import CONFIG, ROOT, Project, write_outer

JOB_COUNT = re.compile(r"^(\w+) +(\d+)$", re.M)


@pytest.fixture
def on_github(tmp_path, monkeypatch):
    """Put this workflow into Snakemake's cache, as if fetched from lab/vame on GitHub, tag v1."""
    git = ("git", "-c", "user.name=lab", "-c", "user.email=lab@example.org")
    clone = tmp_path / "clone"
    clone.mkdir()
    for name in ("Snakefile", "CITATION.cff", "LICENSE"):
        shutil.copy(ROOT / name, clone)
    for name in ("workflow", "envs"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, clone / name, ignore=ignored)
    for command in ("init --quiet", "add .", "commit --quiet -m all", "tag v1"):
        subprocess.run([*git, *command.split()], cwd=clone, check=True)
    cache = tmp_path / "cache"
    place = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/lab/vame"
    place.parent.mkdir(parents=True)
    subprocess.run(["git", "clone", "--quiet", "--bare", clone, place], check=True)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    return 'github("lab/vame", path="Snakefile", tag="v1")'


def test_a_remote_module_includes_its_packages(project, on_github):
    """The packages that check the config come along, and those that scripts import."""
    snakefile = write_outer(project)
    snakefile.write_text(snakefile.read_text().replace(f'"{ROOT}/Snakefile"', on_github))
    target = "results/quality/mouse1.svg"
    project.snakemake(target, snakefile=snakefile)
    assert (project / target).is_file()
    assert project.stale_jobs(target) == set()  # by the workflow in this checkout
    (project / "config/outer.yaml").write_text("behaviour: {orient: nose}\n")
    printed = project.snakemake(target, snakefile=snakefile, check=False)
    assert "center: is missing" in printed


def planned(project: Project, *arguments: str, **keywords) -> dict[str, int]:
    """Count the jobs of each rule that a dry run plans."""
    printed = project.quick(*arguments, "--dry-run", **keywords)
    return {rule: int(count) for rule, count in JOB_COUNT.findall(printed)}


def test_a_module_leaves_the_target_of_the_workflow_that_uses_it(project):
    jobs = planned(project, snakefile=write_outer(project))
    assert jobs["summary"] == 1
    assert "vame_all" not in jobs
    assert "vame_plot_losses" not in jobs


def test_a_finished_run_is_also_finished_for_a_workflow_that_uses_it(finished):
    """Paths, settings and digests are the same in a module."""
    snakefile = write_outer(finished)
    assert "Nothing to be done" in finished.snakemake("vame_all", "--dry-run", snakefile=snakefile)
    (finished / "results/figures/vame/seed0/losses.svg").unlink()
    jobs = planned(finished, "vame_all", snakefile=snakefile)
    assert jobs == {"vame_plot_losses": 1, "vame_write_manifest": 1, "vame_all": 1, "total": 3}


def test_errors_in_the_config_of_a_module_are_refused_in_the_same_words(project):
    printed = project.quick("--dry-run", snakefile=write_outer(project, kl_strt=3), check=False)
    assert "kl_strt: there is no such setting; did you mean kl_start?" in printed


def test_the_recordings_of_the_demo_are_written_under_the_prefix(project):
    project.write_sheet((ROOT / "config/sessions.tsv").read_text())
    snakefile = write_outer(project, prefix="behaviour", center="tail_base")
    printed = project.quick("--dry-run", snakefile=snakefile)
    assert "behaviour/results/demo/demo1.csv" in printed


def test_the_catalogs_snakefile_plans_the_same_jobs(project):
    own = planned(project)
    assert own["train_model"] == 2
    catalogs = planned(project, snakefile=ROOT / "workflow/Snakefile")
    assert catalogs.pop("catalog") == 1
    own.pop("all")
    assert {**catalogs, "total": own["total"]} == own


@pytest.mark.parametrize("path", ["workflow/Snakefile", "config/README.md", "LICENSE"])
def test_files_that_the_catalog_needs_exist(path):
    assert (ROOT / path).is_file()


def test_the_catalog_knows_how_software_is_deployed():
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["conda"] is True
    assert usage["report"] is True
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}


def test_other_modules_named_settings_do_not_interfere(project, tmp_path):
    """The outer workflow has a module `settings`, and uses another version of this one, too."""
    other = tmp_path / "other"
    for name in ("workflow", "envs"):
        shutil.copytree(ROOT / name, other / name)
    for name in ("Snakefile", "CITATION.cff", "LICENSE"):
        shutil.copy(ROOT / name, other)
    path = other / "workflow/scripts/settings/schema.py"
    path.write_text(path.read_text().replace("there is no such setting", "unknown in version 2"))
    own = project / "lib"
    own.mkdir()
    (own / "settings.py").write_text("OWN = 'own'\n")
    snakefile = write_outer(project, prefix="one")
    second = snakefile.read_text().split("module vame:")[1].split("rule summary")[0]
    second = second.replace(str(ROOT), str(other)).replace('"one"', '"two"')
    second = second.replace('config["behaviour"]', 'config["second"]')
    lines = ["import sys", f"sys.path.insert(0, {str(own)!r})", "import settings"]
    lines += [snakefile.read_text(), "", f"module second:{second}"]
    lines += [
        "use rule * from second as second_*",
        "",
        "",
        "from settings import OWN",
        "print(OWN)",
    ]
    snakefile.write_text("\n".join(lines) + "\n")
    outer = yaml.safe_load((project / "config/outer.yaml").read_text())
    path = project / "config/outer.yaml"
    path.write_text(yaml.safe_dump(outer | {"second": CONFIG}))
    jobs = planned(project, "vame_check", "second_check", snakefile=snakefile)
    assert jobs["vame_plot_quality"] == jobs["second_plot_quality"] == 2
    path.write_text(yaml.safe_dump(outer | {"second": CONFIG | {"kl_strt": 3}}))
    printed = project.quick("--dry-run", snakefile=snakefile, check=False)
    assert "kl_strt: unknown in version 2; did you mean kl_start?" in printed
