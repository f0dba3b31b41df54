"""Turn a VAME project into a config and a sessions table of this workflow.

    python tools/convert_vame_project.py VAME_PROJECT MY_PROJECT

writes MY_PROJECT/config/config.yaml and sessions.tsv. The VAME project is neither changed nor
copied: the table refers to its files where they are.
"""

import argparse
import csv
import glob
import sys
from pathlib import Path

import h5py
import yaml

WORKFLOW = Path(__file__).resolve().parents[1] / "workflow"
sys.path.append(str(WORKFLOW / "scripts"))

from settings.names import session_names  # noqa: E402

SCHEMA = WORKFLOW / "schemas/config.schema.yaml"
COLUMNS = ("session", "poses", "software", "fps")
# Paths of a session's poses in VAME, the least processed first; older projects have no netCDF.
PLACES = (
    "data/raw/{session}.nc",
    "videos/pose_estimation/{session}.*",
    "videos/pose_estimation/{session}DLC*",
    "data/processed/{session}_processed.nc",
    "data/{session}/{session}-PE-seq-clean.npy",
    "data/{session}/{session}-PE-seq.npy",
)
KEPT = ("fps", "centered_reference_keypoint", "orientation_reference_keypoint")
SERIES = PLACES[3:]
"""VAME's series of aligned and cleaned poses."""

POSE_SUFFIXES = {".nc", ".csv", ".h5", ".slp", ".nwb", ".npy"}
STILL = 0.05, 5.0
"""Limits for a fixed keypoint in 95 % of frames: displacement as a share of the distance between
center and orient, and change of their direction in degrees."""


def convert(
    project: Path,
    fps: float | None = None,
    center: str | None = None,
    orient: str | None = None,
) -> tuple[dict, list[dict], list[str]]:
    """Return the settings, the rows of the sessions table, and notes on the rest, one per line.

    fps, center and orient are read from the project's netCDF files if not given.

    Raises
    ------
    ValueError
        Naming all sessions without a pose file or frame rate, and unknown reference keypoints.
    """
    theirs = read_config(project)
    known = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]
    dropped = theirs.keys() - known
    settings = {
        key: value for key, value in theirs.items() if key not in dropped and value is not None
    }
    sessions = [*map(str, theirs.get("session_names") or theirs.get("video_sets") or [])]
    if not sessions:
        raise ValueError(
            f"{project}: its config.yaml lists no sessions (session_names, video_sets)"
        )
    references: dict = {}
    for session in sessions:
        references |= netcdf_attributes(project, session)
    center = center or references.get("centered_reference_keypoint")
    orient = orient or references.get("orientation_reference_keypoint")
    rows, errors = convert_sessions(project, sessions, fps, PLACES)
    notes = []
    if theirs.get("egocentric_data"):
        dropped.discard("egocentric_data")
        rows, note = aligned_once(project, sessions, fps, center, orient, rows, theirs)
        notes.append(f"egocentric_data: true: {note}")
    if rows and all(row["software"] == "VAME" for row in rows):
        center, orient = center or "(aligned by VAME)", orient or "(by VAME as well)"
    if not center or not orient:
        keypoints = ", ".join(theirs.get("keypoints") or []) or "see the pose files"
        errors.append(
            "VAME's config does not name the keypoints of alignment: give --center and --orient "
            f"({keypoints})"
        )
    if errors:
        raise ValueError(f"{project}:\n" + "\n".join(f"  - {error}" for error in errors))
    settings |= {"sessions": "config/sessions.tsv", "center": center, "orient": orient}
    window = theirs.get("time_window", 30) + theirs.get("prediction_steps", 15)
    if window > known["split_gap"]["default"]:
        settings["split_gap"] = window
    if dropped:
        notes.append(f"settings without effect here, left out: {', '.join(sorted(dropped))}")
    return settings, rows, [*renamed(sessions), *notes]


def convert_sessions(
    project: Path, sessions: list[str], fps: float | None, places: tuple[str, ...]
) -> tuple[list[dict], list[str]]:
    """Return rows of the table, with valid session names, and what is missing in the project."""
    rows, errors = [], []
    for session, name in session_names(sessions).items():
        own = fps or netcdf_attributes(project, session).get("fps")
        row, found = convert_session(project, session, own, places)
        rows += [row | {"session": name}] if row else []
        errors += found
    return rows, errors


def convert_session(
    project: Path, session: str, fps: float | None, places: tuple[str, ...]
) -> tuple[dict | None, list[str]]:
    """Return the session's row of the table, and what is missing for it in the project."""
    poses, errors, software = find_poses(project, session, places), [], ""
    if poses is None:
        looked = ", ".join(place.format(session=session) for place in places)
        return None, [f"{session}: no pose file; looked for {looked}"]
    if not fps:
        errors.append(f"{session}: its frame rate is not stored in the project; give it with --fps")
    if poses.suffix == ".npy" or poses.stem.endswith("_processed"):
        software = "VAME"
    elif poses.suffix == ".nc":
        software = "movement"
    row = {"session": session, "poses": poses.resolve(), "software": software, "fps": fps}
    return row, errors


def renamed(sessions: list[str]) -> list[str]:
    return [
        f"session renamed: {old} → {new}"
        for old, new in session_names(sessions).items()
        if old != new
    ]


