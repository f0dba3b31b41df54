"""An edit reruns the jobs that it makes stale, and no others.

Each row of the tables below is an edit of a finished run and the rules that must run again. A dry
run lists them: Snakemake's command line is called from Python, and for a dozen rows also in a new
process.
Every setting, every column of the sessions table and every environment has its row.
"""

import csv
import itertools
import os
import shutil
from contextlib import contextmanager

import pytest
import yaml
from projects import CONFIG, ROOT, SHEET, SNAKEFILE, Project, jobs_of

SCHEMAS = ROOT / "workflow/schemas"
SCRIPTS = ROOT / "workflow/scripts"
SCHEMA = yaml.safe_load((SCHEMAS / "config.schema.yaml").read_text())
SETTINGS = SCHEMA["properties"]
COLUMNS = yaml.safe_load((SCHEMAS / "sessions.schema.yaml").read_text())["properties"]

# Rules, by the wildcards of their jobs.
OF_SESSION = {"import_poses", "align_poses", "inspect_poses", "plot_quality"}
OF_SESSION_AND_MODEL = {"embed_session"}
OF_TRAINING = {
    *("train_model", "evaluate_model", "export_checkpoint", "write_model_card"),
    *("plot_losses", "plot_reconstructions"),
}
OF_MODEL = OF_TRAINING | {"map_latents"}
OF_SEGMENTATION = {
    *("segment_motifs", "label_motifs", "tabulate_motifs", "judge_motifs"),
    *("plot_motifs", "plot_n_motifs", "plot_ethogram", "film_motifs", "explore_motifs"),
    "plot_usage_over_time",
}
OF_ALL_SEEDS = {"compare_seeds"}

# What runs again: a rule, and all rules that depend on it.
NOTHING = set()
MANIFEST = {"write_manifest"}
SUMMARY = {"write_summary"} | MANIFEST
FILM = {"film_motifs"} | MANIFEST
EXPLORE = {"explore_motifs"} | MANIFEST
DRAW_TRAINING = {"plot_losses", "plot_reconstructions", "plot_comparison"} | MANIFEST
FIGURES = {"plot_quality", "plot_motifs", "plot_ethogram"} | DRAW_TRAINING
CHOOSE = {"choose_model"} | SUMMARY
CARD = {"write_model_card"} | CHOOSE
COMPARE = {"compare_models", "plot_comparison"} | CHOOSE
JUDGE = {"judge_motifs"} | COMPARE
TABULATE = {"tabulate_motifs", "plot_motifs"} | FILM | EXPLORE | JUDGE
AGREE = {"compare_seeds"} | JUDGE
MAP = {"map_latents"} | TABULATE
LABEL = {"label_motifs", "plot_ethogram"} | TABULATE | AGREE
SEGMENT = {"segment_motifs"} | LABEL
EMBED = {"embed_session"} | SEGMENT | MAP
EVALUATE = {"evaluate_model"} | DRAW_TRAINING | COMPARE | JUDGE | CARD
EXPORT = {"export_checkpoint"} | EMBED | CARD
TRAIN = OF_TRAINING | EMBED | COMPARE
SPLIT = {"split_dataset"} | TRAIN
CHECK = {"check_poses"} | CARD
QUALITY = {"inspect_poses", "plot_quality"} | CHECK
ALIGN = {"align_poses"} | SPLIT
CLEAN = ALIGN | QUALITY
IMPORT = {"import_poses"} | CLEAN

