"""Draw held-out windows, their reconstruction and their predicted future."""

import numpy as np
from figures.reconstructions import draw_reconstructions
from figures.style import save
from job import job

with job(snakemake) as out:
    with np.load(snakemake.input.reconstructions) as file:
        figure = draw_reconstructions(dict(file))
    save(figure, svg=out.svg, png=out.png, dpi=snakemake.params.settings["figure_dpi"])
