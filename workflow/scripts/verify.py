"""Compare the results with their manifests, and report every altered file."""

import sys
from pathlib import Path

from job import job
from reporting.verification import verify

with job(snakemake, record=False) as out:
    # The prefix of a module, where there is one, stands before results/ as it does before logs/.
    report = verify(Path(snakemake.log[0]).parents[2] / "results", root=Path())
    for stream in (sys.stdout, out.terminal):
        print(report, file=stream, flush=True)
    sys.exit(bool(report.errors))
