"""All that the rules know about a run: config, sessions, models, segmentations."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings.config import checked_config, warnings_about
from settings.durations import in_frames, in_seconds
from settings.files import Access
from settings.frozen import frozen_model, names_beside, segmenters_beside
from settings.intervals import check_intervals
from settings.models import models_to_embed, of_rule, settings_of_model
from settings.nwb import metadata_errors, metadata_of
from settings.orphans import find_orphans, patterns_of
from settings.references import reference_segmenters
from settings.schema import Schema, SettingsError, read_schema
from settings.sessions import Row, checked_sessions

AUTO = "auto"
"""Value of `n_motifs` if the number is chosen from several."""
MOST_NUMBERS = 12
TO_MOTIFS = ("import_poses", "align_poses", "split_dataset", "train_model", "segment_motifs")
"""Rules whose settings decide what motifs there are."""


OF_EACH_SESSION = [
    "results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv",
    "results/figures/{model}/seed{seed}/{segmentation}/ethograms/{session}.svg",
    "results/figures/{model}/seed{seed}/{segmentation}/ethograms/{session}.png",
]
"""Files of each session that one job writes for all, so that its rule has no {session}."""


@dataclass(frozen=True)
class Run:
    """A run as defined by config and sessions table.

    Attributes
    ----------
    frozen
        Description of the exported model of `use_model`; None where models are trained.
    sessions
        By name; the order of the table's lines has no effect.
    segmenters
        Files of the frozen model's segmenters, by segmentation.
    references
        Files of the segmenters whose motif numbers are kept, by segmentation; only for those that
        are fitted in this run, and if `reference_segmenters` is set.
    """

    config: dict[str, Any]
    schema: Schema
    session_schema: Schema
    frozen: dict[str, Any] | None
    sessions: dict[str, Row]
    models: dict[str, dict[str, Any]]
    segmenters: dict[str, str]
    references: dict[str, str]

    @property
    def trained_on(self) -> list[str]:
        """Sessions of the dataset; the others are only embedded."""
        chosen = self.config["train_on"]
        return [name for name in self.sessions if self.frozen or not chosen or name in chosen]

    @property
    def trained(self) -> list[str]:
        """Models that are trained in this run; a frozen one is not."""
        return [] if self.frozen else list(self.models)

    @property
    def embedded(self) -> list[str]:
        return list(self.models) if self.frozen else models_to_embed(self.config)

    @property
    def segmentations(self) -> list[str]:
        return segmentations_of(self.config)

    def find_orphans(self, paths: Iterable[str]) -> list[str]:
        """Find results of names that are no longer set; none with a frozen model.

        Parameters
        ----------
        paths
            Outputs, logs and benchmarks of all rules, with their wildcards.
        """
        if self.frozen:
            return []
        known = {
            "model": self.models.keys(),
            "seed": {str(seed) for seed in self.config["seeds"]},
            "segmentation": set(self.segmentations),
            "session": self.sessions.keys(),
        }
        return find_orphans(Path(), patterns_of([*paths, *OF_EACH_SESSION]), known)

    # Functions that Snakemake calls for each job, with its wildcards.

    def recording_of_session(self, wildcards: Any) -> dict[str, Any]:
        row = self.sessions[wildcards.session]
        return {key: row[key] for key in ("body_length", "fps", "individual", "software")}

    def demo_recording(self, wildcards: Any) -> dict[str, Any]:
        """Return all that a simulated recording depends on; its seed depends on its name."""
        row, demo = self.sessions[wildcards.session], self.config["demo"]
        seed = [demo["seed"], zlib.crc32(wildcards.session.encode())]
        return {"fps": row["fps"], "frames": demo["frames"], "group": row["group"], "seed": seed}

    def windows_of_model(self, wildcards: Any) -> dict[str, Any]:
        """Return the frames per window, and the commonest frame rate."""
        settings = self.frozen["settings"] if self.frozen else self.models[wildcards.model]
        rates = [row["fps"] for row in self.sessions.values()]
        fps = self.config["resample_fps"] or max(rates, key=rates.count)
        return {"time_window": settings["time_window"], "fps": fps}

    def numbers_of_motifs(self, wildcards: Any) -> list[int]:
        """Return the candidates for the number of motifs: the one in the config, or several.

        With `auto` they are spaced geometrically, at most twelve.
        """
        number = wildcards.segmentation.rpartition("-")[2]
        if number != AUTO:
            return [int(number)]
        low, high = self.config["n_motifs_range"]
        steps = range(MOST_NUMBERS)
        return sorted({round(low * (high / low) ** (i / steps[-1])) for i in steps})

    def session_to_export(self, wildcards: Any) -> dict[str, Any]:
        return metadata_of(self.sessions[wildcards.session])

    def check_metadata(self, wildcards: Any) -> list[str]:
        """Raise a SettingsError if an NWB file of this session would lack what it needs.

        It names what all sessions lack, so that the table is filled in once. As an input of a rule,
        it is called before any job runs; it adds no file.
        """
        if metadata_errors([self.sessions[wildcards.session]], self.session_schema):
            errors = metadata_errors(self.sessions.values(), self.session_schema)
            raise SettingsError(self.config["sessions"], errors)
        return []

    def settings_to_motifs(self, wildcards: Any) -> dict[str, Any]:
        """Settings that the motifs of one model depend on; of a frozen one, as it was trained."""
        frozen = self.frozen["settings"] if self.frozen else {}
        own = self.models[wildcards.model] | frozen
        elsewhere = ["split_dataset"] * bool(frozen)
        elsewhere += ["segment_motifs"] * (wildcards.segmentation in self.segmenters)
        rules = [rule for rule in TO_MOTIFS if rule not in elsewhere]
        settings = {
            key: value for rule in rules for key, value in of_rule(rule, self.schema, own).items()
        }
        return dict(sorted(settings.items()))

    def segmented(self) -> list[dict[str, str]]:
        """Return model, seed and name of each segmentation, in the order of the tables."""
        return [
            {"model": model, "seed": str(seed), "segmentation": segmentation}
            for model in self.embedded
            for seed in self.config["seeds"]
            for segmentation in self.segmentations
        ]

    def names_of_motifs(self, segmentation: str) -> str | None:
        """The file with names of a segmentation's motifs: the config's, or beside a frozen model.

        The latter belongs to the segmenters there; motifs that are fitted here are others.
        """
        if self.config["motif_names"] or segmentation not in self.segmenters:
            return self.config["motif_names"]
        return names_beside(self.config["use_model"])

    def groups_to_hold_out(self) -> dict[str, str]:
        """Return the group of each session to train on, if groups are held out."""
        used = bool(self.config["test_groups"])
        return {name: self.sessions[name]["group"] if used else "" for name in self.trained_on}

    def animals(self) -> list[dict[str, Any]]:
        """Return the animal and group of each session."""
        return [
            {"session": name, "animal": row["animal"] or name, "group": row["group"]}
            for name, row in self.sessions.items()
        ]

    def described(self) -> list[dict[str, Any]]:
        """Return `animals`, and the species of each, or ''."""
        both = zip(self.animals(), self.sessions.values(), strict=True)
        return [names | {"species": row["species"]} for names, row in both]

    def compared(self) -> list[dict[str, Any]]:
        """What `animals` has, frames per second, and the animal's factors."""
        factors = self.config["factors"]
        return [
            names | {"fps": row["fps"], "factors": {name: row[name] for name in factors}}
            for names, row in zip(self.animals(), self.sessions.values(), strict=True)
        ]

    @property
    def over_time(self) -> list[str]:
        """Segmentations whose usage is counted over time: all, or none if nothing says how."""
        set_so = self.config["intervals"] or self.config["time_bins"]
        return self.segmentations if set_so else []

    def labelled(self) -> list[dict[str, Any]]:
        """Return `animals`, and which sessions have labels, at which frame rate."""
        return [
            names | {"fps": row["fps"], "labelled": bool(row["labels"])}
            for names, row in zip(self.animals(), self.sessions.values(), strict=True)
        ]

    def shown(self) -> list[dict[str, Any]]:
        """Return `labelled`, and the path of each session's video, or ''."""
        both = zip(self.labelled(), self.sessions.values(), strict=True)
        return [names | {"video": row["video"]} for names, row in both]


