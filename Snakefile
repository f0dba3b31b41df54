from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


# The first rule, and so the target of a bare `snakemake`; default_target would also make it the
# target of any workflow that uses this one as a module.
rule all:
    """Train, compare and export all models; embed every session with each, and find its motifs."""
    input:
        OF_RECORDINGS,
        collect(
            [
                "results/export/{model}/seed{seed}/manifest.json",
                "results/figures/{model}/seed{seed}/losses.svg",
                "results/figures/{model}/seed{seed}/reconstructions.svg",
            ],
            model=TRAINED,
            seed=config["seeds"],
        ),
        collect(
            "results/latents/{model}/seed{seed}/{session}.npy",
            model=MODELS,
            seed=config["seeds"],
            session=SESSIONS,
        ),
        collect(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json",
            model=MODELS,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS,
        ),
        OF_ALL_MODELS if TRAINED else [],
        "results/manifest.json",


rule check:
    """Look at every recording before training: tables and a figure of each in results/quality."""
    input:
        OF_RECORDINGS,


include: "workflow/rules/poses.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/motifs.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/provenance.smk"
include: "workflow/rules/orphans.smk"
