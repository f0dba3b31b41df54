"""Map a sample of one model's latents to two dimensions, by UMAP."""

from formats.latents import open_latents
from formats.tables import write_table
from job import job
from motif_analysis.latent_map import map_latents

with job(snakemake) as out:
    params = snakemake.params
    latents = map(open_latents, snakemake.input.latents)
    table = map_latents(
        dict(zip(params.sessions, latents, strict=True)),
        **params.windows,
        settings=params.settings,
    )
    write_table(table, out.latent_map)
    print(f"{len(table)} windows of {len(params.sessions)} sessions")