def read_run(
    config: Mapping[str, Any],
    config_schema: str,
    sessions_schema: str,
    access: Access,
    warn: Callable[[str], None] | None,
) -> Run:
    """Check config and sessions table, and warn about settings with surprising effects.

    Parameters
    ----------
    warn
        Function that prints a warning; None in a job, which need not repeat the checks of the main
        process.

    Raises
    ------
    SettingsError
        Naming all errors of the config, or of the table, at once.
    """
    schema, of_sessions = read_schema(config_schema), read_schema(sessions_schema)
    frozen = frozen_model(config, access)
    config = in_seconds(in_frames(config, schema, of_sessions), schema)
    config = checked_config(config, schema, access, frozen)
    rows = checked_sessions(config, of_sessions, access, frozen, warn=warn)
    models = {
        name: settings_of_model(config, changes, schema)
        for name, changes in config["models"].items()
    }
    wanted = segmentations_of(config)
    segmenters = segmenters_beside(config["use_model"], frozen, wanted) if frozen else {}
    fitted = [name for name in wanted if name not in segmenters]
    references = reference_segmenters(config["reference_segmenters"], fitted, access)
    if warn:
        check_intervals(config["intervals"], [row["session"] for row in rows])
        for sentence in warnings_about(config, {} if frozen else models, schema):
            warn(sentence)
        lacking = [name for name in wanted if frozen and name not in segmenters]
        if lacking:
            warn(
                f"use_model: the model has no segmenter of {', '.join(lacking)}; motifs "
                "are fitted to these recordings, and differ from those of the training"
            )
    sessions = {row["session"]: row for row in sorted(rows, key=lambda row: row["session"])}
    return Run(config, schema, of_sessions, frozen, sessions, models, segmenters, references)


def segmentations_of(config: Mapping[str, Any]) -> list[str]:
    return [
        f"{algorithm}-{n_motifs}"
        for algorithm in config["motifs"]
        for n_motifs in config["n_motifs"]
    ]
