# Shared by all stages. The checked config and sheet, the settings that a job gets, the digest of a
# package's sources, and the GPUs that a job asks for.
import csv
import hashlib
import zlib
from pathlib import Path

import yaml


include: "headers.smk"
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
        "isolation",
        "labels",
        "quality",
        "reading",
        "recognition",
        "repairs",
        "scalars",
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
    "figures": ["__init__", "losses", "quality", "reconstructions", "style"],
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


def poses_of_session(wildcards):
    return SESSIONS[wildcards.session]["poses"]


def recording_of_session(wildcards):
    row = SESSIONS[wildcards.session]
    return {key: row[key] for key in ("features", "fps", "individual", "software")}


def file_of_session(column):
    """The file that a column of the sheet names, where it names one, as an input."""
    return lambda wildcards: SESSIONS[wildcards.session][column] or []


def pretrained_of_model(wildcards):
    """The file that a model starts from, where it does, as an input."""
    settings = MODELS[wildcards.model]
    return settings["pretrained_model"] if settings["pretrained_weights"] else []


def demo_recording(wildcards):
    """What a simulated recording depends on; its name takes part in its seed."""
    row = SESSIONS[wildcards.session]
    return {
        "fps": row["fps"],
        "frames": config["demo"]["frames"],
        "group": row["group"],
        "seed": [config["demo"]["seed"], zlib.crc32(wildcards.session.encode())],
    }
