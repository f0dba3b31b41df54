from snakemake.utils import min_version

min_version("9.25")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/poses.smk"
include: "workflow/rules/dataset.smk"
include: "workflow/rules/training.smk"
include: "workflow/rules/figures.smk"


rule check:
    """Look at every recording before training: tables and a figure of each in results/quality."""
    input:
        "results/quality/sessions.csv",
        collect("results/quality/{session}.svg", session=SESSIONS),


rule all:
    """Train, evaluate, plot and export every model with every seed."""
    default_target: True
    input:
        rules.check.input,
        collect(
            [
                "results/export/{model}/seed{seed}/manifest.json",
                "results/figures/{model}/seed{seed}/losses.svg",
                "results/figures/{model}/seed{seed}/reconstructions.svg",
            ],
            model=MODELS,
            seed=config["seeds"],
        ),
