# Numbers of all models in, one table, and a copy of the chosen model's export, out.
#   in:  results/models/{model}/seed{seed}/  metrics.json, sessions.csv, history.csv
#        results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json of the first segmentation
#        results/export/{model}/seed{seed}/
#   out: results/comparison.csv              one row per model and seed
#        results/comparison_sessions.csv     one row per model, seed and held-out session
#        results/comparison_pairs.csv        one row per measure and two models, with intervals
#        results/best/                       the chosen export, and choice.json: which and why


rule compare_models:
    """Compare all models and seeds on held-out sessions, with intervals."""
    input:
        metrics=collect(
            "results/models/{model}/seed{seed}/metrics.json",
            model=MODELS,
            seed=config["seeds"],
        ),
        sessions=collect(
            "results/models/{model}/seed{seed}/sessions.csv",
            model=MODELS,
            seed=config["seeds"],
        ),
        history=collect(
            "results/models/{model}/seed{seed}/history.csv",
            model=MODELS,
            seed=config["seeds"],
        ),
        motifs=collect(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json",
            model=MODELS,
            seed=config["seeds"],
            segmentation=SEGMENTATIONS[0],
        ),
    output:
        comparison="results/comparison.csv",
        sessions="results/comparison_sessions.csv",
        pairs="results/comparison_pairs.csv",
        record="results/provenance/compare_models/compare_models.json",
    log:
        "logs/compare_models/compare_models.log",
    benchmark:
        "results/benchmarks/compare_models/compare_models.tsv"
    conda:
        "../../envs/comparison.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        code=source_digest("compare_models", "model_comparison"),
    script:
        "../scripts/compare_models.py"


rule choose_model:
    """Copy the export of the model that choose_by selects."""
    input:
        comparison="results/comparison.csv",
        pairs="results/comparison_pairs.csv",
        state_dict=collect(
            "results/export/{model}/seed{seed}/vame.pkl",
            model=MODELS,
            seed=config["seeds"],
        ),
        safetensors=collect(
            "results/export/{model}/seed{seed}/model.safetensors",
            model=MODELS,
            seed=config["seeds"],
        ),
        onnx=collect(
            "results/export/{model}/seed{seed}/model.onnx",
            model=MODELS,
            seed=config["seeds"],
        ),
        manifest=collect(
            "results/export/{model}/seed{seed}/manifest.json",
            model=MODELS,
            seed=config["seeds"],
        ),
    output:
        state_dict="results/best/vame.pkl",
        safetensors="results/best/model.safetensors",
        onnx="results/best/model.onnx",
        manifest="results/best/manifest.json",
        choice="results/best/choice.json",
        record="results/provenance/choose_model/choose_model.json",
    log:
        "logs/choose_model/choose_model.log",
    benchmark:
        "results/benchmarks/choose_model/choose_model.tsv"
    conda:
        "../../envs/comparison.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        settings=settings_of("choose_model"),
        code=source_digest("choose_model", "model_comparison"),
    script:
        "../scripts/choose_model.py"
