"""Split the usable frames of all sessions into train and test, and scale them."""

from formats.files import write_json
from job import job
from pose_prep.splitting import SplitSettings, summarise_segments, write_dataset

groups = snakemake.params.groups

with job(snakemake) as out:
    description = write_dataset(
        recordings=dict(zip(groups, snakemake.input.aligned, strict=True)),
        groups=groups,
        settings=SplitSettings(**snakemake.params.settings),
        arrays={"train": out.train, "test": out.test},
    )
    write_json(out.description, description)
    print(f"{len(description['features'])} features; segments and their frames:")
    print(summarise_segments(description["segments"]).to_string())
