"""The target `nwb` writes one file for each session and model with the motifs, on request."""

import shutil
from contextlib import contextmanager

import numpy as np
import pynwb
import pytest
from formats.motif_names import digest_of
from formats.motifs import read_motifs
from formats.tables import read_table
from projects import METADATA, SHEET, Project, sheet_for_nwb
from recordings import make_lively_tracks, write_deeplabcut

HALF, FPS = 4, 30
FOLDER = "results/nwb/vame/seed0/kmeans-4"
FILES = {
    f"results/nwb/{model}/seed0/kmeans-4/{session}.nwb"
    for model in ("vame", "bare")
    for session in ("mouse1", "mouse2")
}


@pytest.fixture(scope="module")
def exported(run_once, tmp_path_factory):
    """Finish a run with metadata and a video in the sessions table, and a gap in a recording."""
    folder = tmp_path_factory.mktemp("exported") / "project"
    shutil.copytree(run_once, folder, symlinks=True)
    project = Project(folder)
    tracks = make_lively_tracks(frames=400, seed=1)
    tracks[200:230, :, 2] = 0  # longer than gaps that are filled
    write_deeplabcut(path=folder / "recordings/mouse1.csv", tracks=tracks)
    (folder / "videos").mkdir()
    (folder / "videos/cage 1.mp4").touch()
    sheet = sheet_for_nwb(video="videos/cage 1.mp4", lab="Ours", animal="rat1")
    project.write_sheet("rat2".join(sheet.rsplit("rat1", 1)))
    project.write_config(skeleton=[["nose", "left_paw", "tail"]])
    project.snakemake("nwb")
    return project


@contextmanager
def opened(project, session, folder=FOLDER):
    with pynwb.NWBHDF5IO(project / f"{folder}/{session}.nwb", "r") as io:
        yield io.read()


def test_each_session_and_model_has_a_file_and_only_on_request(exported, finished_once):
    paths = exported.folder.glob("results/nwb/**/*.nwb")
    assert {path.relative_to(exported.folder).as_posix() for path in paths} == FILES
    assert exported.stale_jobs("nwb") == set()
    assert not (finished_once / "results/nwb").exists()
    assert "export_nwb" not in finished_once.stale_rules("--forceall")


@pytest.mark.parametrize("session", ["mouse1", "mouse2"])
def test_a_file_is_valid_and_has_no_critical_findings(exported, session):
    path = exported / f"{FOLDER}/{session}.nwb"
    assert pynwb.validate(path=str(path)) == []
    inspector = pytest.importorskip("nwbinspector", reason="nwbinspector is not installed")
    config = inspector.load_config("dandi")
    found = [*inspector.inspect_nwbfile(nwbfile_path=path, config=config)]
    grave = ("CRITICAL", "PYNWB_VALIDATION", "ERROR")
    assert [each for each in found if each.importance.name in grave] == []


@pytest.mark.parametrize("session", ["mouse1", "mouse2"])
def test_bouts_read_back_equal_the_table_of_bouts_and_motifs_the_csv(exported, session):
    table = read_table(exported / "results/motif_tables/vame/seed0/kmeans-4/bouts.csv")
    table = table[table["session"] == session]
    motifs = read_motifs(exported / f"results/motifs/vame/seed0/kmeans-4/{session}.csv")
    communities = read_table(exported / "results/motif_tables/vame/seed0/kmeans-4/communities.csv")
    community = communities.set_index("motif")["community"]
    with opened(exported, session) as file:
        bouts = file.intervals["bouts"].to_dataframe()
        project = file.processing["behavior"]["VAMEProject"]
        of_windows = project.motif_series["motifs"]
        frames = np.rint(of_windows.get_timestamps() * FPS).astype(int)
        np.testing.assert_array_equal(of_windows.data[:], motifs[frames])
        assert (np.delete(motifs, frames) == -1).all()
        known = of_windows.data[:] >= 0
        found = project.community_series["communities"].data[:]
        np.testing.assert_array_equal(found[known], community[of_windows.data[known]])
        latents = np.load(exported / f"results/latents/vame/seed0/{session}.npy")
        np.testing.assert_array_equal(project.latent_space_series.data[:], latents)
    assert len(bouts) == len(table) > 3
    for one, other in (("start_frame", "start"), ("stop_frame", "stop"), ("motif", "motif")):
        assert bouts[one].tolist() == table[other].tolist()
    for name in ("start", "stop"):
        seconds = table[f"{name}_seconds"].to_numpy()
        np.testing.assert_allclose(bouts[f"{name}_time"], seconds, rtol=1e-5)
    assert bouts["motif_name"].tolist() == table["name"].tolist()


