"""Assign a motif to every frame of one recording."""

from formats.aligned import open_aligned
from formats.latents import open_latents
from formats.motifs import write_motifs
from job import job
from motif_analysis.frames import describe_columns, motifs_of_frames
from motif_analysis.segmentation import load_segmenter

with job(snakemake) as out:
    inputs, names = snakemake.input, snakemake.wildcards
    segmenter, aligned = load_segmenter(inputs.segmenter), open_aligned(inputs.aligned)
    of_windows = segmenter.label(open_latents(inputs.latents))
    motifs = motifs_of_frames(of_windows, len(aligned.usable), segmenter.time_window)
    comments = [
        f"session {names.session}, model {names.model}, seed {names.seed}, {names.segmentation}",
        *describe_columns(segmenter.time_window, aligned.fps),
    ]
    write_motifs(out.motifs, motifs, aligned.usable, aligned.fps, comments)
    print(f"{(motifs >= 0).sum()} of {len(motifs)} frames have a motif")
