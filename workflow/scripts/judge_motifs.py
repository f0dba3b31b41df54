"""Evaluate one model's motifs: quality metrics with verdicts, and advice."""

from formats.aligned import open_aligned
from formats.files import own_name, read_json, write_json
from formats.latents import open_latents
from formats.tables import read_table
from job import job
from motif_analysis.findings import evaluate_motifs
from motif_analysis.segmentation import load_segmenter

with job(snakemake) as out:
    inputs, params = snakemake.input, snakemake.params
    quality = evaluate_motifs(
        names=snakemake.wildcards,
        sessions=params.sessions,
        segmenter=load_segmenter(inputs.segmenter),
        latents=map(open_latents, inputs.latents),
        familiarity=map(read_json, inputs.familiarity),
        aligned=map(open_aligned, inputs.aligned),
        label_files=[own_name(path) for path in inputs.labels],
        metrics=read_json(inputs.metrics) if inputs.metrics else None,
        tables={name: read_table(inputs[name]) for name in ("agreement", "usage", "groups")},
        settings=params.settings,
    )
    write_json(out.quality, quality)
    findings = map("{verdict:>8}  {name}: {sentence}".format_map, quality["findings"])
    print(*findings, *quality["advice"], sep="\n")
