"""Compare the results with their manifests, and name every file that was altered."""

import sys
from pathlib import Path

from job_log import log_to
from provenance.verification import verify

terminal = log_to(snakemake.log[0])
# The prefix of a module, where there is one, stands before results/ as it does before logs/.
report = verify(Path(snakemake.log[0]).parents[2] / "results", root=Path())
summary = [
    *(str(finding) for finding in (*report.notes, *report.faults)),
    f"{report.files} files of {report.manifests} manifests compared: "
    + (f"{len(report.faults)} fault(s)" if report.faults else "all are as they were made"),
]
for stream in (sys.stdout, terminal):
    print("\n".join(summary), file=stream, flush=True)
sys.exit(bool(report.faults))
