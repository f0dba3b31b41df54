# The dataset in, trained, evaluated and exported models out.
#   in:  results/dataset/
#   out: results/models/{model}/seed{seed}/  model.pt, last.pt, history.csv, metrics.json,
#                                          sessions.csv; for TensorBoard: history.tfevents
#        results/export/{model}/seed{seed}/  vame.pkl, model.safetensors, model.onnx, manifest.json


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
        record="results/provenance/train_model/{model}/seed{seed}.json",
    log:
        "logs/train_model/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_model/{model}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 4
    resources:
        mem_mb=memory_mb(8000),
        runtime=720,
        gpu=gpus_of_training,
    params:
        settings=settings_of_model,
        checkpoint_minutes=checkpoint_minutes,
        code=source_digest("train_model", "vame_core"),
    script:
        "../scripts/train_model.py"


rule evaluate_model:
    """Measure one model on held-out windows, and keep a few beside what it makes of them."""
    input:
        model="results/models/{model}/seed{seed}/model.pt",
        train="results/dataset/train.npy",
        test="results/dataset/test.npy",
        description="results/dataset/dataset.json",
    output:
        metrics="results/models/{model}/seed{seed}/metrics.json",
        sessions="results/models/{model}/seed{seed}/sessions.csv",
        reconstructions="results/models/{model}/seed{seed}/reconstructions.npz",
        record="results/provenance/evaluate_model/{model}/seed{seed}.json",
    log:
        "logs/evaluate_model/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_model/{model}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=memory_mb(4000),
        gpu=gpus_of_model,
    params:
        settings=evaluation_of_model,
        code=source_digest("evaluate_model", "vame_core"),
    script:
        "../scripts/evaluate_model.py"


rule export_checkpoint:
    """Write one model as VAME's pkl, safetensors and ONNX, with a manifest."""
    input:
        model="results/models/{model}/seed{seed}/model.pt",
        description="results/dataset/dataset.json",
        records=records_of_model,
    output:
        state_dict="results/export/{model}/seed{seed}/vame.pkl",
        safetensors="results/export/{model}/seed{seed}/model.safetensors",
        onnx="results/export/{model}/seed{seed}/model.onnx",
        manifest="results/export/{model}/seed{seed}/manifest.json",
        record="results/provenance/export_checkpoint/{model}/seed{seed}.json",
    log:
        "logs/export_checkpoint/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/export_checkpoint/{model}/seed{seed}.tsv"
    conda:
        "../../envs/training.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        alignment=settings_of("align_poses"),
        code=source_digest("export_checkpoint", "vame_core"),
    script:
        "../scripts/export_checkpoint.py"
