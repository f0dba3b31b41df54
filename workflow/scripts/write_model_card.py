"""Write the model card of one export: description, intended use and limits."""

from pathlib import Path

from formats.files import read_json
from formats.tables import read_table
from job import job
from reporting.model_card import write_card

with job(snakemake) as out:
    inputs, params = snakemake.input, snakemake.params
    card = write_card(
        manifest=read_json(inputs.manifest),
        metrics=read_json(inputs.metrics),
        by_session=read_table(inputs.sessions),
        dataset=read_json(inputs.dataset),
        recordings=read_table(inputs.recordings),
        sessions=params.sessions,
        license_of_model=params.settings["model_license"],
    )
    Path(out.card).write_text(card, encoding="utf-8")
