"""Write the summary: training data, quality, motifs and groups, cautions, advice."""

from pathlib import Path

from job import job
from reporting.page import TABLES, summarise

with job(snakemake) as out:
    inputs, params = snakemake.input, snakemake.params
    page, references = summarise(
        recordings=inputs.recordings,
        dataset=inputs.get("dataset"),
        trainings=inputs.get("comparison"),
        choice=inputs.get("choice"),
        segmented=params.segmented,
        tables={name: inputs[name] for name in TABLES},
        frozen=params.frozen,
        manifest=inputs.get("manifest"),
        motifs=params.settings,
    )
    Path(out.summary).write_text(page, encoding="utf-8")
    Path(out.references).write_text(references, encoding="utf-8")
