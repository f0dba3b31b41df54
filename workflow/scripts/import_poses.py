"""Read one recording in its tracker's format and store it as netCDF."""

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from pose_prep.reading import read_poses
from pose_prep.storage import save_poses

log_to(snakemake.log[0])
recording = snakemake.params.recording
poses = read_poses(
    snakemake.input.poses, recording["software"], recording["fps"], recording["individual"]
)
with written_aside(snakemake.output, snakemake.input) as output:
    save_poses(poses, output.poses)
print(
    f"read {snakemake.input.poses}: {poses.sizes['time']} frames at {recording['fps']} fps, "
    f"keypoints {', '.join(poses.keypoints.values)}"
)
record_job(snakemake)
