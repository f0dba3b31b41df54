"""Names of dimensions: `keypoints` and `individuals`, whatever movement's version calls them."""

import xarray as xr

PLURALS = {"keypoint": "keypoints", "individual": "individuals"}
"""Dimension names: movement uses the plurals before 0.17, and the singulars since."""


def with_plurals(dataset: xr.Dataset) -> xr.Dataset:
    """Rename the dimensions that a dataset of any version of movement has."""
    return dataset.rename({old: new for old, new in PLURALS.items() if old in dataset.dims})
