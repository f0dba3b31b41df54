"""Orphans are searched only where rules write their outputs."""

import pytest
from settings.orphans import find_orphans, patterns_of

FILES = [
    "results/models/{model}/seed{seed,[0-9]+}/model.pt",
    "results/poses/{session}.nc",
    "results/demo/{session}.csv",
    "results/demo/{session}.labels.csv",
    "results/quality/{session}.csv",
    "results/quality.csv",
    "results/figures/{model}/seed{seed}/losses.svg",
    "results/figures/{model}/seed{seed}/{segmentation,[a-z]+-[0-9]+}/poses.svg",
    "logs/train_model/{model}/seed{seed}.log",
    "None",
]
KNOWN = {"model": {"vame"}, "seed": {"0"}, "session": {"mouse1"}, "segmentation": {"hmm-4"}}


@pytest.fixture
def make(tmp_path):
    def make_files(*paths):
        for path in paths:
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).touch()
        return tmp_path

    return make_files


def orphans(root):
    return find_orphans(root, patterns_of(FILES), KNOWN)


def test_a_pattern_ends_with_its_last_wildcard_and_a_record_corresponds_to_its_log():
    assert patterns_of([FILES[0], *FILES[5:6], *FILES[8:]]) == [
        "results/models/{model}/seed{seed,[0-9]+}",
        "results/provenance/train_model/{model}/seed{seed}.json",
        "results/quality.csv",
    ]


def test_results_of_the_config_and_files_of_no_rule_are_kept(make):
    root = make(
        "results/models/vame/seed0/model.pt",
        "results/models/notes.txt",
        "results/poses/mouse1.nc",
        "results/quality.csv",
        "results/own/mouse9.nc",
        "results/demo/mouse1.labels.csv",
        "results/figures/vame/seed0/losses.svg",
        "results/figures/vame/seed0/hmm-4/poses.svg",
    )
    assert orphans(root) == []


def test_results_that_are_not_in_the_config_are_orphans_with_their_folders(make):
    root = make(
        "results/models/vame/seed7/model.pt",
        "results/models/old/seed0/model.pt",
        "results/poses/mouse9.nc",
        "results/provenance/train_model/old/seed0.json",
        "results/figures/vame/seed0/kmeans-4/poses.svg",
    )
    assert orphans(root) == [
        "results/figures/vame/seed0/kmeans-4",
        "results/models/old/seed0",
        "results/models/vame/seed7",
        "results/poses/mouse9.nc",
        "results/provenance/train_model/old/seed0.json",
    ]


def test_links_are_not_followed(make):
    root = make("elsewhere/old/seed0/model.pt", "results/models/vame/seed0/model.pt")
    (root / "results/models/linked").symlink_to(root / "elsewhere/old")
    assert orphans(root) == []


def test_the_results_folder_may_be_a_link(make, tmp_path):
    root = make("disk/models/old/seed0/model.pt")
    (root / "results").symlink_to(root / "disk")
    assert orphans(root) == ["results/models/old/seed0"]
