"""Draw the behaviour of one recording's animal: every motif over time."""

from figures.ethogram import draw_ethogram
from figures.style import save
from formats.files import own_name
from formats.motif_names import read_motif_names
from formats.segmenters import read_numbers
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    inputs, keys = snakemake.input, dict(snakemake.wildcards.items())
    session, named = keys.pop("session"), own_name(inputs.get("names") or "")
    merged = read_motif_names(named, inputs.segmenter, **keys).merged
    figure = draw_ethogram(
        session=session,
        frames=read_table(inputs.motifs),
        motifs=[number for number in read_numbers(inputs.segmenter) if number not in merged],
    )
    save(figure, svg=out.svg, png=out.png, dpi=snakemake.params.settings["figure_dpi"])
