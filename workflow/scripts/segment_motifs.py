"""Find the motifs of one model's latents, in all sessions that it was trained on."""

from dataclasses import replace

from formats.latents import open_latents
from job import job
from motif_analysis.n_motifs import choose_n_motifs
from motif_analysis.reference import describe_numbering, keep_numbers
from motif_analysis.segmentation import fit_segmenter

with job(snakemake) as out:
    params = snakemake.params
    data = {
        "latents": dict(
            zip(params.sessions, map(open_latents, snakemake.input.latents), strict=True)
        ),
        "algorithm": snakemake.wildcards.segmentation.split("-")[0],
        "settings": params.settings,
    }
    n_motifs, tried = choose_n_motifs(numbers=params.numbers, **data, **params.windows)
    segmenter = replace(fit_segmenter(n_motifs=n_motifs, **data, **params.windows), tried=tried)
    segmenter = keep_numbers(segmenter, snakemake.input.get("reference"))
    segmenter.save(out.segmenter)
    by_motif = dict(zip(segmenter.numbering.numbers.tolist(), segmenter.frames, strict=True))
    print(f"{segmenter.frames.sum()} windows; by motif: {by_motif}")
    print(describe_numbering(segmenter.numbering))
