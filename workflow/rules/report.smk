# Compare all models and motifs, and write a summary and a manifest of the run.
#   in:  results/models/, results/motif_tables/, results/export/, results/quality.csv
#        results/provenance/{rule}/{wildcards}.json  record of each job, written by the job
#   out: results/comparison*.csv   comparison of models, with intervals
#        results/export/{model}/seed{seed}/README.md  the model card
#        results/best/             the chosen export, and choice.json with the reason
#        results/summary.html      description of the run: the start page of the report
#        results/manifest.json     all records, with a digest of them all
#        results/nwb/              a session with its motifs as NWB, on request (target nwb)
#        on request: verify, ro_crate (results/ro-crate.zip), list_orphans, clean_orphans


rule compare_models:
    """Compare all models and seeds on held-out sessions, with intervals."""
    input:
        metrics=of_trainings("results/models/{model}/seed{seed}/metrics.json"),
        sessions=of_trainings("results/models/{model}/seed{seed}/sessions.csv"),
        history=of_trainings("results/models/{model}/seed{seed}/history.csv"),
        motifs=of_segmentations(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json",
            SEGMENTATIONS[:1],
        ),
    output:
        comparison="results/comparison.csv",
        sessions="results/comparison_sessions.csv",
        pairs="results/comparison_pairs.csv",
    log:
        "logs/compare_models/compare_models.log",
    benchmark:
        "results/benchmarks/compare_models/compare_models.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        code=source_digest("compare_models"),
    script:
        "../scripts/compare_models.py"


rule write_model_card:
    """Write the model card of one export: intended use, data, numbers, limits, how to load it."""
    input:
        manifest="results/export/{model}/seed{seed}/manifest.json",
        metrics="results/models/{model}/seed{seed}/metrics.json",
        sessions="results/models/{model}/seed{seed}/sessions.csv",
        dataset="results/dataset/dataset.json",
        recordings="results/quality.csv",
    output:
        card="results/export/{model}/seed{seed}/README.md",
    log:
        "logs/write_model_card/{model}/seed{seed}.log",
    benchmark:
        "results/benchmarks/write_model_card/{model}/seed{seed}.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        **params_of("write_model_card"),
        sessions=RUN.described(),
    script:
        "../scripts/write_model_card.py"


rule choose_model:
    """Copy the export of the model that choose_by selects."""
    input:
        comparison="results/comparison.csv",
        pairs="results/comparison_pairs.csv",
        state_dict=of_trainings("results/export/{model}/seed{seed}/vame.pkl"),
        safetensors=of_trainings("results/export/{model}/seed{seed}/model.safetensors"),
        onnx=of_trainings("results/export/{model}/seed{seed}/model.onnx"),
        manifest=of_trainings("results/export/{model}/seed{seed}/manifest.json"),
        card=of_trainings("results/export/{model}/seed{seed}/README.md"),
    output:
        state_dict="results/best/vame.pkl",
        safetensors="results/best/model.safetensors",
        onnx="results/best/model.onnx",
        manifest="results/best/manifest.json",
        card="results/best/README.md",
        choice="results/best/choice.json",
    log:
        "logs/choose_model/choose_model.log",
    benchmark:
        "results/benchmarks/choose_model/choose_model.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        **params_of("choose_model"),
    script:
        "../scripts/choose_model.py"


rule write_summary:
    """Write the report's start page, a description of the run: data, models, motifs, cautions."""
    input:
        **of_segmentations(tables_of_motifs("usage", "communities", "groups")),
        **of_segmentations(tables_of_motifs("comparisons_over_time")),
        recordings="results/quality.csv",
        dataset="results/dataset/dataset.json" if TRAINED else [],
        comparison="results/comparison.csv" if TRAINED else [],
        choice="results/best/choice.json" if TRAINED else [],
        manifest="results/best/manifest.json" if TRAINED else [],
        quality=of_segmentations(
            "results/motif_tables/{model}/seed{seed}/{segmentation}/quality.json"
        ),
    output:
        summary=report(
            "results/summary.html",
            caption="../report/summary.rst",
            category="Summary",
            labels={"figure": "start page"},
        ),
        references="results/references.bib",
    log:
        "logs/write_summary/write_summary.log",
    benchmark:
        "results/benchmarks/write_summary/write_summary.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        **params_of("write_summary"),
        segmented=RUN.segmented(),
        frozen=config["use_model"],
    script:
        "../scripts/write_summary.py"


rule write_manifest:
    """Gather the records of all jobs of this run."""
    input:
        results=results_to_record(rules.all.input),
    output:
        manifest="results/manifest.json",
    log:
        "logs/write_manifest/write_manifest.log",
    benchmark:
        "results/benchmarks/write_manifest/write_manifest.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        code=source_digest("write_manifest"),
    script:
        "../scripts/write_manifest.py"


rule export_nwb:
    """Write one session as NWB: pose, latents, motifs, bouts, and metadata from the table."""
    input:
        **tables_of_motifs("bouts", "communities"),
        metadata=RUN.check_metadata,
        poses="results/poses/{session}.nc",
        aligned="results/aligned/{session}.npz",
        latents="results/latents/{model}/seed{seed}/{session}.npy",
        motifs="results/motifs/{model}/seed{seed}/{segmentation}/{session}.csv",
    output:
        nwb="results/nwb/{model}/seed{seed}/{segmentation}/{session}.nwb",
    log:
        "logs/export_nwb/{model}/seed{seed}/{segmentation}/{session}.log",
    benchmark:
        "results/benchmarks/export_nwb/{model}/seed{seed}/{segmentation}/{session}.tsv"
    conda:
        "../../envs/report.yaml"
    params:
        **params_of("export_nwb"),
        metadata=RUN.session_to_export,
        to_motifs=RUN.settings_to_motifs,
    script:
        "../scripts/export_nwb.py"


# This rule has no input: otherwise, altered files would be made again before they are compared.
rule verify:
    """Compare all results with their manifests, and name those that were altered."""
    log:
        "logs/verify/verify.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        here=on_this_disk,
        code=source_digest("verify"),
    script:
        "../scripts/verify.py"


rule ro_crate:
    """Pack models, tables, figures, workflow and records as a Workflow Run RO-Crate."""
    input:
        manifest="results/manifest.json",
    output:
        crate="results/ro-crate.zip",
    log:
        "logs/ro_crate/ro_crate.log",
    benchmark:
        "results/benchmarks/ro_crate/ro_crate.tsv"
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        **params_of("ro_crate"),
        here=on_this_disk,
        settings_files=[*map(str, workflow.configfiles), config["sessions"]],
        sources=files_of_workflow(source),
        snakemake_version=snakemake_version,
    script:
        "../scripts/ro_crate.py"


rule list_orphans:
    """List results of models, seeds and sessions that are no longer set; delete nothing."""
    log:
        "logs/list_orphans/list_orphans.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        here=on_this_disk,
        orphans=orphans_of_results,
        code=source_digest("list_orphans"),
    script:
        "../scripts/list_orphans.py"


rule clean_orphans:
    """Delete the files that list_orphans lists; with --dry-run, list them."""
    log:
        "logs/clean_orphans/clean_orphans.log",
    localrule: True
    conda:
        "../../envs/report.yaml"
    params:
        here=on_this_disk,
        orphans=orphans_of_results,
        code=source_digest("clean_orphans"),
    message:
        "Results of models, seeds and sessions that are no longer set, to delete:\n{params.orphans}"
    script:
        "../scripts/clean_orphans.py"
