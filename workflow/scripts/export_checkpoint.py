"""Write one model in the formats of other programs, and say what it is made of."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from job_log import log_to
from job_record import chain, describe_job, record_job, sha256, write_manifest
from vame_core.checkpoint import load_model, versions
from vame_core.export import export_onnx, export_safetensors, export_state_dict

log_to(snakemake.log[0])
output = snakemake.output
model, config, checkpoint = load_model(Path(snakemake.input.model), torch.device("cpu"))
description = json.loads(Path(snakemake.input.description).read_text())
identity = {key: value for key, value in checkpoint.items() if key != "weights"}

export_state_dict(model, Path(output.state_dict))
export_safetensors(model, Path(output.safetensors), identity)
difference = export_onnx(model, checkpoint["scaling"], Path(output.onnx))
print(f"largest difference between onnxruntime and torch: {difference:.2g}")

manifest = {
    "model": snakemake.wildcards.model,
    **identity,
    "exported_with": versions()
    | {name: version(name) for name in ("safetensors", "onnx", "onnxruntime")},
    "machine": platform.platform(),
    "onnx_largest_difference": difference,
    "inputs": {
        "model.pt": sha256(snakemake.input.model),
        "dataset.json": sha256(snakemake.input.description),
        **description["sha256"],
    },
    "outputs": {
        Path(path).name: sha256(path)
        for path in (output.state_dict, output.safetensors, output.onnx)
    },
    **chain(snakemake.input.records, describe_job(snakemake)),
}
write_manifest(output.manifest, manifest)
record_job(snakemake)