# setting: (another value, rules that run again)
EDITS = {
    "sessions": ("config/the_same.tsv", NOTHING),
    # reading
    "individual_prefixes": (["B_"], IMPORT),
    "extra_features": ([], IMPORT),
    # cleaning and alignment
    "keypoints": (["nose", "left_paw", "tail"], CLEAN),
    "exclude_keypoints": (["right_paw"], CLEAN),
    "center": ("left_paw", CLEAN),
    "orient": ("right_paw", CLEAN),
    "vertical_axis": ("z", CLEAN),
    "pose_confidence": (0.5, CLEAN),
    "max_gap_seconds": (0.5, CLEAN),
    "robust": (False, CLEAN),
    "iqr_factor": (3, CLEAN),
    "outlier_center": ("mean", CLEAN),
    "swapped_ends": ("drop", CLEAN),
    "scale": ("none", CLEAN),
    "motion_features": (["turning"], ALIGN),
    "resample_fps": (20, ALIGN | CHECK),
    "savgol_filter": (False, ALIGN),
    "savgol_length": (7, ALIGN),
    "savgol_order": (3, ALIGN),
    # quality
    "min_usable_share": (0.1, QUALITY),
    # split
    "train_on": (["mouse1"], SPLIT),
    "test_fraction": (0.25, SPLIT),
    "test_blocks": (2, SPLIT),
    "test_sessions": (["mouse2"], SPLIT),
    "test_groups": (["treated"], SPLIT),
    "scaling": ("scalar", SPLIT),
    "split_gap": (20, SPLIT),
    # network
    "device": ("auto", TRAIN),
    "time_window": (7, TRAIN),
    "zdims": (4, TRAIN),
    "prediction_decoder": (False, TRAIN),
    "prediction_steps": (3, TRAIN),
    "hidden_size_layer_1": (5, TRAIN),
    "hidden_size_rec": (5, TRAIN),
    "hidden_size_pred": (5, TRAIN),
    "dropout_encoder": (0.1, TRAIN),
    "softplus": (True, TRAIN),
    # loss
    "reduction": ("elbo", TRAIN),
    "mse_reconstruction_reduction": ("mean", TRAIN),
    "mse_prediction_reduction": ("sum", TRAIN),
    "beta": (2, TRAIN),
    "kmeans_loss": (2, TRAIN),
    "kmeans_lambda": (0.2, TRAIN),
    "anneal_function": ("sigmoid", TRAIN),
    "kl_start": (2, TRAIN),
    "annealtime": (2, TRAIN),
    # training
    "batch_size": (8, TRAIN),
    "max_epochs": (5, TRAIN),
    "steps_per_epoch": (3, TRAIN),
    "learning_rate": (0.002, TRAIN),
    "scheduler": ("plateau", TRAIN),
    "scheduler_step_size": (5, TRAIN),
    "scheduler_gamma": (0.5, TRAIN),
    "warmup_steps": (20, TRAIN),
    "gradient_clip": (1.0, TRAIN),
    "precision": ("tf32", TRAIN),
    "fused_optimizer": (False, TRAIN),
    "compile": (True, TRAIN),
    "checkpoint_minutes": (1.0, NOTHING),
    "publication": ({"license": "CC-BY-4.0"}, NOTHING),  # only the target ro_crate uses it
    "noise": (True, TRAIN),
    "held_out_windows": (16, TRAIN),
    "model_convergence": (3, TRAIN),
    "model_snapshot": (3, TRAIN),
    "vame_quirks": (["skip_last_epoch"], TRAIN),
    "pretrained_weights": (True, TRAIN),
    "pretrained_model": ("some.pt", TRAIN),
    # motifs
    "motif_seed": (1, SEGMENT | MAP),
    "pooling_seconds": ([0.3], SEGMENT | MAP | CHECK),
    "expected_bout_seconds": (1.0, SEGMENT),
    "motif_windows": (2000, SEGMENT),
    "reference_segmenters": ("earlier", SEGMENT),
    "motif_names": ("motif_names.tsv", LABEL),
    "map_windows": (50, MAP),
    "communities": (2, LABEL),
    "permutations": (200, TABULATE),
    "intervals": ("intervals.csv", TABULATE | CHECK | {"plot_usage_over_time"}),
    "time_bins": ("2 s", TABULATE | {"plot_usage_over_time"}),
    "surrogates": (3, JUDGE),
    # evaluation and figures
    "example_windows": (2, EVALUATE),
    "figure_dpi": (100, FIGURES),
    "example_bouts": (1, FILM),
    "skeleton": ([["nose", "left_paw", "tail"]], FILM | EXPLORE | {"plot_motifs"}),
    "embed_models": ([], COMPARE | SUMMARY),
    "choose_by": ("future", CHOOSE),
    "model_license": ("mit", CARD),
}
# settings with tests of their own below
ELSEWHERE = {"demo", "models", "grid", "seeds", "use_model", "motifs", "n_motifs", "n_motifs_range"}
ELSEWHERE |= {"factors"}


