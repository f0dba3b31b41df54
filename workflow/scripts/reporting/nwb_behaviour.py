"""Pose, latents, motifs and bouts of one session, as types of NWB and of its extensions."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from formats.motifs import centre_of
from formats.runs import find_runs
from formats.tables import community_name
from ndx_ethogram import Ethogram, EthogramBouts
from ndx_pose import PoseEstimation, PoseEstimationSeries, Skeleton, Skeletons
from ndx_vame import CommunitySeries, LatentSpaceSeries, MotifSeries, VAMEProject
from pynwb import H5DataIO, NWBFile, ProcessingModule
from pynwb.core import VectorData
from pynwb.epoch import TimeIntervals
from pynwb.file import Subject
from pynwb.image import ImageSeries

PIXELS = ("DeepLabCut", "LightningPose", "SLEAP")
"""Software whose positions are pixels of the video, if they have two coordinates."""


def packed(values: np.ndarray | list[str]) -> Any:
    """Compress an array, or a list of text, when it is written."""
    if len(values):
        return H5DataIO(values, compression="gzip", shuffle=True)
    return np.array([], dtype=np.str_) if isinstance(values, list) else values


def add_pose(
    module: ProcessingModule,
    poses: xr.Dataset,
    skeleton: Sequence[Sequence[str]],
    subject: Subject,
    video: ImageSeries | None,
) -> PoseEstimation | None:
    """Add the positions as tracked, and the skeleton; nothing where the file had no positions.

    Parameters
    ----------
    skeleton
        Lines through keypoints; those that the recording lacks are left out.
    """
    if "position" not in poses:
        return None
    own = poses.isel(individuals=0)
    keypoints = [str(name) for name in own.keypoints.values]
    names = _names_without_slashes(keypoints)
    nodes = Skeleton(
        name="skeleton",
        nodes=names,
        edges=_edges_of(skeleton, keypoints),
        subject=subject,
    )
    told = poses.attrs
    software = told.get("source_software", "")
    in_pixels = software in PIXELS and own.sizes["space"] == 2
    unit = "pixels" if in_pixels else "unknown"
    series = [
        PoseEstimationSeries(
            name=name,
            description=f"Position of {keypoint}, as tracked, NaN where the file says nothing",
            data=packed(_float32(own.position.sel(keypoints=keypoint).transpose("time", "space"))),
            unit=unit,
            reference_frame="(0, 0) is the top left corner of the video"
            if in_pixels
            else f"That of the pose file{f', written by {software}' if software else ''}",
            starting_time=0.0,
            rate=float(told["fps"]),
            **_confidence(own.confidence.sel(keypoints=keypoint).values),
        )
        for keypoint, name in zip(keypoints, names, strict=True)
    ]
    pose = PoseEstimation(
        name="PoseEstimation",
        description=f"Positions as tracked, before cleaning. {told.get('notes', '')}".strip(),
        pose_estimation_series=series,
        source_software=software or None,
        skeleton=nodes,
        source_video=video,
    )
    module.add(Skeletons(skeletons=[nodes]))
    module.add(pose)
    return pose


def _float32(values):
    return np.ascontiguousarray(values, dtype=np.float32)


def _names_without_slashes(keypoints):
    """Keypoints as NWB can name them: without / and :, and each with a name of its own."""
    names = [keypoint.replace("/", "-").replace(":", "-") for keypoint in keypoints]
    return [
        name if names.count(name) == 1 else f"{name} ({number})"
        for number, name in enumerate(names)
    ]


def _edges_of(skeleton, keypoints):
    """(edge, 2) uint8 places of the keypoints that lines join; None without lines."""
    pairs = [
        [keypoints.index(one), keypoints.index(other)]
        for line in skeleton
        for one, other in pairwise(line)
        if one in keypoints and other in keypoints
    ]
    return np.array(pairs, np.uint8) if pairs else None


def _confidence(values):
    if np.isnan(values).all():
        return {}
    definition = "Likelihood or score of the pose estimation software"
    return {"confidence": packed(_float32(values)), "confidence_definition": definition}


def add_project(
    module: ProcessingModule,
    latents: np.ndarray,
    motifs: np.ndarray,
    communities: pd.DataFrame,
    *,
    fps: float,
    time_window: int,
    settings: str,
    algorithm: str,
    code: str,
    pose: PoseEstimation | None,
) -> VAMEProject:
    """Add latents, motifs and communities of all windows; each stands at its window's centre."""
    centre = centre_of(time_window)
    of_windows = motifs[centre : centre + len(latents)].astype(np.int32)
    when = {"starting_time": centre / fps, "rate": float(fps)}
    row = (
        f"Row n is the window of {time_window} frames whose centre is frame n + {centre}, at "
        f"{fps:g} frames per second"
    )
    space = LatentSpaceSeries(
        name="latents",
        description=f"{row}. NaN where a frame of the window is not usable.",
        data=packed(np.asarray(latents)),
        **when,
    )
    found = MotifSeries(
        name="motifs",
        description=f"{row}. -1 where the window has no motif.",
        data=packed(of_windows),
        algorithm=algorithm,
        latent_space_series=space,
        **when,
    )
    series = CommunitySeries(
        name="communities",
        description=f"{row}. -1 where the window has no motif. 0 is community A.",
        data=packed(_community_of(of_windows, communities)),
        algorithm="average linkage of transitions between motifs",
        motif_series=found,
        **when,
    )
    project = VAMEProject(
        name="VAMEProject",
        vame_config=settings,
        time_window_samples=time_window,
        vame_version=f"not the VAME package, but the VAME pipeline (code {code})",
        latent_space_series=space,
        motif_series=[found],
        community_series=[series],
        **({"pose_estimation": pose} if pose else {}),
    )
    module.add(project)
    return project


