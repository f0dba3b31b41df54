"""The state of a training between two steps: capture, restore, save, load."""

from __future__ import annotations

import copy
import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vame_core.checkpoint import FORMAT, load_tensors, save_tensors, versions
from vame_core.model import RNNVAE

PARTS = ("model", "optimizer", "scheduler")
PROGRESS = (
    *("epoch", "step", "sums", "last", "learning_rate", "seconds"),
    *("best_score", "best_epoch", "epochs_without_gain", "backoffs"),
)


@dataclass(kw_only=True)
class TrainingState:
    """A training between two steps; PARTS and PROGRESS list what changes during training."""

    model: RNNVAE
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    generator: torch.Generator
    sums: Tensor  # of the measured values over the finished steps of the epoch
    last: Tensor | None = None  # measured values of the last step
    epoch: int = 0  # finished epochs
    step: int = 0  # finished steps of the current epoch
    learning_rate: float = 0.0  # at the first step of the current epoch
    seconds: float = 0.0
    best_score: float = math.inf
    best_epoch: int | None = None
    epochs_without_gain: int = 0
    backoffs: int = 0  # times the learning rate was halved after a numerical failure
    epoch_start: dict[str, Any] | None = None  # captured before the epoch's first step

    def random_states(self) -> dict[str, Tensor]:
        """Return the states of all generators used in training: ours, and torch's (dropout)."""
        states = {"ours": self.generator.get_state(), "cpu": torch.get_rng_state()}
        if self.generator.device.type == "cuda":
            states["cuda"] = torch.cuda.get_rng_state(self.generator.device)
        elif self.generator.device.type == "mps":
            states["mps"] = torch.mps.get_rng_state()
        return states

    def set_random_states(self, states: dict[str, Tensor]) -> None:
        self.generator.set_state(states["ours"])
        torch.set_rng_state(states["cpu"])
        if "cuda" in states:
            torch.cuda.set_rng_state(states["cuda"], self.generator.device)
        elif "mps" in states:
            torch.mps.set_rng_state(states["mps"])


def capture(state: TrainingState) -> dict[str, Any]:
    """Copy everything that changes in training, as tensors and plain values."""
    return copy.deepcopy(
        {part: getattr(state, part).state_dict() for part in PARTS}
        | {name: getattr(state, name) for name in PROGRESS}
        | {"random": state.random_states()}
    )


def restore(state: TrainingState, captured: dict[str, Any]) -> None:
    """Restore what `capture` copied; `captured` is not changed."""
    captured = copy.deepcopy(captured)
    for part in PARTS:
        getattr(state, part).load_state_dict(captured[part])
    for name in PROGRESS:
        value = captured[name]
        moves = isinstance(value, Tensor)
        setattr(state, name, value.to(state.sums.device) if moves else value)
    state.set_random_states(captured["random"])


def state_file(folder: Path, identity: dict[str, Any]) -> Path:
    """Return the path of the state of an unfinished training.

    `identity` holds, as plain values, all that determines the results: settings, data, code and
    seed. Each training has its own file.
    """
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return folder / f"state-{digest[:16]}.pt"


def save_state(
    path: Path,
    state: TrainingState,
    identity: dict[str, Any],
    history: list[dict[str, Any]],
    best: dict[str, Any] | None,
) -> None:
    """Write everything needed to resume: the state, the history so far and the best checkpoint."""
    save_tensors(
        path,
        {
            "format": FORMAT,
            "identity": identity,
            "device": state.sums.device.type,
            "versions": versions(),
            "state": capture(state),
            # A later failure in this epoch restarts from it.
            "epoch_start": state.epoch_start if state.step else None,
            "history": history,
            "best": best,
        },
    )


def load_state(
    path: Path, state: TrainingState, identity: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Restore a saved state into a new training; return its history and best checkpoint.

    Raises
    ------
    ValueError
        If the file is not a state, or belongs to another training or device type.
    """
    saved = load_tensors(path)
    if not isinstance(saved, dict) or saved.get("format") != FORMAT or "state" not in saved:
        raise ValueError(f"{path}: not a training state of this version; delete it to restart")
    if saved["identity"] != identity:
        differing = [key for key in identity if saved["identity"].get(key) != identity[key]]
        raise ValueError(f"{path}: belongs to another training; {', '.join(differing)} differ")
    if saved["device"] != state.sums.device.type:
        raise ValueError(
            f"{path}: was written on {saved['device']} and cannot be resumed on "
            f"{state.sums.device.type}, whose random numbers differ. Run on a machine with such "
            "a device, or delete the file to restart"
        )
    restore(state, saved["state"])
    state.epoch_start = saved["epoch_start"]
    return saved["history"], saved["best"]


def remove_states(folder: Path) -> None:
    """Remove the states of all trainings in `folder`."""
    for path in folder.glob("state-*.pt"):
        path.unlink()
