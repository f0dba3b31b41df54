"""Find the motifs of one model's latents, in all sessions that it was trained on."""

from formats.latents import open_latents
from job import job
from motif_analysis.reference import describe_numbering, keep_numbers
from motif_analysis.segmentation import fit_segmenter

with job(snakemake) as out:
    params = snakemake.params
    algorithm, n_motifs = snakemake.wildcards.segmentation.split("-")
    latents = map(open_latents, snakemake.input.latents)
    segmenter = fit_segmenter(
        latents=dict(zip(params.sessions, latents, strict=True)),
        algorithm=algorithm,
        n_motifs=int(n_motifs),
        **params.windows,
        settings=params.settings,
    )
    segmenter = keep_numbers(segmenter, snakemake.input.get("reference"))
    segmenter.save(out.segmenter)
    by_motif = dict(zip(segmenter.numbering.numbers.tolist(), segmenter.frames, strict=True))
    print(f"{segmenter.frames.sum()} windows; by motif: {by_motif}")
    print(describe_numbering(segmenter.numbering))