def jobs(
    rules,
    sessions=("mouse1", "mouse2"),
    models=("vame", "bare"),
    seeds=(0,),
    segmentations=("kmeans-4",),
):
    """Return the jobs of these rules, named as `Project.stale_jobs` names them."""
    names = set()
    for rule in rules:
        if rule in OF_SEGMENTATION:
            of_segmentations = itertools.product(models, seeds, segmentations)
            names |= {" ".join(map(str, (rule, *each))) for each in of_segmentations}
            continue
        if rule in OF_SESSION:
            names |= {f"{rule} {session}" for session in sessions}
        elif rule in OF_SESSION_AND_MODEL:
            of_models = itertools.product(models, seeds, sessions)
            names |= {f"{rule} {model} {seed} {session}" for model, seed, session in of_models}
        elif rule in OF_ALL_SEEDS:
            names |= {f"{rule} {model}" for model in models}
        elif rule in OF_MODEL:
            names |= {f"{rule} {model} {seed}" for model, seed in itertools.product(models, seeds)}
        else:
            names.add(rule)
    return names


@contextmanager
def edited_config(project, **settings):
    try:
        project.write_config(**settings)
        yield project
    finally:
        project.write_config()


@contextmanager
def edited_sheet(project, text):
    try:
        project.write_sheet(text)
        yield project
    finally:
        project.write_sheet(SHEET)


