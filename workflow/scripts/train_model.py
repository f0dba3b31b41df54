"""Train one model with one seed; keep the best weights, the last ones and the history."""

import hashlib
import json
import shutil
import signal
import sys
import time
from pathlib import Path

import torch
from job_log import log_to
from job_outputs import date_after
from job_record import record_job
from tqdm import tqdm
from vame_core.annealing import ANNEALED
from vame_core.checkpoint import (
    load_pretrained,
    load_state,
    save_checkpoint,
    save_history,
    save_state,
    state_file,
)
from vame_core.config import ModelConfig
from vame_core.determinism import choose_device, make_reproducible, set_precision, use_threads
from vame_core.distributed import (
    Shared,
    agree,
    follow,
    is_launched,
    join,
    launch,
    leads,
)
from vame_core.evaluation import locate
from vame_core.events import NAME, EventFile
from vame_core.interruption import Signals, only_one
from vame_core.model import RNNVAE
from vame_core.training import (
    Backoff,
    NonFiniteError,
    epochs_to_train,
    fit,
    start_training,
    steps_in_epoch,
)
from vame_core.windows import open_windows

terminal = log_to(snakemake.log[0])
signals = Signals()
config = ModelConfig.from_settings(snakemake.params.settings)
seed = int(snakemake.wildcards.seed)
device = choose_device(config.training.device)
if config.training.devices > 1:
    if not is_launched():
        launch(sys.argv[0], config.training.devices)
    device = join(device)
use_threads(max(1, snakemake.threads // config.training.devices))
set_precision(config.training.precision)
generator = make_reproducible(seed, device)

description_bytes = Path(snakemake.input.description).read_bytes()
description = json.loads(description_bytes)
train = open_windows(Path(snakemake.input.train), description, "train", config, device)
held_out = open_windows(Path(snakemake.input.test), description, "test", config, device)
steps = steps_in_epoch(config.training, train)
epochs = epochs_to_train(config.training)
if leads():
    print(
        f"{len(train)} training and {len(held_out)} held-out windows of {train.length} frames, "
        f"{len(description['features'])} features; {steps} steps an epoch on {device} "
        f"with {torch.get_num_threads()} threads; seed {seed}"
    )

model = RNNVAE(config.network, len(description["features"])).to(device)
identity = {
    "settings": config.as_settings(),
    "dataset": hashlib.sha256(description_bytes).hexdigest(),
    "code": snakemake.params.code,
    "seed": seed,
}
if config.training.pretrained_weights:
    pretrained = Path(snakemake.input.pretrained)
    load_pretrained(model, pretrained, description["features"])
    identity["pretrained"] = hashlib.sha256(pretrained.read_bytes()).hexdigest()
    if leads():
        print(f"weights start from {pretrained}")
if config.training.compile:
    model.compile()
state = start_training(model, config, train, generator)
history_file = Path(snakemake.output.history)
folder = history_file.parent
stop, snapshots, unfinished = folder / "STOP", folder / "snapshots", state_file(folder, identity)
if config.training.devices > 1:
    state.shared = Shared(model)
    if not leads():
        if unfinished.is_file():
            load_state(unfinished, state, identity)
        follow(fit(state, train, held_out, config), device)
        sys.exit()


def checkpoint(selection: str) -> dict:
    """The model as it is now, with what explains it."""
    return {
        "weights": {name: value.cpu().clone() for name, value in model.state_dict().items()},
        "settings": identity["settings"],
        "features": description["features"],
        "scaling": description["scaling"],
        "seed": seed,
        "epoch": state.epoch,
        "selection": selection,
        "dataset": identity["dataset"],
        "code": identity["code"],
        "device": str(device),
        "threads": torch.get_num_threads(),
    }


def explain(failure: NonFiniteError) -> str:
    """The failure, with the windows in it by session and frame."""
    places = [locate(row, description, "train") for row in failure.rows]
    listed = ", ".join(f"{session} frame {frame}" for session, frame in places[:5])
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"{failure}; its windows begin at {listed}{more}" if places else str(failure)


ending = ""
with (
    only_one(folder / ".lock"),
    tqdm(
        total=epochs * steps,
        desc=f"{snakemake.wildcards.model} seed {seed}",
        file=terminal,
        disable=not terminal.isatty(),
    ) as bar,
):
    if unfinished.is_file():
        history, best = load_state(unfinished, state, identity)
        print(f"going on from {unfinished}, after epoch {state.epoch} and step {state.step}")
        save_history(history_file, history)
        bar.update(state.epoch * steps + state.step)
    else:
        history, best = [], None
        shutil.rmtree(snapshots, ignore_errors=True)  # of a run with other settings
    for_tensorboard = EventFile(folder / NAME, history)
    written = time.monotonic()
    try:
        for event in fit(state, train, held_out, config):
            if isinstance(event, Backoff):
                print(
                    f"WARNING: {explain(event.failure)}. Epoch {event.failure.epoch} starts again "
                    f"at half the learning rate, {event.learning_rate:.3g}"
                )
            elif event is None:
                bar.update()
            else:
                history.append(event.row())
                save_history(history_file, history)
                for_tensorboard.add(history[-1])
                print(event, flush=True)
                if event.is_best:
                    best = checkpoint(
                        f"the lowest {config.training.selection} at a KL weight above {ANNEALED}"
                    )
                if event.epoch % config.training.model_snapshot == 0:
                    snapshots.mkdir(exist_ok=True)
                    save_checkpoint(
                        snapshots / f"epoch{event.epoch}.pt",
                        checkpoint(f"the snapshot of epoch {event.epoch}"),
                    )
            seconds = time.monotonic() - written
            wish = agree(int(signals.seen or bool(event and stop.exists())), device)
            if event or wish or seconds > 60 * snakemake.params.checkpoint_minutes:
                save_state(unfinished, state, identity, history, best)
                written = time.monotonic()
            if wish > 1:
                name = signal.Signals(wish).name
                print(f"{name}: stopped after epoch {state.epoch}, step {state.step}")
                sys.exit(128 + wish)
            if wish:
                ending = f"; {stop.name} ended training after epoch {state.epoch} of {epochs}"
                break
    except NonFiniteError as failure:
        save_state(unfinished, state, identity, history, best)
        sys.exit(
            f"{explain(failure)}. Halving the learning rate {state.backoffs} times did not help. "
            f"The state before the step is {unfinished}. Look at these frames; lower learning_rate "
            "or set gradient_clip"
        )

    if best is None:
        print(f"WARNING: the KL weight never passed {ANNEALED}; model.pt is the last epoch's")
        best = checkpoint(f"the last epoch, since the KL weight never passed {ANNEALED}")
    best["selection"] += ending
    last_file, best_file = Path(snakemake.output.last), Path(snakemake.output.model)
    save_checkpoint(last_file, checkpoint(f"the last epoch, {state.epoch}{ending}"))
    save_checkpoint(best_file, best)
    date_after(snakemake.input, [history_file, last_file, best_file])
    stop.unlink(missing_ok=True)
    if not ending and state.epoch < epochs:
        ending = f"; {state.epochs_without_gain} epochs without a better model ended training"
    print(f"trained for {state.epoch} of {epochs} epochs{ending}")
record_job(snakemake, device=str(device))
