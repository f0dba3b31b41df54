"""Say in words what was trained on, how good it is, what was found and what to watch out for."""

from pathlib import Path

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from run_summary.page import summarise

log_to(snakemake.log[0])
inputs, params = snakemake.input, snakemake.params
page = summarise(
    recordings=inputs.recordings,
    dataset=inputs.get("dataset"),
    trainings=inputs.get("comparison"),
    choice=inputs.get("choice"),
    segmented=params.segmented,
    tables={name: inputs[name] for name in ("usage", "communities", "groups", "quality")},
    frozen=params.frozen,
)
with written_aside(snakemake.output, inputs) as output:
    Path(output.summary).write_text(page, encoding="utf-8")
record_job(snakemake)
