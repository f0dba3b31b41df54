"""Gather the records of all jobs of a run in one file."""

from formats.records import lineage, write_manifest
from job import job

with job(snakemake, record=False) as out:
    content = lineage(snakemake.input, out.record)
    write_manifest(out.manifest, content)
    print(f"{len(content['jobs'])} jobs on {len(content['machines'])} machine(s)")
    for name in content["without_record"]:
        print(f"WARNING: {name} has no record of the job that made it")
