"""Measure the quality of one recording."""

import numpy as np
from formats.files import own_name, write_json
from formats.poses import load_poses
from formats.tables import write_table
from job import job
from pose_prep.labels import check_labels
from pose_prep.quality import inspect_recording
from pose_prep.recording import InspectionSettings, clean_recording

with job(snakemake) as out:
    settings = InspectionSettings(**snakemake.params.settings)
    recording = load_poses(snakemake.input.poses)
    labels = own_name(snakemake.input.get("labels") or "")
    check_labels(labels, recording.sizes["time"], recording.attrs["fps"])
    cleaned = clean_recording(recording, settings, snakemake.params.limits)
    inspection = inspect_recording(cleaned, settings.min_usable_share)
    write_table(inspection.table, out.quality, index=True)
    write_json(out.summary, inspection.summary)
    np.savez_compressed(out.traces, **inspection.traces)
    print(inspection.table.to_string(float_format="%.4f"))
    print(inspection.summary["reason"], inspection.summary["notes"], sep="\n")
