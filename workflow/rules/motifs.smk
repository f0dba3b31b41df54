# Find, tabulate and evaluate motifs from latents and aligned poses.
#   in:  results/latents/{model}/seed{seed}/{session}.npy, results/aligned/{session}.npz
#   out: results/segmenters/{model}/seed{seed}/{segmentation}.npz        the segmenter
#        results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv  one row per frame
#        results/motifs/{model}/seed{seed}/{segmentation}.npz  the motifs of all sessions, for jobs
#            that need all of them, since planning takes long with many files
#        results/latent_maps/{model}/seed{seed}.csv                      a sample in two dimensions
#        results/motif_tables/{model}/seed{seed}/{segmentation}/         tables, quality.json
#        results/motif_tables/{model}/agreement.csv                      between seeds
#        results/suggestions/{model}/seed{seed}/{segmentation}/          on request: bouts to label


rule segment_motifs:
    """Find the motifs of one model's latents, in all sessions that it was trained on."""
    input:
        latents=of_sessions(
            "results/latents/{model}/seed{seed}/{session}.npy", TRAINED_ON
        ),
        reference=lambda w: own_file(RUN.references.get(w.segmentation)),
    output:
        segmenter="results/segmenters/{model}/seed{seed}/{segmentation}.npz",
    log:
        "logs/segment_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/segment_motifs/{model}/seed{seed}/{segmentation}.tsv"
    priority: 1
    conda:
        "../../envs/motifs.yaml"
    threads: 1  # the order of summation varies with several threads
    params:
        **params_of("segment_motifs"),
        numbers=RUN.numbers_of_motifs,
        sessions=TRAINED_ON,
        windows=RUN.windows_of_model,
    script:
        "../scripts/segment_motifs.py"


rule label_motifs:
    """Label each frame of each recording with its motif."""
    input:
        segmenter=segmenter_of_model,
        names=names_of_motifs,
        latents=of_sessions("results/latents/{model}/seed{seed}/{session}.npy"),
        aligned=of_sessions("results/aligned/{session}.npz"),
    output:
        motifs=of_sessions(
            "results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv"
        ),
        together="results/motifs/{model}/seed{seed}/{segmentation}.npz",
    log:
        "logs/label_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/label_motifs/{model}/seed{seed}/{segmentation}.tsv"
    priority: 1
    conda:
        "../../envs/motifs.yaml"
    params:
        **params_of("label_motifs"),
        sessions=list(SESSIONS),
    script:
        "../scripts/label_motifs.py"


rule map_latents:
    """Map a sample of one model's latents to two dimensions, by UMAP."""
    input:
        latents=of_sessions("results/latents/{model}/seed{seed}/{session}.npy"),
    output:
        latent_map="results/latent_maps/{model}/seed{seed}.csv",
    log:
        "logs/map_latents/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/map_latents/{model}/seed{seed}.tsv"
    priority: 1
    conda:
        "../../envs/motifs.yaml"
    params:
        **params_of("map_latents"),
        sessions=list(SESSIONS),
        windows=RUN.windows_of_model,
    script:
        "../scripts/map_latents.py"


rule tabulate_motifs:
    """Tabulate the motifs of one segmentation: usage, transitions, profile, groups and others."""
    input:
        segmenter=segmenter_of_model,
        names=names_of_motifs,
        motifs="results/motifs/{model}/seed{seed}/{segmentation}.npz",
        latents=of_sessions("results/latents/{model}/seed{seed}/{session}.npy"),
        aligned=of_sessions("results/aligned/{session}.npz"),
        latent_map="results/latent_maps/{model}/seed{seed}.csv",
        intervals=own_file(config["intervals"]),
    output:
        **tables_of_motifs("usage", "transitions", "profile", "bouts", "examples"),
        **tables_of_motifs("groups", "communities", "linkage", "latent_map", "n_motifs"),
        **tables_of_motifs("usage_over_time", "comparisons_over_time"),
    log:
        "logs/tabulate_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/tabulate_motifs/{model}/seed{seed}/{segmentation}.tsv"
    priority: 1
    conda:
        "../../envs/motifs.yaml"
    params:
        **params_of("tabulate_motifs"),
        sessions=RUN.compared(),
    script:
        "../scripts/tabulate_motifs.py"


rule compare_seeds:
    """Measure the agreement of one model's motifs between seeds."""
    input:
        motifs=collect(
            "results/motifs/{{model}}/seed{seed}/{segmentation}.npz",
            segmentation=SEGMENTATIONS,
            seed=config["seeds"],
        ),
    output:
        agreement="results/motif_tables/{model}/agreement.csv",
    log:
        "logs/compare_seeds/{model}/agreement.log",
    benchmark:
        "results/benchmarks/compare_seeds/{model}/agreement.tsv"
    conda:
        "../../envs/motifs.yaml"
    params:
        segmentations=SEGMENTATIONS,
        seeds=config["seeds"],
        sessions=TRAINED_ON,
        code=source_digest("compare_seeds"),
    script:
        "../scripts/compare_seeds.py"


rule judge_motifs:
    """Evaluate one model's motifs: numbers, baselines, verdicts, advice."""
    input:
        **tables_of_motifs("usage", "groups"),
        segmenter=segmenter_of_model,
        latents=of_sessions("results/latents/{model}/seed{seed}/{session}.npy"),
        familiarity=of_sessions("results/latents/{model}/seed{seed}/{session}.json"),
        aligned=of_sessions("results/aligned/{session}.npz"),
        labels=LABELS,
        metrics="results/models/{model}/seed{seed}/metrics.json" if TRAINED else [],
        agreement="results/motif_tables/{model}/agreement.csv",
    output:
        quality="results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json",
    log:
        "logs/judge_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/judge_motifs/{model}/seed{seed}/{segmentation}.tsv"
    priority: 1
    conda:
        "../../envs/motifs.yaml"
    params:
        **params_of("judge_motifs"),
        sessions=RUN.labelled(),
    script:
        "../scripts/judge_motifs.py"


rule choose_bouts:
    """Choose the most informative bouts to label, and write a BORIS project for labelling them."""
    input:
        **tables_of_motifs("bouts"),
        segmenter=segmenter_of_model,
        latents=of_sessions("results/latents/{model}/seed{seed}/{session}.npy"),
        aligned=of_sessions("results/aligned/{session}.npz"),
        labels=LABELS,
    output:
        bouts="results/suggestions/{model}/seed{seed}/{segmentation}/bouts.csv",
        project="results/suggestions/{model}/seed{seed}/{segmentation}/project.boris",
    log:
        "logs/choose_bouts/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/choose_bouts/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/motifs.yaml"
    params:
        sessions=RUN.labelled(),
        videos={name: SESSIONS[name]["video"] for name in FILMED},
        code=source_digest("choose_bouts"),
    script:
        "../scripts/choose_bouts.py"
