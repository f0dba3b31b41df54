# The door: config and sheet are typed and checked here, before any job, and all faults are named
# at once. Inside, nothing is checked again.
import csv
import difflib
import itertools
import json
import math
import re
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator
from snakemake.exceptions import WorkflowError
from snakemake.settings.types import SharedFSUsage

# VAME's numbers for what has a name here.
ALIASES = {"scheduler": {0: "constant", 1: "plateau"}}
DEMO = "results/demo/"  # what the rule simulate_demo writes need not be there yet


def read_schema(path):
    # Every job reads the schema anew: with C's parser where PyYAML has it, in a tenth of the time.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(Path(path).read_text(), loader)


def frozen_model(config):
    """What the exported model that `use_model` names says of itself; None where none is named.

    Read from the header of its model.safetensors: eight bytes of length, then JSON.
    """
    if config.get("use_model") is None:
        return None
    path = Path(str(config["use_model"]), "model.safetensors")
    if is_url(str(config["use_model"])) or not jobs_share_a_disk():
        refuse(
            "config",
            [
                f"use_model: {config['use_model']} is read before the first job and in each one; "
                "name a folder on a disk that all of them see"
            ],
        )
    if not path.is_file():
        refuse(
            "config",
            [f"use_model: there is no {path}; name the folder of an exported model"],
        )
    if Path("results/dataset/dataset.json").exists():
        refuse(
            "config",
            [
                "use_model: models were trained in this folder, on recordings that would now be "
                "aligned anew; give the others a folder of their own (--directory)"
            ],
        )
    try:
        with open(path, "rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        frozen = {
            key: json.loads(value) for key, value in header["__metadata__"].items()
        }
        needed = {
            *("alignment", "features", "model", "outlier_limits", "scalars", "seed")
        }
        if not needed <= set(frozen):
            raise KeyError(*needed - set(frozen))
    except (ValueError, LookupError, TypeError, MemoryError, OverflowError):
        refuse(
            "config",
            [
                f"use_model: {path} is not a model that this workflow exported, or is one of an "
                "earlier version; export it again"
            ],
        )
    return frozen


def segmenters_with_model(config, frozen, segmentations):
    """The segmenters that come with the frozen model, by their names.

    They lie in the folder of the export, or in the project that the export is still a part of.
    """
    if not frozen:
        return {}
    folder = config["use_model"]
    own = f"{frozen['model']}/seed{frozen['seed']}"
    beside = [f"{folder}/segmenters"]
    if Path(folder).resolve().match(f"export/{own}"):
        beside.append(f"{folder}/../../../segmenters/{own}")
    return {
        name: path
        for name in segmentations
        for path in [f"{each}/{name}.npz" for each in reversed(beside)]
        if Path(path).is_file()
    }


def faults_with_model(config, frozen):
    """Alignment that the config sets and the frozen model was not trained with.

    Other keypoints and another way to the frame rate do no harm: that features and frame rate are
    the same is checked when they are known.
    """
    return [
        f"{key}: {config[key]} here, and {value} where the model of use_model was trained; "
        "delete the line"
        for key, value in frozen["alignment"].items()
        if key not in ("keypoints", "exclude_keypoints", "resample_fps")
        and config.get(key, value) != value
    ]


def typed_config(config, schema, frozen=None):
    """The config with defaults filled in and values typed by the schema.

    With a frozen model, that is the only one, and recordings are aligned as it needs them.

    Numbers become numbers (YAML reads 5e-4 as a string), VAME's 0 and 1 become the booleans that
    they stand for: how a value is written changes nothing and reruns nothing.

    Raises WorkflowError naming every unknown key, wrong type, value out of range and missing key.
    """
    properties = schema["properties"]
    config = {key: typed(value, key, properties) for key, value in config.items()}
    if isinstance(config.get("grid"), dict):
        config["grid"] = {
            key: typed(value, key, {key: {"items": properties.get(key, {})}})
            for key, value in config["grid"].items()
        }
    faults = []
    if frozen:
        faults = faults_with_model(config, frozen)
        own = {"models": {frozen["model"]: {}}, "grid": {}, "seeds": [frozen["seed"]]}
        config = frozen["alignment"] | config | own
    faults += faults_of(config, schema)
    for key, entry in properties.items():
        if "default" in entry:
            config.setdefault(key, typed(entry["default"], key, properties))
    if isinstance(config["demo"], dict):
        config["demo"] = {
            key: entry["default"]
            for key, entry in properties["demo"]["properties"].items()
        } | config["demo"]
    faults += faults_of_models(config, schema)
    if not faults:
        config["models"] = config["models"] | models_of_grid(config["grid"])
        faults = faults_between_settings(config, schema)
    if faults:
        refuse("config", faults)
    return config


