# Exported models and aligned poses in, latents out.
#   in:  results/export/{model}/seed{seed}/model.safetensors, or that of use_model
#        results/aligned/{session}.npz
#   out: results/latents/{model}/seed{seed}/{session}.npy  (frames - time_window + 1, zdims) float32;
#            row i is the window that begins at frame i, NaN where one of its frames is not usable


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
