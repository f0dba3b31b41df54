"""Train one model with one seed; keep the best weights, the last ones and the history."""

import hashlib
import json
import shutil
from pathlib import Path

import torch
from job_log import log_to
from job_record import record_job
from tqdm import tqdm
from vame_core.annealing import ANNEALED
from vame_core.checkpoint import load_pretrained, save_checkpoint, save_history
from vame_core.config import ModelConfig
from vame_core.determinism import choose_device, make_reproducible
from vame_core.model import RNNVAE
from vame_core.training import epochs_to_train, fit, start_training, steps_in_epoch
from vame_core.windows import open_windows

terminal = log_to(snakemake.log[0])
config = ModelConfig.from_settings(snakemake.params.settings)
seed = int(snakemake.wildcards.seed)
device = choose_device(config.training.device)
torch.set_num_threads(snakemake.threads)
generator = make_reproducible(seed, device)

description_bytes = Path(snakemake.input.description).read_bytes()
description = json.loads(description_bytes)
train = open_windows(Path(snakemake.input.train), description, "train", config, device)
held_out = open_windows(Path(snakemake.input.test), description, "test", config, device)
steps = steps_in_epoch(config.training, train)
epochs = epochs_to_train(config.training)
print(
    f"{len(train)} training and {len(held_out)} held-out windows of {train.length} frames, "
    f"{len(description['features'])} features; {steps} steps an epoch on {device} "
    f"with {torch.get_num_threads()} threads; seed {seed}"
)

model = RNNVAE(config.network, len(description["features"])).to(device)
if config.training.pretrained_weights:
    load_pretrained(model, Path(config.training.pretrained_model))
    print(f"weights start from {config.training.pretrained_model}")
state = start_training(model, config, train, generator)


def save(path: Path, selection: str) -> None:
    save_checkpoint(
        path,
        {
            "weights": {name: value.cpu() for name, value in model.state_dict().items()},
            "settings": config.as_settings(),
            "features": description["features"],
            "scaling": description["scaling"],
            "seed": seed,
            "epoch": state.epoch,
            "selection": selection,
            "dataset": hashlib.sha256(description_bytes).hexdigest(),
            "code": snakemake.params.code,
            "device": str(device),
            "threads": torch.get_num_threads(),
        },
    )


best, last, history = (
    Path(path) for path in (snakemake.output.model, snakemake.output.last, snakemake.output.history)
)
snapshots = best.parent / "snapshots"
shutil.rmtree(snapshots, ignore_errors=True)  # of a run with other settings
rows = []
with tqdm(
    total=epochs * steps,
    desc=f"{snakemake.wildcards.model} seed {seed}",
    file=terminal,
    disable=not terminal.isatty(),
) as bar:
    for epoch in fit(state, train, held_out, config):
        if epoch is None:
            bar.update()
            continue
        rows.append(epoch.row())
        save_history(history, rows)
        print(
            f"epoch {epoch.epoch}/{epochs}  {epoch.seconds:.1f} s  "
            f"loss {epoch.train_loss:.5g} held-out {epoch.test_loss:.5g}  "
            f"reconstruction {epoch.test.terms.reconstruction:.4f} "
            f"future {epoch.test.terms.future:.4f} kl {epoch.test.terms.kl:.3f}"
            f"{'  best so far' if epoch.is_best else ''}"
        )
        save(last, f"the last epoch, {epoch.epoch}")
        if epoch.is_best:
            save(best, f"the lowest {config.training.selection} at a KL weight above {ANNEALED}")
        if epoch.epoch % config.training.model_snapshot == 0:
            snapshots.mkdir(exist_ok=True)
            save(snapshots / f"epoch{epoch.epoch}.pt", f"the snapshot of epoch {epoch.epoch}")

if state.best_epoch is None:
    print(f"WARNING: the KL weight never passed {ANNEALED}; model.pt is the last epoch's")
    save(best, f"the last epoch, since the KL weight never passed {ANNEALED}")
if state.epoch < epochs:
    print(f"stopped early: {state.epochs_without_gain} epochs without a better model")
record_job(snakemake, device=str(device))