def typed(value, key, properties):
    """A value as the type that its key has in the schema, where it can be read as that.

    A list of names or numbers that may not repeat is a set: it is sorted. One number where the
    schema has only lists of them is a list of one.
    """
    entry = properties.get(key, {})
    if entry.get("type") == "array" and isinstance(value, (int, float)):
        value = [value]
    value = ALIASES.get(key, {}).get(value, value) if is_plain(value) else value
    if isinstance(value, dict) and "properties" in entry:
        return {
            name: typed(inner, name, entry["properties"])
            for name, inner in value.items()
        }
    if isinstance(value, list) and "items" in entry:
        value = [typed(item, key, {key: entry["items"]}) for item in value]
        alike = {type(item) for item in value} in ({str}, {int}, {float})
        return sorted(value) if entry.get("uniqueItems") and alike else value
    kinds = entry.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "boolean" in kinds and value in (0, 1):
        return bool(value)
    if isinstance(value, str):
        read = float if "number" in kinds else int if "integer" in kinds else str
        try:
            return read(value)
        except ValueError:
            return value
    if "number" in kinds and type(value) is int:
        return float(value)
    if "integer" in kinds and type(value) is float and value.is_integer():
        return int(value)
    return value


def is_plain(value):
    return isinstance(value, (str, int, float, bool, type(None)))


def faults_of(settings, schema, where=""):
    """One sentence per violation of the schema: the key, what is wrong, what it should be."""
    faults = [
        f"{where}{key}: {value} is no finite number"
        for key, value in settings.items()
        if isinstance(value, float) and not math.isfinite(value)
    ]
    for error in sorted(
        Draft202012Validator(schema).iter_errors(settings), key=lambda e: e.json_path
    ):
        path = [str(part) for part in error.absolute_path]
        entry = schema["properties"].get(path[0], {}) if path else {}
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            for key in sorted(map(str, set(error.instance) - set(known))):
                nearest = difflib.get_close_matches(key, known, 1)
                hint = (
                    f"did you mean {nearest[0]}?" if nearest else "see config/README.md"
                )
                faults.append(
                    f"{where}{'.'.join([*path, key])}: there is no such setting; {hint}"
                )
        elif error.validator == "required":
            key = error.message.split("'")[1]
            faults.append(
                f"{where}{key}: is missing; "
                f"set it: {schema['properties'][key]['description']}"
            )
        else:
            faults.append(
                f"{where}{'.'.join(path)}: {error.message}; it means: "
                f"{entry.get('description', schema.get('description', ''))}"
            )
    return faults


def of_model(schema):
    """The part of the schema that a model may change."""
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: entry
            for key, entry in schema["properties"].items()
            if "train_model" in entry.get("used_by", [])
        },
    }


def faults_of_models(config, schema):
    models, grid = config["models"], config["grid"]
    if not isinstance(models, dict) or not isinstance(grid, dict):
        return []  # the schema has said so
    faults = [
        f"models: the name {name!r} is no text; put it in quotes"
        for name in models
        if not isinstance(name, str)
    ]
    for name, changes in models.items():
        if isinstance(changes, dict):
            changes = {
                key: typed(value, key, schema["properties"])
                for key, value in changes.items()
            }
            faults += faults_of(changes, of_model(schema), f"models.{name}.")
    lists = {key: values for key, values in grid.items() if isinstance(values, list)}
    for key, values in lists.items():
        for value in values:
            faults += faults_of({key: value}, of_model(schema), "grid.")
    faults = list(dict.fromkeys(faults))
    if lists != grid:
        return faults  # the schema has said so
    if not models and not grid:
        faults.append("models: names no model, and there is no grid; name one")
    if not faults:
        pattern = schema["properties"]["models"]["propertyNames"]["pattern"]
        for name in models_of_grid(grid):
            if not re.search(pattern, name):
                faults.append(
                    f"grid: {name!r} cannot be a model's name; list these values under models"
                )
            if name in models:
                faults.append(f"models.{name}: the grid has this model, too; rename it")
    return faults


