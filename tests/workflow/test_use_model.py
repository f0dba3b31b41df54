"""An exported model can be copied to another project and used on other recordings."""

import json
import shutil

import numpy as np
import pytest
import yaml
from formats.motif_names import digest_of
from formats.tables import read_table
from projects import Project
from recordings import BODY, make_lively_tracks, make_tracks, write_deeplabcut
from safetensors import safe_open
from safetensors.torch import save_file

CUT, TIME_WINDOW = 150, 8
PARTS = {"whole": slice(0, 300), "first": slice(0, CUT), "second": slice(CUT, 300)}
CONFIG = {"use_model": "model", "device": "cpu"}


def make_frantic_tracks():
    """Return tracks with the poses of the training that move and turn six times as fast."""
    rng = np.random.default_rng(8)
    moving = {name: np.array(xy) + rng.normal(size=(300, 2)) for name, xy in BODY.items()}
    return make_tracks(
        frames=300,
        body=moving,
        heading=np.cumsum(rng.normal(scale=0.6, size=300)),
        place=300 + np.cumsum(rng.normal(scale=6, size=(300, 2)), axis=0),
    )


def take_model(finished, folder):
    """Write another project that has only the exported model of the first one."""
    shutil.copytree(finished / "results/export/vame/seed0", folder / "model")
    (folder / "config").mkdir()
    (folder / "config/config.yaml").write_text(yaml.safe_dump(CONFIG))
    rng = np.random.default_rng(5)
    tracks = make_lively_tracks(frames=300, seed=5)
    tracks[rng.random((300, 4)) < 0.02, 2] = 0  # not seen
    tracks[rng.random((300, 4)) < 0.01, :2] += 90  # seen where it cannot be
    at_cut = slice(CUT - 5, CUT + 5)  # no gap across the cut
    tracks[at_cut] = make_lively_tracks(frames=300, seed=5)[at_cut]
    sheet = "session\tposes\tsoftware\tfps\tbody_length\n"  # medians of the parts would differ
    for name, frames in PARTS.items():
        write_deeplabcut(path=folder / f"{name}.csv", tracks=tracks[frames])
        sheet += f"{name}\t{name}.csv\tDeepLabCut\t30\t10\n"
    others = {"clean": make_lively_tracks(frames=300, seed=6), "frantic": make_frantic_tracks()}
    for name, tracks in others.items():
        write_deeplabcut(path=folder / f"{name}.csv", tracks=tracks)
        sheet += f"{name}\t{name}.csv\tDeepLabCut\t30\t10\n"
    project = Project(folder)
    project.write_sheet(sheet)
    return project


@pytest.fixture(scope="module")
def elsewhere(finished_once, tmp_path_factory):
    project = take_model(finished_once, tmp_path_factory.mktemp("elsewhere"))
    project.snakemake()
    return project


@pytest.fixture
def not_run(finished_once, tmp_path):
    return take_model(finished_once, tmp_path)


def latents_of(project, name):
    return np.load(project / f"results/latents/vame/seed0/{name}.npy")


def test_recordings_are_aligned_and_embedded_and_nothing_is_trained(elsewhere):
    rules = {path.name for path in (elsewhere / "logs").iterdir()}
    assert rules == {
        *("import_poses", "align_poses", "embed_session"),
        *("segment_motifs", "label_motifs", "map_latents", "tabulate_motifs"),
        *("compare_seeds", "judge_motifs"),
        *("plot_motifs", "plot_ethogram", "film_motifs", "explore_motifs", "write_summary"),
        *("inspect_poses", "plot_quality", "check_poses", "write_manifest"),
    }
    assert latents_of(elsewhere, "whole").shape == (300 - TIME_WINDOW + 1, 3)
    assert elsewhere.stale_jobs() == set()


def test_a_recording_in_two_files_has_the_latents_of_the_whole(elsewhere):
    """All windows inside a part are compared, except those near the cut: the filter uses two frames
    on each side, and motion is measured over four more."""
    whole, half_filter = latents_of(elsewhere, "whole"), 2 + 4
    for name, near_cut in (("first", slice(-half_filter, None)), ("second", slice(half_filter))):
        part = latents_of(elsewhere, name)
        assert len(part) == CUT - TIME_WINDOW + 1
        same = whole[PARTS[name].start :][: len(part)]
        far = np.ones(len(part), dtype=bool)
        far[near_cut] = False
        assert np.isfinite(part[far]).all(axis=1).mean() > 0.5
        np.testing.assert_allclose(part[far], same[far], atol=1e-6)


def test_outliers_have_the_limits_of_the_recordings_of_the_training(elsewhere, finished_once):
    description = json.loads((finished_once / "results/dataset/dataset.json").read_text())
    aligned = np.load(elsewhere / "results/aligned/second.npz")
    assert aligned["features"].tolist() == description["features"]
    limits = description["outlier_limits"]
    own = json.loads(str(aligned["limits"]))
    assert own == {name: pytest.approx(pair) for name, pair in limits.items()}
    assert aligned["usable"].mean() > 0.8
    features = aligned["features"].tolist()
    low, high = np.array([limits[name] for name in limits]).T
    poses = aligned["poses"][aligned["usable"]][:, [features.index(name) for name in limits]]
    assert ((poses > low - 0.5) & (poses < high + 0.5)).all()  # the filter overshoots a little


