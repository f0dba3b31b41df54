"""Give every frame of one recording its motif."""

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from motif_analysis.frames import describe_offset, motifs_of_frames, open_aligned, write_motifs
from motif_analysis.latents import open_latents
from motif_analysis.segmentation import load_segmenter

log_to(snakemake.log[0])
names = snakemake.wildcards
segmenter = load_segmenter(snakemake.input.segmenter)
aligned = open_aligned(snakemake.input.aligned)
motifs = motifs_of_frames(
    segmenter.label(open_latents(snakemake.input.latents)),
    len(aligned.usable),
    segmenter.time_window,
)
comments = [
    f"session {names.session}, model {names.model}, seed {names.seed}, {names.segmentation}",
    describe_offset(segmenter.time_window),
    f"motif is empty where no such window is usable; {aligned.fps:g} frames per second",
]
with written_aside(snakemake.output, snakemake.input) as output:
    write_motifs(output.motifs, motifs, aligned.usable, aligned.fps, comments)
print(f"{(motifs >= 0).sum()} of {len(motifs)} frames have a motif")
record_job(snakemake)
