"""Write one model in the formats of other programs, with a description of its origin."""

from pathlib import Path

from formats.files import read_json
from formats.records import TO_A_MODEL, lineage, write_manifest
from job import job
from vame_core.checkpoint import load_model
from vame_core.determinism import choose_device, use_threads
from vame_core.export import describe_export, export_onnx, export_safetensors, export_state_dict
from vame_core.familiarity import measure_training
from vame_core.state import remove_states

with job(snakemake) as out:
    use_threads(snakemake.threads)
    files, name = snakemake.input, snakemake.wildcards.model
    model, config, checkpoint = load_model(files.model, choose_device("cpu"))
    description = read_json(files.description)
    errors = measure_training(model, config, files.train, files.test, description)
    about = {"alignment": snakemake.params.alignment, "reconstruction_error": errors}
    export_state_dict(model, out.state_dict)
    export_safetensors(model, out.safetensors, name, checkpoint, description, about)
    difference = export_onnx(model, checkpoint["scaling"], out.onnx)
    outputs = {final.name: path for path, final in out.final.items() if path.exists()}
    about |= describe_export(name, checkpoint, description, difference, files, outputs)
    about |= lineage(files, out.record, out.describe(), rules=TO_A_MODEL)
    write_manifest(out.manifest, about)
remove_states(Path(files.model).parent)  # Snakemake has the model: they are no longer needed
