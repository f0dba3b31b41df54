"""The same seed gives the same bits, wherever the project lies and whoever runs the workflow.

The second run belongs to another workflow, which uses this one as a module under a prefix, in a
folder whose name has spaces and special characters.
"""

import csv
import json

import numpy as np
import pytest
import torch
from projects import SHEET, Project, make_project, write_outer

ODD = 'it\'s a "naïve" 小鼠 & $HOME; #1'
# What may differ between two runs: times, and checksums of files that hold them.
UNLIKE = {"benchmarks", "provenance"}


PREFIX = "behaviour"
THREADS = ("--set-threads", "vame_train_model=1", "vame_evaluate_model=1")


@pytest.fixture(scope="module")
def outer(tmp_path_factory):
    """Write a workflow that uses this one, with config, sessions table and recordings elsewhere."""
    project = make_project(tmp_path_factory.mktemp("odd") / ODD)
    (project / "recordings").rename(project / ODD)
    (project / "config/config.yaml").unlink()
    (project / "config/sessions.tsv").rename(project / "recordings.tsv")
    (project / "recordings.tsv").write_text(SHEET.replace("recordings/", f"{ODD}/"))
    snakefile = write_outer(project, prefix=PREFIX, sessions="recordings.tsv")
    project.snakemake("summary", "vame_all", *THREADS, snakefile=snakefile)
    return project


@pytest.fixture
def repeated(outer):
    """Repeat the run of `finished_once` as a module, and return its results."""
    return Project(outer / PREFIX)


def test_a_module_runs_under_a_prefix_with_its_own_config_and_sessions_table(outer, repeated):
    manifest = json.loads((repeated / "results/export/vame/seed0/manifest.json").read_text())
    assert manifest["settings"]["max_epochs"] == 4
    assert "manifest.json" in (outer / "summary.txt").read_text()
    assert not (outer / "results").exists()
    snakefile = outer / "Snakefile"
    printed = outer.quick("summary", "vame_all", "--dry-run", snakefile=snakefile)
    assert "Nothing to be done" in printed
    assert "all files are unchanged" in outer.snakemake("vame_verify", snakefile=snakefile)


def files_of(project):
    results = project / "results"
    return {
        path.relative_to(results)
        for path in results.rglob("*")
        if path.is_file()
        and not UNLIKE & set(path.relative_to(results).parts)
        and "tfevents" not in path.name  # its name has the time and the host
    }


def content_of(path):
    """Return the numbers and words of a file, without times."""
    match path.suffix:
        case ".pt" | ".pkl":
            content = torch.load(path, weights_only=True)
            weights = content.pop("weights", {}) if "format" in content else {}
            return [[name, value] for name, value in (content | weights).items()]
        case ".npy" | ".npz":
            arrays = np.load(path)
            names = arrays.files if path.suffix == ".npz" else [...]
            return [arrays[name] for name in names]
        case ".csv" if path.stem in ("history", "comparison"):
            with open(path) as file:
                return [
                    {key: value for key, value in row.items() if "seconds" not in key}
                    for row in csv.DictReader(file)
                ]
        case ".nc" | ".json" | ".md" | ".onnx" | ".safetensors":
            return None  # hold times, paths or checksums; their numbers are those of other files
        case ".png" | ".svg" | ".html" if path.stem in ("comparison", "summary"):
            return None  # show how long each training took
        case _:
            return path.read_bytes()


def assert_equal(one, other):
    np.testing.assert_equal(
        *(
            [[n, v.numpy()] if torch.is_tensor(v) else [n, v] for n, v in content]
            if content and isinstance(content[0], list)
            else content
            for content in (one, other)
        )
    )


def test_two_runs_write_the_same_files(finished_once, repeated):
    assert files_of(repeated) == files_of(finished_once)


def test_two_runs_agree_in_every_number(finished_once, repeated):
    compared = 0
    for file in files_of(finished_once):
        expected = content_of(finished_once / "results" / file)
        if expected is not None:
            assert_equal(content_of(repeated / "results" / file), expected)
            compared += 1
    assert compared > 20


def test_the_manifest_has_everything_that_can_change_results(finished_once):
    manifest = json.loads((finished_once / "results/export/vame/seed0/manifest.json").read_text())
    assert {"seed", "device", "threads", "versions", "code", "machine"} <= manifest.keys()
    assert {"python", "torch", "numpy"} <= manifest["versions"].keys()
