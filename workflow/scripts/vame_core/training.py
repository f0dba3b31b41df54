"""One step, one evaluation, and a generator of steps and epochs.

`fit` knows nothing of files, logs or bars: the caller decides what to do with each epoch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vame_core.annealing import ANNEALED, kl_weight
from vame_core.config import ModelConfig, TrainingConfig
from vame_core.losses import Terms, compute_terms, objective, term_weights
from vame_core.model import RNNVAE, Outputs
from vame_core.noise import add_noise
from vame_core.windows import Windows

EVALUATION_BATCH = 1024
ACTIVE_LATENT_VARIANCE = 0.01  # Burda et al. 2016, section 5.2


class Evaluation(NamedTuple):
    """Held-out terms, and two numbers that show a collapsed or an unregularised posterior."""

    terms: Terms
    active_latents: int
    posterior_variance: float


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of the history, and what it means for the choice of a model."""

    epoch: int
    seconds: float
    kl_weight: float
    learning_rate: float
    train_loss: float
    train: Terms
    test_loss: float
    test: Evaluation
    is_best: bool
    has_future: bool

    def row(self) -> dict[str, float | int | None]:
        """The row as `history.csv` has it; the future is empty where nothing predicts it."""
        row = {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "kl_weight": self.kl_weight,
            "learning_rate": self.learning_rate,
            "train_loss": self.train_loss,
            **{f"train_{name}": value for name, value in self.train._asdict().items()},
            "test_loss": self.test_loss,
            **{f"test_{name}": value for name, value in self.test.terms._asdict().items()},
            "test_active_latents": self.test.active_latents,
            "test_posterior_variance": self.test.posterior_variance,
        }
        return row if self.has_future else row | {"train_future": None, "test_future": None}


@dataclass(kw_only=True)
class TrainingState:
    """Everything that a training run is, between two steps."""

    model: RNNVAE
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler
    generator: torch.Generator
    epoch: int = 0  # finished epochs
    step: int = 0  # finished steps of the epoch under way
    sums: Tensor = field(default_factory=lambda: torch.zeros(4))  # of the terms of those steps
    last: Tensor = field(default_factory=lambda: torch.zeros(4))  # the terms of the last step
    learning_rate: float = 0.0  # at the first step of the epoch under way
    seconds: float = 0.0
    best_score: float = math.inf
    best_epoch: int | None = None
    epochs_without_gain: int = 0


def steps_in_epoch(training: TrainingConfig, windows: Windows) -> int:
    """Steps an epoch has: as set, or enough to draw as many windows as there are frames."""
    return training.steps_per_epoch or max(1, len(windows.frames) // training.batch_size)


def epochs_to_train(training: TrainingConfig) -> int:
    return training.max_epochs - training.skip_last_epoch


def start_training(
    model: RNNVAE, config: ModelConfig, train: Windows, generator: torch.Generator
) -> TrainingState:
    """State before the first step: Adam (amsgrad, as VAME) and its learning rate's schedule."""
    training = config.training
    optimizer = torch.optim.Adam(model.parameters(), lr=training.learning_rate, amsgrad=True)
    return TrainingState(
        model=model,
        optimizer=optimizer,
        scheduler=SCHEDULERS[training.scheduler](
            optimizer, training, steps_in_epoch(training, train)
        ),
        generator=generator,
        sums=torch.zeros(4, device=next(model.parameters()).device),
    )


SCHEDULERS: dict[str, Callable] = {
    "constant": lambda optimizer, training, steps: torch.optim.lr_scheduler.ConstantLR(
        optimizer, factor=1.0
    ),
    "plateau": lambda optimizer, training, steps: torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=training.scheduler_gamma,
        patience=training.scheduler_step_size,
        threshold=1e-3,
    ),
    "one_cycle": lambda optimizer, training, steps: torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=training.learning_rate, total_steps=epochs_to_train(training) * steps
    ),
}


