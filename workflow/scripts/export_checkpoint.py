"""Write one model in the formats of other programs, and say what it is made of."""

import json
import platform
from importlib.metadata import version
from pathlib import Path

import torch
from job_log import log_to
from job_outputs import written_aside
from job_record import chain, describe_job, record_job, sha256, write_manifest
from vame_core.checkpoint import load_model, remove_states, versions
from vame_core.export import export_onnx, export_safetensors, export_state_dict

log_to(snakemake.log[0])
model, config, checkpoint = load_model(Path(snakemake.input.model), torch.device("cpu"))
description = json.loads(Path(snakemake.input.description).read_text())
identity = {key: value for key, value in checkpoint.items() if key != "weights"}

# With what a recording has to be like, so that the file is enough to embed new ones.
recordings = {
    "alignment": snakemake.params.alignment,
    "outlier_limits": description["outlier_limits"],
    "scalars": description["scalars"],
    "fps": sorted(set(description["fps"].values())),
}
exported = {key: snakemake.output[key] for key in ("state_dict", "safetensors", "onnx")}
with written_aside(exported, snakemake.input) as output:
    export_state_dict(model, Path(output.state_dict))
    export_safetensors(
        model,
        Path(output.safetensors),
        identity | recordings | {"model": snakemake.wildcards.model},
    )
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
    "outputs": {Path(path).name: sha256(path) for path in exported.values()},
    **chain(snakemake.input.records, describe_job(snakemake)),
}
with written_aside({"manifest": snakemake.output.manifest}, snakemake.input) as output:
    write_manifest(output.manifest, manifest)
# Snakemake has taken the model: what its training would need to go on is needed no more.
remove_states(Path(snakemake.input.model).parent)
record_job(snakemake)
