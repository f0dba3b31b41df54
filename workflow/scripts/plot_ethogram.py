"""Draw what one recording's animal did when: every motif over time."""

from figures.ethogram import draw_ethogram
from figures.style import save
from formats.segmenters import count_motifs
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    figure = draw_ethogram(
        session=snakemake.wildcards.session,
        frames=read_table(snakemake.input.motifs),
        motifs=range(count_motifs(snakemake.input.segmenter)),
    )
    save(figure, svg=out.svg, png=out.png, dpi=snakemake.params.settings["figure_dpi"])
