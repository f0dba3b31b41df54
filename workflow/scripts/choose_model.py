"""Copy the export of the chosen model, and say which one it is and why."""

import json
import shutil
from pathlib import Path

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from model_comparison.choice import choose
from model_comparison.tables import read_table

log_to(snakemake.log[0])
inputs = snakemake.input

choice = choose(
    read_table(inputs.comparison),
    read_table(inputs.pairs),
    snakemake.params.settings["choose_by"],
)
folder = (choice["model"], f"seed{choice['seed']}")
with written_aside(snakemake.output, inputs) as output:
    for kind in ("state_dict", "safetensors", "onnx", "manifest"):
        (chosen,) = (path for path in inputs[kind] if Path(path).parts[-3:-1] == folder)
        shutil.copyfile(chosen, getattr(output, kind))
    Path(output.choice).write_text(json.dumps(choice, indent=2) + "\n")
print(json.dumps(choice, indent=2))
record_job(snakemake)
