"""Draw what one recording's animal did when: every motif over time."""

from figures.ethogram import draw_ethogram
from figures.motif_marks import given_colours
from figures.style import save
from formats.files import own_name
from formats.motif_names import read_motif_names
from formats.segmenters import read_numbers
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    inputs, keys = snakemake.input, dict(snakemake.wildcards.items())
    session, named = keys.pop("session"), own_name(inputs.get("names") or "")
    names = read_motif_names(named, inputs.segmenter, **keys)
    numbers = read_numbers(inputs.segmenter)
    with given_colours(names.colours):
        figure = draw_ethogram(
            session=session,
            frames=read_table(inputs.motifs),
            motifs=[number for number in numbers if number not in names.merged],
        )
    save(figure, svg=out.svg, png=out.png, dpi=snakemake.params.settings["figure_dpi"])
