from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/poses.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/motifs.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/orphans.smk"


rule all:
    """Train, evaluate, plot and export every model with every seed, and embed every session."""
    default_target: True
    input:
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
