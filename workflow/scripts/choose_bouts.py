"""Choose the bouts whose labels would be most informative, and make a BORIS project for them."""

from pathlib import Path

from formats.aligned import open_aligned
from formats.files import own_name, write_json
from formats.labels import labels_of_sessions
from formats.latents import open_latents
from formats.tables import read_table, write_table
from job import job
from motif_analysis.boris import behaviours_of, boris_project
from motif_analysis.segmentation import load_segmenter
from motif_analysis.suggestions import suggest_bouts

inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
with job(snakemake) as out:
    ids, bouts = [row["session"] for row in params.sessions], read_table(inputs.bouts)
    aligned = dict(zip(ids, map(open_aligned, inputs.aligned), strict=True))
    latents = dict(zip(ids, map(open_latents, inputs.latents), strict=True))
    labels = labels_of_sessions(params.sessions, map(own_name, inputs.labels), aligned)
    table = suggest_bouts(bouts, latents, labels, load_segmenter(inputs.segmenter))
    write_table(table, out.bouts)
    seconds = {name: len(own.usable) / own.fps for name, own in aligned.items()}
    name, folder = f"{wildcards.segmentation}, {wildcards.model}", Path(out.project).parent
    behaviours, files = behaviours_of(bouts, labels), (params.videos, seconds, folder)
    write_json(out.project, boris_project(name, behaviours, params.sessions, table, *files))
    print(f"{len(table)} of {len(bouts)} bouts are suggested")
