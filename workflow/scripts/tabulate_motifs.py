"""Tabulate one segmentation: usage, transitions, profile, communities, groups, usage over time."""

from formats.aligned import open_aligned
from formats.files import own_name
from formats.intervals import read_intervals
from formats.latents import open_latents
from formats.motif_names import read_motif_names
from formats.motifs import read_together
from formats.tables import read_table, write_tables
from job import job
from motif_analysis.segmentation import load_segmenter
from motif_analysis.tables import tabulate

with job(snakemake) as out:
    inputs, rows = snakemake.input, {row["session"]: row for row in snakemake.params.sessions}
    motifs, latents = read_together(inputs.motifs, rows), map(open_latents, inputs.latents)
    named, timed = (own_name(inputs.get(key) or "") for key in ("names", "intervals"))
    names = read_motif_names(named, inputs.segmenter, **snakemake.wildcards)
    tables = tabulate(
        zip(rows.values(), motifs, latents, map(open_aligned, inputs.aligned), strict=True),
        load_segmenter(inputs.segmenter).merge(names.merged),
        read_table(inputs.latent_map),
        **names.shown,
        intervals=read_intervals(timed, rows),
        **snakemake.params.settings,
    )
    write_tables(tables, out)
    print(tables["usage"].to_string(index=False, float_format="%.4g"))
