"""Draw what each candidate for the number of motifs explains, and the agreement of refits."""

from figures.n_motifs import draw_n_motifs
from figures.style import save
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    figure = draw_n_motifs(read_table(snakemake.input.n_motifs))
    dpi = snakemake.params.settings["figure_dpi"]
    save(figure, svg=out.n_motifs, png=out.n_motifs_png, dpi=dpi)
