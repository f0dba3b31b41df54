"""Split the usable frames of all sessions into train and test, and scale them."""

import json
from pathlib import Path

import pandas as pd
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from pose_prep.splitting import SplitSettings, write_dataset

log_to(snakemake.log[0])
sessions = snakemake.params.sessions
names = [session["session"] for session in sessions]
with written_aside(snakemake.output, snakemake.input) as output:
    description = write_dataset(
        recordings=dict(zip(names, snakemake.input.aligned, strict=True)),
        groups={session["session"]: session["group"] for session in sessions},
        settings=SplitSettings(**snakemake.params.settings),
        arrays={"train": output.train, "test": output.test},
    )
    Path(output.description).write_text(json.dumps(description, indent=2))

segments = pd.DataFrame(description["segments"])
segments["frames"] = segments["stop"] - segments["start"]
summary = segments.groupby(["session", "side"])["frames"].agg(["count", "sum", "min", "max"])
print(f"{len(description['features'])} features; segments and their frames:")
print(summary.rename(columns={"count": "segments", "sum": "frames"}).to_string())
record_job(snakemake)
