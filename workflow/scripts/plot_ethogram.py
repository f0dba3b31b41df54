"""Draw the behaviour of each recording's animal: every motif over time."""

from figures.ethogram import draw_ethogram
from figures.motif_marks import given_colours
from figures.style import save
from formats.files import own_name
from formats.motif_names import read_motif_names
from formats.motifs import read_frames
from formats.segmenters import read_numbers
from job import job

with job(snakemake) as out:
    inputs, params = snakemake.input, snakemake.params
    named = own_name(inputs.get("names") or "")
    names = read_motif_names(named, inputs.segmenter, **snakemake.wildcards)
    numbers = [number for number in read_numbers(inputs.segmenter) if number not in names.merged]
    frames = read_frames(inputs.motifs, params.sessions, names.names)
    files = zip(params.sessions, frames, out.svg, out.png, strict=True)
    with given_colours(names.colours):
        for session, motifs, svg, png in files:
            figure = draw_ethogram(session, motifs, numbers)
            save(figure, svg=svg, png=png, dpi=params.settings["figure_dpi"])
