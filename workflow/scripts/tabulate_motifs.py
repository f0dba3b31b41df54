"""Tabulate one segmentation: usage, transitions, profile, communities, examples, groups."""

from formats.aligned import open_aligned
from formats.latents import open_latents
from formats.motifs import read_motifs
from formats.tables import read_table, write_table
from job import job
from motif_analysis.segmentation import load_segmenter
from motif_analysis.tables import tabulate

with job(snakemake) as out:
    inputs, settings = snakemake.input, snakemake.params.settings
    motifs, latents = map(read_motifs, inputs.motifs), map(open_latents, inputs.latents)
    aligned = map(open_aligned, inputs.aligned)
    tables = tabulate(
        recordings=zip(snakemake.params.sessions, motifs, latents, aligned, strict=True),
        segmenter=load_segmenter(inputs.segmenter),
        latent_map=read_table(inputs.latent_map),
        **settings,
    )
    for name, table in tables.items():
        write_table(table, getattr(out, name))
    for name in ("usage", "groups"):
        print(tables[name].to_string(index=False, float_format="%.4g"))
