# Aligned poses in, scaled training and held-out frames out.
#   in:  results/aligned/{session}.npz of every session to train on
#   out: results/dataset/{train,test}.npy  (frame, feature) float32, scaled, memory-mappable
#        results/dataset/dataset.json      features, scaling, segments, sessions, hashes
#        results/dataset/jobs.json         records of all jobs that led to it


rule split_dataset:
    """Split the recordings to train on into training and held-out segments, and scale them."""
    input:
        aligned=collect("results/aligned/{session}.npz", session=TRAINED_ON),
        records=records_of_poses(TRAINED_ON),
    output:
        train="results/dataset/train.npy",
        test="results/dataset/test.npy",
        description="results/dataset/dataset.json",
        jobs="results/dataset/jobs.json",
        record="results/provenance/split_dataset/split_dataset.json",
    log:
        "logs/split_dataset/split_dataset.log",
    benchmark:
        "results/benchmarks/split_dataset/split_dataset.tsv"
    conda:
        "../../envs/poses.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("split_dataset"),
        sessions=sides_of_sessions(),
        code=source_digest("split_dataset", "pose_prep"),
    script:
        "../scripts/split_dataset.py"
