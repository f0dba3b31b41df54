"""Delete results of models, seeds and sessions that are no longer set."""

import sys

from job import job
from reporting.orphans import delete_results

with job(snakemake, record=False) as out:
    for stream in (sys.stdout, out.terminal):
        print(snakemake.params.orphans or "nothing", file=stream, flush=True)
    delete_results(snakemake.params.orphans.splitlines())
