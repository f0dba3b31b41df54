"""Pack a finished run with the workflow that made it, as an RO-Crate."""

import json
from pathlib import Path

import yaml
from job_log import log_to
from job_outputs import written_aside
from run_crate.crate import build_crate

log_to(snakemake.log[0])
params = snakemake.params
sources = {name: Path(path) for name, path in params.sources.items()}
crate = build_crate(
    json.loads(Path(snakemake.input.manifest).read_text()),
    root=Path(),
    manifest_path=snakemake.input.manifest,
    settings=[path for path in params.settings_files if Path(path).is_file()],
    sources=sources,
    citation=yaml.safe_load(sources["CITATION.cff"].read_text()),
    snakemake_version=params.snakemake_version,
)
with written_aside(snakemake.output, snakemake.input) as output:
    crate.write_zip(output.crate)
print(f"{len(crate.data_entities)} files, {Path(snakemake.output.crate).stat().st_size} bytes")