def models_of_grid(grid):
    """Models of all combinations, by the names that Snakemake's Paramspace gives them."""
    if not grid:
        return {}
    try:
        import pandas  # a grid needs it, and no other config does
    except ImportError:
        refuse(
            "config",
            ["grid: needs pandas in Snakemake's own environment; install it there"],
        )
    from snakemake.utils import Paramspace

    keys = sorted(grid)
    table = pandas.DataFrame(
        itertools.product(*(grid[key] for key in keys)), columns=keys, dtype=object
    )
    space = Paramspace(table, filename_params="*", param_sep="-", filename_sep="_")
    return dict(zip(space.instance_patterns, table.to_dict("records")))


def model_settings(config, changes, schema):
    """The whole config as one model sees it."""
    changes = changes or {}
    return config | {
        key: typed(value, key, schema["properties"]) for key, value in changes.items()
    }


def faults_between_settings(config, schema):
    """What each setting allows by itself, but not together."""
    faults = []
    if config["savgol_length"] % 2 == 0:
        faults.append(
            f"savgol_length: {config['savgol_length']} is even; choose an odd number"
        )
    if config["savgol_order"] >= config["savgol_length"]:
        faults.append(
            f"savgol_order: {config['savgol_order']} must be below savgol_length "
            f"({config['savgol_length']})"
        )
    if config["center"] == config["orient"]:
        faults.append("orient: must be another keypoint than center")
    if config["keypoints"] is not None:
        faults += [
            f"{key}: {config[key]!r} is not among keypoints; add it there, or choose one of them"
            for key in ("center", "orient")
            if config[key] not in config["keypoints"]
        ]
    faults += [
        f"{key}: {config[key]!r} is left out by exclude_keypoints; take it out there, or choose "
        "another"
        for key in ("center", "orient")
        if config[key] in config["exclude_keypoints"]
    ]
    if config["use_model"]:
        return faults
    if config["choose_by"] == "future" and not any(
        model_settings(config, changes, schema)["prediction_decoder"]
        for changes in config["models"].values()
    ):
        faults.append(
            "choose_by: no model predicts a future; choose by reconstruction, or set "
            "prediction_decoder: true for a model"
        )
    faults += [
        f"embed_models: no model is {name!r}; there are: {', '.join(sorted(config['models']))}"
        for name in config["embed_models"] or []
        if name not in config["models"]
    ]
    for name, changes in config["models"].items():
        model = model_settings(config, changes, schema)
        if (
            model["prediction_decoder"]
            and model["prediction_steps"] > model["time_window"]
        ):
            faults.append(
                f"prediction_steps: model {name} predicts {model['prediction_steps']} frames "
                f"from {model['time_window']}; at most time_window can be predicted"
            )
        window = model["time_window"] + (
            model["prediction_steps"] if model["prediction_decoder"] else 0
        )
        if model["windows"] == "within_segments" and config["split_gap"] < window:
            faults.append(
                f"split_gap: {config['split_gap']} frames are fewer than the window of model "
                f"{name} (time_window + prediction_steps = {window}); set it to {window} or more"
            )
        if model["devices"] > 1:
            faults += [
                f"devices: {model['devices']} cannot share the batches of model {name}; {cure}"
                for at_fault, cure in (
                    (model["device"] == "mps", "there is one of device: mps"),
                    (
                        model["batch_size"] % model["devices"],
                        f"let batch_size ({model['batch_size']}) be a multiple of it",
                    ),
                    (
                        model["decoder_start"] == "mixed",
                        "set decoder_start: per_sample, since mixed reaches across the batch",
                    ),
                    (model["dropout_encoder"], "set dropout_encoder: 0"),
                )
                if at_fault
            ]
        if model["skip_last_epoch"] and model["max_epochs"] == 1:
            faults.append(
                f"skip_last_epoch: model {name} has one epoch and would skip it; "
                "raise max_epochs or set it to false"
            )
        if model["pretrained_weights"]:
            faults += faults_of_path(
                model["pretrained_model"],
                f"pretrained_model: {model['pretrained_model']} of model {name} does not exist; "
                "correct the path, or set pretrained_weights: false",
                "pretrained_model: ",
            )
    return faults


def models_to_embed(config):
    """Models whose latents and motifs are wanted, in an order that the config's does not change."""
    chosen = config["embed_models"]
    return sorted(name for name in config["models"] if chosen is None or name in chosen)


