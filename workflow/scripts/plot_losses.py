"""Draw the loss curves of one training, with the epoch that was chosen."""

from figures.losses import draw_losses
from figures.style import save
from formats.files import read_json
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    metrics = read_json(snakemake.input.metrics)
    history = read_table(snakemake.input.history)
    figure = draw_losses(history, chosen_epoch=metrics["epoch"], selection=metrics["selection"])
    save(figure, svg=out.svg, png=out.png, dpi=snakemake.params.settings["figure_dpi"])
