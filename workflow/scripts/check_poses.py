"""List the quality of all sessions before training."""

from formats.files import read_json
from formats.tables import write_table
from job import job
from pose_prep.quality import compare_sessions
from pose_prep.timescales import describe_timescales

with job(snakemake) as out:
    summaries = map(read_json, snakemake.input.summaries)
    table = compare_sessions(
        dict(zip(snakemake.params.sessions, summaries, strict=True)),
        resampled=snakemake.params.settings["resample_fps"] is not None,
    )
    write_table(table, out.sessions, index=True)
    marked = table["leave_out_because"] != ""
    print(table.to_string(float_format="%.3f"))
    print(f"{marked.sum()} of {len(table)} sessions may be worth excluding")
    print(describe_timescales(table, snakemake.params.settings["pooling_seconds"]))
