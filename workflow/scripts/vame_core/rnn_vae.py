"""The documented interface of VAME's training module, `vame.model.rnn_vae`.

Names, parameters and returns are VAME's. `train_model` is the workflow's training with all of
VAME's quirks; VAME's own functions read the files that it writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor, nn

from vame_core.annealing import kl_weight
from vame_core.checkpoint import load_pretrained
from vame_core.determinism import choose_device, global_generator
from vame_core.losses import Terms, cluster_norm, kl_divergence, squared_error
from vame_core.model import RNNVAE, Outputs
from vame_core.noise import NOISE_LEVEL, add_noise
from vame_core.steps import evaluate, train_step
from vame_core.training import Backoff, Epoch, fit, start_training
from vame_core.vame_project import (
    Project,
    logged,
    logger,
    open_project,
    read_windows,
    recorded,
    save_losses,
    save_weights,
)


def reconstruction_loss(x: Tensor, x_tilde: Tensor, reduction: str) -> Tensor:
    """Compute the squared error between a window and its reconstruction, summed or averaged."""
    return squared_error(x, x_tilde, reduction)


def future_reconstruction_loss(x: Tensor, x_tilde: Tensor, reduction: str) -> Tensor:
    """Compute the squared error between the frames after a window and their prediction."""
    return squared_error(x, x_tilde, reduction)


def cluster_loss(H: Tensor, kloss: int, lmbda: float, batch_size: int) -> Tensor:
    """Compute `lmbda` times the sum of the `kloss` largest singular values of H / sqrt(batch_size).

    H holds one latent vector per column: (latent, batch), as VAME passes it.
    """
    return lmbda * (H.shape[1] / batch_size) ** 0.5 * cluster_norm(H.T, kloss)


def kullback_leibler_loss(mu: Tensor, logvar: Tensor) -> Tensor:
    """Compute the KL divergence from the standard normal, averaged over batch and latents.

    -0.5 mean(1 + log sigma² - mu² - sigma²); Kingma & Welling 2014, appendix B, has the sum.
    """
    return kl_divergence(mu, logvar) / mu.shape[1]


def kl_annealing(epoch: int, kl_start: int, annealtime: int, function: str) -> float:
    """Compute the weight of the Kullback-Leibler loss in `epoch`, see `annealing.kl_weight`."""
    return kl_weight(epoch, kl_start, annealtime, function)


def gaussian(ins: Tensor, is_training: bool, seq_len: int, std_n: float = NOISE_LEVEL) -> Tensor:
    """Add noise of `std_n` standard deviations to `ins` (batch, seq_len, feature) in training.

    The noise is sampled from torch's global generator.
    """
    return add_noise(ins, None, std_n) if is_training else ins


def train(
    train_loader: Iterable[Tensor],
    epoch: int,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    anneal_function: str,
    BETA: float,
    kl_start: int,
    annealtime: int,
    seq_len: int,
    future_decoder: bool,
    future_steps: int,
    scheduler: torch.optim.lr_scheduler.LRScheduler,
    mse_red: str,
    mse_pred: str,
    kloss: int,
    klmbda: float,
    bsize: int,
    noise: bool,
) -> tuple[float, float, float, float, float, float]:
    """Train for one epoch, then step the scheduler (`plateau`: with the last batch's loss).

    Parameters
    ----------
    train_loader
        Yields windows of shape (batch, feature, seq_len).
    model
        Any module with VAME's outputs: reconstruction, (future,) z, mu, logvar.
    seq_len
        Frames of a window: twice the number of encoded frames.

    Returns
    -------
    The Kullback-Leibler weight, and the means over batches of: the loss, the cluster loss times
    that weight, the Kullback-Leibler loss, the reconstruction loss, the future loss.
    """
    weight = kl_weight(epoch, kl_start, annealtime, anneal_function)
    named = _Named(model)
    time_window = seq_len // 2
    length = time_window + (future_steps if future_decoder else 0)
    options = {"time_window": time_window, "kmeans_loss": kloss, "noise": bool(noise)}
    losses = []
    for windows in _time_first(train_loader, named.device):
        weights = Terms(
            reconstruction=_elements(windows[:, :time_window], mse_red),
            future=_elements(windows[:, time_window:length], mse_pred),
            kl=weight * BETA / named.count_latents(windows[:, :time_window]),
            cluster=weight * klmbda * (len(windows) / bsize) ** 0.5,
        )
        *terms, _ = train_step(
            named, windows[:, :length], optimizer, weights, generator=None, **options
        )
        losses.append(torch.stack([*map(torch.mul, terms, weights), terms[2] / named.zdims]))
    _require(losses, "train_loader")
    on_plateau = isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau)
    scheduler.step(*([losses[-1][:-1].sum()] if on_plateau else []))
    *weighted, kl = torch.stack(losses).mean(dim=0).tolist()
    reconstruction, future, _, cluster = weighted
    return weight, sum(weighted), cluster, kl, reconstruction, future


def test(
    test_loader: Iterable[Tensor],
    model: nn.Module,
    BETA: float,
    kl_weight: float,
    seq_len: int,
    mse_red: str,
    kloss: int,
    klmbda: float,
    future_decoder: bool,
    bsize: int,
) -> tuple[float, float, float]:
    """Evaluate at z = mu; for the parameters see `train`.

    Returns
    -------
    The means over batches of the reconstruction loss and of the total loss (without the future
    loss, as in VAME), and the sum over batches of the cluster loss times `kl_weight`.
    """
    named = _Named(model, with_future=False)
    losses = []
    for windows in _time_first(test_loader, named.device):
        target = windows[:, : seq_len // 2]
        weights = Terms(
            reconstruction=_elements(target, mse_red),
            future=0.0,
            kl=kl_weight * BETA / named.count_latents(target),
            cluster=kl_weight * klmbda * (len(windows) / bsize) ** 0.5,
        )
        terms, *_ = evaluate(named, [target], time_window=seq_len // 2, kmeans_loss=kloss)
        losses.append([w * term for w, term in zip(weights, terms, strict=True)])
    _require(losses, "test_loader")
    sums = Terms(*map(sum, zip(*losses, strict=True)))
    return sums.reconstruction / len(losses), sum(sums) / len(losses), sums.cluster


def train_model(config: str, save_logs: bool = False) -> None:
    """Train the model of a VAME project, and write the files that VAME writes.

    Reads `data/train/{train,test}_seq.npy`, (feature, frame). Writes
    `data/train/seq_{mean,std}.npy`, `model/best_model/{model_name}_{project_name}.pkl`, its
    `snapshots/`, and `model/model_losses/*_{model_name}.npy`. A file `model/STOP` ends training
    after the epoch.

    Parameters
    ----------
    config
        Path of the project's `config.yaml`.
    save_logs
        Whether to write `logs/train_model.log`.

    Raises
    ------
    FileNotFoundError
        If the config, the training data or the pretrained model does not exist.
    ValueError
        If a setting is missing, or the data do not fit `num_features`.
    NotImplementedError
        If `anneal_function` is unknown.
    """
    path = Path(config)
    log = path.parent / "logs" / "train_model.log" if save_logs else None
    with recorded(path, save_logs=save_logs), logged(log):
        _train_project(open_project(path))


def _train_project(project: Project) -> None:
    config, device = project.config, choose_device("auto")
    torch.manual_seed(project.settings.get("project_random_state", 42))
    train, held_out = read_windows(project, device)
    n_features = train.frames.shape[1]
    model = RNNVAE(config.network, n_features).to(device)
    if config.training.pretrained_weights:
        load_pretrained(model, project.pretrained)
    project.stop.unlink(missing_ok=True)  # left by an earlier run
    logger.info("training %s on %s", project.name, device)
    state = start_training(model, config, train, global_generator(device))
    for event in fit(state, train, held_out, config):
        if isinstance(event, Backoff):
            logger.warning("%s; the epoch restarts at half the learning rate", event.failure)
        elif event:
            logger.info("%s", event)
            _keep(project, event, model, n_features)
            if project.stop.exists():
                _stop(project, event, model, state.best_epoch is None)
    if state.best_epoch is None:
        # VAME writes no model here, and its next step fails.
        logger.warning("no epoch was selected as the best; the last epoch's weights are saved")
        save_weights(model, project.best)


def _keep(project: Project, epoch: Epoch, model: RNNVAE, n_features: int) -> None:
    """Write an epoch's losses, and its weights if it is the best or a snapshot is due."""
    save_losses(project, epoch, n_features)
    if epoch.is_best:
        save_weights(model, project.best)
    if epoch.epoch % project.config.training.model_snapshot == 0:
        save_weights(model, project.snapshot(f"epoch_{epoch.epoch}"))


def _stop(project: Project, epoch: Epoch, model: RNNVAE, is_first: bool) -> NoReturn:
    """End training on the user's request; save a snapshot, and the model if there is none yet."""
    project.stop.unlink()
    save_weights(model, project.snapshot(f"stopped_epoch_{epoch.epoch}"))
    if is_first:
        save_weights(model, project.best)
    raise KeyboardInterrupt(f"stopped after epoch {epoch.epoch} on request of {project.stop}")


class _Named(nn.Module):
    """Name the outputs of a model that returns VAME's plain tuple."""

    def __init__(self, model: nn.Module, *, with_future: bool = True) -> None:
        super().__init__()
        self.model, self.with_future = model, with_future
        self.zdims: int | None = None

    def forward(self, windows: Tensor) -> Outputs:
        *decoded, z, mu, logvar = self.model(windows)
        future = decoded[1] if len(decoded) == 2 and self.with_future else None
        return Outputs(decoded[0], future, z, mu, logvar)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @torch.inference_mode()
    def count_latents(self, windows: Tensor) -> int:
        """Return the number of latents, computed once, without random numbers."""
        self.zdims = self.zdims or self.eval()(windows[:1]).mu.shape[1]
        return self.zdims


def _time_first(loader: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Yield a loader's batches as (batch, time, feature) float32 on the model's device."""
    for windows in loader:
        yield windows.to(device=device, dtype=torch.float32).permute(0, 2, 1)


def _elements(target: Tensor, reduction: str) -> float:
    """Return the factor from a mean over elements to the reduction."""
    return float(target.numel()) if reduction == "sum" else 1.0


def _require(losses: list, loader: str) -> None:
    if not losses:
        raise ValueError(f"{loader} yields no batch: are there fewer windows than the batch size?")
