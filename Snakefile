from snakemake.utils import min_version

min_version("9.19")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


# The first rule, and so the target of a bare `snakemake`; default_target would also make it the
# target of any workflow that uses this one as a module.
rule all:
    """Train, compare and export all models; embed every session with each, and find its motifs."""
    input:
        "results/quality.csv",
        of_sessions("results/quality/{session}.svg"),
        of_trainings("results/export/{model}/seed{seed}/README.md"),
        of_trainings("results/figures/{model}/seed{seed}/losses.svg"),
        of_trainings("results/figures/{model}/seed{seed}/reconstructions.svg"),
        of_segmentations(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json"
        ),
        of_segmentations(
            "results/figures/{model}/seed{seed}/{segmentation}/latent_map.svg"
        ),
        of_segmentations(
            "results/figures/{model}/seed{seed}/{segmentation}/n_motifs.svg", AUTO
        ),
        of_segmentations(
            "results/figures/{model}/seed{seed}/{segmentation}/usage_over_time.svg",
            RUN.over_time,
        ),
        of_segmentations(
            "results/figures/{model}/seed{seed}/{segmentation}/examples.html"
        ),
        of_segmentations("results/explorer/{model}/seed{seed}/{segmentation}.html"),
        ["results/figures/comparison.svg", "results/best/choice.json"]
        if TRAINED
        else [],
        "results/summary.html",
        latents=collect(
            "results/latents/{model}/seed{seed}/{session}.npy",
            model=EMBEDDED,
            seed=config["seeds"],
            session=SESSIONS,
        ),
        ethograms=of_sessions(
            of_segmentations(
                "results/figures/{model}/seed{seed}/{segmentation}/ethograms/{session}.svg"
            )
        ),
        manifest="results/manifest.json",


rule check:
    """Look at every recording before training: tables and a figure of each in results/quality."""
    input:
        "results/quality.csv",
        of_sessions("results/quality/{session}.svg"),


rule nwb:
    """Write every session as NWB, with each segmentation; needs columns of the sessions table."""
    input:
        of_sessions(
            of_segmentations(
                "results/nwb/{model}/seed{seed}/{segmentation}/{session}.nwb"
            )
        ),


rule suggest_bouts:
    """Suggest fifty bouts to label: a table, films, and a BORIS project in results/suggestions."""
    input:
        of_segmentations(
            "results/suggestions/{model}/seed{seed}/{segmentation}/films.html"
        ),


include: "workflow/rules/poses.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/motifs.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