def test_an_edit_of_the_model_embeds_again(elsewhere):
    path = elsewhere / "model/model.safetensors"
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        assert {job.split()[0] for job in elsewhere.stale_jobs()} == {
            *("embed_session", "write_manifest"),
            *("segment_motifs", "label_motifs", "map_latents", "tabulate_motifs"),
            *("compare_seeds", "judge_motifs"),
            *("plot_motifs", "plot_ethogram", "film_motifs", "explore_motifs", "write_summary"),
        }
    finally:
        path.write_bytes(content)


def test_a_recording_unlike_the_training_is_named(elsewhere):
    """The recordings in parts have tracking errors, and those of the training have none."""
    measured = {
        name: json.loads((elsewhere / f"results/latents/vame/seed0/{name}.json").read_text())
        for name in ("clean", "whole", "frantic")
    }
    assert all(each["windows"] > 100 for each in measured.values())
    clean, whole, frantic = (each["share_beyond"] for each in measured.values())
    assert clean < 0.05 < whole < 0.5 < frantic
    (path,) = (elsewhere / "results/motif_tables/vame/seed0").glob("*/quality.json")
    quality = json.loads(path.read_text())
    (found,) = (each for each in quality["findings"] if each["name"] == "unfamiliar_windows")
    assert (found["verdict"], found["value"]) == ("bad", pytest.approx(frantic, abs=1e-5))
    assert found["sessions"].startswith("frantic, ")
    assert "clean" not in found["sessions"]
    assert any("poses of frantic, " in each for each in quality["advice"])
    summary = (elsewhere / "results/summary.html").read_text()
    cautions = summary[summary.index("<h2>Cautions") : summary.index("<h2>Advice")]
    assert "Unlike the recordings of the training are frantic (" in cautions


def test_an_export_of_an_earlier_version_embeds_as_before(not_run):
    """The export lacks the reconstruction errors of its training and a model card."""
    path, target = not_run / "model/model.safetensors", "results/latents/vame/seed0/first"
    with safe_open(path, "pt") as file:
        header = file.metadata()
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    del header["reconstruction_error"]
    save_file(weights, path, header)
    (not_run / "model/README.md").unlink()
    not_run.snakemake(f"{target}.npy")
    assert np.isfinite(np.load(not_run / f"{target}.npy")).all(axis=1).mean() > 0.5
    measured = json.loads((not_run / f"{target}.json").read_text())
    assert (measured["share_beyond"], measured["percentile"]) == (None, None)


def test_motifs_have_the_names_stored_with_the_model(not_run, finished_once):
    segmenters = not_run / "model/segmenters"
    shutil.copytree(finished_once / "results/segmenters/vame/seed0", segmenters)
    key = "vame\t0\tkmeans-4"
    (not_run / "model/motif_names.tsv").write_text(
        f"# segmenter\t{key}\t{digest_of(segmenters / 'kmeans-4.npz')}\n"
        "model\tseed\tsegmentation\tmotif\tname\tmerged_into\tnote\n"
        + "".join(f"{key}\t{motif}\tmotif of the training {motif}\t\t\n" for motif in range(4))
    )
    (not_run / "config/config.yaml").write_text(yaml.safe_dump(CONFIG | {"n_motifs": 4}))
    target = "results/motifs/vame/seed0/kmeans-4/first.csv"
    not_run.snakemake(target)
    table = read_table(not_run / target).query("motif >= 0")
    assert len(table) > 50
    assert (
        table["name"] == "motif of the training " + table["motif"].astype(int).astype(str)
    ).all()


def test_settings_of_the_training_have_no_effect(elsewhere):
    """So the config of the project that trained the model can be used as it is."""
    try:
        text = yaml.safe_dump(
            CONFIG
            | {"center": "tail", "orient": "nose", "zdims": 99, "split_gap": 0}
            | {"models": {"a": {}}, "grid": {"beta": [1, 2]}, "train_on": ["mouse1"]}
        )
        (elsewhere / "config/config.yaml").write_text(text)
        assert elsewhere.stale_jobs() == set()
    finally:
        (elsewhere / "config/config.yaml").write_text(yaml.safe_dump(CONFIG))


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"pose_confidence": 0.5},
            "pose_confidence: 0.5 here, but 0.9 in the training of the",
        ),
        ({"center": "nose"}, "center: nose here, but tail in the training of the"),
        ({"vertical_axis": "z"}, "vertical_axis: z here, but None in the training of the"),
        ({"use_model": "gone"}, "use_model: there is no gone/model.safetensors"),
        ({"use_model": "text"}, "use_model: text/model.safetensors is not a model that this"),
    ],
)
def test_settings_that_contradict_the_model_are_refused(not_run, settings, sentence):
    (not_run / "text").mkdir()
    (not_run / "text/model.safetensors").write_text("nothing of the kind")
    (not_run / "config/config.yaml").write_text(yaml.safe_dump(CONFIG | settings))
    printed = not_run.quick(check=False)
    assert sentence in printed
    assert "Traceback" not in printed


def test_features_that_differ_are_refused_by_name(not_run):
    names = [name if name != "left_paw" else "left_ear" for name in BODY]
    tracks = make_lively_tracks(frames=300)
    write_deeplabcut(path=not_run / "whole.csv", tracks=tracks, keypoints=names)
    printed = not_run.quick(check=False)
    assert "whole.csv has no keypoint 'left_paw' (use_model in the config)" in printed


def test_a_folder_in_which_models_were_trained_is_refused(finished):
    finished.write_config(use_model="results/export/vame/seed0")
    assert "use another folder for the new recordings" in finished.quick(check=False)
