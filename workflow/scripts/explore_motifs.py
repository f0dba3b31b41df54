"""Put map, ethograms, bouts and poses of all recordings on one interactive page."""

from pathlib import Path

from figures.explorer import TABLES, explore
from formats.aligned import open_aligned
from formats.files import own_name
from formats.labels import labels_of_sessions
from formats.motif_names import digest_of, read_rows
from formats.tables import read_table
from job import job

inputs, params, key = snakemake.input, snakemake.params, snakemake.wildcards
with job(snakemake) as out:
    ids = [row["session"] for row in params.sessions]
    aligned = dict(zip(ids, map(open_aligned, inputs.aligned), strict=True))
    page = explore(
        (key.model, key.seed, key.segmentation),
        {name: read_table(inputs[name]) for name in TABLES},
        params.sessions,
        aligned,
        page=out.page,
        digest=digest_of(inputs.segmenter),
        named=read_rows(own_name(inputs.get("names") or "")),
        labels=labels_of_sessions(params.sessions, map(own_name, inputs.labels), aligned),
        **params.settings,
    )
    Path(out.page).write_text(page, encoding="utf-8")
