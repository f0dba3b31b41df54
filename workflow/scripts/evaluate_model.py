"""Evaluate one model on held-out windows, and save example reconstructions."""

import numpy as np
from formats.files import read_json, write_json
from job import job
from vame_core.checkpoint import load_model, require_same_data, save_rows
from vame_core.determinism import choose_device, use_threads
from vame_core.evaluation import example_reconstructions, held_out_metrics
from vame_core.windows import open_splits

with job(snakemake) as out:
    use_threads(snakemake.threads)
    settings, files = snakemake.params.settings, snakemake.input
    device = choose_device(settings["device"])
    out.device = str(device)
    model, config, checkpoint = load_model(files.model, device)
    description = read_json(files.description)
    require_same_data(checkpoint, description, files.model)
    train, test = open_splits(files.train, files.test, description, config, device)
    metrics, sessions = held_out_metrics(model, train, test, description, config)
    about = {key: checkpoint[key] for key in ("seed", "epoch", "selection")}
    metrics = {"model": snakemake.wildcards.model, **about, **metrics}
    write_json(out.metrics, metrics)
    save_rows(out.sessions, sessions)
    examples = example_reconstructions(model, test, description, settings["example_windows"])
    np.savez(out.reconstructions, **examples)
    print(metrics)
