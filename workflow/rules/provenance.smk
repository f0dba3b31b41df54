# Records of jobs in, one manifest of the whole run out; and what is done with it on request.
#   in:  results/provenance/{rule}/{wildcards}.json  one per job: checksums, settings, versions, machine
#   out: results/manifest.json                       all of them, with the digest of the whole
#        results/ro-crate.zip                        by `snakemake ro_crate`


rule write_manifest:
    """Gather the records of all jobs of this run."""
    input:
        records=records_of_run(),
    output:
        manifest="results/manifest.json",
    log:
        "logs/write_manifest/write_manifest.log",
    benchmark:
        "results/benchmarks/write_manifest/write_manifest.tsv"
    localrule: True
    conda:
        "../../envs/provenance.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(500),
    params:
        code=source_digest("write_manifest"),
    script:
        "../scripts/write_manifest.py"


# It has no input: what was altered would otherwise be made anew before it is looked at.
rule verify:
    """Compare all results with their manifests, and name what was altered."""
    log:
        "logs/verify/verify.log",
    localrule: True
    conda:
        "../../envs/provenance.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(500),
    params:
        here=on_this_disk,
        code=source_digest("verify", "provenance"),
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
        "../../envs/run_crate.yaml"
    threads: 1
    resources:
        mem_mb=memory_mb(2000),
    params:
        here=on_this_disk,
        settings_files=settings_files(),
        sources=workflow_sources,
        snakemake_version=snakemake_version,
        code=source_digest("ro_crate", "run_crate"),
    script:
        "../scripts/ro_crate.py"
