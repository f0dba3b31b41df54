"""Read one recording in its tracker's format and store it as netCDF."""

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from pose_prep.reading import read_poses
from pose_prep.scalars import add_scalars
from pose_prep.storage import save_poses

log_to(snakemake.log[0])
recording, settings = snakemake.params.recording, snakemake.params.settings
poses = read_poses(
    snakemake.input.poses,
    recording["software"],
    recording["fps"],
    recording["individual"],
    settings["individual_prefixes"],
)
poses = add_scalars(poses, snakemake.input.get("features"), settings["extra_features"])
with written_aside(snakemake.output, snakemake.input) as output:
    save_poses(poses, output.poses)
print(
    f"read {snakemake.input.poses} as {poses.attrs['source_software']}: {poses.sizes['time']} "
    f"frames at {recording['fps']} fps"
)
for name in ("individuals", "keypoints", "feature"):
    if name in poses.coords:
        print(f"{name}: {', '.join(map(str, poses[name].values))}")
print(poses.attrs["notes"])
record_job(snakemake)
