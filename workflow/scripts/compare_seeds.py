"""Measure how well one model's motifs agree between seeds."""

from formats.motifs import read_motifs
from formats.tables import write_table
from job import job
from motif_analysis.agreement import compare_seeds

with job(snakemake) as out:
    params = snakemake.params
    motifs = map(read_motifs, snakemake.input.motifs)
    table = compare_seeds(motifs, params.segmentations, params.seeds, params.sessions)
    write_table(table, out.agreement)
    print(table.to_string(index=False, float_format="%.4g"))
