# Pose files in, cleaned egocentric poses out.
#   in:  the files of config/sessions.tsv
#   out: results/poses/{session}.nc      movement's dataset
#        results/aligned/{session}.npz   (frame, feature) float32, usable frames, names, fps
#        results/quality/{session}.csv   shares missing, interpolated, outlying, unusable


rule simulate_demo:
    """Simulate one demo recording: DeepLabCut csv and the true behaviour of each frame."""
    output:
        poses="results/demo/{session}.csv",
        labels="results/demo/{session}.labels.csv",
        record="results/provenance/simulate_demo/{session}.json",
    log:
        "logs/simulate_demo/{session}.log",
    benchmark:
        "results/benchmarks/simulate_demo/{session}.tsv"
    conda:
        "../../envs/poses.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        recording=demo_recording,
        code=source_digest("simulate_demo", "pose_prep"),
    script:
        "../scripts/simulate_demo.py"


rule import_poses:
    """Read one recording's pose file into movement's dataset."""
    input:
        poses=poses_of_session,
    output:
        poses="results/poses/{session}.nc",
        record="results/provenance/import_poses/{session}.json",
    log:
        "logs/import_poses/{session}.log",
    benchmark:
        "results/benchmarks/import_poses/{session}.tsv"
    conda:
        "../../envs/poses.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        recording=recording_of_session,
        code=source_digest("import_poses", "pose_prep"),
    script:
        "../scripts/import_poses.py"


rule align_poses:
    """Clean one recording and bring it into the animal's own frame of reference."""
    input:
        poses="results/poses/{session}.nc",
    output:
        aligned="results/aligned/{session}.npz",
        quality="results/quality/{session}.csv",
        record="results/provenance/align_poses/{session}.json",
    log:
        "logs/align_poses/{session}.log",
    benchmark:
        "results/benchmarks/align_poses/{session}.tsv"
    conda:
        "../../envs/poses.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("align_poses"),
        limits=FROZEN and FROZEN["outlier_limits"],
        code=source_digest("align_poses", "pose_prep"),
    script:
        "../scripts/align_poses.py"
