"""Draw one segmentation: map of latents, use, transitions, communities, poses of its motifs."""

from figures.communities import draw_communities
from figures.latent_map import draw_latent_map
from figures.motif_poses import draw_motif_poses
from figures.style import read_table, save
from figures.transitions import draw_transitions
from figures.usage import draw_usage
from job_log import log_to
from job_outputs import written_aside
from job_record import record_job

log_to(snakemake.log[0])
settings = snakemake.params.settings
table = {name: read_table(path) for name, path in snakemake.input.items()}
figures = {
    "latent_map": draw_latent_map(table["latent_map"]),
    "usage": draw_usage(table["usage"], table["groups"]),
    "transitions": draw_transitions(table["transitions"], table["usage"], table["communities"]),
    "communities": draw_communities(table["linkage"], table["communities"], table["usage"]),
    "poses": draw_motif_poses(
        table["profile"], table["usage"], settings["skeleton"], settings["center"]
    ),
}
with written_aside(snakemake.output, snakemake.input) as output:
    for name, figure in figures.items():
        svg, png = getattr(output, name), getattr(output, f"{name}_png")
        save(figure, svg=svg, png=png, dpi=settings["figure_dpi"])
record_job(snakemake)
