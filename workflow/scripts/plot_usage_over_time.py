"""Draw the usage of each motif by time bin and by condition."""

from figures.style import save
from figures.usage_over_time import draw_usage_over_time
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    inputs, dpi = snakemake.input, snakemake.params.settings["figure_dpi"]
    tables = read_table(inputs.usage_over_time), read_table(inputs.comparisons_over_time)
    figure = draw_usage_over_time(*tables)
    save(figure, svg=out.usage_over_time, png=out.usage_over_time_png, dpi=dpi)
