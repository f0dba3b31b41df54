"""Read what pose trackers write, through ``movement``."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from pose_prep import repairs
from pose_prep.isolation import in_a_process
from pose_prep.recognition import recognise

LOADERS = {
    "DeepLabCut": repairs.load_deeplabcut,
    "LightningPose": lambda path, fps: repairs.load_deeplabcut(path, fps, "LightningPose"),
    "SLEAP": repairs.load_sleap,
    "NWB": repairs.load_nwb,
    "Anipose": repairs.load_anipose,
    "movement": repairs.load_movement,
    "VAME": repairs.load_vame,
}


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
        A key of ``LOADERS``; recognised from the file where it is empty.
    individual
        Whose track to take; needed only where the file holds several.
    prefixes
        Of keypoints' names, one per animal, in files that know one animal only; see
        ``split_by_prefix``.

    Returns
    -------
    movement's poses dataset: ``position`` (time, space, keypoints, individuals) and ``confidence``
    (time, keypoints, individuals), float64, one individual, NaN where the file says nothing; and
    ``features`` (time, feature), where the file has numbers per frame. VAME's own series are
    features alone. ``attrs["notes"]`` says what was left aside.

    Raises
    ------
    ValueError
        Unknown software or individual, a file of another format or a damaged one.
    """
    if software and software not in LOADERS:
        raise ValueError(f"{path}: software {software!r} is not one of {', '.join(LOADERS)}")
    if not Path(path).is_file():
        raise ValueError(f"{path}: no such file")
    try:
        poses = in_a_process(_load, Path(path), software, float(fps))
    except ValueError as error:
        told = f" as {software}" if software else ""
        raise ValueError(f"{path}: cannot be read{told}: {error}") from error
    software = software or poses.attrs["source_software"]
    if not poses.sizes.get("time"):
        raise ValueError(f"{path}: holds no frames")
    notes = []
    if "position" in poses:
        if prefixes:
            poses = split_by_prefix(poses, prefixes, notes)
        poses = _select_individual(poses, individual, path, notes)
        for name in ("position", "confidence"):
            poses[name] = poses[name].astype(np.float64)
    poses.attrs |= {
        "source_file": str(path),
        "source_software": software,
        "fps": float(fps),
        "notes": "; ".join(notes),
    }
    return poses


def _load(path, software, fps):
    software = software or recognise(path)
    return LOADERS[software](path, fps).load().assign_attrs(source_software=software)


def split_by_prefix(poses: xr.Dataset, prefixes: Sequence[str], notes: list[str]) -> xr.Dataset:
    """Animals that a single-animal file tells apart by the beginnings of its keypoints' names.

    ``B_nose`` and ``W_nose`` become the keypoint ``nose`` of the individuals ``B`` and ``W``. A
    file with several individuals, or without any such name, is left as it is; keypoints without a
    prefix belong to no animal and are left out, with a note.
    """
    names = [str(name) for name in poses.keypoints.values]
    own = {
        prefix: [name for name in names if name.startswith(prefix)]
        for prefix in prefixes
        if any(name.startswith(prefix) for name in names)
    }
    if not own or poses.sizes["individuals"] > 1:
        return poses
    animals = []
    for prefix, members in own.items():
        animal = poses.sel(keypoints=members).assign_coords(
            keypoints=[name.removeprefix(prefix) for name in members],
            individuals=[prefix.rstrip("_-. ") or prefix],
        )
        animals.append(animal.assign(tracked=xr.ones_like(animal.confidence[0], dtype=bool)))
    left_out = [name for name in names if not name.startswith(tuple(own))]
    if left_out:
        notes.append(f"keypoints of no animal, left out: {', '.join(left_out)}")
    keypoints = list(dict.fromkeys(name for one in animals for name in one.keypoints.values))
    merged = xr.concat(animals, "individuals", join="outer", combine_attrs="override")
    merged["tracked"] = merged.tracked == 1  # NaN where an animal lacks a keypoint of another
    return (
        merged.sel(keypoints=keypoints)
        .drop_vars("features", errors="ignore")
        .assign({name: poses[name] for name in ("features",) if name in poses})
    )


def _select_individual(poses, individual, path, notes):
    names = [str(name) for name in poses.individuals.values]
    if not individual and len(names) > 1:
        raise ValueError(
            f"{path}: holds {len(names)} individuals; name one in the column 'individual', or "
            f"'all': {', '.join(names)}"
        )
    if individual and individual not in names:
        raise ValueError(f"{path}: no individual {individual!r}; it holds {', '.join(names)}")
    chosen = individual or names[0]
    others = [name for name in names if name != chosen]
    if others:
        notes.append(f"the file also holds {', '.join(others)}")
    poses = poses.sel(individuals=[chosen])
    if "tracked" in poses:
        poses = poses.isel(keypoints=poses.tracked.values[:, 0]).drop_vars("tracked")
    return poses
