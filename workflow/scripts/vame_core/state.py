"""Everything that a training run is between two steps, taken down and put back."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from vame_core.model import RNNVAE

PARTS = ("model", "optimizer", "scheduler")
PROGRESS = (
    *("epoch", "step", "sums", "last", "learning_rate", "seconds"),
    *("best_score", "best_epoch", "epochs_without_gain", "backoffs"),
)


@dataclass(kw_only=True)
class TrainingState:
    """A training run between two steps; what changes in it is listed in PARTS and PROGRESS."""

    model: RNNVAE
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    generator: torch.Generator
    sums: Tensor  # of what the finished steps of the epoch under way measured
    last: Tensor | None = None  # what the last step measured
    epoch: int = 0  # finished epochs
    step: int = 0  # finished steps of the epoch under way
    learning_rate: float = 0.0  # at the first step of the epoch under way
    seconds: float = 0.0
    best_score: float = math.inf
    best_epoch: int | None = None
    epochs_without_gain: int = 0
    backoffs: int = 0  # how often the learning rate was halved after a numerical failure
    epoch_start: dict[str, Any] | None = None  # captured before the epoch's first step
    shared: nn.Module | None = None  # the model as it is called where several processes train it

    @property
    def called(self) -> nn.Module:
        """The model to call."""
        return self.shared or self.model

    def random_states(self) -> dict[str, Tensor]:
        """States of all generators that training draws from: ours, and the ones of torch.

        Dropout inside `nn.GRU` draws from torch's.
        """
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
    """A copy of all that changes while training, as tensors and plain values."""
    return copy.deepcopy(
        {part: getattr(state, part).state_dict() for part in PARTS}
        | {name: getattr(state, name) for name in PROGRESS}
        | {"random": state.random_states()}
    )


def restore(state: TrainingState, captured: dict[str, Any]) -> None:
    """Put back what `capture` took; `captured` can be put back again."""
    captured = copy.deepcopy(captured)
    for part in PARTS:
        getattr(state, part).load_state_dict(captured[part])
    for name in PROGRESS:
        value = captured[name]
        moves = isinstance(value, Tensor)
        setattr(state, name, value.to(state.sums.device) if moves else value)
    state.set_random_states(captured["random"])
