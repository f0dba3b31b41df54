"""Write one session as NWB: pose, latents, motifs and bouts, with what the sessions table says."""

from formats.addresses import address_of
from formats.aligned import open_aligned
from formats.latents import open_latents
from formats.motifs import read_motifs
from formats.poses import load_poses
from formats.tables import read_table
from job import job
from reporting.nwb import Segmentation, SessionResults, build_nwb, write_nwb

inputs, params, keys = snakemake.input, snakemake.params, dict(snakemake.wildcards.items())
with job(snakemake) as out:
    results = SessionResults(
        keys.pop("session"),
        load_poses(inputs.poses),
        open_aligned(inputs.aligned),
        open_latents(inputs.latents),
        read_motifs(inputs.motifs),
        read_table(inputs.bouts),
        read_table(inputs.communities),
    )
    segmentation = Segmentation(**keys, settings=params.to_motifs, code=params.code)
    video = address_of(params.metadata["video"], out.nwb)
    write_nwb(build_nwb(results, segmentation, params.metadata, video, **params.settings), out.nwb)
