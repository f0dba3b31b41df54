"""Evaluate one model's motifs: quality metrics with verdicts, and advice."""

from formats.aligned import open_aligned
from formats.files import read_json, write_json
from formats.latents import open_latents
from formats.tables import read_table
from job import job
from motif_analysis.findings import evaluate_motifs
from motif_analysis.labels import labels_of_sessions
from motif_analysis.segmentation import load_segmenter

with job(snakemake) as out:
    inputs, rows = snakemake.input, snakemake.params.sessions
    sessions = [row["session"] for row in rows]
    aligned = dict(zip(sessions, map(open_aligned, inputs.aligned), strict=True))
    quality = evaluate_motifs(
        names=snakemake.wildcards,
        segmenter=load_segmenter(inputs.segmenter),
        latents=dict(zip(sessions, map(open_latents, inputs.latents), strict=True)),
        aligned=aligned,
        labels=labels_of_sessions(rows, inputs.labels, aligned),
        metrics=read_json(inputs.metrics) if inputs.metrics else None,
        tables={name: read_table(inputs[name]) for name in ("agreement", "usage", "groups")},
        settings=snakemake.params.settings,
    )
    write_json(out.quality, quality)
    print("\n".join("{verdict:>8}  {name}: {sentence}".format(**f) for f in quality["findings"]))
    print("\n".join(quality["advice"]))
