"""Say with numbers and in words whether one model's motifs are to be believed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from motif_analysis import findings
from motif_analysis.baselines import compare_with_surrogates
from motif_analysis.frames import open_aligned
from motif_analysis.labels import read_labels, score_windows
from motif_analysis.latents import open_latents
from motif_analysis.segmentation import load_segmenter

log_to(snakemake.log[0])
inputs, params, settings = snakemake.input, snakemake.params, snakemake.params.settings
sessions = [row["session"] for row in params.sessions]
segmenter = load_segmenter(inputs.segmenter)
latents = dict(zip(sessions, map(open_latents, inputs.latents), strict=True))
aligned = dict(zip(sessions, map(open_aligned, inputs.aligned), strict=True))
fps = aligned[sessions[0]].fps
rng = np.random.default_rng(settings["motif_seed"])

labelled = [row for row in params.sessions if row["labelled"]]
labels = {
    row["session"]: read_labels(path, len(aligned[row["session"]].usable), fps, row["fps"])
    for row, path in zip(labelled, inputs.labels, strict=True)
}
metrics = json.loads(Path(inputs.metrics).read_text()) if inputs.metrics else None
agreement = pd.read_csv(inputs.agreement)
segmentation, seed = snakemake.wildcards.segmentation, int(snakemake.wildcards.seed)
bouts = compare_with_surrogates(latents, segmenter, settings["surrogates"], rng)
judged = [
    *findings.of_training(metrics),
    *findings.of_agreement(agreement, segmentation, seed),
    *findings.of_bouts(bouts, fps),
    *findings.of_use(pd.read_csv(inputs.usage)),
    *findings.of_labels(*score_windows(latents, aligned, labels, segmenter, rng)),
    *findings.of_groups(pd.read_csv(inputs.groups)),
]
quality = {
    "model": snakemake.wildcards.model,
    "seed": seed,
    "segmentation": segmentation,
    "findings": judged,
    "advice": findings.advice_of(judged),
}
with written_aside(snakemake.output, inputs) as output:
    Path(output.quality).write_text(json.dumps(quality, indent=2) + "\n", encoding="utf-8")
for each in judged:
    print(f"{each['verdict']:>8}  {each['name']}: {each['sentence']}")
print("\n".join(quality["advice"]))
record_job(snakemake)
