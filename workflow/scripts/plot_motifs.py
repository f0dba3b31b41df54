"""Draw one segmentation: latent map, usage, transitions, communities and mean poses of motifs."""

from figures.communities import draw_communities
from figures.latent_map import draw_latent_map
from figures.motif_marks import colours_of, given_colours
from figures.motif_poses import draw_motif_poses
from figures.style import save
from figures.transitions import draw_transitions
from figures.usage import draw_usage
from formats.tables import read_table
from job import job

with job(snakemake) as out:
    settings = snakemake.params.settings
    read = {name: read_table(path) for name, path in snakemake.input.items()}
    usage, communities = read["usage"], read["communities"]
    look = settings["skeleton"], settings["center"]
    with given_colours(colours_of(usage)):
        figures = {
            "latent_map": draw_latent_map(read["latent_map"]),
            "usage": draw_usage(usage, read["groups"]),
            "transitions": draw_transitions(read["transitions"], usage, communities),
            "communities": draw_communities(read["linkage"], communities, usage),
            "poses": draw_motif_poses(read["profile"], usage, *look),
        }
    for name, figure in figures.items():
        svg, png = getattr(out, name), getattr(out, f"{name}_png")
        save(figure, svg=svg, png=png, dpi=settings["figure_dpi"])
