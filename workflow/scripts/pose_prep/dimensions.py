"""movement's dataset, with `keypoints` and `individuals`, whatever its version calls these."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from movement.validators.datasets import ValidPosesInputs

PLURALS = {"keypoint": "keypoints", "individual": "individuals"}
"""Dimension names: movement uses the plurals before 0.17, and the singulars since."""


def with_plurals(dataset: xr.Dataset) -> xr.Dataset:
    """Rename the dimensions that a dataset of any version of movement has."""
    return dataset.rename({old: new for old, new in PLURALS.items() if old in dataset.dims})


def poses_dataset(
    position: np.ndarray,
    confidence: np.ndarray | None,
    individuals: Sequence[str] | None,
    keypoints: Sequence[str],
    fps: float,
) -> xr.Dataset:
    """Make movement's dataset of arrays, as `movement.io.load_poses.from_numpy` does.

    `movement.io` imports the libraries of all programs whose files it reads: more than a second.

    Parameters
    ----------
    position
        (time, space, keypoints, individuals).
    confidence
        (time, keypoints, individuals); NaN if None.
    """
    inputs = ValidPosesInputs(
        position_array=position,
        confidence_array=confidence,
        individual_names=individuals,
        keypoint_names=keypoints,
        fps=fps,
    )
    return with_plurals(inputs.to_dataset())
