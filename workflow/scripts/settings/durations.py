"""Settings in frames that may be given in seconds, as "1.0 s"."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from settings.schema import Schema, coerce
from settings.sessions import read_rows

DURATION = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*s\s*")


def in_frames(config: Mapping[str, Any], schema: Schema, sessions: Schema) -> dict[str, Any]:
    """Convert durations in seconds to frames, in the config, its models and its grid.

    Only settings whose schema has `seconds: true` allow this. A duration that cannot be
    converted is left unchanged, and the schema check rejects it.

    Parameters
    ----------
    sessions
        Schema of the sessions table, which gives the frame rate if `resample_fps` is not set.

    Raises
    ------
    SettingsError
        If the sessions table, which gives the frame rate, does not exist.
    """
    keys = {key for key, entry in schema["properties"].items() if entry.get("seconds")}
    parts = [config, *_dicts(config.get("models")), *_lists(config.get("grid"))]
    if not any(_seconds(value) for part in parts for key, value in part.items() if key in keys):
        return dict(config)
    fps = frame_rate(config, schema, sessions)

    def turn(settings):
        if not isinstance(settings, dict) or fps is None:
            return settings
        return {
            key: _frames(value, fps) if key in keys else value for key, value in settings.items()
        }

    turned = turn(dict(config))
    if isinstance(config.get("models"), dict):
        turned["models"] = {name: turn(changes) for name, changes in config["models"].items()}
    if "grid" in config:
        turned["grid"] = turn(config["grid"])
    return turned


def frame_rate(config: Mapping[str, Any], schema: Schema, sessions: Schema) -> float | None:
    """Return the frame rate of the aligned poses; None if recordings differ."""
    if (fps := config.get("resample_fps")) is not None:
        rates = [fps]
    else:
        path = config.get("sessions", schema["properties"]["sessions"]["default"])
        rates = [row.get("fps") for _, row in read_rows(Path(path), sessions)]
    rates = {coerce(rate, {"type": "number"}) for rate in rates}
    return rates.pop() if len(rates) == 1 and _is_rate(*rates) else None


def _is_rate(value):
    return isinstance(value, float) and 0 < value < float("inf")


def _dicts(models):
    return [own for own in models.values() if isinstance(own, dict)] if _is_dict(models) else []


def _lists(grid):
    """Return each value of a grid as a separate setting."""
    if not _is_dict(grid):
        return []
    return [{key: value} for key, own in grid.items() if isinstance(own, list) for value in own]


def _is_dict(value):
    return isinstance(value, dict)


def _seconds(value):
    return isinstance(value, str) and DURATION.fullmatch(value)


def _frames(value, fps):
    if isinstance(value, list):
        return [_frames(each, fps) for each in value]
    found = _seconds(value)
    return max(1, round(float(found[1]) * fps)) if found else value
