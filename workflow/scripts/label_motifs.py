"""Assign a motif to every frame of one recording."""

from formats.aligned import open_aligned
from formats.files import own_name
from formats.latents import open_latents
from formats.motif_names import read_motif_names
from formats.motifs import write_motifs
from job import job
from motif_analysis.frames import describe_columns, motifs_of_frames
from motif_analysis.segmentation import load_segmenter

with job(snakemake) as out:
    inputs, keys = snakemake.input, dict(snakemake.wildcards.items())
    session, named = keys.pop("session"), own_name(inputs.get("names") or "")
    names = read_motif_names(named, inputs.segmenter, **keys)
    segmenter = load_segmenter(inputs.segmenter).merge(names.merged)
    aligned = open_aligned(inputs.aligned)
    of_windows = segmenter.label(open_latents(inputs.latents))
    motifs = motifs_of_frames(of_windows, len(aligned.usable), segmenter.time_window)
    comments = [
        f"session {session}, model {keys['model']}, seed {keys['seed']}, {keys['segmentation']}",
        *describe_columns(segmenter.time_window, aligned.fps),
    ]
    write_motifs(out.motifs, motifs, aligned.usable, aligned.fps, comments, names.names)
    print(f"{(motifs >= 0).sum()} of {len(motifs)} frames have a motif")
