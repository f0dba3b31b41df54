"""What is known before any job: the checked config and sessions table, models, source digests.

It is imported by `workflow/rules/common.smk`, in Snakemake's own environment: at import time it
needs the standard library, PyYAML and jsonschema alone.
"""
