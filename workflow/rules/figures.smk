# Tables of recordings and trained models in, figures out.
#   in:  results/quality/{session}.npz, .json
#        results/models/{model}/seed{seed}/   history.csv, metrics.json, reconstructions.npz
#        results/comparison*.csv
#        results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv
#        results/motif_tables/{model}/seed{seed}/{segmentation}/
#        results/aligned/{session}.npz, and the sheet's videos
#   out: results/quality/{session}.svg, .png
#        results/figures/{model}/seed{seed}/  losses, reconstructions, each as svg and png
#        results/figures/comparison, as svg and png
#        results/figures/{model}/seed{seed}/{segmentation}/
#            latent_map, usage, transitions, communities, poses, ethograms/{session}, as svg and png
#            examples/motif{motif}.gif, .mp4, and all of them in examples.html
#        results/summary.html                 the start page of the report


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


rule plot_motifs:
    """Draw one segmentation: map of latents, use, transitions, communities, mean poses."""
    input:
        usage="results/motif_tables/{model}/seed{seed}/{segmentation}/usage.csv",
        transitions="results/motif_tables/{model}/seed{seed}/{segmentation}/transitions.csv",
        profile="results/motif_tables/{model}/seed{seed}/{segmentation}/profile.csv",
        communities="results/motif_tables/{model}/seed{seed}/{segmentation}/communities.csv",
        linkage="results/motif_tables/{model}/seed{seed}/{segmentation}/linkage.csv",
        latent_map="results/motif_tables/{model}/seed{seed}/{segmentation}/latent_map.csv",
        groups="results/motif_tables/{model}/seed{seed}/{segmentation}/groups.csv",
    output:
        latent_map=report(
            "results/figures/{model}/seed{seed}/{segmentation}/latent_map.svg",
            caption="../report/latent_map.rst",
            category="Motifs",
            subcategory="model {model}, seed {seed}, {segmentation}",
            labels={"figure": "latent map"},
        ),
        usage=report(
            "results/figures/{model}/seed{seed}/{segmentation}/usage.svg",
            caption="../report/usage.rst",
            category="Motifs",
            subcategory="model {model}, seed {seed}, {segmentation}",
            labels={"figure": "use"},
        ),
        transitions=report(
            "results/figures/{model}/seed{seed}/{segmentation}/transitions.svg",
            caption="../report/transitions.rst",
            category="Motifs",
            subcategory="model {model}, seed {seed}, {segmentation}",
            labels={"figure": "transitions"},
        ),
        communities=report(
            "results/figures/{model}/seed{seed}/{segmentation}/communities.svg",
            caption="../report/communities.rst",
            category="Motifs",
            subcategory="model {model}, seed {seed}, {segmentation}",
            labels={"figure": "communities"},
        ),
        poses=report(
            "results/figures/{model}/seed{seed}/{segmentation}/poses.svg",
            caption="../report/poses.rst",
            category="Motifs",
            subcategory="model {model}, seed {seed}, {segmentation}",
            labels={"figure": "poses"},
        ),
        latent_map_png="results/figures/{model}/seed{seed}/{segmentation}/latent_map.png",
        usage_png="results/figures/{model}/seed{seed}/{segmentation}/usage.png",
        transitions_png="results/figures/{model}/seed{seed}/{segmentation}/transitions.png",
        communities_png="results/figures/{model}/seed{seed}/{segmentation}/communities.png",
        poses_png="results/figures/{model}/seed{seed}/{segmentation}/poses.png",
        record="results/provenance/plot_motifs/{model}/seed{seed}/{segmentation}.json",
    log:
        "logs/plot_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/plot_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        settings=settings_of("plot_motifs"),
        code=source_digest("plot_motifs", "figures"),
    script:
        "../scripts/plot_motifs.py"


rule plot_ethogram:
    """Draw what one recording's animal did when."""
    input:
        motifs="results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv",
    output:
        svg=report(
            "results/figures/{model}/seed{seed}/{segmentation}/ethograms/{session}.svg",
            caption="../report/ethogram.rst",
            category="Motifs",
            subcategory="model {model}, seed {seed}, {segmentation}",
            labels={"figure": "ethogram of {session}"},
        ),
        png="results/figures/{model}/seed{seed}/{segmentation}/ethograms/{session}.png",
        record="results/provenance/plot_ethogram/{model}/seed{seed}/{segmentation}/{session}.json",
    log:
        "logs/plot_ethogram/{model}/seed{seed}/{segmentation}/{session}.log",
    benchmark:
        "results/benchmarks/plot_ethogram/{model}/seed{seed}/{segmentation}/{session}.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        settings=settings_of("plot_ethogram"),
        code=source_digest("plot_ethogram", "figures"),
    script:
        "../scripts/plot_ethogram.py"


rule film_motifs:
    """Film example bouts of each motif, from the tracks and from the sheet's videos."""
    input:
        usage="results/motif_tables/{model}/seed{seed}/{segmentation}/usage.csv",
        profile="results/motif_tables/{model}/seed{seed}/{segmentation}/profile.csv",
        examples="results/motif_tables/{model}/seed{seed}/{segmentation}/examples.csv",
        aligned=collect("results/aligned/{session}.npz", session=SESSIONS),
        videos=[own_file(SESSIONS[name]["video"]) for name in FILMED],
    output:
        page=report(
            "results/figures/{model}/seed{seed}/{segmentation}/examples.html",
            caption="../report/examples.rst",
            category="Motifs",
            subcategory="model {model}, seed {seed}, {segmentation}",
            labels={"figure": "films of example bouts"},
        ),
        films=folder_on_a_disk(
            "results/figures/{model}/seed{seed}/{segmentation}/examples"
        ),
        record="results/provenance/film_motifs/{model}/seed{seed}/{segmentation}.json",
    log:
        "logs/film_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/film_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("film_motifs"),
        sessions=list(SESSIONS),
        filmed=FILMED,
        fps={name: SESSIONS[name]["fps"] for name in FILMED},
        code=source_digest("film_motifs", "figures"),
    script:
        "../scripts/film_motifs.py"


rule write_summary:
    """Say in words what was trained on, how good it is, what was found: the report's start page."""
    input:
        recordings="results/quality/sessions.csv",
        dataset="results/dataset/dataset.json" if TRAINED else [],
        comparison="results/comparison.csv" if TRAINED else [],
        choice="results/best/choice.json" if TRAINED else [],
        usage=collect(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/usage.csv",
            model=EMBEDDED,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS,
        ),
        communities=collect(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/communities.csv",
            model=EMBEDDED,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS,
        ),
        groups=collect(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/groups.csv",
            model=EMBEDDED,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS,
        ),
        quality=collect(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json",
            model=EMBEDDED,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS,
        ),
    output:
        summary=report(
            "results/summary.html",
            caption="../report/summary.rst",
            category="Summary",
            labels={"figure": "start page"},
        ),
        record="results/provenance/write_summary/write_summary.json",
    log:
        "logs/write_summary/write_summary.log",
    benchmark:
        "results/benchmarks/write_summary/write_summary.tsv"
    conda:
        "../../envs/figures.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        segmented=segmentations_of_run(),
        frozen=config["use_model"],
        code=source_digest("write_summary", "run_summary"),
    script:
        "../scripts/write_summary.py"
