"""Pack a finished run with the workflow that made it, as an RO-Crate."""

from pathlib import Path

import yaml
from formats.files import read_json
from job import job
from reporting.crate import build_crate

with job(snakemake, record=False) as out:
    params = snakemake.params
    sources = {name: Path(path) for name, path in params.sources.items()}
    crate = build_crate(
        read_json(snakemake.input.manifest),
        root=Path(),
        manifest_path=snakemake.input.manifest,
        settings=[path for path in params.settings_files if Path(path).is_file()],
        sources=sources,
        citation=yaml.safe_load(sources["CITATION.cff"].read_text(encoding="utf-8")),
        publication=params.settings["publication"],
        snakemake_version=params.snakemake_version,
    )
    crate.write_zip(out.crate)
    print(f"{len(crate.data_entities)} files, {Path(out.crate).stat().st_size} bytes")
