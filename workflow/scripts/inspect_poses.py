"""Say what is wrong with one recording, whatever it is."""

import json

import numpy as np
from job_log import log_to
from pose_prep.alignment import CleaningSettings, clean_recording
from pose_prep.labels import check_labels
from pose_prep.quality import inspect_recording
from pose_prep.storage import load_poses

log_to(snakemake.log[0])
settings = dict(snakemake.params.settings)
min_usable_share = settings.pop("min_usable_share")
recording = load_poses(snakemake.input.poses)
if snakemake.input.get("labels"):
    check_labels(snakemake.input.labels, recording.sizes["time"])
inspection = inspect_recording(
    clean_recording(recording, CleaningSettings(**settings)), min_usable_share
)
inspection.table.to_csv(snakemake.output.quality, float_format="%.6g")
np.savez_compressed(snakemake.output.traces, **inspection.traces)
with open(snakemake.output.summary, "w") as file:
    json.dump(inspection.summary | {"notes": recording.attrs["notes"]}, file, indent=2)
print(inspection.table.to_string(float_format="%.4f"))
print(inspection.summary["reason"])
