"""Clean one recording, align it to the animal, and say what was wrong with it."""

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.storage import load_poses, save_aligned

log_to(snakemake.log[0])
aligned, quality = align_recording(
    load_poses(snakemake.input.poses),
    AlignmentSettings(**snakemake.params.settings),
    snakemake.params.limits,
)
with written_aside(snakemake.output, snakemake.input) as output:
    save_aligned(aligned, output.aligned)
    quality.to_csv(output.quality, float_format="%.6g")
print(
    f"{aligned.usable.sum()} of {len(aligned.usable)} frames usable ({aligned.usable.mean():.1%})"
)
print(f"{len(aligned.features)} features: {', '.join(aligned.features)}")
print(quality.to_string(float_format="%.4f"))
record_job(snakemake)
