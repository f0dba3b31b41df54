"""Draw one recording before training: what was cleaned, and the aligned skeleton."""

import numpy as np
from figures.quality import draw_quality
from figures.style import save
from formats.files import read_json
from job import job

with job(snakemake) as out:
    summary = read_json(snakemake.input.summary)
    with np.load(snakemake.input.traces) as traces:
        figure = draw_quality(snakemake.wildcards.session, summary, dict(traces))
    save(figure, svg=out.svg, png=out.png, dpi=snakemake.params.settings["figure_dpi"])
