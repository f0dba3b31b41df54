"""Lay all trainings side by side, and say which differences are more than chance."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from model_comparison.tables import COLUMNS, compare_pairs, read_table, training_row, winners

log_to(snakemake.log[0])
inputs = snakemake.input

rows, sessions = [], []
for metrics_path, history, own_sessions, motifs in zip(
    inputs.metrics, inputs.history, inputs.sessions, inputs.motifs, strict=True
):
    metrics, quality = (json.loads(Path(path).read_text()) for path in (metrics_path, motifs))
    rows.append(training_row(metrics, pd.read_csv(history), quality))
    own = read_table(own_sessions)
    sessions.append(own.assign(model=metrics["model"], seed=metrics["seed"]))

trainings = pd.DataFrame(rows, columns=COLUMNS)
by_session = pd.concat(sessions).set_index(["model", "seed"]).reset_index()
pairs = compare_pairs(trainings, by_session, np.random.default_rng(0))
best = winners(pairs)
trainings["best_of_all_in"] = [
    ", ".join(measure for measure, winner in best.items() if winner == model)
    for model in trainings["model"]
]
with written_aside(snakemake.output, inputs) as output:
    for table, path in (
        (trainings, output.comparison),
        (by_session, output.sessions),
        (pairs, output.pairs),
    ):
        table.to_csv(path, index=False, float_format="%.6g")

print(trainings.to_string(index=False, float_format="%.4g"))
print(pairs.to_string(index=False, float_format="%.4g"))
print(f"better than all others: {best or 'none'}")
record_job(snakemake)
