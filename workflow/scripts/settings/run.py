"""All that the rules know of a run: config, sessions, models, segmentations."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from settings.config import checked_config, warnings_about
from settings.durations import in_frames, in_seconds
from settings.files import Access
from settings.frozen import frozen_model, segmenters_beside
from settings.intervals import check_intervals
from settings.models import models_to_embed, settings_of_model
from settings.orphans import find_orphans, patterns_of
from settings.references import reference_segmenters
from settings.schema import Schema, read_schema
from settings.sessions import Row, checked_sessions

AUTO = "auto"
"""As `n_motifs`: the number is chosen from several."""
MOST_NUMBERS = 12


@dataclass(frozen=True)
class Run:
    """A run as config and sessions table set it.

    Attributes
    ----------
    frozen
        What the exported model of `use_model` says of itself; None where models are trained.
    sessions
        By name: the order of the table's lines means nothing.
    segmenters
        Files of the segmenters that came with the frozen model, by segmentation.
    references
        Files of the segmenters whose numbers of motifs are kept, by segmentation; of those that are
        fitted here, if `reference_segmenters` is set.
    """

    config: dict[str, Any]
    schema: Schema
    frozen: dict[str, Any] | None
    sessions: dict[str, Row]
    models: dict[str, dict[str, Any]]
    segmenters: dict[str, str]
    references: dict[str, str]

    @property
    def trained_on(self) -> list[str]:
        """Sessions that the dataset is made of; the others are embedded only."""
        chosen = self.config["train_on"]
        return [name for name in self.sessions if self.frozen or not chosen or name in chosen]

    @property
    def trained(self) -> list[str]:
        """Models that are trained here; a frozen one was elsewhere."""
        return [] if self.frozen else list(self.models)

    @property
    def embedded(self) -> list[str]:
        return list(self.models) if self.frozen else models_to_embed(self.config)

    @property
    def segmentations(self) -> list[str]:
        return segmentations_of(self.config)

    def find_orphans(self, paths: Iterable[str]) -> list[str]:
        """Results of what is no longer set; none with a frozen model, which says not what is kept.

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
        return find_orphans(Path(), patterns_of(paths), known)

    # What Snakemake asks of each job, by its wildcards.

    def recording_of_session(self, wildcards: Any) -> dict[str, Any]:
        row = self.sessions[wildcards.session]
        return {key: row[key] for key in ("body_length", "fps", "individual", "software")}

    def demo_recording(self, wildcards: Any) -> dict[str, Any]:
        """What a simulated recording depends on; its name takes part in its seed."""
        row, demo = self.sessions[wildcards.session], self.config["demo"]
        seed = [demo["seed"], zlib.crc32(wildcards.session.encode())]
        return {"fps": row["fps"], "frames": demo["frames"], "group": row["group"], "seed": seed}

    def windows_of_model(self, wildcards: Any) -> dict[str, Any]:
        """Frames of a window, and how many of them a second has (the commonest frame rate)."""
        settings = self.frozen["settings"] if self.frozen else self.models[wildcards.model]
        rates = [row["fps"] for row in self.sessions.values()]
        fps = self.config["resample_fps"] or max(rates, key=rates.count)
        return {"time_window": settings["time_window"], "fps": fps}

    def numbers_of_motifs(self, wildcards: Any) -> list[int]:
        """Numbers of motifs that one is chosen from: the one that the config names, or several.

        Those of auto are spaced geometrically, and at most twelve.
        """
        number = wildcards.segmentation.rpartition("-")[2]
        if number != AUTO:
            return [int(number)]
        low, high = self.config["n_motifs_range"]
        steps = range(MOST_NUMBERS)
        return sorted({round(low * (high / low) ** (i / steps[-1])) for i in steps})

    def segmented(self) -> list[dict[str, str]]:
        """Model, seed and name of each segmentation, in the order in which tables are listed."""
        return [
            {"model": model, "seed": str(seed), "segmentation": segmentation}
            for model in self.embedded
            for seed in self.config["seeds"]
            for segmentation in self.segmentations
        ]

    def groups_to_hold_out(self) -> dict[str, str]:
        """The group of each session to train on, where groups are held out."""
        used = bool(self.config["test_groups"])
        return {name: self.sessions[name]["group"] if used else "" for name in self.trained_on}

    def animals(self) -> list[dict[str, Any]]:
        """The animal and group of each session."""
        return [
            {"session": name, "animal": row["animal"] or name, "group": row["group"]}
            for name, row in self.sessions.items()
        ]

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
        """What `animals` has, which sessions have labels, and at how many frames a second."""
        return [
            names | {"fps": row["fps"], "labelled": bool(row["labels"])}
            for names, row in zip(self.animals(), self.sessions.values(), strict=True)
        ]


def read_run(
    config: Mapping[str, Any],
    config_schema: str,
    sessions_schema: str,
    access: Access,
    warn: Callable[[str], None] | None,
) -> Run:
    """Check config and sessions table, and say what is allowed but may surprise.

    Parameters
    ----------
    warn
        Takes a sentence for the user; None in a job, which need not check again what Snakemake
        checked before it.

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
                f"use_model: no segmenter of {', '.join(lacking)} lies beside the model; motifs "
                "are fitted on these recordings, and are others than those of the training"
            )
    sessions = {row["session"]: row for row in sorted(rows, key=lambda row: row["session"])}
    return Run(config, schema, frozen, sessions, models, segmenters, references)


def segmentations_of(config: Mapping[str, Any]) -> list[str]:
    return [
        f"{algorithm}-{n_motifs}"
        for algorithm in config["motifs"]
        for n_motifs in config["n_motifs"]
    ]
