# Shared by all stages. The checked config and sheet, the settings that a job gets, the digest of a
# package's sources, and the GPUs that a job asks for.
import functools
import hashlib
import re
import shutil
import zlib
from pathlib import Path

from snakemake import __version__ as snakemake_version
from snakemake.io import regex_from_filepattern


include: "headers.smk"
include: "checks.smk"


SCHEMA = read_schema(workflow.source_path("../schemas/config.schema.yaml"))
SHEET_SCHEMA = read_schema(workflow.source_path("../schemas/sessions.schema.yaml"))
FROZEN = frozen_model(config)
config = typed_config(config, SCHEMA, FROZEN)
SESSIONS = {  # by name: the order of the sheet's lines means nothing
    row["session"]: row
    for row in sorted(
        checked_sheet(config, SHEET_SCHEMA, SCHEMA), key=lambda row: row["session"]
    )
}
# Those of the sheet that the dataset is made of; the others are embedded only.
# With a frozen model, all are new ones.
TRAINED_ON = [
    name for name in SESSIONS if FROZEN or name in (config["train_on"] or SESSIONS)
]
MODELS = {
    name: model_settings(config, changes, SCHEMA)
    for name, changes in config["models"].items()
}
TRAINED = [] if FROZEN else list(MODELS)  # here; a frozen one was elsewhere
EMBEDDED = list(MODELS) if FROZEN else models_to_embed(config)
SEGMENTATIONS = [
    f"{algorithm}-{n_motifs}"
    for algorithm in config["motifs"]
    for n_motifs in config["n_motifs"]
]
SEGMENTERS = segmenters_with_model(config, FROZEN, SEGMENTATIONS)
FILMED = [name for name, row in SESSIONS.items() if row["video"]]
OF_RECORDINGS = [
    "results/quality/sessions.csv",
    *collect("results/quality/{session}.svg", session=SESSIONS),
]
OF_ALL_MODELS = collect(
    "results/{file}",
    file=["comparison.csv", "figures/comparison.svg", "best/choice.json"],
)
if workflow.is_main_process:
    for sentence in warnings_about(config, {} if FROZEN else MODELS, SCHEMA):
        logger.warning(f"WARNING: {sentence}")
    if FROZEN and len(SEGMENTERS) < len(SEGMENTATIONS):
        lacking = [name for name in SEGMENTATIONS if name not in SEGMENTERS]
        logger.warning(
            f"WARNING: use_model: no segmenter of {', '.join(lacking)} lies beside the model; motifs "
            "are fitted on these recordings, and are others than those of the training"
        )

RULES = str(workflow.current_basedir)  # the folder, or address, of this file

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
        "distributed",
        "embedding",
        "evaluation",
        "events",
        "export",
        "gru",
        "interruption",
        "losses",
        "model",
        "noise",
        "rnn_vae",
        "state",
        "training",
        "windows",
    ],
    "motif_analysis": [
        "__init__",
        "agreement",
        "baselines",
        "findings",
        "frames",
        "groups",
        "hierarchy",
        "labels",
        "latent_map",
        "latents",
        "segmentation",
        "tables",
    ],
    "provenance": ["__init__", "verification"],
    "run_crate": ["__init__", "crate"],
    "model_comparison": ["__init__", "choice", "intervals", "tables"],
    "run_summary": ["__init__", "facts", "page"],
    "figures": [
        "__init__",
        "communities",
        "comparison",
        "ethogram",
        "examples",
        "latent_map",
        "losses",
        "motif_poses",
        "quality",
        "reconstructions",
        "skeletons",
        "style",
        "transitions",
        "usage",
        "videos",
    ],
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
    session=r"(?!sessions\.csv$)[^/]+",  # results/quality/sessions.csv is of all of them
    model="[^/]+",
    seed=r"\d+",
    segmentation=r"[a-z]+-\d+",


@functools.cache
def read_source(file):
    return Path(workflow.source_path(f"../scripts/{file}")).read_bytes()


def source_digest(script, *packages):
    """Digest of a rule's script and of the packages that it imports: an edit reruns the rule.

    By content, where Snakemake's own trigger for scripts goes by time and so counts a fresh clone
    as an edit; the profile leaves that one out. source_path also brings the modules along where
    this workflow is used as a remote module.
    """
    for module in ("job_log", "job_outputs", "job_record"):
        read_source(f"{module}.py")
    files = [f"{script}.py"]
    for package in packages:
        files += [f"{package}/{module}.py" for module in PACKAGES[package]]
    digest = hashlib.sha256()
    for file in files:
        digest.update(read_source(file))
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


def checkpoint_minutes(wildcards, input):
    """A param that depends on inputs is not compared: another interval trains nothing again."""
    return config["checkpoint_minutes"]


