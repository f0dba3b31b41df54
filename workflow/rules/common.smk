# Shared by all stages: the checked config and sessions table, the settings that a job gets, the
# digest of its code, and the GPUs and memory that it requests; see workflow/scripts/settings.
# Rules that lead to motifs have `priority: 1`, so that figures wait for training, not vice versa.
import functools
import gc
import re
import sys
from pathlib import Path

from snakemake import __version__ as snakemake_version
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import SharedFSUsage

# A plan consists of millions of permanent objects: garbage collection among them takes long.
if workflow.is_main_process:
    gc.set_threshold(50_000, 20, 20)

RULES = workflow.current_basedir  # the folder, or address, of this file


def source(file):
    """Return the path of a file of the workflow, in Snakemake's cache if the workflow is remote."""
    place = RULES.join(f"../{file}").get_path_or_uri(secret_free=True)
    return place if Path(place).is_file() else workflow.source_path(f"../{file}")


# Another workflow, or another version of this one, may have imported its own settings and formats.
def take_out_settings():
    names = [name for name in sys.modules if re.match(r"(settings|formats)\b", name)]
    return {name: sys.modules.pop(name) for name in names}


others = take_out_settings()
source("scripts/settings/__init__.py")
sys.path.insert(0, str(Path(source("scripts/settings/sources.py")).parents[1]))
from settings.sources import Sources, files_of_workflow

SOURCES = Sources(lambda file: source(f"scripts/{file}"))
SOURCES.files_behind("settings/run.py")  # with its imports
from settings.files import DEMO, Access, is_url, plain_name
from settings.models import of_rule, threads_to_train
from settings.run import read_run
from settings.schema import SettingsError

del sys.path[0]
take_out_settings()
sys.modules.update(others)


def source_digest(rule):
    """Return a rule's digest as a param, which reruns it when its code is edited.

    A job computes only the digest of its own rule.
    """
    return SOURCES.digest(rule) if workflow.is_main_process else SOURCES.as_param(rule)


def can_fetch(url):
    """True if a storage plugin for this address is installed."""
    try:
        return bool(workflow.storage_registry.infer_provider(url))
    except WorkflowError:
        return False


def warn(sentence):
    logger.warning(f"WARNING: {sentence}")


shared_disk = SharedFSUsage.INPUT_OUTPUT in workflow.storage_settings.shared_fs_usage
try:
    RUN = read_run(
        config,
        source("schemas/config.schema.yaml"),
        source("schemas/sessions.schema.yaml"),
        Access(shared_disk, can_fetch),
        warn if workflow.is_main_process else None,
    )
except SettingsError as error:
    raise WorkflowError(str(error)) from None

config, FROZEN, SESSIONS, MODELS = RUN.config, RUN.frozen, RUN.sessions, RUN.models
TRAINED_ON, TRAINED, EMBEDDED = RUN.trained_on, RUN.trained, RUN.embedded
SEGMENTATIONS, SEGMENTERS = RUN.segmentations, RUN.segmenters
AUTO = [name for name in SEGMENTATIONS if name.endswith("-auto")]
FILMED = [name for name, row in SESSIONS.items() if row["video"]]


wildcard_constraints:
    session="[^/]+",
    model="[^/]+",
    seed=r"\d+",
    segmentation=r"[a-z]+-(\d+|auto)",


def of_sessions(paths, sessions=SESSIONS):
    return collect(paths, session=sessions, allow_missing=True)


def of_trainings(path):
    """Return the path for each model and seed that is trained here."""
    return collect(path, model=TRAINED, seed=config["seeds"])


def of_segmentations(paths, segmentations=SEGMENTATIONS):
    """Return the path, or several paths by name, for each segmentation that is requested."""
    if isinstance(paths, dict):
        return {name: of_segmentations(path) for name, path in paths.items()}
    seeds = config["seeds"]
    wildcards = {"model": EMBEDDED, "seed": seeds, "segmentation": segmentations}
    return collect(paths, **wildcards, allow_missing=True)


def figure(path, category, name=None):
    """Return an svg for the report and a png, the outputs of a rule that draws one figure."""
    name = name or path.rpartition("/")[2]
    labels = {key: f"{{{key}}}" for key in re.findall(r"{(\w+)}", path)}
    labels["figure"] = name
    caption = f"../report/{name}.rst"
    svg = report(f"{path}.svg", caption=caption, category=category, labels=labels)
    return {"svg": svg, "png": f"{path}.png"}


