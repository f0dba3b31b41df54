# Tables of recordings and trained models in, figures out.
#   in:  results/quality/{session}.npz, .json
#        results/models/{model}/seed{seed}/   history.csv, metrics.json, reconstructions.npz
#        results/comparison*.csv
#   out: results/quality/{session}.svg, .png
#        results/figures/{model}/seed{seed}/  losses, reconstructions, each as svg and png
#        results/figures/comparison, as svg and png


rule plot_quality:
    """Draw one recording before training: what was cleaned, and the aligned skeleton."""
    input:
        summary="results/quality/{session}.json",
        traces="results/quality/{session}.npz",
    output:
        svg=report(
            "results/quality/{session}.svg",
            caption="../report/quality.rst",
            category="Recordings",
            labels={"session": "{session}", "figure": "quality"},
        ),
        png="results/quality/{session}.png",
        record="results/provenance/plot_quality/{session}.json",
    log:
        "logs/plot_quality/{session}.log",
    benchmark:
        "results/benchmarks/plot_quality/{session}.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        settings=settings_of("plot_quality"),
        code=source_digest("plot_quality", "figures"),
    script:
        "../scripts/plot_quality.py"


rule plot_losses:
    """Draw one model's losses, KL weight and learning rate over its epochs."""
    input:
        history="results/models/{model}/seed{seed}/history.csv",
        metrics="results/models/{model}/seed{seed}/metrics.json",
    output:
        svg=report(
            "results/figures/{model}/seed{seed}/losses.svg",
            caption="../report/losses.rst",
            category="Training",
            labels={"model": "{model}", "seed": "{seed}", "figure": "losses"},
        ),
        png="results/figures/{model}/seed{seed}/losses.png",
        record="results/provenance/plot_losses/{model}/seed{seed}.json",
    log:
        "logs/plot_losses/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/plot_losses/{model}/seed{seed}.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        settings=settings_of("plot_losses"),
        code=source_digest("plot_losses", "figures"),
    script:
        "../scripts/plot_losses.py"


rule plot_reconstructions:
    """Draw held-out windows, their reconstruction and their predicted future."""
    input:
        reconstructions="results/models/{model}/seed{seed}/reconstructions.npz",
    output:
        svg=report(
            "results/figures/{model}/seed{seed}/reconstructions.svg",
            caption="../report/reconstructions.rst",
            category="Training",
            labels={"model": "{model}", "seed": "{seed}", "figure": "reconstructions"},
        ),
        png="results/figures/{model}/seed{seed}/reconstructions.png",
        record="results/provenance/plot_reconstructions/{model}/seed{seed}.json",
    log:
        "logs/plot_reconstructions/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/plot_reconstructions/{model}/seed{seed}.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        settings=settings_of("plot_reconstructions"),
        code=source_digest("plot_reconstructions", "figures"),
    script:
        "../scripts/plot_reconstructions.py"


rule plot_comparison:
    """Draw all models beside each other, with baselines and intervals."""
    input:
        comparison="results/comparison.csv",
        sessions="results/comparison_sessions.csv",
        pairs="results/comparison_pairs.csv",
    output:
        svg=report(
            "results/figures/comparison.svg",
            caption="../report/comparison.rst",
            category="Comparison",
            labels={"figure": "comparison"},
        ),
        png="results/figures/comparison.png",
        record="results/provenance/plot_comparison/plot_comparison.json",
    log:
        "logs/plot_comparison/plot_comparison.log",
    benchmark:
        "results/benchmarks/plot_comparison/plot_comparison.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        settings=settings_of("plot_comparison"),
        code=source_digest("plot_comparison", "figures"),
    script:
        "../scripts/plot_comparison.py"
