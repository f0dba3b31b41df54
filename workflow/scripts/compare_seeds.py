"""Measure how far one model's motifs are the same with every seed."""

import numpy as np
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from motif_analysis.agreement import compare_seeds, join_tables
from motif_analysis.frames import read_motifs

log_to(snakemake.log[0])
params, paths = snakemake.params, iter(snakemake.input.motifs)
tables = []
for segmentation in params.segmentations:
    motifs = {
        seed: {session: read_motifs(next(paths)) for session in params.sessions}
        for seed in params.seeds
    }
    n_motifs = int(segmentation.split("-")[1])
    tables.append(compare_seeds(segmentation, motifs, n_motifs, np.random.default_rng(0)))
table = join_tables(tables)
with written_aside(snakemake.output, snakemake.input) as output:
    table.to_csv(output.agreement, index=False, float_format="%.6g")
print(table.to_string(index=False, float_format="%.4g"))
record_job(snakemake)
