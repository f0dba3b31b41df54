"""Draw one recording before training: what was cleaned, and the aligned skeleton."""

import json
from pathlib import Path

import numpy as np
from figures.quality import draw_quality
from figures.style import save
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job

log_to(snakemake.log[0])

with np.load(snakemake.input.traces) as traces:
    figure = draw_quality(
        session=snakemake.wildcards.session,
        summary=json.loads(Path(snakemake.input.summary).read_text(encoding="utf-8")),
        traces=dict(traces),
    )
with written_aside(snakemake.output, snakemake.input) as output:
    save(figure, svg=output.svg, png=output.png, dpi=snakemake.params.settings["figure_dpi"])
record_job(snakemake)