def aligned_once(
    project: Path,
    sessions: list[str],
    fps: float | None,
    center: str | None,
    orient: str | None,
    rows: list[dict],
    theirs: dict,
) -> tuple[list[dict], str]:
    """Return the rows of a project whose poses are already aligned, and how they are used.

    `egocentric_data: true` is for animals that do not move in the image, such as head-fixed ones:
    VAME uses their coordinates unchanged. The workflow aligns all poses. If center and orient do
    not move, this only shifts and rotates all frames by the same amount; if they do, VAME's own
    series, which are not aligned, are used.
    """
    moving = ""
    tracked = [row for row in rows if row["software"] != "VAME"]
    for row in tracked if center and orient else []:
        moving = moving or movement_of(row, center, orient, theirs.get("pose_confidence") or 0)
    if tracked and center and orient and not moving:
        return rows, (
            f"the poses are already aligned; {center} and {orient} do not move in them, so that "
            "the workflow's alignment only shifts and rotates all frames by the same amount"
        )
    series, lacking = convert_sessions(project, sessions, fps, SERIES)
    if len(series) == len(rows) and not lacking:
        return series, (
            "VAME's own series of the aligned poses are read as features; the workflow does not "
            "align them again"
        )
    return rows, (
        f"{moving or 'VAME has no series of its own'}; the workflow aligns the poses by center "
        "and orient. If the animal is fixed in the image, use two keypoints that do not move as "
        "--center and --orient: then the alignment changes nothing"
    )


def movement_of(row: dict, center: str, orient: str, confidence: float) -> str:
    """Describe how far the reference keypoints of a session move; empty if they do not."""
    import numpy as np  # noqa: PLC0415  only needed here, with the readers of the workflow
    from pose_prep.reading import read_poses  # noqa: PLC0415

    name = Path(row["poses"]).name
    try:
        poses = read_poses(row["poses"], row["software"], row["fps"] or 1.0)
        own = poses.isel(individuals=0).sel(keypoints=[center, orient], space=["x", "y"])
    except (ValueError, KeyError) as error:
        return f"{name} could not be checked for movement of {center} and {orient} ({error})"
    position = own.position.transpose("time", "keypoints", "space").values
    seen = ~(own.confidence.transpose("time", "keypoints").values < confidence).any(axis=1)
    ahead = (position[:, 1] - position[:, 0]) @ [1, 1j]
    seen &= np.isfinite(ahead) & (ahead != 0)
    position, ahead = position[seen], ahead[seen]
    if not len(position):
        return f"{center} and {orient} are never visible in {name}"
    length, direction = np.median(abs(ahead)), np.sum(ahead / abs(ahead))
    away = np.linalg.norm(position[:, 0] - np.median(position[:, 0], axis=0), axis=1)
    turned = np.degrees(abs(np.angle(ahead * direction.conj())))
    moved, degrees = np.quantile(away, 0.95), np.quantile(turned, 0.95)
    if moved <= STILL[0] * length and degrees <= STILL[1]:
        return ""
    return (
        f"the poses are not aligned in {name}, where {center} moves by {moved:.3g} px and "
        f"the direction from {center} to {orient} turns by {degrees:.3g} degrees"
    )


def read_config(project: Path) -> dict:
    path = project / "config.yaml" if project.is_dir() else project
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: cannot be read as VAME's config: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path}: is not VAME's config")
    return config


def find_poses(project: Path, session: str, places: tuple[str, ...] = PLACES) -> Path | None:
    for place in places:
        folder = (project / place.format(session=session)).parent
        pattern = Path(place).name.format(session=glob.escape(session))
        found = sorted(path for path in folder.glob(pattern) if path.suffix in POSE_SUFFIXES)
        if place.endswith("{session}.*"):  # not those of a session {session}.2
            found = [path for path in found if path.stem == session]
        if found:
            return found[0]
    return None


def netcdf_attributes(project: Path, session: str) -> dict:
    """Read frame rate and reference keypoints from the session's netCDF files."""
    found = {}
    for place in ("data/raw/{}.nc", "data/processed/{}_processed.nc"):
        path = project / place.format(session)
        if path.is_file():
            try:
                with h5py.File(path) as file:
                    found |= {key: _plain(file.attrs[key]) for key in KEPT if key in file.attrs}
            except OSError as error:
                raise ValueError(f"{path}: cannot be read: {error}; remove it") from error
    return found


def _plain(value):
    if hasattr(value, "item"):
        value = value.item()
    return value.decode() if isinstance(value, bytes) else value


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path, help="folder of the VAME project")
    parser.add_argument("folder", type=Path, help="folder of the new project")
    parser.add_argument("--fps", type=float, help="frames per second, if VAME did not store them")
    parser.add_argument("--center", help="keypoint at the origin")
    parser.add_argument("--orient", help="keypoint in the direction of the animal's heading")
    given = parser.parse_args(arguments)
    folder = given.folder / "config"
    files = {name: folder / name for name in ("config.yaml", "sessions.tsv")}
    try:
        there = [str(path) for path in files.values() if path.exists()]
        if there:
            raise ValueError(f"{' and '.join(there)} would be overwritten; rename or remove them")
        settings, rows, notes = convert(given.project, given.fps, given.center, given.orient)
    except ValueError as error:
        sys.exit(str(error))
    folder.mkdir(parents=True, exist_ok=True)
    with open(files["config.yaml"], "w", encoding="utf-8") as file:
        file.write(f"# From the VAME project {given.project}.\n")
        yaml.safe_dump(settings, file, sort_keys=False, allow_unicode=True)
    with open(files["sessions.tsv"], "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    print(f"wrote {files['config.yaml']} and {files['sessions.tsv']}: {len(rows)} sessions")
    for note in notes:
        print(note)
    print("VAME's own training behaviour, beyond these settings: config/presets/vame.yaml")


if __name__ == "__main__":
    main()
