"""One step, one evaluation, and a generator of steps and epochs.

`fit` knows nothing of files, logs or bars: the caller decides what to do with each epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from vame_core.annealing import ANNEALED, kl_weight
from vame_core.config import ModelConfig, TrainingConfig
from vame_core.losses import Terms, compute_terms, objective, term_weights
from vame_core.model import RNNVAE, Outputs
from vame_core.noise import add_noise
from vame_core.state import TrainingState, capture, restore
from vame_core.windows import Windows

EVALUATION_BATCH = 1024
ACTIVE_LATENT_VARIANCE = 0.01  # Burda et al. 2016, section 5.2
MOST_BACKOFFS = 3
MEASURED = (*Terms._fields, "gradient")  # what a step returns: its terms, its gradient's norm


class NonFiniteError(ArithmeticError):
    """A loss or gradient that is not a finite number.

    Attributes
    ----------
    names
        Which of `MEASURED`, or of the held-out terms.
    epoch, step
        Where, from 1 on; step None for the held-out windows after the epoch.
    rows
        First rows of the training windows that it comes from: those that the network returns no
        finite numbers for, or else the whole batch.
    """

    def __init__(self, names: list[str], epoch: int, step: int | None, rows: list[int]) -> None:
        self.names, self.epoch, self.step, self.rows = names, epoch, step, rows
        where = "on the held-out windows" if step is None else f"in step {step}"
        super().__init__(f"{', '.join(names)} not finite {where} of epoch {epoch}")


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
    gradient_norm: float  # mean over the steps, before any clipping
    test_loss: float
    test: Evaluation
    backoffs: int  # how often the learning rate has been halved after a numerical failure
    is_best: bool
    has_future: bool

    def __str__(self) -> str:
        terms = self.test.terms
        return (
            f"epoch {self.epoch}  {self.seconds:.1f} s  "
            f"loss {self.train_loss:.5g} held-out {self.test_loss:.5g}  "
            f"reconstruction {terms.reconstruction:.4f} future {terms.future:.4f} "
            f"kl {terms.kl:.3f}{'  best so far' if self.is_best else ''}"
        )

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
            "gradient_norm": self.gradient_norm,
            "backoffs": self.backoffs,
        }
        return row if self.has_future else row | {"train_future": None, "test_future": None}


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """A numerical failure after which the epoch starts again at half the learning rate."""

    failure: NonFiniteError
    backoffs: int  # so far
    learning_rate: float  # with which the epoch starts again


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
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=training.learning_rate,
        amsgrad=True,
        fused=training.fused_optimizer or None,
    )
    return TrainingState(
        model=model,
        optimizer=optimizer,
        scheduler=SCHEDULERS[training.scheduler](
            optimizer, training, steps_in_epoch(training, train)
        ),
        generator=generator,
        sums=torch.zeros(len(MEASURED), device=next(model.parameters()).device),
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
        optimizer,
        max_lr=training.learning_rate,
        total_steps=(total := epochs_to_train(training) * steps),
        pct_start=min(training.warmup_steps / total, 0.3),
        cycle_momentum=False,
    ),
}


def fit(
    state: TrainingState, train: Windows, held_out: Windows, config: ModelConfig
) -> Iterator[Epoch | Backoff | None]:
    """Train from `state` on, yielding None after a step and an `Epoch` after an epoch.

    At every yield `state` is complete: going on from a copy of it gives the same weights. The
    best epoch is the one with the lowest held-out score (`selection`) since the Kullback-Leibler
    weight passed 0.99; training ends after `max_epochs`, or once more than `model_convergence`
    epochs in a row brought no better one.

    Where a loss or gradient is not finite, the epoch starts again from its first step at half the
    learning rate, at most three times in a training; each time a `Backoff` is yielded.

    Raises
    ------
    NonFiniteError
        After the last of these; `state` is then the one before the step.
    """
    training = config.training
    # Where each look waits for the device, an epoch is looked at once, at its end; only one that
    # failed is gone through again step by step.
    look_at_steps = looking_is_free(train.device)
    while (
        state.epoch < epochs_to_train(training)
        and state.epochs_without_gain <= training.model_convergence
    ):
        if state.step == 0:
            state.epoch_start = capture(state)
        try:
            yield from _train_epoch(state, train, held_out, config, look_at_steps)
        except NonFiniteError as failure:
            if failure.step is None and not look_at_steps:
                _go_back(state, state.backoffs)
                look_at_steps = True
                continue
            if state.backoffs == MOST_BACKOFFS:
                raise
            _go_back(state, state.backoffs + 1)
            yield Backoff(
                failure=failure,
                backoffs=state.backoffs,
                learning_rate=state.optimizer.param_groups[0]["lr"],
            )


def _train_epoch(
    state: TrainingState,
    train: Windows,
    held_out: Windows,
    config: ModelConfig,
    look_at_steps: bool,
) -> Iterator[Epoch | None]:
    training, network = config.training, config.network
    steps = steps_in_epoch(training, train)
    clock = time.perf_counter()
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
        before = state.random_states() if look_at_steps else None
        windows = train.draw(training.batch_size, state.generator)[:, : network.frames_used]
        measured = train_step(
            state.called,
            windows,
            state.optimizer,
            weights,
            time_window=network.time_window,
            kmeans_loss=config.loss.kmeans_loss,
            noise=training.noise,
            generator=state.generator,
            gradient_clip=training.gradient_clip,
            precision=training.precision,
            refuse_non_finite=look_at_steps,
        )
        if look_at_steps and (names := _not_finite(measured)):
            state.set_random_states(before)
            rows = train.rows(train.choose(training.batch_size, state.generator))
            state.set_random_states(before)
            culprits = _windows_to_blame(state.model, windows, network.time_window)
            raise NonFiniteError(names, state.epoch + 1, state.step + 1, rows[culprits].tolist())
        state.last = measured
        if training.scheduler == "one_cycle":
            state.scheduler.step()
        state.sums += state.last
        state.step += 1
        state.seconds += time.perf_counter() - clock
        yield None
        clock = time.perf_counter()

    if names := _not_finite(state.sums):
        raise NonFiniteError(names, state.epoch + 1, None, [])
    *terms, gradient_norm = (state.sums / steps).tolist()
    terms = Terms(*terms)
    evaluation = evaluate(
        state.called,
        held_out_batches(held_out, config, state.generator),
        time_window=network.time_window,
        kmeans_loss=config.loss.kmeans_loss,
    )
    if names := _not_finite(torch.tensor(evaluation.terms)):
        raise NonFiniteError(names, state.epoch + 1, None, [])
    test_loss = objective(evaluation.terms, weights)
    if training.scheduler == "plateau":
        if training.plateau_on == "last_batch":
            state.scheduler.step(objective(Terms(*state.last[:-1].tolist()), weights))
        elif weight > ANNEALED:
            state.scheduler.step(test_loss)
    score = test_loss if training.selection == "held_out_loss" else evaluation.terms.reconstruction
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
        gradient_norm=gradient_norm,
        test_loss=test_loss,
        test=evaluation,
        backoffs=state.backoffs,
        is_best=is_best,
        has_future=network.prediction_decoder,
    )


def _go_back(state: TrainingState, backoffs: int) -> None:
    """To the epoch's first step, with the learning rate of so many backoffs."""
    seconds = state.seconds
    restore(state, state.epoch_start)
    for group in state.optimizer.param_groups:
        for rate in {"lr", "initial_lr", "max_lr", "min_lr"} & group.keys():
            group[rate] *= 0.5 ** (backoffs - state.backoffs)
    state.backoffs, state.seconds = backoffs, seconds


