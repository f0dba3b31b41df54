"""Put map, ethograms, bouts and poses of all recordings on one interactive page."""

from pathlib import Path

from figures.explorer import explore
from formats.addresses import address_of
from formats.aligned import open_aligned
from formats.files import own_name
from formats.labels import labels_of_sessions
from formats.motif_names import digest_of, read_rows
from formats.tables import read_table
from job import job

inputs, params, names = snakemake.input, snakemake.params, snakemake.wildcards
tables = ("usage", "profile", "communities", "bouts", "latent_map")
with job(snakemake) as out:
    files = zip(params.sessions, inputs.aligned, strict=True)
    sessions = [dict(row) | {"aligned": aligned} for row, aligned in files]
    for row in sessions:
        video = params.videos.get(row["session"])
        row["video"] = video and address_of(video, out.page)
    poses = {row["session"]: open_aligned(row["aligned"]) for row in sessions}
    page = explore(
        (names.model, names.seed, names.segmentation),
        {name: read_table(inputs[name]) for name in tables},
        sessions,
        digest=digest_of(inputs.segmenter),
        named=read_rows(own_name(inputs.get("names") or "")),
        labels=labels_of_sessions(sessions, map(own_name, inputs.labels), poses),
        **params.settings,
    )
    Path(out.page).write_text(page, encoding="utf-8")
