"""Split the usable frames of all sessions into train and test, and scale them."""

import json
from pathlib import Path

import pandas as pd
from job_log import log_to
from job_outputs import written_aside
from job_record import chain, describe_job, record_job, write_json
from pose_prep.splitting import SplitSettings, write_dataset

log_to(snakemake.log[0])
sessions = snakemake.params.sessions
names = [session["session"] for session in sessions]
dataset = {key: snakemake.output[key] for key in ("train", "test", "description")}
with written_aside(dataset, snakemake.input) as output:
    description = write_dataset(
        recordings=dict(zip(names, snakemake.input.aligned, strict=True)),
        groups={session["session"]: session["group"] for session in sessions},
        settings=SplitSettings(**snakemake.params.settings),
        arrays={"train": output.train, "test": output.test},
    )
    Path(output.description).write_text(json.dumps(description, indent=2))

# What led to it, in one file: else every model's manifest would have thousands of inputs.
with written_aside({"jobs": snakemake.output.jobs}, snakemake.input) as output:
    write_json(Path(output.jobs), chain(snakemake.input.records, describe_job(snakemake)))

segments = pd.DataFrame(description["segments"])
segments["frames"] = segments["stop"] - segments["start"]
summary = segments.groupby(["session", "side"])["frames"].agg(["count", "sum", "min", "max"])
print(f"{len(description['features'])} features; segments and their frames:")
print(summary.rename(columns={"count": "segments", "sum": "frames"}).to_string())
record_job(snakemake)
