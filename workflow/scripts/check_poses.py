"""List the quality of all sessions before training."""

from formats.files import own_name, read_json
from formats.intervals import check_intervals
from formats.tables import write_table
from job import job
from pose_prep.quality import compare_sessions
from pose_prep.timescales import describe_timescales

with job(snakemake) as out:
    sessions = map(read_json, snakemake.input.summaries)
    summaries = dict(zip(snakemake.params.sessions, sessions, strict=True))
    lengths = {name: (own["fps"], 60 * own["minutes"]) for name, own in summaries.items()}
    check_intervals(own_name(snakemake.input.get("intervals") or ""), lengths)
    table = compare_sessions(
        summaries,
        resampled=snakemake.params.settings["resample_fps"] is not None,
    )
    write_table(table, out.sessions, index=True)
    marked = table["leave_out_because"] != ""
    print(table.to_string(float_format="%.3f"))
    print(f"{marked.sum()} of {len(table)} sessions may be worth excluding")
    print(describe_timescales(table, snakemake.params.settings["pooling_seconds"]))
