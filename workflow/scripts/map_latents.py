"""Lay a sample of one model's latents out in two dimensions."""

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from motif_analysis.latent_map import map_latents
from motif_analysis.latents import open_latents

log_to(snakemake.log[0])
params = snakemake.params
paths = dict(zip(params.sessions, snakemake.input.latents, strict=True))
table = map_latents(
    {session: open_latents(path) for session, path in paths.items()},
    windows=params.settings["map_windows"],
    time_window=params.time_window,
    seed=params.settings["motif_seed"],
)
with written_aside(snakemake.output, snakemake.input) as output:
    table.to_csv(output.latent_map, index=False, float_format="%.6g")
print(f"{len(table)} windows of {len(paths)} sessions")
record_job(snakemake)