def evaluation_of_model(wildcards):
    return settings_of("evaluate_model", MODELS[wildcards.model])


def embedding_of_model(wildcards):
    return settings_of("embed_session", MODELS[wildcards.model])


def exported_model(wildcards):
    """The model to embed with: one that is trained here, or the frozen one."""
    if FROZEN:
        return own_file(f"{config['use_model']}/model.safetensors")
    return f"results/export/{wildcards.model}/seed{wildcards.seed}/model.safetensors"


def time_window_of_model(wildcards):
    settings = FROZEN["settings"] if FROZEN else MODELS[wildcards.model]
    return settings["time_window"]


def segmenter_of_model(wildcards):
    """What gives windows their motif: fitted here, or beside the frozen model where it was."""
    if wildcards.segmentation in SEGMENTERS:
        return own_file(SEGMENTERS[wildcards.segmentation])
    fitted = "results/segmenters/{model}/seed{seed}/{segmentation}.npz"
    return fitted.format(**wildcards)


def gpus_of_model(wildcards):
    """GPUs that a job with this model's network asks for."""
    return int(MODELS[wildcards.model]["device"] != "cpu")


def gpus_of_training(wildcards):
    return gpus_of_model(wildcards) * MODELS[wildcards.model]["devices"]


def memory_mb(base):
    """Memory that grows with each attempt, for profiles that retry."""
    return lambda wildcards, attempt: base * attempt


def own_file(path):
    """A file of the user's as an input, which the `prefix:` of a module must not move.

    One that lies elsewhere is fetched by Snakemake's storage plugin for its address.
    """
    if is_url(path):
        return storage(path)
    return path if path.startswith(DEMO) else local(path)


def poses_of_session(wildcards):
    return own_file(SESSIONS[wildcards.session]["poses"])


def recording_of_session(wildcards):
    row = SESSIONS[wildcards.session]
    return {key: row[key] for key in ("fps", "individual", "software")}


def file_of_session(column):
    """The file that a column of the sheet names, where it names one, as an input."""

    def file_of(wildcards):
        path = SESSIONS[wildcards.session][column]
        return own_file(path) if path else []

    return file_of


def sides_of_sessions():
    """What the split has to know of each session: its group, where groups are held out."""
    return [
        {
            "group": SESSIONS[name]["group"] if config["test_groups"] else "",
            "session": name,
        }
        for name in TRAINED_ON
    ]


def animals_of_sessions():
    """What a comparison of groups has to know of each session."""
    return [
        {
            "session": name,
            "animal": row["animal"] or name,
            "group": row["group"],
        }
        for name, row in SESSIONS.items()
    ]


def labels_of_sessions():
    """The labels of all sessions that have any, as inputs."""
    return [own_file(row["labels"]) for row in SESSIONS.values() if row["labels"]]


def labelled_sessions():
    """Which sessions have labels, and at how many frames a second."""
    return [
        {"session": name, "fps": row["fps"], "labelled": bool(row["labels"])}
        for name, row in SESSIONS.items()
    ]


def segmentations_of_run():
    """Model, seed and name of each segmentation, in the order in which their tables are listed."""
    return [
        {"model": model, "seed": str(seed), "segmentation": segmentation}
        for model in EMBEDDED
        for seed in config["seeds"]
        for segmentation in SEGMENTATIONS
    ]


def metrics_of_model(wildcards):
    """What held-out windows say of a model that was trained here."""
    metrics = "results/models/{model}/seed{seed}/metrics.json"
    return metrics.format(**wildcards) if TRAINED else []


def pretrained_of_model(wildcards):
    """The file that a model starts from, where it does, as an input."""
    settings = MODELS[wildcards.model]
    if not settings["pretrained_weights"]:
        return []
    return own_file(settings["pretrained_model"])


def records_of_poses(sessions):
    """Records of all jobs that lead from these sessions' pose files to aligned poses."""
    simulated = [
        Path(SESSIONS[name]["poses"]).stem
        for name in sessions
        if SESSIONS[name]["poses"].startswith(DEMO)
    ]
    return [
        *collect("results/provenance/simulate_demo/{session}.json", session=simulated),
        *collect("results/provenance/import_poses/{session}.json", session=sessions),
        *collect("results/provenance/align_poses/{session}.json", session=sessions),
    ]


def records_of_model(wildcards):
    """Records of all jobs that lead from the pose files to one trained model."""
    train = "results/provenance/train_model/{model}/seed{seed}.json"
    return ["results/dataset/jobs.json", train.format(**wildcards)]


