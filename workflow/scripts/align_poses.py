"""Clean one recording and align it to the animal."""

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.storage import load_poses, save_aligned

log_to(snakemake.log[0])
aligned = align_recording(
    load_poses(snakemake.input.poses),
    AlignmentSettings(**snakemake.params.settings),
    snakemake.params.limits,
)
with written_aside(snakemake.output, snakemake.input) as output:
    save_aligned(aligned, output.aligned)
print(
    f"{aligned.usable.sum()} of {len(aligned.usable)} frames usable ({aligned.usable.mean():.1%}), "
    f"at {aligned.fps:g} fps"
)
print(f"{len(aligned.features)} features: {', '.join(aligned.features)}")
record_job(snakemake)
