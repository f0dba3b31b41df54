# Convert pose files to cleaned egocentric poses and to a training dataset.
#   in:  the files of config/sessions.tsv
#   out: results/poses/{session}.nc        movement's dataset
#        results/aligned/{session}.npz     (frame, feature) float32, usable frames, names, fps
#        results/quality/{session}.csv     per keypoint: shares missing, interpolated, outlying, …
#        results/quality.csv               per session: usable minutes, …, reasons to leave it out
#        results/dataset/{train,test}.npy  (frame, feature) float32, scaled, memory-mappable
#        results/dataset/dataset.json      features, scaling, segments, sessions, hashes


rule simulate_demo:
    """Simulate one demo recording: a DeepLabCut csv and the true behaviour of each frame."""
    output:
        poses="results/demo/{session}.csv",
        labels="results/demo/{session}.labels.csv",
    log:
        "logs/simulate_demo/{session}.log",
    benchmark:
        "results/benchmarks/simulate_demo/{session}.tsv"
    priority: 1
    conda:
        "../../envs/poses.yaml"
    params:
        recording=RUN.demo_recording,
        code=source_digest("simulate_demo"),
    script:
        "../scripts/simulate_demo.py"


rule import_poses:
    """Read one recording's pose file into movement's dataset."""
    input:
        poses=file_of_session("poses"),
        features=file_of_session("features"),
    output:
        poses="results/poses/{session}.nc",
    log:
        "logs/import_poses/{session}.log",
    benchmark:
        "results/benchmarks/import_poses/{session}.tsv"
    priority: 1
    conda:
        "../../envs/poses.yaml"
    params:
        **params_of("import_poses"),
        recording=RUN.recording_of_session,
    script:
        "../scripts/import_poses.py"


rule align_poses:
    """Clean one recording and align it to the animal's own frame of reference."""
    input:
        poses="results/poses/{session}.nc",
    output:
        aligned="results/aligned/{session}.npz",
    log:
        "logs/align_poses/{session}.log",
    benchmark:
        "results/benchmarks/align_poses/{session}.tsv"
    priority: 1
    conda:
        "../../envs/poses.yaml"
    params:
        **params_of("align_poses"),
        limits=FROZEN and FROZEN["outlier_limits"],
    script:
        "../scripts/align_poses.py"


rule inspect_poses:
    """Measure the quality of one recording, and store an excerpt of it, raw and cleaned."""
    input:
        poses="results/poses/{session}.nc",
        labels=file_of_session("labels"),
    output:
        quality="results/quality/{session}.csv",
        summary="results/quality/{session}.json",
        traces="results/quality/{session}.npz",
    log:
        "logs/inspect_poses/{session}.log",
    benchmark:
        "results/benchmarks/inspect_poses/{session}.tsv"
    conda:
        "../../envs/poses.yaml"
    params:
        **params_of("inspect_poses"),
        limits=FROZEN and FROZEN["outlier_limits"],
    script:
        "../scripts/inspect_poses.py"


rule check_poses:
    """List the quality of all sessions, and mark those that may have to be left out."""
    input:
        summaries=of_sessions("results/quality/{session}.json"),
        intervals=own_file(config["intervals"]),
    output:
        sessions=report(
            "results/quality.csv",
            caption="../report/sessions.rst",
            category="Recordings",
            labels={"session": "all", "figure": "table"},
        ),
    log:
        "logs/check_poses/check_poses.log",
    benchmark:
        "results/benchmarks/check_poses/check_poses.tsv"
    conda:
        "../../envs/poses.yaml"
    params:
        **params_of("check_poses"),
        sessions=list(SESSIONS),
    script:
        "../scripts/check_poses.py"


rule split_dataset:
    """Split the recordings to train on into training and held-out segments, and scale them."""
    input:
        aligned=of_sessions("results/aligned/{session}.npz", TRAINED_ON),
    output:
        train="results/dataset/train.npy",
        test="results/dataset/test.npy",
        description="results/dataset/dataset.json",
    log:
        "logs/split_dataset/split_dataset.log",
    benchmark:
        "results/benchmarks/split_dataset/split_dataset.tsv"
    priority: 1
    conda:
        "../../envs/poses.yaml"
    params:
        **params_of("split_dataset"),
        groups=RUN.groups_to_hold_out(),
    script:
        "../scripts/split_dataset.py"
