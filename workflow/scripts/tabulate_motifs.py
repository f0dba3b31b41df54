"""Tabulate one segmentation: usage, transitions, profile, communities, examples, groups."""

from formats.aligned import open_aligned
from formats.files import own_name
from formats.latents import open_latents
from formats.motif_names import read_motif_names
from formats.motifs import read_motifs
from formats.tables import read_table, write_table
from job import job
from motif_analysis.segmentation import load_segmenter
from motif_analysis.tables import tabulate

with job(snakemake) as out:
    inputs = snakemake.input
    motifs, latents = map(read_motifs, inputs.motifs), map(open_latents, inputs.latents)
    parts = motifs, latents, map(open_aligned, inputs.aligned)
    named = own_name(inputs.get("names") or "")
    names = read_motif_names(named, inputs.segmenter, **snakemake.wildcards)
    tables = tabulate(
        recordings=zip(snakemake.params.sessions, *parts, strict=True),
        segmenter=load_segmenter(inputs.segmenter).merge(names.merged),
        latent_map=read_table(inputs.latent_map),
        **names.shown,
        **snakemake.params.settings,
    )
    for name, table in tables.items():
        write_table(table, getattr(out, name))
    print(tables["usage"].to_string(index=False, float_format="%.4g"))
