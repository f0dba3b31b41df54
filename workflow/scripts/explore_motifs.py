"""Put map, ethograms, bouts and poses of all recordings on one page to look through."""

from pathlib import Path

from figures.explorer import address_of, explore
from formats.aligned import open_aligned
from formats.files import own_name
from formats.labels import labels_of_sessions
from formats.motif_names import digest_of, read_rows
from formats.tables import read_table
from job import job

inputs, params, key = snakemake.input, snakemake.params, list(snakemake.wildcards)
names = ("usage", "profile", "communities", "bouts", "latent_map")
with job(snakemake) as out:
    videos = {name: address_of(video, out.page) for name, video in params.videos.items()}
    rows = [row | {"video": videos.get(row["session"])} for row in params.sessions]
    sessions = [a | {"aligned": b} for a, b in zip(rows, inputs.aligned, strict=True)]
    poses = {row["session"]: open_aligned(row["aligned"]) for row in sessions}
    known = {
        "digest": digest_of(inputs.segmenter),
        "named": read_rows(own_name(inputs.get("names") or "")),
        "labels": labels_of_sessions(sessions, map(own_name, inputs.labels), poses),
    }
    tables = {name: read_table(inputs[name]) for name in names}
    page = explore(key, tables, sessions, **known, **params.settings)
    Path(out.page).write_text(page, encoding="utf-8")
