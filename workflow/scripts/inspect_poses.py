"""Say what is wrong with one recording, whatever it is."""

import json
from pathlib import Path

import numpy as np
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
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
    clean_recording(recording, CleaningSettings(**settings), snakemake.params.limits),
    min_usable_share,
)
summary = inspection.summary | {"notes": recording.attrs["notes"]}
with written_aside(snakemake.output, snakemake.input) as output:
    inspection.table.to_csv(output.quality, float_format="%.6g")
    np.savez_compressed(output.traces, **inspection.traces)
    Path(output.summary).write_text(json.dumps(summary, indent=2), encoding="utf-8")
print(inspection.table.to_string(float_format="%.4f"))
print(inspection.summary["reason"])
record_job(snakemake)
