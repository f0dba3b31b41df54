"""Draw all models beside each other, and their differences to the best one."""

import pandas as pd
from figures.comparison import draw_comparison
from figures.style import save
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job

log_to(snakemake.log[0])

names = dict.fromkeys(["model", "other", "better", "session"], str)  # even where they are digits
tables = (
    pd.read_csv(path, dtype=names, keep_default_na=False, na_values=[""])
    for path in (snakemake.input.comparison, snakemake.input.sessions, snakemake.input.pairs)
)
figure = draw_comparison(*tables)
with written_aside(snakemake.output, snakemake.input) as output:
    save(figure, svg=output.svg, png=output.png, dpi=snakemake.params.settings["figure_dpi"])
record_job(snakemake)
