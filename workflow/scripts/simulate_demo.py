"""Simulate one demo recording and the true behaviour of each frame."""

from pathlib import Path

import numpy as np
from job import job
from pose_prep.simulation import KEYPOINTS, simulate_recording, write_deeplabcut_csv

recording = snakemake.params.recording

with job(snakemake) as out:
    tracks, labels = simulate_recording(
        np.random.default_rng(recording["seed"]),
        recording["frames"],
        recording["fps"],
        recording["group"],
    )
    rows = (f"{frame},{label}" for frame, label in enumerate(labels))
    write_deeplabcut_csv(out.poses, tracks, KEYPOINTS, scorer="simulation")
    Path(out.labels).write_text("\n".join(["frame,label", *rows, ""]), encoding="utf-8")
    print(f"simulated {len(tracks)} frames of a {recording['group']} mouse")
