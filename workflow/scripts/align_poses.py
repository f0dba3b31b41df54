"""Clean one recording and align it to the animal."""

from formats.aligned import save_aligned
from formats.poses import load_poses
from job import job
from pose_prep.alignment import AlignmentSettings, align_recording

with job(snakemake) as out:
    aligned = align_recording(
        load_poses(snakemake.input.poses),
        AlignmentSettings(**snakemake.params.settings),
        snakemake.params.limits,
    )
    save_aligned(aligned, out.aligned)
    print(
        f"{aligned.usable.sum()} of {len(aligned.usable)} frames usable "
        f"({aligned.usable.mean():.1%}), at {aligned.fps:g} fps"
    )
    print(f"{len(aligned.features)} features: {', '.join(aligned.features)}")
