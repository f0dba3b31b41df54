"""The training loop: a generator of steps and epochs.

`fit` does not handle files, logs or progress bars: the caller decides what to do per epoch.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from vame_core.annealing import ANNEALED, kl_weight
from vame_core.config import ModelConfig, TrainingConfig
from vame_core.losses import Terms, objective, term_weights
from vame_core.model import RNNVAE
from vame_core.state import TrainingState, capture, restore
from vame_core.steps import MEASURED, Evaluation, evaluate, train_step
from vame_core.windows import EVALUATION_BATCH, Windows

MOST_BACKOFFS = 3


class NonFiniteError(ArithmeticError):
    """A loss or gradient that is not a finite number.

    Attributes
    ----------
    names
        The numbers concerned: of `MEASURED`, or of the held-out terms.
    epoch, step
        Counted from 1; step is None for the held-out windows after the epoch.
    rows
        First rows of the training windows with non-finite outputs; of the whole batch, if no single
        window is responsible.
    """

    def __init__(self, names: list[str], epoch: int, step: int | None, rows: list[int]) -> None:
        self.names, self.epoch, self.step, self.rows = names, epoch, step, rows
        where = "on the held-out windows" if step is None else f"in step {step}"
        super().__init__(f"{', '.join(names)} not finite {where} of epoch {epoch}")


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """One row of the history, and whether this epoch's model is the best so far."""

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
        """Return the row of `history.csv`; without a future decoder, its columns are None."""
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
    """A numerical failure, after which the epoch restarts at half the learning rate."""

    failure: NonFiniteError
    backoffs: int  # so far
    learning_rate: float  # of the restarted epoch


def steps_in_epoch(training: TrainingConfig, windows: Windows) -> int:
    """Return the steps per epoch: as set, or enough to sample as many windows as frames."""
    return training.steps_per_epoch or max(1, len(windows.frames) // training.batch_size)


def epochs_to_train(training: TrainingConfig) -> int:
    return training.max_epochs - ("skip_last_epoch" in training.vame_quirks)


def start_training(
    model: RNNVAE, config: ModelConfig, train: Windows, generator: torch.Generator
) -> TrainingState:
    """Return the state before the first step: Adam (amsgrad, as in VAME) and its scheduler."""
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
            optimizer, training, epochs_to_train(training) * steps_in_epoch(training, train)
        ),
        generator=generator,
        sums=torch.zeros(len(MEASURED), device=next(model.parameters()).device),
    )


SCHEDULERS: dict[str, Callable] = {
    "constant": lambda optimizer, training, total_steps: torch.optim.lr_scheduler.ConstantLR(
        optimizer, factor=1.0
    ),
    "plateau": lambda optimizer, training, total_steps: torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        factor=training.scheduler_gamma,
        patience=training.scheduler_step_size,
        threshold=1e-3,
    ),
    "one_cycle": lambda optimizer, training, total_steps: torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=training.learning_rate,
        total_steps=total_steps,
        pct_start=min(training.warmup_steps / total_steps, 0.3),
        cycle_momentum=False,
    ),
}


def fit(
    state: TrainingState, train: Windows, held_out: Windows, config: ModelConfig
) -> Iterator[Epoch | Backoff | None]:
    """Train from `state`, yielding None after each step and an `Epoch` after each epoch.

    At every yield `state` is complete: training continued from a copy gives the same weights. The
    best epoch is the one with the lowest held-out loss once the Kullback-Leibler weight exceeds
    0.99; training ends after `max_epochs`, or after more than `model_convergence` consecutive
    epochs without improvement.

    If a loss or gradient is not finite, the epoch restarts from its first step at half the
    learning rate, at most three times per training; each time a `Backoff` is yielded.

    Raises
    ------
    NonFiniteError
        After the last restart; `state` is then that before the step.
    """
    # Where each check synchronises with the device, an epoch is checked once, at its end; only an
    # epoch that failed is repeated with a check at every step.
    check_steps = needs_no_synchronisation(train.device)
    while not _is_finished(state, config.training):
        if state.step == 0:
            state.epoch_start = capture(state)
        try:
            yield from _train_epoch(state, train, held_out, config, check_steps)
        except NonFiniteError as failure:
            if failure.step is None and not check_steps:
                _go_back(state, state.backoffs)
                check_steps = True
                continue
            if state.backoffs == MOST_BACKOFFS:
                raise
            _go_back(state, state.backoffs + 1)
            yield Backoff(
                failure=failure,
                backoffs=state.backoffs,
                learning_rate=state.optimizer.param_groups[0]["lr"],
            )


def _is_finished(state: TrainingState, training: TrainingConfig) -> bool:
    return (
        state.epoch >= epochs_to_train(training)
        or state.epochs_without_gain > training.model_convergence
    )


def _train_epoch(
    state: TrainingState,
    train: Windows,
    held_out: Windows,
    config: ModelConfig,
    check_steps: bool,
) -> Iterator[Epoch | None]:
    clock = time.perf_counter()
    loss = config.loss
    weight = kl_weight(state.epoch + 1, loss.kl_start, loss.annealtime, loss.anneal_function)
    weights = term_weights(config, weight, train.frames.shape[1])
    if state.step == 0:
        state.learning_rate = state.optimizer.param_groups[0]["lr"]
    while state.step < steps_in_epoch(config.training, train):
        _take_step(state, train, config, weights, check_steps)
        state.seconds += time.perf_counter() - clock
        yield None
        clock = time.perf_counter()

    *terms, gradient_norm = (_finite(state.sums, state) / state.step).tolist()
    terms = Terms(*terms)
    evaluation = _evaluate(state, held_out, config)
    test_loss = objective(evaluation.terms, weights)
    _step_plateau(state, config.training, weight, weights, test_loss)
    is_best = _note_score(state, config.training, weight, test_loss, evaluation)
    state.epoch, state.step, state.sums = state.epoch + 1, 0, torch.zeros_like(state.sums)
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
        has_future=config.network.prediction_decoder,
    )


