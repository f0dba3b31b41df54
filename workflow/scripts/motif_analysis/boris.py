"""Projects of BORIS (Friard & Gamba 2016), a program for the annotation of behaviours."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import ascii_lowercase, digits
from typing import Any

import numpy as np
import pandas as pd

VERSION = "7.0"
"""Of the project's format, which BORIS 7, 8 and 9 have in common."""
PLAYERS = 8


def behaviours_of(bouts: pd.DataFrame, labels: Mapping[str, np.ndarray]) -> list[str]:
    """Return the labels in use; if there are none, the names or numbers of motifs."""
    known = sorted({str(label) for own in labels.values() for label in np.unique(own)} - {""})
    if known:
        return known
    motifs = bouts[["motif", "name"]].drop_duplicates().sort_values("motif")
    return [name or f"motif {motif}" for motif, name in motifs.itertuples(index=False)]


def boris_project(
    name: str,
    behaviours: Sequence[str],
    sessions: Sequence[Mapping[str, Any]],
    suggestions: pd.DataFrame,
    videos: Mapping[str, str],
    seconds: Mapping[str, float],
    folder: str | Path,
) -> dict[str, Any]:
    """Make a project without events: behaviours, animals, and an observation for each video.

    Parameters
    ----------
    sessions
        session, animal and fps as recorded, of each.
    suggestions
        Whose times the description of each observation lists.
    videos
        Of the sessions that have one; those on the web are left out: BORIS plays files.
    seconds
        How long each session lasts.
    folder
        Folder of the project, from which videos are addressed.
    """
    keys = ascii_lowercase + digits
    files = {
        session: os.path.relpath(video, folder).replace(os.sep, "/")
        for session, video in videos.items()
        if "://" not in video
    }
    return {
        "time_format": "hh:mm:ss",
        "project_date": "",
        "project_name": name,
        "project_description": "Bouts to label are listed with each video.",
        "project_format_version": VERSION,
        "subjects_conf": {
            str(number): {"key": "", "name": animal, "description": ""}
            for number, animal in enumerate(dict.fromkeys(row["animal"] for row in sessions))
        },
        "behaviors_conf": {
            str(number): _behave(label, keys[number : number + 1])
            for number, label in enumerate(behaviours)
        },
        "observations": {
            row["session"]: _observe(
                suggestions[suggestions["session"] == row["session"]],
                files[row["session"]],
                seconds[row["session"]],
                row["fps"],
            )
            for row in sessions
            if row["session"] in files
        },
        "behavioral_categories": [],
        "independent_variables": {},
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }


def _behave(label, key):
    return {
        "type": "State event",
        "key": key,
        "code": label.replace("|", "/"),  # which parts behaviours in BORIS
        "description": "",
        "color": "",
        "category": "",
        "modifiers": {},
        "excluded": "",
        "coding map": "",
    }


def _observe(suggestions, path, seconds, fps):
    times = [
        f"{row.start_seconds:.2f} to {row.stop_seconds:.2f} s (suggestion {row.rank})"
        for row in suggestions.sort_values("start").itertuples()
    ]
    return {
        "file": {str(1 + player): [] if player else [path] for player in range(PLAYERS)},
        "type": "MEDIA",
        "date": "2000-01-01T00:00:00",
        "description": "\n".join(times),
        "time offset": 0.0,
        "events": [],
        "observation time interval": [0, 0],
        "independent_variables": {},
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": {path: seconds},
            "fps": {path: fps},
            "hasVideo": {path: True},
            "hasAudio": {path: False},
            "offset": {"1": 0.0},
        },
    }
