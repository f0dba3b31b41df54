"""Simulate one demo recording and the true behaviour of each frame."""

import numpy as np
import pandas as pd
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
    write_deeplabcut_csv(out.poses, tracks, KEYPOINTS, scorer="simulation")
    pd.Series(labels, name="label").to_csv(out.labels, index_label="frame")
    print(f"simulated {len(tracks)} frames of a {recording['group']} mouse")
