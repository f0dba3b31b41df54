"""Measure one model on held-out windows, and keep examples for the figure."""

import csv
import json
from pathlib import Path

import numpy as np
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from vame_core.checkpoint import load_model, require_features, require_scaling
from vame_core.determinism import choose_device, use_threads
from vame_core.evaluation import example_reconstructions, held_out_metrics
from vame_core.windows import open_windows

log_to(snakemake.log[0])
use_threads(snakemake.threads)
settings = snakemake.params.settings
device = choose_device(settings["device"])
model, config, checkpoint = load_model(Path(snakemake.input.model), device)
description = json.loads(Path(snakemake.input.description).read_text())
require_features(checkpoint, description["features"], Path(snakemake.input.model))
require_scaling(checkpoint, description["scaling"], Path(snakemake.input.model))
train = open_windows(Path(snakemake.input.train), description, "train", config, device)
held_out = open_windows(Path(snakemake.input.test), description, "test", config, device)

metrics, sessions = held_out_metrics(model, train, held_out, description, config)
metrics = {
    "model": snakemake.wildcards.model,
    "seed": checkpoint["seed"],
    "epoch": checkpoint["epoch"],
    "selection": checkpoint["selection"],
    **metrics,
}
examples = example_reconstructions(model, held_out, description, settings["example_windows"])
with written_aside(snakemake.output, snakemake.input) as output:
    Path(output.metrics).write_text(json.dumps(metrics, indent=2) + "\n")
    with open(output.sessions, "w", newline="") as file:
        table = csv.DictWriter(file, sessions[0])
        table.writeheader()
        table.writerows(sessions)
    np.savez(output.reconstructions, **examples)
print(json.dumps(metrics, indent=2))
record_job(snakemake, device=str(device))
