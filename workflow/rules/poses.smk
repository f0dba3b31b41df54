# Pose files in, cleaned egocentric poses out.
#   in:  the files of config/sessions.tsv
#   out: results/poses/{session}.nc      movement's dataset
#        results/aligned/{session}.npz   (frame, feature) float32, usable frames, names, fps
#        results/quality/{session}.csv   per keypoint: shares missing, interpolated, outlying, …
#        results/quality/sessions.csv    per session: usable minutes, …, why to leave it out


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
        features=file_of_session("features"),
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
        settings=settings_of("import_poses"),
        code=source_digest("import_poses", "pose_prep"),
    script:
        "../scripts/import_poses.py"


rule align_poses:
    """Clean one recording and bring it into the animal's own frame of reference."""
    input:
        poses="results/poses/{session}.nc",
    output:
        aligned="results/aligned/{session}.npz",
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


rule inspect_poses:
    """Measure what is wrong with one recording, and keep a part of it, raw and cleaned."""
    input:
        poses="results/poses/{session}.nc",
        labels=file_of_session("labels"),
    output:
        quality="results/quality/{session}.csv",
        summary="results/quality/{session}.json",
        traces="results/quality/{session}.npz",
        record="results/provenance/inspect_poses/{session}.json",
    log:
        "logs/inspect_poses/{session}.log",
    benchmark:
        "results/benchmarks/inspect_poses/{session}.tsv"
    conda:
        "../../envs/poses.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(4000),
    params:
        settings=settings_of("inspect_poses"),
        limits=FROZEN and FROZEN["outlier_limits"],
        code=source_digest("inspect_poses", "pose_prep"),
    script:
        "../scripts/inspect_poses.py"


rule check_poses:
    """List all sessions with what they are worth, and mark those worth leaving out."""
    input:
        summaries=collect("results/quality/{session}.json", session=SESSIONS),
    output:
        sessions=report(
            "results/quality/sessions.csv",
            caption="../report/sessions.rst",
            category="Recordings",
            labels={"session": "all", "figure": "table"},
        ),
        record="results/provenance/check_poses/check_poses.json",
    log:
        "logs/check_poses/check_poses.log",
    benchmark:
        "results/benchmarks/check_poses/check_poses.tsv"
    conda:
        "../../envs/poses.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(1000),
    params:
        sessions=list(SESSIONS),
        settings=settings_of("check_poses"),
        code=source_digest("check_poses", "pose_prep"),
    script:
        "../scripts/check_poses.py"
