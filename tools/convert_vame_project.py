"""Turn a VAME project into a config and a sessions table of this workflow.

    python tools/convert_vame_project.py VAME_PROJECT MY_PROJECT

writes MY_PROJECT/config/config.yaml and sessions.tsv. Nothing of the VAME project is changed or
copied: the table names its files where they are.
"""

import argparse
import csv
import sys
from pathlib import Path

import h5py
import yaml

SCHEMA = Path(__file__).resolve().parents[1] / "workflow/schemas/config.schema.yaml"
COLUMNS = ("session", "poses", "software", "fps")
# Where VAME keeps a session's poses, the least processed first; old projects have no netCDF.
PLACES = (
    "data/raw/{session}.nc",
    "videos/pose_estimation/{session}.*",
    "videos/pose_estimation/{session}DLC*",
    "data/processed/{session}_processed.nc",
    "data/{session}/{session}-PE-seq-clean.npy",
    "data/{session}/{session}-PE-seq.npy",
)
KEPT = ("fps", "centered_reference_keypoint", "orientation_reference_keypoint")
POSE_SUFFIXES = {".nc", ".csv", ".h5", ".slp", ".nwb", ".npy"}


def convert(
    project: Path,
    fps: float | None = None,
    center: str | None = None,
    orient: str | None = None,
) -> tuple[dict, list[dict], list[str]]:
    """The settings, the rows of the sessions table, and the keys of VAME without meaning here.

    fps, center and orient are read from the project's netCDF files where they are not given.

    Raises
    ------
    ValueError
        All sessions without a pose file or frame rate, and unknown reference keypoints.
    """
    theirs = read_config(project)
    known = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))["properties"]
    dropped = sorted(key for key in theirs if known.get(key, {"deprecated": 1}).get("deprecated"))
    settings = {
        key: value for key, value in theirs.items() if key not in dropped and value is not None
    }
    sessions = theirs.get("session_names") or theirs.get("video_sets") or []
    if not sessions:
        raise ValueError(
            f"{project}: its config.yaml names no sessions (session_names, video_sets)"
        )

    rows, errors, references = [], [], {}
    for session in map(str, sessions):
        attributes = netcdf_attributes(project, session)
        row, found = convert_session(project, session, fps or attributes.get("fps"))
        rows += [row] if row else []
        errors += found
        references |= attributes
    center = center or references.get("centered_reference_keypoint")
    orient = orient or references.get("orientation_reference_keypoint")
    if rows and all(row["software"] == "VAME" for row in rows):
        center, orient = center or "(aligned by VAME)", orient or "(by VAME as well)"
    if not center or not orient:
        keypoints = ", ".join(theirs.get("keypoints") or []) or "see the pose files"
        errors.append(
            "VAME's config does not say by which keypoints it aligned: give --center and --orient "
            f"({keypoints})"
        )
    if errors:
        raise ValueError(f"{project}:\n" + "\n".join(f"  - {error}" for error in errors))
    settings |= {"sessions": "config/sessions.tsv", "center": center, "orient": orient}
    window = theirs.get("time_window", 30) + theirs.get("prediction_steps", 15)
    if window > known["split_gap"]["default"]:
        settings["split_gap"] = window
    return settings, rows, dropped


def convert_session(
    project: Path, session: str, fps: float | None
) -> tuple[dict | None, list[str]]:
    """The session's row of the table, and what the project does not have of it."""
    poses, errors, software = find_poses(project, session), [], ""
    if poses is None:
        places = ", ".join(place.format(session=session) for place in PLACES)
        return None, [f"{session}: no pose file; looked for {places}"]
    if not fps:
        errors.append(f"{session}: its frame rate is not stored in the project; give it by --fps")
    if poses.suffix == ".npy" or poses.stem.endswith("_processed"):
        software = "VAME"
    elif poses.suffix == ".nc":
        software = "movement"
    row = {"session": session, "poses": poses.resolve(), "software": software, "fps": fps}
    return row, errors


def read_config(project: Path) -> dict:
    path = project / "config.yaml" if project.is_dir() else project
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: cannot be read as VAME's config: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path}: is not VAME's config")
    return config


def find_poses(project: Path, session: str) -> Path | None:
    for place in PLACES:
        folder, pattern = (project / place.format(session=session)).parent, Path(place).name
        pattern = pattern.format(session=session)
        found = sorted(path for path in folder.glob(pattern) if path.suffix in POSE_SUFFIXES)
        if found:
            return found[0]
    return None


def netcdf_attributes(project: Path, session: str) -> dict:
    """Frame rate and reference keypoints, as the session's netCDF files have them."""
    found = {}
    for place in ("data/raw/{}.nc", "data/processed/{}_processed.nc"):
        path = project / place.format(session)
        if path.is_file():
            try:
                with h5py.File(path) as file:
                    found |= {key: _plain(file.attrs[key]) for key in KEPT if key in file.attrs}
            except OSError as error:
                raise ValueError(f"{path}: cannot be read: {error}; move it away") from error
    return found


def _plain(value):
    if hasattr(value, "item"):
        value = value.item()
    return value.decode() if isinstance(value, bytes) else value


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("project", type=Path, help="folder of the VAME project")
    parser.add_argument("folder", type=Path, help="folder of the new project")
    parser.add_argument("--fps", type=float, help="frames per second, where VAME has not kept it")
    parser.add_argument("--center", help="keypoint at the origin")
    parser.add_argument("--orient", help="keypoint that the animal looks to")
    given = parser.parse_args(arguments)
    folder = given.folder / "config"
    files = {name: folder / name for name in ("config.yaml", "sessions.tsv")}
    try:
        there = [str(path) for path in files.values() if path.exists()]
        if there:
            raise ValueError(f"{' and '.join(there)} would be overwritten; move them away")
        settings, rows, dropped = convert(given.project, given.fps, given.center, given.orient)
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
    if dropped:
        print(f"without meaning here, left out: {', '.join(dropped)}")
    print("VAME's own training behaviour, beyond these settings: config/presets/vame.yaml")


if __name__ == "__main__":
    main()
