"""Segmenters whose motif numbers are kept: found, or refused before any job."""

from pathlib import Path

import pytest
from settings.files import Access
from settings.references import reference_segmenters
from settings.schema import SettingsError

HERE = Access(shared_disk=True, can_fetch=lambda url: url.startswith("s3"))
NAMES = ["kmeans-4", "hmm-4"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("earlier").mkdir()
    for name in NAMES:
        Path(f"earlier/{name}.npz").touch()


@pytest.mark.usefixtures("folder")
def test_each_segmentation_uses_the_file_of_its_name():
    expected = {"kmeans-4": "earlier/kmeans-4.npz", "hmm-4": "earlier/hmm-4.npz"}
    assert reference_segmenters("earlier", NAMES, HERE) == expected
    assert reference_segmenters("earlier/", NAMES, HERE) == expected
    assert reference_segmenters("earlier", [], HERE) == {}
    assert reference_segmenters(None, NAMES, HERE) == {}


@pytest.mark.usefixtures("folder")
def test_all_missing_files_are_named():
    with pytest.raises(SettingsError) as error:
        reference_segmenters("earlier", ["kmeans-4", "kmeans-9", "hmm-9"], HERE)
    assert "config has 2 errors" in str(error.value)
    assert "reference_segmenters: there is no earlier/kmeans-9.npz; set" in str(error.value)
    assert "there is no earlier/hmm-9.npz" in str(error.value)
    assert "results/segmenters/{model}/seed{seed}" in str(error.value)


@pytest.mark.parametrize("place", ["results/segmenters/vame/seed0", "./results/segmenters"])
@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.usefixtures("folder")
def test_a_result_of_this_run_is_not_a_reference(place, absolute):
    place = f"{Path.cwd()}/{place}" if absolute else place
    with pytest.raises(SettingsError, match="overwrite its own reference; copy the folder"):
        reference_segmenters(place, NAMES, HERE)


def test_a_reference_may_be_elsewhere():
    expected = {"kmeans-4": "s3://bucket/earlier/kmeans-4.npz"}
    assert reference_segmenters("s3://bucket/earlier", ["kmeans-4"], HERE) == expected
    with pytest.raises(SettingsError, match="snakemake-storage-plugin-http"):
        reference_segmenters("https://host/earlier", ["kmeans-4"], HERE)
    far = Access(shared_disk=False, can_fetch=lambda url: True)
    with pytest.raises(SettingsError, match="is on this machine"):
        reference_segmenters("earlier", ["kmeans-4"], far)
