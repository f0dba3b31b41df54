"""Compare all trainings: one row each, and which differences exceed chance."""

from formats.tables import write_table
from job import job
from reporting.comparison import compare_trainings

with job(snakemake) as out:
    inputs = snakemake.input
    tables = compare_trainings(inputs.metrics, inputs.history, inputs.sessions, inputs.motifs)
    for name, table in tables.items():
        write_table(table, getattr(out, name))
        print(table.to_string(index=False, float_format="%.4g"))
