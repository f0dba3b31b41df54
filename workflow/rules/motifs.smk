# Exported models and aligned poses in; latents, motifs, tables and numbers out.
#   in:  results/export/{model}/seed{seed}/model.safetensors, or that of use_model
#        results/aligned/{session}.npz
#   out: results/latents/{model}/seed{seed}/{session}.npy  (frames - time_window + 1, zdims) float32;
#            row i is the window that begins at frame i, NaN where one of its frames is not usable
#        results/segmenters/{model}/seed{seed}/{segmentation}.npz        what gives a window its motif
#        results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv  a row per frame
#        results/latent_maps/{model}/seed{seed}.csv                      a sample in two dimensions
#        results/motif_tables/{model}/seed{seed}/{segmentation}/         tables of all sessions,
#            and quality.json: whether to believe them
#        results/motif_tables/{model}/agreement.csv                      between seeds


rule embed_session:
    """Embed one recording with one model: the latents of the window at each frame."""
    input:
        model=exported_model,
        aligned="results/aligned/{session}.npz",
    output:
        latents="results/latents/{model}/seed{seed}/{session}.npy",
        record="results/provenance/embed_session/{model}/seed{seed}/{session}.json",
    log:
        "logs/embed_session/{model}/seed{seed}/{session}.log",
    benchmark:
        "results/benchmarks/embed_session/{model}/seed{seed}/{session}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=memory_mb(4000),
        gpu=gpus_of_model,
    params:
        settings=embedding_of_model,
        code=source_digest("embed_session", "vame_core"),
    script:
        "../scripts/embed_session.py"


rule segment_motifs:
    """Find the motifs of one model's latents, in all sessions that it was trained on."""
    input:
        latents=collect(
            "results/latents/{{model}}/seed{{seed}}/{session}.npy", session=TRAINED_ON
        ),
    output:
        segmenter="results/segmenters/{model}/seed{seed}/{segmentation}.npz",
        record="results/provenance/segment_motifs/{model}/seed{seed}/{segmentation}.json",
    log:
        "logs/segment_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/segment_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1  # several add up in another order each time
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("segment_motifs"),
        sessions=TRAINED_ON,
        time_window=time_window_of_model,
        code=source_digest("segment_motifs", "motif_analysis"),
    script:
        "../scripts/segment_motifs.py"


rule label_motifs:
    """Give every frame of one recording its motif."""
    input:
        segmenter=segmenter_of_model,
        latents="results/latents/{model}/seed{seed}/{session}.npy",
        aligned="results/aligned/{session}.npz",
    output:
        motifs="results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv",
        record="results/provenance/label_motifs/{model}/seed{seed}/{segmentation}/{session}.json",
    log:
        "logs/label_motifs/{model}/seed{seed}/{segmentation}/{session}.log",
    benchmark:
        "results/benchmarks/label_motifs/{model}/seed{seed}/{segmentation}/{session}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        code=source_digest("label_motifs", "motif_analysis"),
    script:
        "../scripts/label_motifs.py"


rule map_latents:
    """Lay a sample of one model's latents out in two dimensions, by UMAP."""
    input:
        latents=collect(
            "results/latents/{{model}}/seed{{seed}}/{session}.npy", session=SESSIONS
        ),
    output:
        latent_map="results/latent_maps/{model}/seed{seed}.csv",
        record="results/provenance/map_latents/{model}/seed{seed}.json",
    log:
        "logs/map_latents/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/map_latents/{model}/seed{seed}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("map_latents"),
        sessions=list(SESSIONS),
        time_window=time_window_of_model,
        code=source_digest("map_latents", "motif_analysis"),
    script:
        "../scripts/map_latents.py"


rule tabulate_motifs:
    """Lay one segmentation's motifs out in tables: use, transitions, profile, groups and others."""
    input:
        segmenter=segmenter_of_model,
        motifs=collect(
            "results/motifs/{{model}}/seed{{seed}}/{{segmentation}}/{session}.csv",
            session=SESSIONS,
        ),
        latents=collect(
            "results/latents/{{model}}/seed{{seed}}/{session}.npy", session=SESSIONS
        ),
        aligned=collect("results/aligned/{session}.npz", session=SESSIONS),
        latent_map="results/latent_maps/{model}/seed{seed}.csv",
    output:
        usage="results/motif_tables/{model}/seed{seed}/{segmentation}/usage.csv",
        transitions="results/motif_tables/{model}/seed{seed}/{segmentation}/transitions.csv",
        profile="results/motif_tables/{model}/seed{seed}/{segmentation}/profile.csv",
        communities="results/motif_tables/{model}/seed{seed}/{segmentation}/communities.csv",
        linkage="results/motif_tables/{model}/seed{seed}/{segmentation}/linkage.csv",
        examples="results/motif_tables/{model}/seed{seed}/{segmentation}/examples.csv",
        latent_map="results/motif_tables/{model}/seed{seed}/{segmentation}/latent_map.csv",
        groups="results/motif_tables/{model}/seed{seed}/{segmentation}/groups.csv",
        record="results/provenance/tabulate_motifs/{model}/seed{seed}/{segmentation}.json",
    log:
        "logs/tabulate_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/tabulate_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("tabulate_motifs"),
        sessions=animals_of_sessions(),
        code=source_digest("tabulate_motifs", "motif_analysis"),
    script:
        "../scripts/tabulate_motifs.py"


rule compare_seeds:
    """Measure how far one model's motifs are the same with every seed."""
    input:
        motifs=collect(
            "results/motifs/{{model}}/seed{seed}/{segmentation}/{session}.csv",
            segmentation=SEGMENTATIONS,
            seed=config["seeds"],
            session=TRAINED_ON,
        ),
    output:
        agreement="results/motif_tables/{model}/agreement.csv",
        record="results/provenance/compare_seeds/{model}/agreement.json",
    log:
        "logs/compare_seeds/{model}/agreement.log",
    benchmark:
        "results/benchmarks/compare_seeds/{model}/agreement.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        segmentations=SEGMENTATIONS,
        seeds=config["seeds"],
        sessions=TRAINED_ON,
        code=source_digest("compare_seeds", "motif_analysis"),
    script:
        "../scripts/compare_seeds.py"


rule judge_motifs:
    """Say with numbers and in words whether one model's motifs are to be believed."""
    input:
        segmenter=segmenter_of_model,
        latents=collect(
            "results/latents/{{model}}/seed{{seed}}/{session}.npy", session=SESSIONS
        ),
        aligned=collect("results/aligned/{session}.npz", session=SESSIONS),
        labels=labels_of_sessions(),
        metrics=metrics_of_model,
        agreement="results/motif_tables/{model}/agreement.csv",
        usage="results/motif_tables/{model}/seed{seed}/{segmentation}/usage.csv",
        groups="results/motif_tables/{model}/seed{seed}/{segmentation}/groups.csv",
    output:
        quality="results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json",
        record="results/provenance/judge_motifs/{model}/seed{seed}/{segmentation}.json",
    log:
        "logs/judge_motifs/{model}/seed{seed}/{segmentation}.log",
    benchmark:
        "results/benchmarks/judge_motifs/{model}/seed{seed}/{segmentation}.tsv"
    conda:
        "../../envs/motifs.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("judge_motifs"),
        sessions=labelled_sessions(),
        code=source_digest("judge_motifs", "motif_analysis"),
    script:
        "../scripts/judge_motifs.py"
