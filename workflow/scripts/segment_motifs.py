"""Find the motifs of one model's latents, over all sessions that it was trained on."""

from job_log import log_to
from job_outputs import written_aside
from job_record import record_job
from motif_analysis.latents import open_latents
from motif_analysis.segmentation import fit_segmenter

log_to(snakemake.log[0])
params = snakemake.params
algorithm, n_motifs = snakemake.wildcards.segmentation.split("-")
paths = dict(zip(params.sessions, snakemake.input.latents, strict=True))
segmenter = fit_segmenter(
    latents={session: open_latents(path) for session, path in paths.items()},
    algorithm=algorithm,
    n_motifs=int(n_motifs),
    time_window=params.time_window,
    seed=params.settings["motif_seed"],
    motif_windows=params.settings["motif_windows"],
)
with written_aside(snakemake.output, snakemake.input) as output:
    segmenter.save(output.segmenter)
print(f"{segmenter.frames.sum()} windows of {len(paths)} sessions; by motif: {segmenter.frames}")
record_job(snakemake)
