"""Film example bouts of each motif: from tracks, and from videos that the sessions table names."""

from pathlib import Path
from tempfile import TemporaryDirectory

from figures.gallery import film_motifs, gallery
from figures.videos import Video
from formats.files import own_name
from formats.tables import read_table
from job import job

inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
videos = zip(params.filmed, inputs.videos, strict=True)
with job(snakemake) as out, TemporaryDirectory() as elsewhere:
    films = film_motifs(
        read_table(inputs.usage),
        read_table(inputs.profile),
        read_table(inputs.examples),
        aligned=dict(zip(params.sessions, inputs.aligned, strict=True)),
        videos={name: Video(own_name(path), params.fps[name]) for name, path in videos},
        folder=getattr(out, "films", elsewhere),  # in a bucket, the page alone has the films
        **params.settings,
    )
    title = f"{wildcards.segmentation}, model {wildcards.model}, seed {wildcards.seed}"
    Path(out.page).write_text(gallery(f"Example bouts: {title}", films), encoding="utf-8")
    print(f"{len(films)} motifs, {sum(map(len, films.values()))} films")