def records_of_run():
    """Records of all jobs that `all` asks for."""
    of_sessions = [
        *records_of_poses(SESSIONS),
        *collect(
            "results/provenance/{step}/{session}.json",
            step=["inspect_poses", "plot_quality"],
            session=SESSIONS,
        ),
        "results/provenance/check_poses/check_poses.json",
    ]
    latents = collect(
        "results/provenance/embed_session/{model}/seed{seed}/{session}.json",
        model=EMBEDDED,
        seed=config["seeds"],
        session=SESSIONS,
    )
    of_motifs = [
        *collect(
            "results/provenance/segment_motifs/{model}/seed{seed}/{segmentation}.json",
            model=EMBEDDED,
            seed=config["seeds"],
            segmentation=[name for name in SEGMENTATIONS if name not in SEGMENTERS],
        ),
        *collect(
            "results/provenance/{step}/{model}/seed{seed}/{segmentation}/{session}.json",
            step=["label_motifs", "plot_ethogram"],
            model=EMBEDDED,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS,
            session=SESSIONS,
        ),
        *collect(
            "results/provenance/map_latents/{model}/seed{seed}.json",
            model=EMBEDDED,
            seed=config["seeds"],
        ),
        *collect(
            "results/provenance/compare_seeds/{model}/agreement.json", model=EMBEDDED
        ),
        *collect(
            "results/provenance/{step}/{model}/seed{seed}/{segmentation}.json",
            step=["tabulate_motifs", "judge_motifs", "plot_motifs", "film_motifs"],
            model=EMBEDDED,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS,
        ),
        "results/provenance/write_summary/write_summary.json",
    ]
    of_sessions += [*latents, *of_motifs]
    if FROZEN:
        return of_sessions
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
        step=["split_dataset", "compare_models", "choose_model", "plot_comparison"],
    )
    return [*of_sessions, *of_models, *of_all]


def settings_files():
    """The config files of this run and the sheet."""
    return [*map(str, workflow.configfiles), config["sessions"]]


def folder_on_a_disk(path):
    """An output that is a folder; none in a bucket.

    There are no folders in a bucket: Snakemake's S3 plugin (0.3.6) does not see that one has come to
    be, once it has looked and there was none.
    """
    in_bucket = workflow.storage_settings.default_storage_provider
    return [] if in_bucket else directory(path)


def on_this_disk(wildcards):
    """Refuse to look for results on this disk where they go to a bucket; there would be none."""
    bucket = workflow.storage_settings.default_storage_prefix
    if workflow.storage_settings.default_storage_provider:
        raise WorkflowError(
            f"this reads results/ on this disk, and results are in {bucket}. Fetch that folder, and "
            "run this in it (--directory) without --default-storage-provider"
        )
    return True


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


def orphans_of_results(wildcards):
    """Files and folders under results/ of models, seeds and sessions that are no longer set.

    One a line. They are looked for where this workflow's rules put what they make for one, and
    not beyond links. A config with a frozen model does not say what else is to be kept.
    """
    if FROZEN:
        return ""
    known = {
        "model": set(MODELS),
        "seed": {str(seed) for seed in config["seeds"]},
        "segmentation": set(SEGMENTATIONS),
        "session": set(SESSIONS),
    }
    kept, orphans = set(), set()
    for pattern in patterns_of_results():
        star = re.sub(r"\{.*?\}", "*", pattern)
        for path in Path().glob(star):
            match = re.match(regex_from_filepattern(pattern), path.as_posix())
            if not match or any(parent.is_symlink() for parent in path.parents[:-2]):
                continue
            current = all(
                value in known.get(name, [value])
                for name, value in match.groupdict().items()
            )
            (kept if current else orphans).add(path)
    orphans -= kept | made_once()
    return "\n".join(
        sorted(path.as_posix() for path in orphans if orphans.isdisjoint(path.parents))
    )


def patterns_of_results():
    """What this workflow's rules make for models, seeds and sessions, cut off after the last one.

    Such as results/models/{model}/seed{seed}, with all that lies in there.
    """
    patterns = set()
    for each in workflow.rules:
        if str(each.snakefile).startswith(RULES):
            for path in map(str, [*each.output, each.benchmark or ""]):
                last = re.match(r"results/(.*\}[^/]*)", path)
                if last:
                    patterns.add(last.group(0))
    return sorted(patterns)


def made_once():
    """What this workflow's rules make once, such as a table of all sessions."""
    return {
        Path(path)
        for each in workflow.rules
        for path in map(str, each.output)
        if str(each.snakefile).startswith(RULES) and "{" not in path
    }


def delete_results(paths):
    """Delete files and folders, a link but not what it points to, and folders left empty."""
    for path in map(Path, paths):
        assert path.parts[0] == "results", path
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # which follows no link
        else:
            path.unlink()
        for parent in path.parents[:-2]:
            if any(parent.iterdir()):
                break
            parent.rmdir()


def say(text, log):
    """Print to the terminal and to a log."""
    text = text or "nothing"
    Path(log).write_text(text + "\n")
    print(text)
