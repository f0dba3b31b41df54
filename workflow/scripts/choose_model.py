"""Copy the export of the chosen model, and report the choice and its reason."""

import shutil
from pathlib import Path

from formats.files import write_json
from formats.tables import read_table
from job import job
from reporting.choice import choose

with job(snakemake) as out:
    inputs = snakemake.input
    choice = choose(
        read_table(inputs.comparison),
        read_table(inputs.pairs),
        snakemake.params.settings["choose_by"],
    )
    folder = (choice["model"], f"seed{choice['seed']}")
    for kind in ("state_dict", "safetensors", "onnx", "manifest", "card"):
        (chosen,) = (path for path in inputs[kind] if Path(path).parts[-3:-1] == folder)
        shutil.copyfile(chosen, getattr(out, kind))
    write_json(out.choice, choice)
    print(choice)
