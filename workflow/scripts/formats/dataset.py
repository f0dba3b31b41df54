"""The description of a dataset: `results/dataset/dataset.json`.

`segments` lists each run of usable, consecutive frames of a recording in one split:
`{"session", "side": "train" | "test", "start", "stop", "first_frame"}`, where start and stop
(excluded) are rows of that split's array and first_frame is the recording's frame at start.
"""

from typing import Any


def locate(row: int, description: dict[str, Any], side: str) -> tuple[str, int]:
    """Return session and recording's frame of a row of one split's array."""
    segment = next(
        s for s in description["segments"] if s["side"] == side and s["start"] <= row < s["stop"]
    )
    return segment["session"], segment["first_frame"] + row - segment["start"]
