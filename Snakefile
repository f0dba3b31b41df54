from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


# The first rule, and so the target of a bare `snakemake`; default_target would also make it the
# target of any workflow that uses this one as a module.
rule all:
    """Train, evaluate, plot and export every model with every seed, and compare them."""
    input:
        collect(
            [
                "results/export/{model}/seed{seed}/manifest.json",
                "results/figures/{model}/seed{seed}/losses.svg",
                "results/figures/{model}/seed{seed}/reconstructions.svg",
            ],
            model=MODELS,
            seed=config["seeds"],
        ),
        "results/comparison.csv",
        "results/figures/comparison.svg",
        "results/best/choice.json",
        "results/manifest.json",


include: "workflow/rules/poses.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/comparison.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/provenance.smk"
