"""Labels of behaviour: shifted, and at the frames that are scored."""

from collections.abc import Mapping

import numpy as np


def shift_labels(
    labels: Mapping[str, np.ndarray], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Shift labels circularly within each session by a random number of frames.

    Shifted labels are as frequent and last as long, but are unrelated to the motifs: what the two
    still share gives the chance level.
    """
    return {
        session: np.roll(own, int(rng.integers(len(own) // 10, len(own) - len(own) // 10)))
        for session, own in labels.items()
    }


def at_frames(labels: Mapping[str, np.ndarray], frames: Mapping[str, np.ndarray]) -> np.ndarray:
    """Labels at these frames, one session after the other."""
    return np.concatenate([labels[session][own] for session, own in frames.items()])
