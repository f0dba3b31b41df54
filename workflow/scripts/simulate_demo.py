"""Simulate one demo recording and the true behaviour of each frame."""

import numpy as np
import pandas as pd
from job_log import log_to
from job_record import record_job
from pose_prep.simulation import KEYPOINTS, simulate_recording, write_deeplabcut_csv

log_to(snakemake.log[0])
recording = snakemake.params.recording
tracks, labels = simulate_recording(
    np.random.default_rng(recording["seed"]),
    recording["frames"],
    recording["fps"],
    recording["group"],
)
write_deeplabcut_csv(snakemake.output.poses, tracks, KEYPOINTS, scorer="simulation")
pd.Series(labels, name="label").to_csv(snakemake.output.labels, index_label="frame")
print(f"simulated {len(tracks)} frames of a {recording['group']} mouse")
record_job(snakemake)
