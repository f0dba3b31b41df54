"""Read one recording in its tracker's format and store it as netCDF."""

from job_log import log_to
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
poses = add_scalars(poses, recording["features"], settings["extra_features"])
save_poses(poses, snakemake.output.poses)
print(
    f"read {snakemake.input.poses} as {poses.attrs['source_software']}: {poses.sizes['time']} "
    f"frames at {recording['fps']} fps"
)
for name in ("individuals", "keypoints", "feature"):
    if name in poses.coords:
        print(f"{name}: {', '.join(map(str, poses[name].values))}")
print(poses.attrs["notes"])