def figure_of_motifs(file, caption, label=None):
    """Return a figure of one segmentation, for its page in the report."""
    return report(
        f"results/figures/{{model}}/seed{{seed}}/{{segmentation}}/{file}",
        caption=f"../report/{caption}.rst",
        category="Motifs",
        subcategory="model {model}, seed {seed}, {segmentation}",
        labels={"figure": label or caption.replace("_", " ")},
    )


def tables_of_motifs(*names):
    table = "results/motif_tables/{{model}}/seed{{seed}}/{{segmentation}}/{}.csv"
    return {name: table.format(name) for name in names}


def figures_of_motifs(*names):
    """Return two outputs for each name: an svg of that name, and {name}_png."""
    png = "results/figures/{{model}}/seed{{seed}}/{{segmentation}}/{}.png"
    svg = {name: figure_of_motifs(f"{name}.svg", name) for name in names}
    return svg | {f"{name}_png": png.format(name) for name in names}


def settings_of(rule):
    return of_rule(rule, RUN.schema, config)


def params_of(rule):
    """Return the params that rerun a job of most rules: the settings that it uses, and its code."""
    return {"settings": settings_of(rule), "code": source_digest(rule)}


def settings_of_model(rule):
    settings = functools.cache(lambda model: of_rule(rule, RUN.schema, MODELS[model]))
    return lambda wildcards: settings(wildcards.model)


def checkpoint_minutes(wildcards, input):
    """Return the setting; Snakemake does not compare a param that depends on inputs.

    Another interval therefore causes no training.
    """
    return config["checkpoint_minutes"]


def gpus_of_model(wildcards):
    return int(MODELS[wildcards.model]["device"] != "cpu")


def own_file(path):
    """Return a user's file as an input, to which the `prefix:` of a module must not be added.

    Snakemake's storage plugin fetches a file at an address. Without a path, there is no input.
    """
    if not path or path.startswith(DEMO):
        return path or []
    return storage(path) if is_url(path) else local(plain_name(path))


LABELS = [own_file(row["labels"]) for row in SESSIONS.values() if row["labels"]]


def file_of_session(column):
    """Return as an input the file that a column of the sessions table names, if there is one."""
    return lambda wildcards: own_file(SESSIONS[wildcards.session][column])


def exported_model():
    """Return the model for embedding: the one that is trained here, or the frozen one."""
    if FROZEN:
        return own_file(f"{config['use_model']}/model.safetensors")
    return "results/export/{model}/seed{seed}/model.safetensors"


def segmenter_of_model(wildcards):
    """Return the segmenter: fitted here, or stored with the frozen model if it was."""
    if wildcards.segmentation in SEGMENTERS:
        return own_file(SEGMENTERS[wildcards.segmentation])
    fitted = "results/segmenters/{model}/seed{seed}/{segmentation}.npz"
    return fitted.format(**wildcards)


def names_of_motifs(wildcards):
    return own_file(RUN.names_of_motifs(wildcards.segmentation))


def pretrained_of_model(wildcards):
    settings = MODELS[wildcards.model]
    return own_file(settings["pretrained_weights"] and settings["pretrained_model"])


def folder_on_a_disk(path):
    """Return an output that is a folder; none in a bucket.

    A bucket has no folders: once Snakemake's S3 plugin (0.3.6) has found that one does not exist, it
    does not notice that it was created.
    """
    in_bucket = workflow.storage_settings.default_storage_provider
    return [] if in_bucket else directory(path)


def results_to_record(asked):
    """Return the files that `all` requests: if one is written again, the manifest is as well.

    Redundant files are left out, since planning takes long with many files: latents, from which all
    motifs are computed, and all but the first of the ethograms, which one job draws.
    """
    firsts = {*asked.ethograms[:: len(SESSIONS)]}
    redundant = {*asked.latents, *asked.ethograms} - firsts | {asked.manifest}
    return [path for path in asked if path not in redundant]


def on_this_disk(wildcards):
    """Raise an error if results are in a bucket: there would be none on this disk."""
    bucket = workflow.storage_settings.default_storage_prefix
    if workflow.storage_settings.default_storage_provider:
        raise WorkflowError(
            f"this reads results/ on this disk, and results are in {bucket}. Fetch that folder, and "
            "run this in it (--directory) without --default-storage-provider"
        )
    return True


def orphans_of_results(wildcards):
    """Return the results of models, seeds and sessions that are no longer set, one path per line."""
    own = [
        each for each in workflow.rules if str(each.snakefile).startswith(str(RULES))
    ]
    paths = (path for each in own for path in (*each.output, *each.log, each.benchmark))
    return "\n".join(RUN.find_orphans(map(str, paths)))