@pytest.fixture(scope="session")
def sources(tmp_path_factory):
    """Copy the workflow, so that it can be edited; files keep their times."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("Snakefile", "CITATION.cff", "LICENSE"):
        shutil.copy2(ROOT / name, folder)
    for name in ("workflow", "envs", "profiles"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


@contextmanager
def edited(paths, text="\n# a comment\n", time=None):
    """Append a comment or code to files, and set their times to `time`, or to now."""
    before = [(path, path.read_bytes(), path.stat()) for path in paths]
    try:
        for path, content, _ in before:
            path.write_bytes(content + text.encode())
            os.utime(path, None if time is None else (time, time))
        yield
    finally:
        for path, content, stat in before:
            path.write_bytes(content)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


# --- settings -------------------------------------------------------------------------------------


def test_every_setting_has_a_row():
    assert EDITS.keys() | ELSEWHERE == SETTINGS.keys()


@contextmanager
def edited_setting(project, key):
    """Change the value of a setting in a project, and give the jobs that this makes stale."""
    value, rules = EDITS[key]
    (project / "config/the_same.tsv").write_text(SHEET)
    (project / "some.pt").touch()
    (project / "earlier").mkdir(exist_ok=True)
    (project / "earlier/kmeans-4.npz").touch()
    (project / "motif_names.tsv").touch()
    (project / "intervals.csv").write_text("session,start,stop,condition\nmouse1,0,9,a\n")
    extra = {"pretrained_model": "some.pt"} if key == "pretrained_weights" else {}
    models = [name for name, changes in CONFIG["models"].items() if key not in changes]
    with edited_config(project, **{key: value}, **extra):
        yield jobs(rules, models=models)


@pytest.mark.parametrize("key", EDITS)
def test_a_setting_reruns_what_uses_it(finished_once, key):
    with edited_setting(finished_once, key) as expected:
        assert finished_once.stale_jobs() == expected


# One or two settings of each stage; one process that imported Snakemake once checks all others.
ASKED_ANEW = ("sessions", "extra_features", "pose_confidence", "resample_fps", "train_on")
ASKED_ANEW += ("time_window", "checkpoint_minutes", "motif_seed", "permutations", "figure_dpi")


def asked_anew(project, snakefile=SNAKEFILE):
    printed = project.run("--dry-run", snakefile=snakefile)
    return jobs_of(printed)


@pytest.mark.parametrize("key", ASKED_ANEW)
def test_a_new_process_finds_the_same_jobs_stale(finished_once, key):
    with edited_setting(finished_once, key) as expected:
        assert asked_anew(finished_once) == expected


def test_a_new_process_finds_the_same_jobs_stale_by_sessions_table_and_source(
    finished_once, sources
):
    """The sessions table and a source are edited together."""
    with (
        edited_sheet(finished_once, sheet(("mouse1", "group", "control"))),
        edited([sources / "workflow/scripts/figures/losses.py"], "\nEDITED = True\n"),
    ):
        expected = CELLS["group"][1] | jobs(CODE["figures/losses.py"])
        assert asked_anew(finished_once, sources / "Snakefile") == expected


def test_unused_keys_of_vame_rerun_nothing(finished_once):
    with edited_config(finished_once, **dict.fromkeys(SCHEMA["ignored"], 7)):
        assert finished_once.stale_jobs() == NOTHING


def test_settings_of_the_demo_rerun_the_simulation(finished):
    finished.write_sheet(SHEET + "demo\tresults/demo/demo.csv\tDeepLabCut\t30\tcalm\n")
    target = "results/demo/demo.csv"
    (finished / target).parent.mkdir()
    (finished / target).touch()
    (finished / "results/demo/demo.labels.csv").touch()
    finished.write_config(demo={"frames": 300})
    finished.take_for_current(target)
    assert finished.stale_jobs(target) == set()
    assert SETTINGS["demo"]["properties"].keys() == {"frames", "seed"}
    for settings in ({"frames": 301}, {"frames": 300, "seed": 2}):
        finished.write_config(demo=settings)
        assert finished.stale_jobs(target) == {"simulate_demo demo"}


@pytest.mark.parametrize(
    "settings",
    [
        {"learning_rate": "3e-3", "max_epochs": "4", "zdims": 3.0, "beta": "1.0", "noise": 0},
        {"demo": {"frames": "1800", "seed": 1.0}, "seeds": ["0"]},
        {"models": {"bare": {**CONFIG["models"]["bare"], "annealtime": "50"}, "vame": None}},
    ],
    ids=str,
)
def test_how_a_value_is_written_reruns_nothing(finished_once, settings):
    with edited_config(finished_once, **settings):
        assert finished_once.stale_jobs() == set()


def test_the_order_of_keys_and_comments_rerun_nothing(finished_once):
    settings = dict(reversed(CONFIG.items()))
    settings["models"] = dict(reversed(CONFIG["models"].items()))
    with edited_config(finished_once):
        path = finished_once / "config/config.yaml"
        path.write_text("# a comment\n" + yaml.safe_dump(settings, sort_keys=False))
        assert finished_once.stale_jobs() == set()


def test_the_order_of_a_list_of_names_reruns_nothing(finished):
    """Keypoints, held-out sessions and seeds are sets: their order has no effect."""
    names = {
        "keypoints": ["tail", "nose", "left_paw"],
        "exclude_keypoints": ["right_paw", "left_paw"],
        "test_sessions": ["mouse2", "mouse1"],
    }
    finished.write_config(**names)
    finished.take_for_current()
    finished.write_config(**{key: value[::-1] for key, value in names.items()})
    assert finished.stale_jobs() == set()


# --- models and seeds -----------------------------------------------------------------------------


def test_a_change_of_one_model_leaves_the_others_alone(finished_once):
    models = CONFIG["models"] | {"vame": {"learning_rate": 0.002}}
    with edited_config(finished_once, models=models):
        assert finished_once.stale_jobs() == jobs(TRAIN, models=["vame"])


def test_another_model_or_seed_trains_that_one(finished_once):
    with edited_config(finished_once, models={**CONFIG["models"], "small": {"zdims": 2}}):
        assert finished_once.stale_jobs() == jobs(TRAIN, models=["small"])
    with edited_config(finished_once, seeds=[0, 5]):
        assert finished_once.stale_jobs() == jobs(TRAIN, seeds=[5]) | jobs(JUDGE)


def test_a_grid_trains_a_model_for_every_combination(finished_once):
    names = [f"beta-{beta}_zdims-{zdims}" for beta in ("0.5", "2.0") for zdims in (2, 4)]
    with edited_config(finished_once, grid={"zdims": [2, "4"], "beta": ["5e-1", 2]}):
        assert finished_once.stale_jobs() == jobs(TRAIN, models=names)
    with edited_config(finished_once, models={}, grid={"scheduler": ["constant", "plateau"]}):
        names = ["scheduler-constant", "scheduler-plateau"]
        assert finished_once.stale_jobs() == jobs(TRAIN, models=names)


def test_a_grid_that_grows_leaves_its_models_alone(finished):
    finished.write_config(models={}, grid={"beta": [2]})
    for folder in (finished / "results").rglob("vame"):
        folder.rename(folder.with_name("beta-2.0"))
    finished.take_for_current()
    finished.write_config(models={}, grid={"beta": [3, "2.0"]})
    assert finished.stale_jobs() == jobs(TRAIN, models=["beta-3.0"])


def test_a_removed_model_is_no_longer_compared_and_keeps_its_results(finished_once):
    with edited_config(finished_once, models={"vame": {}}):
        assert finished_once.stale_jobs() == COMPARE
    assert (finished_once / "results/models/bare/seed0/model.pt").is_file()


def test_another_segmentation_is_added_to_the_existing_ones(finished_once):
    with edited_config(finished_once, n_motifs=[4, 3], motifs=["kmeans", "hmm"]):
        segmentations = ["kmeans-3", "hmm-3", "hmm-4"]
        expected = jobs(SEGMENT, segmentations=segmentations) | jobs(JUDGE)
        assert finished_once.stale_jobs() == expected
    with edited_config(finished_once, n_motifs=["4"]):
        assert finished_once.stale_jobs() == set()


def test_a_chosen_number_of_motifs_adds_a_segmentation(finished_once):
    """The chosen number has a figure; its range has no effect on other segmentations."""
    chosen = jobs(SEGMENT | {"plot_n_motifs"}, segmentations=["kmeans-auto"])
    with edited_config(finished_once, n_motifs=[4, "auto"]):
        assert finished_once.stale_jobs() == chosen | jobs(AGREE)
    with edited_config(finished_once, n_motifs_range=[2, 9]):
        assert finished_once.stale_jobs() == set()


# --- sessions table -------------------------------------------------------------------------------


def sheet(*changes, header=None):
    """Return the sessions table with (session, column, value) changed."""
    rows = list(csv.DictReader(SHEET.splitlines(), delimiter="\t"))
    for session, column, value in changes:
        next(row for row in rows if row["session"] == session)[column] = value
    header = header or list(rows[0]) + [c for _, c, _ in changes if c not in rows[0]]
    lines = [header, *([row.get(column) or "" for column in header] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


# column: (another value in the row of mouse1, jobs that run again)
ONE_SESSION = jobs(OF_SESSION, sessions=["mouse1"]) | jobs(SPLIT | CHECK)
RENAMED = jobs(OF_SESSION, sessions=["mouse9"]) | jobs(SPLIT | CHECK, sessions=["mouse9", "mouse2"])
CELLS = {
    "session": ("mouse9", RENAMED),
    "poses": ("recordings/copy.csv", ONE_SESSION),
    "software": ("LightningPose", ONE_SESSION),
    "fps": ("25", ONE_SESSION),
    "individual": ("id_0", ONE_SESSION),
    "body_length": ("12.5", ONE_SESSION),
    "group": ("control", jobs(TABULATE | CARD)),
    "animal": ("rat1", jobs(TABULATE | CARD)),
    "features": ("recordings/numbers.csv", ONE_SESSION),
    "labels": ("recordings/labels.csv", jobs(QUALITY | JUDGE | EXPLORE, sessions=["mouse1"])),
    "video": ("recordings/mouse1.mp4", jobs(FILM | EXPLORE)),
    # for NWB files, which are written on request
    "session_start_time": ("2024-03-14T10:30:00+01:00", NOTHING),
    "species": ("Mus musculus", jobs(CARD)),
    "sex": ("F", NOTHING),
    "age": ("P90D", NOTHING),
    "strain": ("C57BL/6J", NOTHING),
    "genotype": ("wild type", NOTHING),
    "session_description": ("Open field", NOTHING),
    "experimenter": ("Doe, Jane", NOTHING),
    "institution": ("University", NOTHING),
    "lab": ("Laboratory", NOTHING),
}


MOUSE3 = "mouse3\trecordings/mouse3.csv\tDeepLabCut\t30\tcontrol\n"


def test_every_column_has_a_row():
    assert CELLS.keys() == COLUMNS.keys()


@pytest.mark.parametrize("column", CELLS)
def test_a_cell_reruns_what_uses_it(finished_once, column):
    value, expected = CELLS[column]
    shutil.copy2(finished_once / "recordings/mouse1.csv", finished_once / "recordings/copy.csv")
    (finished_once / "recordings/labels.csv").write_text("frame,label\n")
    (finished_once / "recordings/numbers.csv").write_text("frame,speed\n")
    (finished_once / "recordings/mouse1.mp4").touch()
    with edited_sheet(finished_once, sheet(("mouse1", column, value))):
        assert finished_once.stale_jobs() == expected


def test_factors_compare_groups_again(finished_once):
    """A column that is neither in the schema nor a factor is refused."""
    header, *rows = SHEET.splitlines()
    sheets = [
        "\n".join(
            [f"{header}\tbatch", *(f"{row}\t{one}" for row, one in zip(rows, own, strict=True))]
        )
        for own in ("ff", "fm")
    ]
    with edited_config(finished_once, factors=["batch"]), edited_sheet(finished_once, sheets[0]):
        assert finished_once.stale_jobs() == jobs(TABULATE)
    with edited_sheet(finished_once, sheets[1]):
        printed = finished_once.quick("--dry-run", check=False)
        assert "line 2, batch: there is no such setting" in printed


def test_groups_rerun_the_split_if_groups_are_held_out(finished):
    finished.write_config(test_groups=["treated"])
    finished.take_for_current()
    finished.write_sheet(sheet(("mouse1", "group", "other"), ("mouse2", "group", "treated")))
    assert finished.stale_jobs() == jobs(SPLIT)


def test_order_and_format_of_the_sessions_table_rerun_nothing(finished_once):
    header, first, second = SHEET.splitlines()
    for text in (
        "\n".join([header, second, first]),  # also without a newline at its end
        sheet(header=["group", "fps", "poses", "software", "session"]),
        sheet(("mouse1", "fps", "30.0"), ("mouse2", "fps", " 3e1 ")),
        SHEET.replace("\n", "\r\n"),
    ):
        with edited_sheet(finished_once, text):
            assert finished_once.stale_jobs() == set(), text


def test_another_session_is_imported_aligned_and_trained_on(finished_once):
    shutil.copy2(finished_once / "recordings/mouse1.csv", finished_once / "recordings/mouse3.csv")
    expected = jobs(OF_SESSION, sessions=["mouse3"])
    expected |= jobs(SPLIT | CHECK, sessions=["mouse1", "mouse2", "mouse3"])
    with edited_sheet(finished_once, SHEET + MOUSE3):
        assert finished_once.stale_jobs() == expected


def test_another_session_is_embedded_only_where_train_on_lists_the_others(finished_once):
    shutil.copy2(finished_once / "recordings/mouse1.csv", finished_once / "recordings/mouse3.csv")
    with (
        edited_config(finished_once, train_on=["mouse2", "mouse1"]),
        edited_sheet(finished_once, SHEET + MOUSE3),
    ):
        rules = OF_SESSION | {"embed_session"} | LABEL | MAP | CHECK
        assert finished_once.stale_jobs() == jobs(rules, sessions=["mouse3"])


def test_a_removed_session_reruns_the_split(finished_once):
    with edited_sheet(finished_once, "".join(SHEET.splitlines(keepends=True)[:2])):
        assert finished_once.stale_jobs() == jobs(SPLIT | CHECK, sessions=["mouse1"])


def test_a_changed_recording_is_imported_again(finished):
    with open(finished / "recordings/mouse1.csv", "a") as file:
        file.write("\n")
    assert finished.stale_jobs() == ONE_SESSION


@pytest.mark.parametrize("model", ["vame", "bare"])
@pytest.mark.parametrize(
    ("file", "rules"),
    [
        ("figures/{}/seed0/kmeans-4/ethograms/mouse1.svg", {"plot_ethogram"} | MANIFEST),
        ("figures/{}/seed0/kmeans-4/ethograms/mouse2.svg", {"plot_ethogram"} | MANIFEST),
        ("latents/{}/seed0/mouse2.npy", EMBED),
    ],
)
def test_a_result_that_is_lost_is_made_again_and_recorded(finished_once, model, file, rules):
    """Also one that the manifest does not wait for by itself."""
    path = finished_once / "results" / file.format(model)
    aside = path.rename(path.with_name("aside"))
    try:
        assert finished_once.stale_jobs() == jobs(rules, sessions=["mouse2"], models=[model])
    finally:
        aside.rename(path)


# --- sources --------------------------------------------------------------------------------------

CODE = {
    # tests/unit/settings compares the digest of every rule with what its script imports.
    "pose_prep/splitting.py": SPLIT,
    "pose_prep/deeplabcut.py": IMPORT,
    "vame_core/gru.py": TRAIN,
    "figures/losses.py": {"plot_losses"} | MANIFEST,
    "reporting/page.py": SUMMARY,
    "reporting/verification.py": NOTHING,  # on request
    "reporting/nwb.py": NOTHING,
    "train_model.py": TRAIN,
    "embed_session.py": EMBED,
    "label_motifs.py": LABEL,
    "simulate_demo.py": NOTHING,  # the recordings are not those of the demo
}
ENVIRONMENTS = {
    "poses.yaml": IMPORT,
    "training.yaml": TRAIN,
    "motifs.yaml": SEGMENT | MAP,
    "figures.yaml": FIGURES | FILM | EXPLORE,
    "report.yaml": COMPARE | CARD,
}


def test_every_environment_has_a_row():
    assert ENVIRONMENTS.keys() == {path.name for path in (ROOT / "envs").glob("*.yaml")}


@pytest.mark.parametrize("name", CODE)
def test_an_edited_source_reruns_the_rules_that_import_it(finished_once, sources, name):
    with edited([sources / "workflow/scripts" / name], "\nEDITED = True\n"):
        assert finished_once.stale_jobs(snakefile=sources / "Snakefile") == jobs(CODE[name])


def test_comments_in_sources_rerun_nothing(finished_once, sources):
    with edited((sources / "workflow/scripts").rglob("*.py")):
        assert finished_once.stale_jobs(snakefile=sources / "Snakefile") == set()


def test_the_content_of_sources_counts_and_not_their_age(finished_once, sources):
    """All files of a fresh clone are new; files that rsync copies may be older than the results."""
    with edited((sources / "workflow/scripts").rglob("*.py"), text=""):
        assert finished_once.stale_jobs(snakefile=sources / "Snakefile") == set()
    with edited([sources / "workflow/scripts/train_model.py"], "\nEDITED = True\n", time=0):
        assert finished_once.stale_jobs(snakefile=sources / "Snakefile") == jobs(TRAIN)


def test_comments_in_rules_and_schemas_and_captions_rerun_nothing(finished_once, sources):
    files = [path for path in sources.rglob("*") if path.suffix in {".smk", ".yaml", ".rst"}]
    with edited([sources / "Snakefile", *files]):
        assert finished_once.stale_jobs(snakefile=sources / "Snakefile") == set()


def test_results_of_edited_sources_can_be_kept(finished_once, sources):
    """The flag that the docs name ignores changed settings, too."""
    keep = ("--rerun-triggers", "input", "mtime", "software-env")
    with (
        edited([sources / "workflow/scripts/vame_core/losses.py"], "\nEDITED = True\n"),
        edited_config(finished_once, kl_start=2),
    ):
        assert finished_once.stale_jobs(*keep, snakefile=sources / "Snakefile") == set()


# --- environments ---------------------------------------------------------------------------------

CONDA = """#!/bin/sh
# What a dry run asks of conda.
case "$1" in
info) echo '{"conda_prefix": "/nowhere", "platform": "linux-64"}' ;;
config) echo '{"get": {"channel_priority": "strict"}}' ;;
--version) echo "conda 26.1.0" ;;
*) exit 1 ;;
esac
"""


@pytest.fixture(scope="session")
def with_conda(finished_once, sources, tmp_path_factory):
    """Return a function that lists stale jobs of a finished run that was made with --use-conda."""
    folder = tmp_path_factory.mktemp("conda")
    (folder / "bin").mkdir()
    (folder / "bin/conda").write_text(CONDA)
    (folder / "bin/conda").chmod(0o755)
    shutil.copytree(finished_once.folder, folder / "project")
    project = Project(folder / "project")
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    how = {"snakefile": sources / "Snakefile", "path": path}
    project.take_for_current("--use-conda", **how)
    return lambda: project.stale_jobs("--use-conda", **how)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_an_edited_environment_reruns_the_rules_that_use_it(with_conda, sources, name):
    with edited([sources / "envs" / name]):
        assert with_conda() == jobs(ENVIRONMENTS[name])


def test_an_environment_that_is_the_same_reruns_nothing(with_conda):
    assert with_conda() == set()


def test_without_conda_environments_rerun_nothing(finished_once, sources):
    with edited([sources / "envs" / name for name in ENVIRONMENTS]):
        assert finished_once.stale_jobs(snakefile=sources / "Snakefile") == set()