def _community_of(motifs, communities):
    """(row,) int32 communities of motifs, -1 where there is none."""
    known = communities.dropna(subset=["community"])
    table = dict(zip(known["motif"].astype(int), known["community"].astype(int), strict=True))
    return pd.Series(motifs).map(table).fillna(-1).to_numpy(np.int32)


def add_intervals(file: NWBFile, usable: np.ndarray, labelled: np.ndarray, fps: float) -> None:
    """Add `usable` and `with_motif`: stretches of frames of which the two masks are true."""
    for name, mask, description in (
        ("usable", usable, "Stretches of frames of which all of the pose is known"),
        ("with_motif", labelled, "Stretches of frames that have a motif; all bouts lie in them"),
    ):
        start, stop = find_runs(mask).T
        table = TimeIntervals(
            name=name, description=description, columns=_columns(_times(start, stop, fps))
        )
        file.add_time_intervals(table)


def _times(start, stop, fps):
    """Description and values of the columns of times and frames; stop is the frame after."""
    return {
        "start_time": ("Start in seconds", start / fps),
        "stop_time": ("End in seconds", stop / fps),
        "start_frame": (f"First frame, at {fps:g} per second", start),
        "stop_frame": ("The frame after the last one", stop),
    }


def _columns(columns):
    return [
        VectorData(name=name, description=description, data=packed(values))
        for name, (description, values) in columns.items()
    ]


def add_bouts(
    file: NWBFile,
    bouts: pd.DataFrame,
    communities: pd.DataFrame,
    *,
    fps: float,
    of: str,
    settings: str,
    links: Mapping[str, Any],
) -> None:
    """Add the table of bouts, and the catalogue of all motifs.

    Parameters
    ----------
    bouts
        The session's rows of `bouts.csv`.
    of
        Which segmentation it is.
    links
        project, pose and video that bouts come from; None for what there is not.
    """
    labels = {
        int(motif): name or str(motif)
        for motif, name in communities[["motif", "name"]].itertuples(index=False)
    }
    catalogue = _catalogue(communities, labels, of)
    file.processing["behavior"].add(catalogue)
    motifs = bouts["motif"].to_numpy(np.int32)
    columns = _times(bouts["start"].to_numpy(np.int64), bouts["stop"].to_numpy(np.int64), fps) | {
        "label": ("Name of the motif, or its number", [labels[motif] for motif in motifs]),
        "motif": ("Number of the motif", motifs),
        "motif_name": ("Name that a person gave to the motif, or nothing", [*bouts["name"]]),
        "community": ("Community of the motif; 0 is A", _community_of(motifs, communities)),
        "distance": (
            "Mean distance of the bout's windows to the centre of the motif",
            bouts["distance"].to_numpy(np.float64),
        ),
    }
    table = EthogramBouts(
        name="bouts",
        description=f"Bouts of motifs: {of}",
        labeling_method="curated" if communities["name"].any() else "automated",
        source_software="VAME pipeline",
        parameters=settings,
        columns=_columns(columns),
        ethogram=catalogue,
        observation_intervals=file.intervals["with_motif"],
        **{name: link for name, link in links.items() if link is not None},
    )
    file.add_time_intervals(table)


def _catalogue(communities, labels, of):
    """All motifs, those that this session does not show too."""
    motifs = communities["motif"].to_numpy(np.int32)
    groups = [
        "" if pd.isna(number) else f"community {community_name(int(number))}"
        for number in communities["community"]
    ]
    columns = {
        "behavior": ("Name of the motif, or its number", [labels[motif] for motif in motifs]),
        "definition": (
            "What the motif is",
            [f"Motif {motif} of {of}, found without supervision" for motif in motifs],
        ),
        "behavior_type": ("state: it lasts", ["state"] * len(motifs)),
        "native_code": ("Number of the motif", motifs),
        "category": ("Community of the motif, if it is used", groups),
    }
    return Ethogram(
        name="ethogram",
        description=f"All motifs: {of}",
        exclusive=True,
        columns=_columns(columns),
    )
