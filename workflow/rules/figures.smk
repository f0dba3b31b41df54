# Draw figures (svg for the report, png) and films from tables and arrays.
#   in:  results/{quality,models,motifs,motif_tables,aligned}/, results/comparison*.csv
#   out: results/quality/{session}.{svg,png}, results/figures/


rule plot_quality:
    """Draw one recording's quality and the aligned skeleton."""
    input:
        summary="results/quality/{session}.json",
        traces="results/quality/{session}.npz",
    output:
        **figure("results/quality/{session}", "Recordings", "quality"),
    log:
        "logs/plot_quality/{session}.log",
    benchmark:
        "results/benchmarks/plot_quality/{session}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_quality"),
    script:
        "../scripts/plot_quality.py"


rule plot_losses:
    """Draw one model's losses, KL weight and learning rate over its epochs."""
    input:
        history="results/models/{model}/seed{seed}/history.csv",
        metrics="results/models/{model}/seed{seed}/metrics.json",
    output:
        **figure("results/figures/{model}/seed{seed}/losses", "Training"),
    log:
        "logs/plot_losses/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/plot_losses/{model}/seed{seed}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_losses"),
    script:
        "../scripts/plot_losses.py"


rule plot_reconstructions:
    """Draw held-out windows, their reconstruction and their predicted future."""
    input:
        reconstructions="results/models/{model}/seed{seed}/reconstructions.npz",
    output:
        **figure("results/figures/{model}/seed{seed}/reconstructions", "Training"),
    log:
        "logs/plot_reconstructions/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/plot_reconstructions/{model}/seed{seed}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_reconstructions"),
    script:
        "../scripts/plot_reconstructions.py"


rule plot_comparison:
    """Draw a comparison of all models, with baselines and intervals."""
    input:
        comparison="results/comparison.csv",
        sessions="results/comparison_sessions.csv",
        pairs="results/comparison_pairs.csv",
    output:
        **figure("results/figures/comparison", "Comparison"),
    log:
        "logs/plot_comparison/plot_comparison.log",
    benchmark:
        "results/benchmarks/plot_comparison/plot_comparison.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_comparison"),
    script:
        "../scripts/plot_comparison.py"


rule plot_motifs:
    """Draw one segmentation: map of latents, usage, transitions, communities, mean poses."""
    input:
        **tables_of_motifs("usage", "transitions", "profile", "communities"),
        **tables_of_motifs("linkage", "latent_map", "groups"),
    output:
        **figures_of_motifs("latent_map", "usage", "transitions"),
        **figures_of_motifs("communities", "poses"),
    log:
        "logs/plot_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/plot_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_motifs"),
    script:
        "../scripts/plot_motifs.py"


rule plot_n_motifs:
    """Draw, by number of motifs, the unexplained variance and the agreement of refits."""
    input:
        **tables_of_motifs("n_motifs"),
    output:
        **figures_of_motifs("n_motifs"),
    log:
        "logs/plot_n_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/plot_n_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_n_motifs"),
    script:
        "../scripts/plot_n_motifs.py"


rule plot_usage_over_time:
    """Draw the usage of each motif by time bin and by condition."""
    input:
        **tables_of_motifs("usage_over_time", "comparisons_over_time"),
    output:
        **figures_of_motifs("usage_over_time"),
    log:
        "logs/plot_usage_over_time/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/plot_usage_over_time/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_usage_over_time"),
    script:
        "../scripts/plot_usage_over_time.py"


rule plot_ethogram:
    """Draw the motifs of each recording over time."""
    input:
        segmenter=segmenter_of_model,
        names=names_of_motifs,
        motifs="results/motifs/{model}/seed{seed}/{segmentation}.npz",
    output:
        svg=[
            figure_of_motifs(
                f"ethograms/{name}.svg", "ethogram", f"ethogram of {name}"
            )
            for name in SESSIONS
        ],
        png=of_sessions(
            "results/figures/{model}/seed{seed}/{segmentation}/ethograms/{session}.png"
        ),
    log:
        "logs/plot_ethogram/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/plot_ethogram/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("plot_ethogram"),
        sessions=list(SESSIONS),
    script:
        "../scripts/plot_ethogram.py"


rule explore_motifs:
    """Write the motif browser: a page with map, ethograms, bouts and poses of all recordings."""
    input:
        **tables_of_motifs("usage", "profile", "communities", "bouts", "latent_map"),
        segmenter=segmenter_of_model,
        names=names_of_motifs,
        aligned=of_sessions("results/aligned/{session}.npz"),
        labels=LABELS,
    output:
        page="results/explorer/{model}/seed{seed}/{segmentation}.html",
    log:
        "logs/explore_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/explore_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("explore_motifs"),
        sessions=RUN.shown(),
    script:
        "../scripts/explore_motifs.py"


rule film_motifs:
    """Film example bouts of each motif, from the tracks and from the videos."""
    input:
        **tables_of_motifs("usage", "profile", "examples"),
        aligned=of_sessions("results/aligned/{session}.npz"),
        videos=[own_file(SESSIONS[name]["video"]) for name in FILMED],
    output:
        page=figure_of_motifs("examples.html", "examples", "films of example bouts"),
        films=folder_on_a_disk(
            "results/figures/{model}/seed{seed}/{segmentation}/examples"
        ),
    log:
        "logs/film_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/film_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("film_motifs"),
        sessions=list(SESSIONS),
        filmed=FILMED,
        fps={name: SESSIONS[name]["fps"] for name in FILMED},
    script:
        "../scripts/film_motifs.py"


rule film_suggestions:
    """Film the bouts that are suggested for labelling."""
    input:
        **tables_of_motifs("usage", "profile"),
        bouts="results/suggestions/{model}/seed{seed}/{segmentation}/bouts.csv",
        aligned=of_sessions("results/aligned/{session}.npz"),
        videos=[own_file(SESSIONS[name]["video"]) for name in FILMED],
    output:
        page="results/suggestions/{model}/seed{seed}/{segmentation}/films.html",
        films=folder_on_a_disk(
            "results/suggestions/{model}/seed{seed}/{segmentation}/films"
        ),
    log:
        "logs/film_suggestions/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/film_suggestions/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    params:
        **params_of("film_suggestions"),
        sessions=list(SESSIONS),
        filmed=FILMED,
        fps={name: SESSIONS[name]["fps"] for name in FILMED},
    script:
        "../scripts/film_suggestions.py"
