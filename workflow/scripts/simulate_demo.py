"""Simulate one demo recording and the true behaviour of each frame."""

import numpy as np
import pandas as pd
from job_log import log_to
from job_outputs import written_aside
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
with written_aside(snakemake.output, snakemake.input) as output:
    write_deeplabcut_csv(output.poses, tracks, KEYPOINTS, scorer="simulation")
    pd.Series(labels, name="label").to_csv(output.labels, index_label="frame")
print(f"simulated {len(tracks)} frames of a {recording['group']} mouse")
record_job(snakemake)
