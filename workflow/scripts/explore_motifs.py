"""Put map, ethograms, bouts and poses of all recordings on one interactive page."""

from pathlib import Path

from figures.explorer import explore
from formats.addresses import address_of
from formats.files import own_name
from formats.motif_names import digest_of, read_rows
from formats.tables import read_table
from job import job

inputs, params, names = snakemake.input, snakemake.params, snakemake.wildcards
tables = ("usage", "profile", "communities", "bouts", "latent_map")
with job(snakemake) as out:
    videos = {name: address_of(video, out.page) for name, video in params.videos.items()}
    sessions = [
        dict(row) | {"aligned": aligned, "video": videos.get(row["session"])}
        for row, aligned in zip(params.sessions, inputs.aligned, strict=True)
    ]
    page = explore(
        (names.model, names.seed, names.segmentation),
        {name: read_table(inputs[name]) for name in tables},
        sessions,
        digest=digest_of(inputs.segmenter),
        named=read_rows(own_name(inputs.get("names") or "")),
        **params.settings,
    )
    Path(out.page).write_text(page, encoding="utf-8")
