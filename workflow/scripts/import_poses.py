"""Read one recording's pose file and store it as netCDF."""

from formats.files import own_name
from formats.poses import save_poses
from job import job
from pose_prep.reading import describe_poses, read_poses
from pose_prep.scalars import add_scalars

recording, settings = snakemake.params.recording, snakemake.params.settings

with job(snakemake) as out:
    poses = read_poses(
        own_name(snakemake.input.poses),
        recording["software"],
        recording["fps"],
        recording["individual"],
        settings["individual_prefixes"],
    )
    poses = add_scalars(
        poses, own_name(snakemake.input.get("features") or ""), settings["extra_features"]
    )
    poses.attrs["body_length"] = recording["body_length"] or 0.0
    save_poses(poses, out.poses)
    print(describe_poses(poses))
