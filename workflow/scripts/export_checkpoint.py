"""Write one model in the formats of other programs, with a description of its origin."""

from pathlib import Path

import torch
from formats.files import read_json
from formats.records import TO_A_MODEL, lineage, write_manifest
from job import job
from vame_core.checkpoint import load_model
from vame_core.export import describe_export, export_onnx, export_safetensors, export_state_dict
from vame_core.state import remove_states

with job(snakemake) as out:
    files, name = snakemake.input, snakemake.wildcards.model
    model, _, checkpoint = load_model(files.model, torch.device("cpu"))
    description = read_json(files.description)
    export_state_dict(model, out.state_dict)
    export_safetensors(
        model, out.safetensors, name, checkpoint, description, snakemake.params.alignment
    )
    difference = export_onnx(model, checkpoint["scaling"], out.onnx)
    outputs = {out.final[key].name: out.written[key] for key in out.final if key != "manifest"}
    manifest = describe_export(name, checkpoint, description, difference, files, outputs)
    jobs = lineage(files, out.record, out.describe(), rules=TO_A_MODEL)
    write_manifest(out.manifest, manifest | jobs)
# Snakemake has taken the model: the state of its training is needed no more.
remove_states(Path(files.model).parent)
