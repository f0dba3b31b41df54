"""Draw one recording before training: what was cleaned, and the aligned skeleton."""

import json
from pathlib import Path

import numpy as np
from figures.quality import draw_quality
from figures.style import save
from job_log import log_to

log_to(snakemake.log[0])

with np.load(snakemake.input.traces) as traces:
    figure = draw_quality(
        session=snakemake.wildcards.session,
        summary=json.loads(Path(snakemake.input.summary).read_text(encoding="utf-8")),
        traces=dict(traces),
    )
save(
    figure,
    svg=snakemake.output.svg,
    png=snakemake.output.png,
    dpi=snakemake.params.settings["figure_dpi"],
)
