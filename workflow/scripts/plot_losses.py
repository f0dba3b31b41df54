"""Draw the loss curves of one training, with the epoch that was chosen."""

import json
from pathlib import Path

import pandas as pd
from figures.losses import draw_losses
from figures.style import save
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job

log_to(snakemake.log[0])

metrics = json.loads(Path(snakemake.input.metrics).read_text(encoding="utf-8"))
figure = draw_losses(
    history=pd.read_csv(snakemake.input.history),
    chosen_epoch=metrics["epoch"],
    selection=metrics["selection"],
)
with written_aside(snakemake.output, snakemake.input) as output:
    save(figure, svg=output.svg, png=output.png, dpi=snakemake.params.settings["figure_dpi"])
record_job(snakemake)