def test_the_file_describes_how_a_gap_divides_the_recording(exported):
    with opened(exported, "mouse1") as file:
        usable = file.intervals["usable"].to_dataframe()
        latents = file.processing["behavior"]["VAMEProject"].latent_space_series.data[:]
        pose = file.processing["behavior"]["PoseEstimation"]["nose"]
        assert (pose.confidence[200:230] == 0).all()
    assert usable["stop_frame"].tolist() == [200, 400]
    assert usable["start_frame"].tolist() == [0, 230]
    unknown = np.flatnonzero(np.isnan(latents).any(axis=1))
    assert unknown.tolist() == list(range(200 - 8 + 1, 230))


def test_video_and_animal_are_those_of_the_sessions_table(exported):
    with opened(exported, "mouse1") as file:
        (address,) = file.acquisition["video"].external_file[:]
        assert not address.startswith("/")
        assert (exported / FOLDER / address).samefile(exported / "videos/cage 1.mp4")
        assert (file.subject.subject_id, file.subject.sex, file.lab) == ("rat1", "F", "Ours")
        assert file.session_start_time.isoformat() == METADATA["session_start_time"]
        skeleton = file.processing["behavior"]["PoseEstimation"].skeleton
        assert skeleton.edges[:].tolist() == [[0, 1], [1, 3]]


def test_an_edit_of_metadata_rewrites_the_files_that_it_concerns(exported):
    sheet = (exported / "config/sessions.tsv").read_text()
    rows = sheet.splitlines(keepends=True)
    try:
        rows[2] = rows[2].replace("P90D", "P12W")
        exported.write_sheet("".join(rows))
        of_mouse2 = {f"export_nwb {model} 0 kmeans-4 mouse2" for model in ("vame", "bare")}
        assert exported.stale_jobs("nwb") == of_mouse2 | {"nwb"}
        assert exported.stale_rules() & {"export_nwb", "import_poses"} == set()
    finally:
        exported.write_sheet(sheet)


def test_names_and_merges_of_motifs_are_in_the_file(exported):
    key = ("vame", "0", "kmeans-4")
    segmenter = exported / "results/segmenters/vame/seed0/kmeans-4.npz"
    lines = [
        ("# segmenter", *key, digest_of(segmenter)),
        ("model", "seed", "segmentation", "motif", "name", "merged_into", "note"),
        (*key, "1", "walk", "", ""),
        (*key, "3", "", "1", ""),
    ]
    (exported / "names.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    with opened(exported, "mouse1") as file:
        before = file.intervals["bouts"].to_dataframe()
    assert {3} < {*before["motif"]}
    settings = {"skeleton": [["nose", "left_paw", "tail"]]}
    try:
        exported.write_config(motif_names="names.tsv", **settings)
        exported.snakemake(f"{FOLDER}/mouse1.nwb")
        with opened(exported, "mouse1") as file:
            bouts = file.intervals["bouts"].to_dataframe()
            catalogue = file.intervals["bouts"].ethogram.to_dataframe()
            assert file.intervals["bouts"].labeling_method == "curated"
    finally:
        exported.write_config(**settings)
        exported.snakemake("nwb")
    assert set(zip(bouts["motif"], bouts["label"], bouts["motif_name"], strict=True)) == {
        (0, "0", ""),
        (1, "walk", "walk"),
        (2, "2", ""),
    }
    assert catalogue["behavior"].tolist() == ["0", "walk", "2"]


def test_all_missing_columns_are_named_before_a_job_runs(project):
    printed = project.quick("nwb", check=False)
    for column in METADATA:
        assert f"column {column} is missing or empty for mouse1, mouse2" in printed
    assert not (project / "results").exists()
    project.write_sheet(sheet_for_nwb().replace("\tF\t", "\t\t"))
    printed = project.quick("nwb", check=False)
    assert "config/sessions.tsv has 1 error:" in printed
    assert "column sex is missing or empty for mouse1, mouse2" in printed
    project.write_sheet(sheet_for_nwb(age="12 weeks"))
    printed = project.quick("--dry-run", check=False)
    assert "line 2, age: '12 weeks' does not match" in printed
    project.write_sheet(SHEET)
    assert "export_nwb" not in project.quick("--dry-run")


def test_files_of_a_model_that_is_no_longer_set_are_orphans(exported):
    try:
        exported.write_config(models={"vame": {}})
        printed = exported.quick("clean_orphans", "--dry-run")
    finally:
        exported.write_config(skeleton=[["nose", "left_paw", "tail"]])
    assert "results/nwb/bare/seed0/kmeans-4/mouse1.nwb" in printed
    assert "results/nwb/vame" not in printed
