"""Measure how well one model's motifs agree between seeds."""

from itertools import chain

from formats.motifs import read_together
from formats.tables import write_table
from job import job
from motif_analysis.agreement import compare_seeds

with job(snakemake) as out:
    params = snakemake.params
    files = (read_together(path, params.sessions) for path in snakemake.input.motifs)
    motifs = chain.from_iterable(files)
    table = compare_seeds(motifs, params.segmentations, params.seeds, params.sessions)
    write_table(table, out.agreement)
    print(table.to_string(index=False, float_format="%.4g"))
