"""What is known before any job runs: config, sessions table, models, digests of the code.

`workflow/rules/common.smk` imports it in Snakemake's own environment: at import time it needs
only the standard library, PyYAML and jsonschema.
"""
