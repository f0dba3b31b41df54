"""Draw what one recording's animal did when: every motif over time."""

from figures.ethogram import draw_ethogram
from figures.style import read_table, save
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job

log_to(snakemake.log[0])
figure = draw_ethogram(
    session=snakemake.wildcards.session,
    frames=read_table(snakemake.input.motifs),
    motifs=range(int(snakemake.wildcards.segmentation.rpartition("-")[2])),
)
with written_aside(snakemake.output, snakemake.input) as output:
    save(figure, svg=output.svg, png=output.png, dpi=snakemake.params.settings["figure_dpi"])
record_job(snakemake)
