"""Draw held-out windows, their reconstruction and their predicted future."""

import numpy as np
from figures.reconstructions import draw_reconstructions
from figures.style import save
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job

log_to(snakemake.log[0])

with np.load(snakemake.input.reconstructions) as file:
    figure = draw_reconstructions(dict(file))
with written_aside(snakemake.output, snakemake.input) as output:
    save(figure, svg=output.svg, png=output.png, dpi=snakemake.params.settings["figure_dpi"])
record_job(snakemake)
