# Shared by all stages. The checked config and sheet, the settings that a job gets, the digest of a
# package's sources, and the GPUs that a job asks for.
import csv
import hashlib
import zlib
from pathlib import Path

import yaml
from snakemake import __version__ as snakemake_version


include: "checks.smk"


SCHEMA = yaml.safe_load(
    Path(workflow.source_path("../schemas/config.schema.yaml")).read_text()
)
SHEET_SCHEMA = yaml.safe_load(
    Path(workflow.source_path("../schemas/sessions.schema.yaml")).read_text()
)
config = typed_config(config, SCHEMA)
SESSIONS = {row["session"]: row for row in checked_sheet(config, SHEET_SCHEMA, SCHEMA)}
MODELS = {
    name: model_settings(config, changes, SCHEMA)
    for name, changes in config["models"].items()
}
if workflow.is_main_process:
    for sentence in warnings_about(config, MODELS, SCHEMA):
        logger.warning(f"WARNING: {sentence}")

# The modules of each package: its scripts import them, Snakemake does not see that they do.
PACKAGES = {
    "pose_prep": [
        "__init__",
        "alignment",
        "cleaning",
        "reading",
        "simulation",
        "splitting",
        "storage",
    ],
    "vame_core": [
        "__init__",
        "annealing",
        "checkpoint",
        "config",
        "determinism",
        "evaluation",
        "export",
        "losses",
        "model",
        "noise",
        "rnn_vae",
        "training",
        "windows",
    ],
    "provenance": ["__init__", "verification"],
    "run_crate": ["__init__", "crate"],
    "model_comparison": ["__init__", "choice", "intervals", "tables"],
    "figures": ["__init__", "comparison", "losses", "reconstructions", "style"],
}


# For the archive of a run: this workflow's folder, if it lies in one, and what it always has.
FOLDER = Path(str(workflow.current_basedir.get_path_or_uri(secret_free=True))).parents[
    1
]
MAIN_SOURCES = {
    name: str(workflow.source_path(f"../../{name}"))
    for name in ("Snakefile", "CITATION.cff", "LICENSE")
}


wildcard_constraints:
    session="[^/]+",
    model="[^/]+",
    seed=r"\d+",


def source_digest(package):
    """Digest of a package's sources, so that an edit reruns the rules that name it.

    source_path also brings the modules along where this workflow is used as a remote module.
    """
    workflow.source_path("../scripts/job_log.py")
    workflow.source_path("../scripts/job_record.py")
    digest = hashlib.sha256()
    for module in PACKAGES[package]:
        path = workflow.source_path(f"../scripts/{package}/{module}.py")
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()[:12]


def settings_of(rule, settings=config):
    """The settings that the schema lists as used by a rule, the same whatever their order."""
    return {
        key: settings[key]
        for key, entry in sorted(SCHEMA["properties"].items())
        if rule in entry.get("used_by", [])
    }


def settings_of_model(wildcards):
    return settings_of("train_model", MODELS[wildcards.model])


def evaluation_of_model(wildcards):
    return settings_of("evaluate_model", MODELS[wildcards.model])


def gpus_of_model(wildcards):
    """GPUs that a job with this model's network asks for."""
    return int(MODELS[wildcards.model]["device"] != "cpu")


def memory_mb(base):
    """Memory that grows with each attempt, for profiles that retry."""
    return lambda wildcards, attempt: base * attempt


def own_file(path):
    """A file of the user's as an input, which the `prefix:` of a module must not move."""
    return path if path.startswith(DEMO) else local(path)


def poses_of_session(wildcards):
    return own_file(SESSIONS[wildcards.session]["poses"])


def recording_of_session(wildcards):
    row = SESSIONS[wildcards.session]
    return {key: row[key] for key in ("fps", "individual", "software")}


def pretrained_of_model(wildcards):
    """The file that a model starts from, where it does, as an input."""
    settings = MODELS[wildcards.model]
    if not settings["pretrained_weights"]:
        return []
    return own_file(settings["pretrained_model"])


def records_of_dataset():
    """Records of all jobs that lead from the pose files to the dataset."""
    simulated = [
        Path(row["poses"]).stem
        for row in SESSIONS.values()
        if row["poses"].startswith(DEMO)
    ]
    return [
        *collect("results/provenance/simulate_demo/{session}.json", session=simulated),
        *collect("results/provenance/import_poses/{session}.json", session=SESSIONS),
        *collect("results/provenance/align_poses/{session}.json", session=SESSIONS),
        "results/provenance/split_dataset/split_dataset.json",
    ]


def records_of_model(wildcards):
    """Records of all jobs that lead from the pose files to one trained model."""
    train = "results/provenance/train_model/{model}/seed{seed}.json"
    return [*records_of_dataset(), train.format(**wildcards)]


def records_of_run():
    """Records of all jobs that `all` asks for."""
    of_models = collect(
        "results/provenance/{step}/{model}/seed{seed}.json",
        step=[
            *("train_model", "evaluate_model", "export_checkpoint"),
            *("plot_losses", "plot_reconstructions"),
        ],
        model=MODELS,
        seed=config["seeds"],
    )
    of_all = collect(
        "results/provenance/{step}/{step}.json",
        step=["compare_models", "choose_model", "plot_comparison"],
    )
    return [*records_of_dataset(), *of_models, *of_all]


def settings_files():
    """The config files of this run and the sheet."""
    return [*map(str, workflow.configfiles), config["sessions"]]


def workflow_sources(wildcards):
    """The workflow's own files, by their place in it; all of them where it lies in a folder."""
    if not (FOLDER / "Snakefile").is_file():
        return dict(MAIN_SOURCES)
    files = [
        path
        for folder in (FOLDER / "envs", FOLDER / "workflow")
        for path in sorted(folder.rglob("*.*"))
        if path.suffix in (".py", ".rst", ".smk", ".yaml")
    ]
    return MAIN_SOURCES | {str(path.relative_to(FOLDER)): str(path) for path in files}


def demo_recording(wildcards):
    """What a simulated recording depends on; its name takes part in its seed."""
    row = SESSIONS[wildcards.session]
    return {
        "fps": row["fps"],
        "frames": config["demo"]["frames"],
        "group": row["group"],
        "seed": [config["demo"]["seed"], zlib.crc32(wildcards.session.encode())],
    }
