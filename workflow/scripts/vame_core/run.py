"""One training and its files: start, resume, save progress, finish."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from formats.dataset import locate
from formats.files import read_json, sha256
from tensorboardX import SummaryWriter

from vame_core.annealing import ANNEALED
from vame_core.checkpoint import load_pretrained, save_checkpoint, save_rows
from vame_core.config import ModelConfig
from vame_core.determinism import choose_device, make_reproducible, set_precision
from vame_core.events import add_epoch, open_events
from vame_core.interruption import Signals
from vame_core.model import RNNVAE
from vame_core.state import TrainingState, load_state, save_state, state_file
from vame_core.training import (
    Backoff,
    Epoch,
    NonFiniteError,
    epochs_to_train,
    fit,
    start_training,
    steps_in_epoch,
)
from vame_core.windows import Windows, open_splits


@dataclass(kw_only=True)
class Run:
    """A training, its dataset, and its progress."""

    config: ModelConfig
    identity: dict[str, Any]  # all that determines the results, see `state_file`
    description: dict[str, Any]  # of the dataset
    train: Windows
    held_out: Windows
    state: TrainingState
    folder: Path
    history: list[dict[str, Any]] = field(default_factory=list)  # rows of `Epoch.row`
    best: dict[str, Any] | None = None  # the checkpoint of the best epoch

    @property
    def unfinished(self) -> Path:
        """File of the state of an unfinished training."""
        return state_file(self.folder, self.identity)

    @property
    def stop(self) -> Path:
        """A file that a user creates to end training after the current epoch."""
        return self.folder / "STOP"

    @property
    def epochs(self) -> int:
        return epochs_to_train(self.config.training)

    @property
    def steps(self) -> int:
        return self.epochs * self._steps_of_epoch

    @property
    def steps_done(self) -> int:
        return self.state.epoch * self._steps_of_epoch + self.state.step

    @property
    def _steps_of_epoch(self) -> int:
        return steps_in_epoch(self.config.training, self.train)


def open_run(
    config: ModelConfig,
    folder: Path,
    *,
    train: str,
    test: str,
    description: str,
    pretrained: str,
    seed: int,
    code: str,
) -> Run:
    """Open the dataset and create the model; torch computes reproducibly from here on.

    `pretrained` is read only if the settings say so; `code` is a digest of the sources.
    """
    device = choose_device(config.training.device)
    set_precision(config.training.precision)
    generator = make_reproducible(seed, device)
    dataset = read_json(description)
    windows, held_out = open_splits(train, test, dataset, config, device)
    identity = {
        "settings": config.as_settings(),
        "dataset": sha256(description),
        "code": code,
        "seed": seed,
    }
    print(
        f"{len(windows)} training and {len(held_out)} held-out windows of {windows.length} frames, "
        f"{len(dataset['features'])} features; {steps_in_epoch(config.training, windows)} steps "
        f"per epoch on {device} with {torch.get_num_threads()} threads; seed {seed}"
    )
    model = RNNVAE(config.network, len(dataset["features"])).to(device)
    if config.training.pretrained_weights:
        load_pretrained(model, Path(pretrained), dataset["features"])
        identity["pretrained"] = sha256(pretrained)
        print(f"initial weights from {pretrained}")
    if config.training.compile:
        model.compile()
    return Run(
        config=config,
        identity=identity,
        description=dataset,
        train=windows,
        held_out=held_out,
        state=start_training(model, config, windows, generator),
        folder=folder,
    )


def train(run: Run, signals: Signals, minutes: float) -> Iterator[int]:
    """Train until the end or until the file STOP exists; yield the number of steps after each.

    The state is saved after every epoch, and every `minutes` within one. At the end,
    `model.pt`, `last.pt` and `history.csv` exist.

    Raises
    ------
    ValueError
        If losses or gradients are still not finite at the lowest learning rate.
    SystemExit
        With 128 plus the signal's number, after a signal; the state has been saved.
    """
    resume(run)
    yield run.steps_done
    state = run.state
    saved, ending = time.monotonic(), ""
    with open_events(run.folder, run.history) as events:
        try:
            for event in fit(state, run.train, run.held_out, run.config):
                keep(run, event, events)
                yield run.steps_done
                number, stopped = signals.seen, event is not None and run.stop.exists()
                if event or number or stopped or time.monotonic() - saved > 60 * minutes:
                    save_progress(run)
                    saved = time.monotonic()
                if number:
                    print(f"{number.name}: stopped after epoch {state.epoch}, step {state.step}")
                    sys.exit(128 + number)
                if stopped:
                    ending = f"; STOP ended training after epoch {state.epoch} of {run.epochs}"
                    break
        except NonFiniteError as failure:
            save_progress(run)
            raise ValueError(
                f"{explain(failure, run.description)}. Halving the learning rate "
                f"{state.backoffs} times did not help. The state before the step is in "
                f"{run.unfinished}. Check these frames, lower learning_rate, or set gradient_clip"
            ) from failure
    finish(run, ending)


def resume(run: Run) -> None:
    """Resume from the saved state, if there is one; otherwise remove an earlier run's snapshots."""
    if run.unfinished.is_file():
        run.history, run.best = load_state(run.unfinished, run.state, run.identity)
        epoch, step = run.state.epoch, run.state.step
        print(f"resuming from {run.unfinished}, after epoch {epoch} and step {step}")
        save_rows(run.folder / "history.csv", run.history)
    else:
        shutil.rmtree(run.folder / "snapshots", ignore_errors=True)


