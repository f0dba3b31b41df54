"""Put all sessions beside one another, before an hour of training is spent on them."""

import json
from pathlib import Path

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from pose_prep.quality import compare_sessions

log_to(snakemake.log[0])
sessions = snakemake.params.sessions
summaries = {
    name: json.loads(Path(path).read_text(encoding="utf-8"))
    for name, path in zip(sessions, snakemake.input.summaries, strict=True)
}
notes = {name: summary.pop("notes") for name, summary in summaries.items()}
table = compare_sessions(summaries, notes, snakemake.params.settings["resample_fps"] is not None)
with written_aside(snakemake.output, snakemake.input) as output:
    table.to_csv(output.sessions, float_format="%.6g")
marked = table[table["leave_out_because"] != ""]
print(table.to_string(float_format="%.3f"))
print(f"{len(marked)} of {len(table)} sessions may be worth leaving out")
record_job(snakemake)
