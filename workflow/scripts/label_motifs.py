"""Assign a motif to every frame of each recording."""

from formats.aligned import open_aligned
from formats.files import own_name
from formats.latents import open_latents
from formats.motif_names import read_motif_names
from formats.motifs import write_motifs, write_together
from job import job
from motif_analysis.frames import distances_of_frames, motifs_of_frames
from motif_analysis.hierarchy import communities_of_motifs, find_communities
from motif_analysis.segmentation import load_segmenter

with job(snakemake) as out:
    inputs, named = snakemake.input, own_name(snakemake.input.get("names") or "")
    names = read_motif_names(named, inputs.segmenter, **snakemake.wildcards)
    segmenter = load_segmenter(inputs.segmenter).merge(names.merged)
    found, _ = find_communities(segmenter, **snakemake.params.settings)
    called, together = (names.names, communities_of_motifs(found)), {}
    files = zip(inputs.aligned, inputs.latents, out.motifs, strict=True)
    for session, (poses, windows, path) in zip(snakemake.params.sessions, files, strict=True):
        aligned, latents = open_aligned(poses), open_latents(windows)
        place, of_windows = (len(aligned.usable), segmenter.time_window), segmenter.label(latents)
        distances = distances_of_frames(segmenter.distances(latents, of_windows), *place)
        motifs = motifs_of_frames(of_windows, *place)
        write_motifs(path, motifs, aligned.usable, aligned.fps, distances, *called)
        together[session] = motifs, aligned.fps
        print(f"{session}: {(motifs >= 0).sum()} of {len(motifs)} frames have a motif")
    write_together(out.together, together)
