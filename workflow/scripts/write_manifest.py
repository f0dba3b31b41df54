"""Gather the records of all jobs of a run in one file."""

from job_log import log_to
from job_outputs import written_aside
from job_record import chain, write_manifest

log_to(snakemake.log[0])
content = chain(snakemake.input.records)
with written_aside(snakemake.output, snakemake.input) as output:
    write_manifest(output.manifest, content)
print(f"{len(content['jobs'])} jobs on {len(content['machines'])} machine(s)")
