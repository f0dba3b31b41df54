# Train, evaluate and export models on the dataset, and embed all recordings.
#   in:  results/dataset/, results/aligned/{session}.npz
#   out: results/models/{model}/seed{seed}/  model.pt, last.pt, history.csv, metrics.json,
#                                            sessions.csv; for TensorBoard: events.out.tfevents.*
#        results/export/{model}/seed{seed}/  vame.pkl, model.safetensors, model.onnx, manifest.json
#        results/latents/{model}/seed{seed}/{session}.npy  (frames - time_window + 1, zdims) float32;
#            row i is the window that starts at frame i, NaN if one of its frames is not usable
#        results/latents/{model}/seed{seed}/{session}.json  share of windows unlike the training


rule train_model:
    """Train one model with one seed."""
    input:
        train="results/dataset/train.npy",
        test="results/dataset/test.npy",
        description="results/dataset/dataset.json",
        pretrained=pretrained_of_model,
    output:
        model="results/models/{model}/seed{seed}/model.pt",
        last="results/models/{model}/seed{seed}/last.pt",
        history="results/models/{model}/seed{seed}/history.csv",
    log:
        "logs/train_model/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_model/{model}/seed{seed}.tsv"
    priority: 1
    conda:
        "../../envs/training.yaml"
    threads: lambda w: threads_to_train(MODELS[w.model])
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=720,
        gpu=gpus_of_model,
    params:
        settings=settings_of_model("train_model"),
        checkpoint_minutes=checkpoint_minutes,
        code=source_digest("train_model"),
    script:
        "../scripts/train_model.py"


rule evaluate_model:
    """Evaluate one model on held-out windows, and store examples of its reconstructions."""
    input:
        model="results/models/{model}/seed{seed}/model.pt",
        train="results/dataset/train.npy",
        test="results/dataset/test.npy",
        description="results/dataset/dataset.json",
    output:
        metrics="results/models/{model}/seed{seed}/metrics.json",
        sessions="results/models/{model}/seed{seed}/sessions.csv",
        reconstructions="results/models/{model}/seed{seed}/reconstructions.npz",
    log:
        "logs/evaluate_model/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_model/{model}/seed{seed}.tsv"
    priority: 1
    conda:
        "../../envs/training.yaml"
    threads: lambda w: threads_to_train(MODELS[w.model])
    resources:
        gpu=gpus_of_model,
    params:
        settings=settings_of_model("evaluate_model"),
        code=source_digest("evaluate_model"),
    script:
        "../scripts/evaluate_model.py"


rule export_checkpoint:
    """Write one model as VAME's pkl, safetensors and ONNX, with a manifest."""
    input:
        model="results/models/{model}/seed{seed}/model.pt",
        train="results/dataset/train.npy",
        test="results/dataset/test.npy",
        description="results/dataset/dataset.json",
    output:
        state_dict="results/export/{model}/seed{seed}/vame.pkl",
        safetensors="results/export/{model}/seed{seed}/model.safetensors",
        onnx="results/export/{model}/seed{seed}/model.onnx",
        manifest="results/export/{model}/seed{seed}/manifest.json",
    log:
        "logs/export_checkpoint/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/export_checkpoint/{model}/seed{seed}.tsv"
    priority: 1
    conda:
        "../../envs/training.yaml"
    params:
        alignment=settings_of("align_poses"),
        code=source_digest("export_checkpoint"),
    script:
        "../scripts/export_checkpoint.py"


rule embed_session:
    """Embed one recording with one model, and measure how unlike the training it is."""
    input:
        model=exported_model(),
        aligned="results/aligned/{session}.npz",
    output:
        latents="results/latents/{model}/seed{seed}/{session}.npy",
        familiarity="results/latents/{model}/seed{seed}/{session}.json",
    log:
        "logs/embed_session/{model}/seed{seed}/{session}.log",
    benchmark:
        "results/benchmarks/embed_session/{model}/seed{seed}/{session}.tsv"
    priority: 1
    conda:
        "../../envs/training.yaml"
    resources:
        gpu=gpus_of_model,
    params:
        settings=settings_of_model("embed_session"),
        code=source_digest("embed_session"),
    script:
        "../scripts/embed_session.py"