def warnings_about(config, models, schema):
    """What is allowed, but does not do what one may expect."""
    sentences = []
    dead = sorted(key for key in config if schema["properties"][key].get("deprecated"))
    if dead:
        sentences.append(
            f"these keys of VAME's config do nothing here: {', '.join(dead)}"
        )
    for name, model in models.items():
        if model["kmeans_loss"] > model["zdims"]:
            sentences.append(
                f"kmeans_loss: model {name} has only {model['zdims']} singular values (zdims); "
                f"{model['kmeans_loss']} counts as that"
            )
        if model["softplus"]:
            sentences.append(
                f"softplus: model {name} cannot have a posterior narrower than the prior"
            )
        annealed = model["annealtime"] + (
            model["kl_start"] if model["anneal_function"] == "linear" else 5
        )
        if model["max_epochs"] < annealed:
            sentences.append(
                f"max_epochs: model {name} ends after {model['max_epochs']} epochs, before the "
                f"KL weight has risen (epoch {annealed}); its last epoch will be its model"
            )
    return sentences


def checked_sheet(config, sheet_schema, schema):
    """The rows of the sheet, typed, with defaults.

    Raises WorkflowError naming every row and column at fault, every file that is missing, and
    every keypoint of the config that a recording lacks.
    """
    path = Path(config["sessions"])
    if not path.is_file():
        refuse(
            "config",
            [
                f"sessions: {path} does not exist; write a sheet there "
                "(config/README.md shows one), or name yours"
            ],
        )
    properties = sheet_schema["properties"]
    columns, rows = read_sheet(path)
    missing = [key for key in sheet_schema["required"] if key not in columns]
    if missing:
        refuse(
            path,
            [
                f"column {key} is missing; columns are separated by tabs, and the first line "
                f"names them: {', '.join(properties)}"
                for key in missing
            ],
        )
    if not rows:
        refuse(path, ["it lists no recording; add one row per recording"])
    faults, sessions, lines = [], [], {}
    for line, row in rows:
        row = {
            key: typed(value.strip(), key, properties)
            for key, value in row.items()
            if isinstance(value, str) and value.strip()
        } | {
            key: value
            for key, value in row.items()
            if not isinstance(value, str) and value
        }
        where = f"line {line}, "
        found = faults_of(row, sheet_schema, where)
        session = row.get("session")
        if session in lines:
            found.append(
                f"{where}session: {session} is also in line {lines[session]}; "
                "give each recording a name of its own"
            )
        lines.setdefault(session, line)
        if not found:
            row = {key: entry.get("default") for key, entry in properties.items()} | row
            found = faults_of_files(row, config, where)
            animals = [row]
            if row["individual"] == "all" and not found:
                animals, found = rows_of_animals(row, config["individual_prefixes"])
                found = [f"{where}{fault}" for fault in found]
            sessions += animals
        faults += found
    faults += faults_between_rows(sessions, config)
    names = {row["session"] for row in sessions}
    trained = names & set(config["train_on"] or names)
    groups = {row["group"] for row in sessions if row["session"] in trained}
    for key, known in (
        ("train_on", names),
        ("test_sessions", trained),
        ("test_groups", groups),
    ):
        which = " that train_on lists" if config["train_on"] and known != names else ""
        faults += [
            f"{key} in the config: no recording of this sheet{which} is {name!r}; "
            f"there are: {', '.join(sorted(known))}"
            for name in config[key] or []
            if name not in known and not config["use_model"]
        ]
    if faults:
        refuse(path, faults)
    return sessions


def read_sheet(path):
    """Names of the columns, and (line, row) of every row that is not blank."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(
                file, delimiter="\t", restkey="(beyond the last column)"
            )
            columns = table.fieldnames or []
            return columns, [
                (table.line_num, row) for row in table if any(row.values())
            ]
    except (UnicodeDecodeError, csv.Error) as error:
        refuse(path, [f"it is no table of text ({error}); save it as UTF-8 with tabs"])


def faults_of_files(row, config, where):
    faults = []
    for key in ("poses", "features", "labels", "video"):
        if row[key] and not row[key].startswith(DEMO):
            faults += faults_of_path(
                row[key],
                f"{where}{key}: {row[key]} does not exist; the path is relative to "
                f"{Path.cwd()}",
                f"{where}{key}: ",
            )
    if not faults and workflow.is_main_process and Path(row["poses"]).is_file():
        faults = faults_of_header(row, config, where)
    return faults


def faults_of_path(path, absent, where):
    """Why no job could read a file of the user's: `absent`, or what is wrong with its address."""
    if is_url(path):
        lacking = plugin_lacking(path)
        return [f"{where}{lacking}"] if lacking else []
    if not jobs_share_a_disk():
        return [
            f"{where}{path} lies on this machine, whose disks the jobs do not see; put it where "
            "they can fetch it from, and name its address (s3://…, https://…)"
        ]
    return [] if Path(path).is_file() else [absent]