def keep(run: Run, event: Epoch | Backoff | None, events: SummaryWriter) -> None:
    """Report a backoff or an epoch; write the epoch's row, and save its model if it is due."""
    if isinstance(event, Backoff):
        print(
            f"WARNING: {explain(event.failure, run.description)}. Epoch {event.failure.epoch} "
            f"restarts at half the learning rate, {event.learning_rate:.3g}"
        )
    elif event is not None:
        run.history.append(event.row())
        save_rows(run.folder / "history.csv", run.history)
        add_epoch(events, run.history[-1])
        print(event, flush=True)
        if event.is_best:
            by_reconstruction = "selection_by_reconstruction" in run.config.training.vame_quirks
            score = "reconstruction" if by_reconstruction else "held_out_loss"
            run.best = checkpoint(run, f"the lowest {score} at a KL weight above {ANNEALED}")
        if event.epoch % run.config.training.model_snapshot == 0:
            path = run.folder / "snapshots" / f"epoch{event.epoch}.pt"
            path.parent.mkdir(exist_ok=True)
            save_checkpoint(path, checkpoint(run, f"the snapshot of epoch {event.epoch}"))


def save_progress(run: Run) -> None:
    save_state(run.unfinished, run.state, run.identity, run.history, run.best)


def finish(run: Run, ending: str) -> None:
    """Write the best and the last model; `ending` is the reason why training ended early."""
    state, best = run.state, run.best
    if best is None:
        print(f"WARNING: the KL weight never exceeded {ANNEALED}; model.pt is from the last epoch")
        best = checkpoint(run, f"the last epoch, since the KL weight never exceeded {ANNEALED}")
    last = checkpoint(run, f"the last epoch, {state.epoch}{ending}")
    save_checkpoint(run.folder / "last.pt", last)
    save_checkpoint(run.folder / "model.pt", best | {"selection": best["selection"] + ending})
    run.stop.unlink(missing_ok=True)
    if not ending and state.epoch < run.epochs:
        ending = f"; {state.epochs_without_gain} epochs without improvement ended training"
    print(f"trained for {state.epoch} of {run.epochs} epochs{ending}")


def checkpoint(run: Run, selection: str) -> dict[str, Any]:
    """Return a checkpoint of the model in its current state."""
    weights = run.state.model.state_dict()
    return {
        "weights": {name: value.cpu().clone() for name, value in weights.items()},
        "settings": run.identity["settings"],
        "features": run.description["features"],
        "scaling": run.description["scaling"],
        "seed": run.identity["seed"],
        "epoch": run.state.epoch,
        "selection": selection,
        "dataset": run.identity["dataset"],
        "code": run.identity["code"],
        "device": str(run.train.device),
        "threads": torch.get_num_threads(),
    }


def explain(failure: NonFiniteError, description: dict[str, Any]) -> str:
    """Describe the failure, with session and frame of the windows concerned."""
    places = [locate(row, description, "train") for row in failure.rows]
    listed = ", ".join(f"{session} frame {frame}" for session, frame in places[:5])
    more = f" and {len(places) - 5} more" if len(places) > 5 else ""
    return f"{failure}; the windows concerned start at {listed}{more}" if places else str(failure)
