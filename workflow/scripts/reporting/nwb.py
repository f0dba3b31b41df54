"""One session as an NWB file: pose, latents, motifs, bouts, and metadata of the sessions table.

NWB 2 with its extensions ndx-pose, ndx-vame and ndx-ethogram; https://nwb-schema.readthedocs.io
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import numpy as np
import pandas as pd
import xarray as xr
from formats.aligned import AlignedPoses
from pynwb import NWBHDF5IO, NWBFile
from pynwb.file import Subject
from pynwb.image import ImageSeries

from reporting.nwb_behaviour import (
    add_bouts,
    add_intervals,
    add_pose,
    add_project,
)

NAMESPACE = UUID("5b1e7c1e-6c0f-5d0c-9a55-0d2f9d1c7f0a")
"""Of all identifiers that we make of content."""
KEYWORDS = ("behavior", "pose estimation", "VAME", "motifs")


@dataclass(frozen=True)
class SessionResults:
    """The results of a run for one session.

    Attributes
    ----------
    poses
        As tracked: movement's dataset.
    latents
        (window, latent) of the windows that start at frame 0, 1, …
    motifs
        (frame,) -1 where there is none.
    bouts, communities
        Content of the tables of the segmentation, of all sessions.
    """

    session: str
    poses: xr.Dataset
    aligned: AlignedPoses
    latents: np.ndarray
    motifs: np.ndarray
    bouts: pd.DataFrame
    communities: pd.DataFrame


@dataclass(frozen=True)
class Segmentation:
    """Names of model, seed and segmentation; the settings that the motifs depend on; our code."""

    model: str
    seed: str
    segmentation: str
    settings: Mapping[str, Any]
    code: str

    def __str__(self) -> str:
        return f"{self.segmentation} of model {self.model}, seed {self.seed}"


def build_nwb(
    results: SessionResults,
    segmentation: Segmentation,
    metadata: Mapping[str, str],
    video: str,
    skeleton: Sequence[Sequence[str]] | None,
) -> NWBFile:
    """Build one session's file, whose identifiers depend on nothing but its content.

    Time 0 is the recording's first frame. Poses stand at frame / fps. Latents and motifs stand at
    the centre of their window, so the first of them at half a window.

    Parameters
    ----------
    metadata
        The session's cells of the sessions table, as `settings.nwb.metadata_of` gives them.
    video
        Its address as seen from the file, or nothing.
    skeleton
        Lines through keypoints, or None.
    """
    file = _describe_session(results, segmentation, metadata)
    module = file.create_processing_module("behavior", "Pose, latents and motifs of the session")
    film = _link_video(file, video, results.poses) if video else None
    pose = add_pose(module, results.poses, skeleton or [], file.subject, film)
    project = add_project(
        module,
        results.latents,
        results.motifs,
        results.communities,
        fps=results.aligned.fps,
        time_window=segmentation.settings["time_window"],
        settings=_as_text(segmentation),
        algorithm=segmentation.segmentation,
        code=segmentation.code,
        pose=pose,
    )
    add_intervals(file, results.aligned.usable, results.motifs >= 0, results.aligned.fps)
    own = results.bouts[results.bouts["session"] == results.session]
    add_bouts(
        file,
        own,
        results.communities,
        fps=results.aligned.fps,
        of=str(segmentation),
        settings=_as_text(segmentation),
        links={"source": project, "source_pose": pose, "source_video": film},
    )
    content = _digest(results, own, segmentation, metadata, video, skeleton)
    _set_identifiers(file, content)
    return file


def write_nwb(file: NWBFile, path: str | Path) -> None:
    with NWBHDF5IO(str(path), "w") as io:
        io.write(file)


def _describe_session(results, segmentation, metadata):
    session, poses = results.session, results.poses
    told = {name: metadata[name] for name in ("institution", "lab") if metadata[name]}
    names = [name.strip() for name in metadata["experimenter"].split(";") if name.strip()]
    file = NWBFile(
        session_description=metadata["session_description"]
        or f"Recording {session}: pose of one animal, and motifs of its behaviour",
        identifier="",  # of the content, in the end
        session_start_time=datetime.fromisoformat(metadata["session_start_time"]),
        session_id=session,
        experimenter=names or None,
        keywords=list(KEYWORDS),
        data_collection=f"Motifs are {segmentation}, of the VAME pipeline, a Snakemake workflow "
        "that trains VAME (Luxem et al. 2022, doi:10.1038/s42003-022-04080-7). Times are those of "
        f"the recording's frames, at {poses.attrs['fps']:g} frames per second from its first frame "
        "on.",
        **told,
    )
    of_animal = {name: metadata[name] for name in ("species", "sex", "age", "strain", "genotype")}
    given = {name: value for name, value in of_animal.items() if value}
    file.subject = Subject(subject_id=metadata["animal"] or session, **given)
    return file


def _link_video(file, video, poses):
    """Name the video; frame n of the recording is its nth picture."""
    series = ImageSeries(
        name="video",
        description="The video that the poses were tracked in, frame by frame",
        external_file=[video],
        format="external",
        starting_frame=[0],
        rate=float(poses.attrs["fps"]),
        num_samples=poses.sizes["time"],
        unit="n.a.",
    )
    file.add_acquisition(series)
    return series


def _as_text(segmentation):
    names = {name: getattr(segmentation, name) for name in ("model", "seed", "segmentation")}
    return json.dumps(names | dict(segmentation.settings), sort_keys=True)


def _digest(results, bouts, segmentation, metadata, video, skeleton):
    """Compute a digest of the content of the file."""
    digest = hashlib.sha256()
    poses, aligned = results.poses, results.aligned
    for name in sorted(poses.variables):
        digest.update(name.encode())
        values = poses[name].values
        digest.update(
            values.tobytes() if values.dtype.kind == "f" else str(values.tolist()).encode()
        )
    for array in (aligned.usable, results.latents, results.motifs):
        digest.update(np.ascontiguousarray(array).data)
    told = [results.session, poses.attrs["fps"], poses.attrs.get("notes", ""), aligned.fps]
    told += [_as_text(segmentation), segmentation.code, dict(metadata), video, skeleton]
    digest.update(json.dumps(told, sort_keys=True).encode())
    for table in (bouts, results.communities):
        digest.update(table.to_csv(index=False).encode())
    return digest.hexdigest()


def _set_identifiers(file, content):
    """Give the file and each object in it a UUID of the content, in place of a random one.

    hdmf has no public way to set the identifier of an object.
    """
    file.fields["identifier"] = str(uuid5(NAMESPACE, content))
    for each in [file, *file.all_children()]:
        own = uuid5(NAMESPACE, f"{content}/{_place_of(each)}")
        each._AbstractContainer__object_id = str(own)


def _place_of(container):
    """Return the names of a container and of all its parents, which are unique."""
    names = []
    while container is not None:
        names.append(f"{type(container).__name__} {container.name}")
        container = container.parent
    return "/".join(reversed(names))