def fit(
    state: TrainingState, train: Windows, held_out: Windows, config: ModelConfig
) -> Iterator[Epoch | None]:
    """Train from `state` on, yielding None after a step and an `Epoch` after an epoch.

    At every yield `state` is complete: going on from a copy of it gives the same weights. The
    best epoch is the one with the lowest held-out score (`selection`) since the Kullback-Leibler
    weight passed 0.99; training ends after `max_epochs`, or once more than `model_convergence`
    epochs in a row brought no better one.
    """
    training, network = config.training, config.network
    steps = steps_in_epoch(training, train)
    clock = time.perf_counter()
    while (
        state.epoch < epochs_to_train(training)
        and state.epochs_without_gain <= training.model_convergence
    ):
        weight = kl_weight(
            state.epoch + 1,
            config.loss.kl_start,
            config.loss.annealtime,
            config.loss.anneal_function,
        )
        weights = term_weights(
            config.loss,
            weight,
            batch_size=training.batch_size,
            time_window=network.time_window,
            future_steps=network.future_steps,
            n_features=train.frames.shape[1],
            zdims=network.zdims,
        )
        if state.step == 0:
            state.learning_rate = state.optimizer.param_groups[0]["lr"]
        while state.step < steps:
            state.last = train_step(
                state.model,
                train.draw(training.batch_size, state.generator)[:, : network.frames_used],
                state.optimizer,
                weights,
                time_window=network.time_window,
                kmeans_loss=config.loss.kmeans_loss,
                noise=training.noise,
                generator=state.generator,
            )
            if training.scheduler == "one_cycle":
                state.scheduler.step()
            state.sums += state.last
            state.step += 1
            state.seconds += time.perf_counter() - clock
            yield None
            clock = time.perf_counter()

        terms = Terms(*(state.sums / steps).tolist())
        evaluation = evaluate(
            state.model,
            held_out_batches(held_out, config, state.generator),
            time_window=network.time_window,
            kmeans_loss=config.loss.kmeans_loss,
        )
        test_loss = objective(evaluation.terms, weights)
        if training.scheduler == "plateau":
            if training.plateau_on == "last_batch":
                state.scheduler.step(objective(Terms(*state.last.tolist()), weights))
            elif weight > ANNEALED:
                state.scheduler.step(test_loss)
        score = (
            test_loss if training.selection == "held_out_loss" else evaluation.terms.reconstruction
        )
        is_best = weight > ANNEALED and score < state.best_score
        state.epoch += 1
        state.step = 0
        state.sums = torch.zeros_like(state.sums)
        if is_best:
            state.best_score, state.best_epoch = score, state.epoch
        patient = weight <= ANNEALED and training.patience_from == "annealed"
        state.epochs_without_gain = 0 if is_best or patient else state.epochs_without_gain + 1
        state.seconds += time.perf_counter() - clock
        yield Epoch(
            epoch=state.epoch,
            seconds=state.seconds,
            kl_weight=weight,
            learning_rate=state.learning_rate,
            train_loss=objective(terms, weights),
            train=terms,
            test_loss=test_loss,
            test=evaluation,
            is_best=is_best,
            has_future=network.prediction_decoder,
        )
        clock = time.perf_counter()


def held_out_batches(
    held_out: Windows, config: ModelConfig, generator: torch.Generator
) -> Iterator[Float[Tensor, "batch window feature"]]:
    """The windows that an epoch is judged by: always the same, or drawn anew as VAME does.

    VAME's test batches hold a quarter of a training batch; there are as many of them as
    `steps_per_epoch` says, or as have as many windows as there are frames.
    """
    if config.training.held_out == "fixed":
        numbers = held_out.spread(config.training.held_out_windows)
        batches = held_out.batches(numbers, EVALUATION_BATCH)
    else:
        size = max(1, config.training.batch_size // 4)
        steps = config.training.steps_per_epoch or max(1, len(held_out.frames) // size)
        batches = (held_out.draw(size, generator) for _ in range(steps))
    for windows in batches:
        yield windows[:, : config.network.frames_used]


def train_step(
    model: nn.Module,
    windows: Float[Tensor, "batch window feature"],
    optimizer: torch.optim.Optimizer,
    weights: Terms,
    *,
    time_window: int,
    kmeans_loss: int,
    noise: bool,
    generator: torch.Generator | None,
) -> Float[Tensor, 4]:
    """One step of gradient descent; returns the terms, without waiting for the device.

    The noise is on the encoder's input alone: what is reconstructed is the window itself.
    """
    model.train()
    target, future = split_window(windows, time_window)
    inputs = add_noise(target, generator) if noise else target
    outputs = model(inputs) if generator is None else model(inputs, generator)
    terms = compute_terms(outputs, target, future, kmeans_loss)
    optimizer.zero_grad()
    objective(terms, weights).backward()
    optimizer.step()
    return torch.stack(terms).detach()


@torch.inference_mode()
def evaluate(
    model: Callable[[Tensor], Outputs],
    batches: Iterable[Tensor],
    *,
    time_window: int,
    kmeans_loss: int,
) -> Evaluation:
    """Terms over all windows of `batches`, at z = mu."""
    model.eval()
    sums, mus, variances, n_windows = 0.0, [], [], 0
    for windows in batches:
        target, future = split_window(windows, time_window)
        outputs = model(target)
        terms = compute_terms(outputs, target, future, kmeans_loss)
        sums = sums + torch.stack(terms) * len(windows)
        n_windows += len(windows)
        mus.append(outputs.mu)
        variances.append(outputs.logvar.exp().mean() * len(windows))
    spread = torch.cat(mus).var(dim=0, correction=0)
    return Evaluation(
        Terms(*(sums / n_windows).tolist()),
        int((spread > ACTIVE_LATENT_VARIANCE).sum()),
        float(sum(variances) / n_windows),
    )


def split_window(
    windows: Float[Tensor, "batch window feature"], time_window: int
) -> tuple[Float[Tensor, "batch time feature"], Float[Tensor, "batch future feature"]]:
    """The frames that are encoded and reconstructed, and those after them."""
    return windows[:, :time_window], windows[:, time_window:]
