"""Read the files of pose trackers, through movement.

A reader takes (path, fps) and returns movement's dataset. Each module of readers documents what
movement 0.15 rejects or misreads in its files; everything else is left to movement's loaders.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import xarray as xr
from formats.names import animal_of_prefix, prefix_of

from pose_prep.anipose import load_anipose
from pose_prep.contents import check_unique
from pose_prep.deeplabcut import load_deeplabcut
from pose_prep.isolation import in_a_process
from pose_prep.netcdf import load_movement
from pose_prep.nwb import load_nwb
from pose_prep.plausibility import correct_readings
from pose_prep.recognition import recognise
from pose_prep.vame import load_vame

LOADERS = {
    "DeepLabCut": load_deeplabcut,
    "LightningPose": load_deeplabcut,
    "NWB": load_nwb,
    "Anipose": load_anipose,
    "movement": load_movement,
    "VAME": load_vame,
}
"""Readers by program, but for SLEAP's (`loader_of`)."""

RATES_DIFFER = 0.02
"""Fraction by which a file's frame rate may differ from that of the sessions table."""


def read_poses(
    path: str | Path,
    software: str,
    fps: float,
    individual: str | None = None,
    prefixes: Sequence[str] = (),
) -> xr.Dataset:
    """Read the track of one animal.

    Parameters
    ----------
    software
        A key of `LOADERS`, or SLEAP; recognised from the file if empty.
    individual
        The animal to read; required only if the file contains several.
    prefixes
        Prefixes of keypoint names, one per animal, in files without individuals; see
        `split_by_prefix`.

    Returns
    -------
    movement's poses dataset: `position` (time, space, keypoints, individuals) and `confidence`
    (time, keypoints, individuals), float64, one individual, NaN where the file has no value; and
    `features` (time, feature), if the file has scalars. VAME's own series are
    features only. `attrs["notes"]` lists what was left out or repaired, and differing frame
    rates; `attrs["file_fps"]` is the frame rate given in the file, if any.

    Raises
    ------
    ValueError
        If the individual is unknown, or the file is damaged or of another format.
    """
    try:
        found = software or in_a_process(recognise, Path(path))
        poses = in_a_process(_load, Path(path), loader_of(found), float(fps))
    except ValueError as error:
        shown = f" as {software}" if software else ""
        raise ValueError(f"{path}: cannot be read{shown}: {error}") from error
    notes = list(filter(None, [poses.attrs.get("notes", "")]))
    notes += _compare_rates(poses.attrs.get("file_fps"), fps)
    if "position" in poses:
        poses = split_by_prefix(poses, prefixes, notes)
        poses = _select_individual(poses, individual, path, notes)
        for name in ("position", "confidence"):
            poses[name] = poses[name].astype(np.float64)
        poses = correct_readings(poses, notes)
    attributes = {"source_software": found, "source_file": str(path), "fps": float(fps)}
    return poses.assign_attrs(attributes, notes="; ".join(notes))


def loader_of(software: str) -> Callable[[Path, float], xr.Dataset]:
    """Return the reader of a program's files.

    SLEAP's libraries take a second to import. This process, whose job records their versions,
    imports them, and only for SLEAP's files.
    """
    if software == "SLEAP":
        from pose_prep.sleap import load_sleap  # noqa: PLC0415

        return load_sleap
    return LOADERS[software]


def _load(path, loader, fps):
    poses = loader(path, fps).load()
    if 0 in poses.sizes.values():
        raise ValueError("contains no frames, or no keypoints")
    for name in ("keypoints", "individuals"):
        if name in poses.indexes:
            check_unique(poses.indexes[name], name)
    return poses


def _compare_rates(file_fps, fps):
    """Return a note if the frame rate of the file differs from the sessions table's."""
    if not file_fps or abs(file_fps / fps - 1) <= RATES_DIFFER:
        return []
    return [f"the file has {file_fps:.4g} frames per second, the sessions table {fps:.4g}"]


def describe_poses(poses: xr.Dataset) -> str:
    """Describe what was read, in a few lines."""
    attributes = poses.attrs
    lines = [
        f"read {attributes['source_file']} as {attributes['source_software']}: "
        f"{poses.sizes['time']} frames at {attributes['fps']} fps"
    ]
    for name in ("individuals", "keypoints", "feature"):
        if name in poses.coords:
            lines.append(f"{name}: {', '.join(map(str, poses[name].values))}")
    return "\n".join([*lines, attributes["notes"]])


def split_by_prefix(poses: xr.Dataset, prefixes: Sequence[str], notes: list[str]) -> xr.Dataset:
    """Turn prefixes of keypoint names into individuals, in a file without individuals.

    `B_nose` and `W_nose` become the keypoint `nose` of the individuals `B` and `W`. A keypoint
    belongs to the longest matching prefix: with `m1` and `m10`, `m10nose` is the nose of `m10`. A
    file with several individuals, or without any such name, is not changed; keypoints without a
    prefix belong to no animal and are left out, with a note.

    Raises
    ------
    ValueError
        If two prefixes give the same individual, such as `m1_` and `m1-`.
    """
    names = [str(name) for name in poses.keypoints.values]
    prefix_of_name = {name: prefix_of(name, prefixes) for name in names}
    own = {
        prefix: [name for name in names if prefix_of_name[name] == prefix]
        for prefix in prefixes
        if prefix in prefix_of_name.values()
    }
    if not own or poses.sizes["individuals"] > 1:
        return poses
    individuals = [*map(animal_of_prefix, own)]
    if len(set(individuals)) < len(own):
        raise ValueError(
            f"individual_prefixes: two of {', '.join(own)} would be the same individual; leave one "
            "out"
        )
    animals = []
    for individual, (prefix, members) in zip(individuals, own.items(), strict=True):
        animal = poses.sel(keypoints=members).assign_coords(
            keypoints=[name.removeprefix(prefix) for name in members], individuals=[individual]
        )
        animals.append(animal.assign(tracked=xr.ones_like(animal.confidence[0], dtype=bool)))
    left_out = [name for name in names if not prefix_of_name[name]]
    if left_out:
        notes.append(f"keypoints without an animal, left out: {', '.join(left_out)}")
    keypoints = list(dict.fromkeys(name for one in animals for name in one.keypoints.values))
    merged = xr.concat(
        animals, "individuals", data_vars="minimal", join="outer", combine_attrs="override"
    )
    merged["tracked"] = merged.tracked == 1  # NaN where an animal lacks a keypoint that another has
    return merged.sel(keypoints=keypoints)


def _select_individual(poses, individual, path, notes):
    names = [str(name) for name in poses.individuals.values]
    if not individual and len(names) > 1:
        raise ValueError(
            f"{path}: contains {len(names)} individuals; name one in the column 'individual', or "
            f"'all': {', '.join(names)}"
        )
    if individual and individual not in names:
        raise ValueError(f"{path}: no individual {individual!r}; it contains {', '.join(names)}")
    chosen = individual or names[0]
    others = [name for name in names if name != chosen]
    if others:
        notes.append(f"the file also contains {', '.join(others)}")
    poses = poses.sel(individuals=[chosen])
    if "tracked" in poses:
        poses = poses.isel(keypoints=poses.tracked.values[:, 0]).drop_vars("tracked")
    return poses