def jobs_share_a_disk():
    """Whether jobs see the files of this machine: not on Kubernetes, for one."""
    return SharedFSUsage.INPUT_OUTPUT in workflow.storage_settings.shared_fs_usage


def is_url(path):
    """Whether a cell of the sheet names a file that lies elsewhere: https://…, s3://…"""
    return re.match(r"[a-z][a-z0-9+.-]+://", path) is not None


def plugin_lacking(url):
    """What to install before Snakemake can fetch a URL; None where it can."""
    try:
        workflow.storage_registry.infer_provider(url)
    except WorkflowError:
        scheme = url.split(":")[0]
        name = "http" if scheme == "https" else scheme
        return (
            f"{url} cannot be fetched; install snakemake-storage-plugin-{name} in Snakemake's own "
            "environment, or correct the address"
        )


def faults_of_header(row, config, where):
    """Keypoints of the config and the individual of the row that the pose file lacks."""
    individuals, known = header_of(row["poses"], config["individual_prefixes"])
    wanted = {"center": [config["center"]], "orient": [config["orient"]]}
    wanted["keypoints"] = config["keypoints"] or []
    if FROZEN:
        wanted["use_model"] = keypoints_of_model(FROZEN)
    faults = [
        f"{where}poses: {row['poses']} has no keypoint {name!r} ({key} in the config)"
        f"{nearest_names(name, known)}; it has: {', '.join(dict.fromkeys(known))}"
        for key, names in wanted.items()
        for name in names
        if known and name not in known
    ]
    chosen = row["individual"]
    if len(individuals) > 1 and chosen not in [*individuals, "all"]:
        faults.append(
            f"{where}individual: {row['poses']} has {len(individuals)} animals, "
            f"{', '.join(individuals)}; "
            + (f"{chosen!r} is none of them" if chosen else "name one, or 'all'")
        )
    return faults


def keypoints_of_model(frozen):
    """Names of the keypoints whose coordinates are among the features of a model."""
    coordinates = [name for name in frozen["features"] if name not in frozen["scalars"]]
    return sorted({name[:-2] for name in coordinates})


def nearest_names(name, known):
    folded = {other.casefold(): other for other in known}
    close = difflib.get_close_matches(name.casefold(), folded, 3)
    return (
        f", did you mean {' or '.join(folded[match] for match in close)}?"
        if close
        else ""
    )


def faults_between_rows(sessions, config):
    """What shows only when all rows are known; animals that no row names get a warning."""
    names = [row["session"] for row in sessions]
    faults = [
        f"session: {name} is also what individual: all makes; rename one of them"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    groups = {}
    for row in sessions:
        if row["animal"] and row["group"]:
            groups.setdefault(row["animal"], set()).add(row["group"])
    faults += [
        f"animal: {name} is in the groups {', '.join(sorted(own))}, and groups are compared by "
        "animals; give it one group, or none"
        for name, own in groups.items()
        if len(own) > 1
    ]
    if not workflow.is_main_process:
        return faults
    headers = {
        row["poses"]: header_of(row["poses"], config["individual_prefixes"])
        for row in sessions
        if Path(row["poses"]).is_file()
    }
    for path, (individuals, _) in headers.items():
        named = {row["individual"] for row in sessions if row["poses"] == path}
        others = [name for name in individuals if name not in named]
        if len(individuals) > 1 and others:
            logger.warning(
                f"WARNING: {path} also holds {', '.join(others)}, which no row of the sheet names"
            )
    known = {name for _, keypoints in headers.values() for name in keypoints}
    known_all = all(keypoints for _, keypoints in headers.values())
    if known and known_all and not config["use_model"]:
        faults += [
            f"exclude_keypoints in the config: no recording has a keypoint {name!r}"
            f"{nearest_names(name, sorted(known))}"
            for name in config["exclude_keypoints"]
            if name not in known
        ]
    return faults


def refuse(where, faults):
    listed = "\n".join(f"  - {fault}" for fault in faults)
    raise WorkflowError(f"{where} has {len(faults)} fault(s):\n{listed}")
