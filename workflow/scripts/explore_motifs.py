"""Put map, ethograms, bouts and poses of all recordings on one page to look through."""

from pathlib import Path

from figures.explorer import address_of, explore
from formats.tables import read_table
from job import job

inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
names = ("usage", "profile", "communities", "bouts", "latent_map")
with job(snakemake) as out:
    videos = {name: address_of(video, out.page) for name, video in params.videos.items()}
    sessions = [
        dict(row) | {"aligned": aligned, "video": videos.get(row["session"])}
        for row, aligned in zip(params.sessions, inputs.aligned, strict=True)
    ]
    page = explore(
        f"Motifs: {wildcards.segmentation}, model {wildcards.model}, seed {wildcards.seed}",
        {name: read_table(inputs[name]) for name in names},
        sessions,
        **params.settings,
    )
    Path(out.page).write_text(page, encoding="utf-8")
    print(f"{len(sessions)} recordings, {len(page) / 1e6:.1f} MB")
