"""Recognise from a pose file's content which program wrote it."""

from pathlib import Path

import h5py
from formats.text import is_hdf5, starts_with

from pose_prep.contents import rows_of, text_of, text_start
from pose_prep.unknown import KNOWN, TEXT, text_kind

NUMPY = b"\x93NUMPY"


def recognise(path: str | Path) -> str:
    """Return the `software` of a pose file, as `reading.loader_of` takes it.

    LightningPose writes DeepLabCut's layout; its scorer distinguishes them. Any other file raises a
    ValueError with its probable format.
    """
    if is_numpy(path):
        return "VAME"
    if is_hdf5(path):
        with h5py.File(path) as file:
            software = _of_hdf5(file)
            held = f"HDF5 that contains {', '.join(sorted(file)[:8]) or 'nothing'}"
    else:
        text = text_start(path)
        first = next(rows_of(text))
        software = _of_header(first)
        held = f"it starts with {','.join(first)[:60]!r}"
        if not software and (kind := text_kind(text, TEXT)):
            raise ValueError(kind)
    if not software:
        raise ValueError(f"unknown format ({held}); known formats: {KNOWN}")
    return software


def is_numpy(path: str | Path) -> bool:
    return starts_with(path, NUMPY)


def _of_hdf5(file):
    if {"frames", "instances", "metadata"} <= file.keys():
        return "SLEAP"
    if {"tracks", "node_names"} <= file.keys():
        return "SLEAP"
    if "position" in file:
        return "VAME" if is_processed_by_vame(file) else "movement"
    if text_of(file.attrs.get("neurodata_type")) == "NWBFile":
        return "NWB"
    return "DeepLabCut" if pandas_tables(file) else None


def _of_header(row):
    if row and row[0] == "scorer":
        scorer = next(filter(None, row[1:]), "")
        return "LightningPose" if "heatmap" in scorer else "DeepLabCut"
    return "Anipose" if {"fnum", "M_00"} <= set(row) else None


def is_processed_by_vame(file) -> bool:
    """True if a netCDF (opened by h5py, or as a dataset) contains VAME's own cleaned series."""
    return "position_processed" in file and "centered_reference_keypoint" in file.attrs


def pandas_tables(file: h5py.File) -> list[str]:
    """List the groups that pandas wrote tables to."""
    return [
        name
        for name, item in file.items()
        if isinstance(item, h5py.Group) and "pandas_type" in item.attrs
    ]