def looking_is_free(device: torch.device) -> bool:
    """Whether reading a number does not wait for the device to catch up."""
    return device.type == "cpu"


def _not_finite(measured: Tensor) -> list[str]:
    """Names of the numbers that are infinite or none."""
    return [
        name
        for name, finite in zip(MEASURED, measured.isfinite().tolist(), strict=False)
        if not finite
    ]


@torch.inference_mode()
def _windows_to_blame(model: RNNVAE, windows: Tensor, time_window: int) -> Tensor:
    """Which windows the network returns no finite numbers for; all, where it is none alone."""
    model.eval()
    outputs = [output for output in model(windows[:, :time_window]) if output is not None]
    finite = torch.stack([part.flatten(1).isfinite().all(1) for part in (windows, *outputs)]).all(0)
    return ~finite if 0 < finite.sum() < len(finite) else torch.ones_like(finite)


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
    gradient_clip: float | None = None,
    precision: str = "float32",
    refuse_non_finite: bool = False,
) -> Float[Tensor, 5]:
    """One step of gradient descent; returns the terms and the norm of the gradient (`MEASURED`).

    The noise is on the encoder's input alone: what is reconstructed is the window itself. A
    gradient whose norm is above `gradient_clip` is shortened to it (Pascanu et al. 2013,
    algorithm 1). `precision` bf16 has the network's matrix products in bfloat16 where the device
    does them so; losses, gradients and weights stay in single precision. `refuse_non_finite`
    leaves the weights as they are where one of these numbers is not finite; it waits for the
    device, which nothing else here does (but the cluster term's decomposition, inside torch, on
    CUDA).
    """
    if not model.training:  # it goes through all modules
        model.train()
    target, future = split_window(windows, time_window)
    inputs = add_noise(target, generator) if noise else target
    with torch.autocast(windows.device.type, torch.bfloat16, enabled=precision == "bf16"):
        outputs = model(inputs) if generator is None else model(inputs, generator)
    if precision == "bf16":
        outputs = Outputs(*(part if part is None else part.float() for part in outputs))
    terms = compute_terms(outputs, target, future, kmeans_loss)
    optimizer.zero_grad()
    objective(terms, weights).backward()
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    norm = nn.utils.get_total_norm(gradients)
    if gradient_clip is not None:
        nn.utils.clip_grads_with_norm_(model.parameters(), gradient_clip, norm)
    measured = torch.stack([*terms, norm]).detach()
    if not refuse_non_finite or measured.isfinite().all():
        optimizer.step()
    return measured


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
