"""Split the usable frames of all sessions into train and test, and scale them."""

import json

import pandas as pd
from job_log import log_to
from job_record import record_job
from pose_prep.splitting import SplitSettings, write_dataset

log_to(snakemake.log[0])
sessions = snakemake.params.sessions
names = [session["session"] for session in sessions]
description = write_dataset(
    recordings=dict(zip(names, snakemake.input.aligned, strict=True)),
    groups={session["session"]: session["group"] for session in sessions},
    settings=SplitSettings(**snakemake.params.settings),
    arrays={"train": snakemake.output.train, "test": snakemake.output.test},
)
with open(snakemake.output.description, "w") as file:
    json.dump(description, file, indent=2)

segments = pd.DataFrame(description["segments"])
segments["frames"] = segments["stop"] - segments["start"]
summary = segments.groupby(["session", "side"])["frames"].agg(["count", "sum", "min", "max"])
print(f"{len(description['features'])} features; segments and their frames:")
print(summary.rename(columns={"count": "segments", "sum": "frames"}).to_string())
record_job(snakemake)
