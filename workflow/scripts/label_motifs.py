"""Assign a motif to every frame of one recording."""

from formats.aligned import open_aligned
from formats.files import own_name
from formats.latents import open_latents
from formats.motif_names import read_motif_names
from formats.motifs import write_motifs
from job import job
from motif_analysis.frames import distances_of_frames, motifs_of_frames
from motif_analysis.hierarchy import communities_of_motifs, find_communities
from motif_analysis.segmentation import load_segmenter

with job(snakemake) as out:
    inputs, keys = snakemake.input, dict(snakemake.wildcards.items())
    keys.pop("session")
    names = read_motif_names(own_name(inputs.get("names") or ""), inputs.segmenter, **keys)
    segmenter = load_segmenter(inputs.segmenter).merge(names.merged)
    aligned, latents = open_aligned(inputs.aligned), open_latents(inputs.latents)
    of_windows = segmenter.label(latents)
    place = len(aligned.usable), segmenter.time_window
    motifs = motifs_of_frames(of_windows, *place)
    distances = distances_of_frames(segmenter.distances(latents, of_windows), *place)
    found, _ = find_communities(segmenter, **snakemake.params.settings)
    communities = communities_of_motifs(found)
    known = distances, names.names, communities
    write_motifs(out.motifs, motifs, aligned.usable, aligned.fps, *known)
    print(f"{(motifs >= 0).sum()} of {len(motifs)} frames have a motif")
