"""Draw a comparison of all models, and their differences to the best one."""

from figures.comparison import draw_comparison
from figures.style import save
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    figure = draw_comparison(
        trainings=read_table(snakemake.input.comparison),
        sessions=read_table(snakemake.input.sessions),
        pairs=read_table(snakemake.input.pairs),
    )
    save(figure, svg=out.svg, png=out.png, dpi=snakemake.params.settings["figure_dpi"])