def _take_step(
    state: TrainingState,
    train: Windows,
    config: ModelConfig,
    weights: Terms,
    check: bool,
) -> None:
    training, time_window = config.training, config.network.time_window
    before = state.random_states() if check else None
    windows = train.draw(training.batch_size, state.generator)[:, : config.network.frames_used]
    measured = train_step(
        state.model,
        windows,
        state.optimizer,
        weights,
        time_window=time_window,
        kmeans_loss=config.loss.kmeans_loss,
        noise=training.noise,
        generator=state.generator,
        gradient_clip=training.gradient_clip,
        precision=training.precision,
        refuse_non_finite=check,
    )
    if check and (names := _not_finite(measured)):
        state.set_random_states(before)
        rows = train.rows(train.choose(training.batch_size, state.generator))
        state.set_random_states(before)
        culprits = _windows_to_blame(state.model, windows, time_window)
        raise NonFiniteError(names, state.epoch + 1, state.step + 1, rows[culprits].tolist())
    if training.scheduler == "one_cycle":
        state.scheduler.step()
    state.last = measured
    state.sums += measured
    state.step += 1


def _evaluate(state: TrainingState, held_out: Windows, config: ModelConfig) -> Evaluation:
    evaluation = evaluate(
        state.model,
        held_out_batches(held_out, config, state.generator),
        time_window=config.network.time_window,
        kmeans_loss=config.loss.kmeans_loss,
    )
    _finite(torch.tensor(evaluation.terms), state)
    return evaluation


def held_out_batches(
    held_out: Windows, config: ModelConfig, generator: torch.Generator
) -> Iterator[Float[Tensor, "batch window feature"]]:
    """Yield the windows that an epoch is evaluated on: the same each time, or resampled (VAME).

    VAME's test batches hold a quarter of a training batch; their number is `steps_per_epoch`,
    or enough for as many windows as frames.
    """
    training = config.training
    if "redrawn_held_out_windows" in training.vame_quirks:
        size = max(1, training.batch_size // 4)
        steps = training.steps_per_epoch or max(1, len(held_out.frames) // size)
        batches = (held_out.draw(size, generator) for _ in range(steps))
    else:
        batches = held_out.batches(held_out.spread(training.held_out_windows), EVALUATION_BATCH)
    for windows in batches:
        yield windows[:, : config.network.frames_used]


def _step_plateau(
    state: TrainingState, training: TrainingConfig, weight: float, weights: Terms, test_loss: float
) -> None:
    if training.scheduler != "plateau":
        return
    if "plateau_on_last_batch" in training.vame_quirks:
        state.scheduler.step(objective(Terms(*state.last[:-1].tolist()), weights))
    elif weight > ANNEALED:
        state.scheduler.step(test_loss)


def _note_score(
    state: TrainingState,
    training: TrainingConfig,
    weight: float,
    test_loss: float,
    evaluation: Evaluation,
) -> bool:
    """Return True if this epoch is the best so far; count the epochs without improvement."""
    by_reconstruction = "selection_by_reconstruction" in training.vame_quirks
    score = evaluation.terms.reconstruction if by_reconstruction else test_loss
    annealed = weight > ANNEALED
    is_best = annealed and score < state.best_score
    if is_best:
        state.best_score, state.best_epoch = score, state.epoch + 1
    counts = annealed or "patience_from_start" in training.vame_quirks
    state.epochs_without_gain = state.epochs_without_gain + 1 if counts and not is_best else 0
    return is_best


def _go_back(state: TrainingState, backoffs: int) -> None:
    """Return to the epoch's first step, with the learning rate after this many backoffs."""
    seconds = state.seconds
    restore(state, state.epoch_start)
    for group in state.optimizer.param_groups:
        for rate in {"lr", "initial_lr", "max_lr", "min_lr"} & group.keys():
            group[rate] *= 0.5 ** (backoffs - state.backoffs)
    state.backoffs, state.seconds = backoffs, seconds


def needs_no_synchronisation(device: torch.device) -> bool:
    """True if reading a scalar needs no device synchronisation."""
    return device.type == "cpu"


def _not_finite(measured: Tensor) -> list[str]:
    """Return the names of the numbers that are not finite."""
    finite = measured.isfinite().tolist()
    return [name for name, fine in zip(MEASURED, finite, strict=False) if not fine]


def _finite(numbers: Tensor, state: TrainingState) -> Tensor:
    """Return the epoch's numbers, or raise an error if one is not finite."""
    if names := _not_finite(numbers):
        raise NonFiniteError(names, state.epoch + 1, None, [])
    return numbers


@torch.inference_mode()
def _windows_to_blame(model: RNNVAE, windows: Tensor, time_window: int) -> Tensor:
    """Mark the windows whose outputs are not finite; all windows, if none or all are."""
    model.eval()
    outputs = [output for output in model(windows[:, :time_window]) if output is not None]
    finite = torch.stack([part.flatten(1).isfinite().all(1) for part in (windows, *outputs)]).all(0)
    return ~finite if 0 < finite.sum() < len(finite) else torch.ones_like(finite)
