"""Film the bouts that are suggested for labelling, from tracks and from videos."""

from pathlib import Path
from tempfile import TemporaryDirectory

from figures.gallery import film_suggestions, gallery_of_suggestions
from figures.videos import Video
from formats.files import own_name
from formats.tables import read_table
from job import job

inputs, params, wildcards = snakemake.input, snakemake.params, snakemake.wildcards
videos = zip(params.filmed, inputs.videos, strict=True)
with job(snakemake) as out, TemporaryDirectory() as elsewhere:
    suggestions = read_table(inputs.bouts)
    films = film_suggestions(
        suggestions,
        read_table(inputs.usage),
        read_table(inputs.profile),
        aligned=dict(zip(params.sessions, inputs.aligned, strict=True)),
        videos={name: Video(own_name(path), params.fps[name]) for name, path in videos},
        folder=getattr(out, "films", elsewhere),  # in a bucket, the page alone has the films
        **params.settings,
    )
    title = f"Bouts to label: {wildcards.segmentation}, model {wildcards.model}"
    page = gallery_of_suggestions(title, suggestions, films)
    Path(out.page).write_text(page, encoding="utf-8")
