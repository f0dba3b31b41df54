"""List results of models, seeds and sessions that are no longer set."""

import sys

from job import job

with job(snakemake, record=False) as out:
    for stream in (sys.stdout, out.terminal):
        print(snakemake.params.orphans or "nothing", file=stream, flush=True)
