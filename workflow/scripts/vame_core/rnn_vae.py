"""The documented interface of VAME's training module, `vame.model.rnn_vae`.

Names, parameters and returns are VAME's; the mathematics is that of the other modules, which the
workflow uses. VAME's conventions are kept where they differ from the workflow's, because VAME's
own functions go on with the files that `train_model` leaves: windows of twice `time_window`
frames, one scaling for all features, decoder start states that mix a batch, `max_epochs - 1`
epochs, the best model by the reconstruction of freshly drawn test windows.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import yaml
from torch import Tensor, nn

from vame_core.annealing import ANNEALED, kl_weight
from vame_core.checkpoint import load_pretrained, write_atomically
from vame_core.config import NetworkConfig
from vame_core.determinism import choose_device
from vame_core.losses import (
    Terms,
    cluster_norm,
    compute_terms,
    kl_divergence,
    objective,
    squared_error,
)
from vame_core.model import RNNVAE, Outputs
from vame_core.noise import NOISE_LEVEL, add_noise
from vame_core.training import split_window, train_step
from vame_core.windows import Windows

logger = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., None])


def reconstruction_loss(x: Tensor, x_tilde: Tensor, reduction: str) -> Tensor:
    """Squared error between a window and its reconstruction, `sum` or `mean` over elements."""
    return squared_error(x, x_tilde, reduction)


def future_reconstruction_loss(x: Tensor, x_tilde: Tensor, reduction: str) -> Tensor:
    """Squared error between the frames after a window and their prediction."""
    return squared_error(x, x_tilde, reduction)


def cluster_loss(H: Tensor, kloss: int, lmbda: float, batch_size: int) -> Tensor:
    """`lmbda` times the sum of the `kloss` largest singular values of H / sqrt(batch_size).

    H holds one latent vector per column: (latent, batch), as VAME passes it.
    """
    return lmbda * (H.shape[1] / batch_size) ** 0.5 * cluster_norm(H.T, kloss)


def kullback_leibler_loss(mu: Tensor, logvar: Tensor) -> Tensor:
    """Kullback-Leibler divergence from the standard normal, averaged over batch and latents.

    -0.5 mean(1 + log sigma² - mu² - sigma²); Kingma & Welling 2014, appendix B, has the sum.
    """
    return kl_divergence(mu, logvar) / mu.shape[1]


def kl_annealing(epoch: int, kl_start: int, annealtime: int, function: str) -> float:
    """Weight of the Kullback-Leibler loss in `epoch`, see `annealing.kl_weight`."""
    return kl_weight(epoch, kl_start, annealtime, function)


def gaussian(ins: Tensor, is_training: bool, seq_len: int, std_n: float = NOISE_LEVEL) -> Tensor:
    """`ins` (batch, seq_len, feature), while training plus noise of `std_n` standard deviations.

    The noise comes from torch's global generator.
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
    """Train for one epoch, then step the scheduler (on the last batch's loss if on a plateau).

    Parameters
    ----------
    train_loader
        Yields windows of shape (batch, feature, seq_len).
    model
        Any module that returns what VAME's does: reconstruction, (future,) z, mu, logvar.
    seq_len
        Frames of a window: twice those that are encoded.
    bsize
        Batch size that the cluster term is divided by.

    Returns
    -------
    The Kullback-Leibler weight, and the means over batches of: the loss, the cluster loss times
    that weight, the Kullback-Leibler loss, the reconstruction loss, the future loss.
    """
    weight = kl_weight(epoch, kl_start, annealtime, anneal_function)
    named = _Named(model)
    time_window = seq_len // 2
    length = time_window + (future_steps if future_decoder else 0)
    losses, zdims = [], None
    for windows in _time_first(train_loader, named.device):
        zdims = zdims or named.count_latents(windows[:1, :time_window])
        weights = Terms(
            reconstruction=_elements(windows[:, :time_window], mse_red),
            future=_elements(windows[:, time_window:length], mse_pred),
            kl=weight * BETA / zdims,
            cluster=weight * klmbda * (len(windows) / bsize) ** 0.5,
        )
        *terms, _ = train_step(
            named,
            windows[:, :length],
            optimizer,
            weights,
            time_window=time_window,
            kmeans_loss=kloss,
            noise=bool(noise),
            generator=None,
        )
        reconstruction, future, kl, cluster = (
            w * term for w, term in zip(weights, terms, strict=True)
        )
        loss = reconstruction + future + kl + cluster
        losses.append(torch.stack([loss, cluster, terms[2] / zdims, reconstruction, future]))
    _require(losses, "train_loader")
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
        scheduler.step(losses[-1][0])
    else:
        scheduler.step()
    loss, cluster, kl, reconstruction, future = torch.stack(losses).mean(dim=0).tolist()
    return weight, loss, cluster, kl, reconstruction, future


@torch.inference_mode()
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
    """Evaluate at z = mu; parameters as for `train`.

    Returns
    -------
    The means over batches of the reconstruction loss and of the total loss, in which VAME counts
    no future, and the sum over batches of the cluster loss times `kl_weight`.
    """
    named = _Named(model).eval()
    time_window = seq_len // 2
    losses = []
    for windows in _time_first(test_loader, named.device):
        target, _ = split_window(windows, time_window)
        outputs = named(target)._replace(future=None)
        terms = compute_terms(outputs, target, None, kloss)
        weights = Terms(
            reconstruction=_elements(target, mse_red),
            future=0.0,
            kl=kl_weight * BETA / outputs.mu.shape[1],
            cluster=kl_weight * klmbda * (len(windows) / bsize) ** 0.5,
        )
        losses.append(
            torch.stack(
                [
                    weights.reconstruction * terms.reconstruction,
                    objective(terms, weights),
                    weights.cluster * terms.cluster,
                ]
            )
        )
    _require(losses, "test_loader")
    reconstruction, loss, cluster = torch.stack(losses).sum(dim=0).tolist()
    return reconstruction / len(losses), loss / len(losses), cluster


def save_state(function: F) -> F:
    """Record in the project's `states/states.json` how a call went, with its arguments and times.

    The state is `running`, then `success`, `failed` (with the error, which is raised) or
    `aborted` (Ctrl-C, or VAME's stop file).
    """

    @wraps(function)
    def recorded(config: str, *args: Any, **kwargs: Any) -> None:
        bound = dict(zip(("save_logs",), args, strict=False)) | kwargs
        entry = {"config": str(config), **bound, "started": _now()}
        path = Path(config).parent / "states" / "states.json"

        def record(state: str, **more: str) -> None:
            states = json.loads(path.read_text()) if path.is_file() else {}
            states[function.__name__] = entry | {"execution_state": state} | more
            path.parent.mkdir(exist_ok=True)
            text = json.dumps(states, indent=4)
            write_atomically(path, lambda file: file.write(text.encode()))

        record("running")
        try:
            function(config, *args, **kwargs)
        except KeyboardInterrupt:
            record("aborted", finished=_now())
            raise
        except BaseException as error:
            record("failed", finished=_now(), error=f"{type(error).__name__}: {error}")
            raise
        record("success", finished=_now())

    return recorded


@save_state
def train_model(config: str, save_logs: bool = False) -> None:
    """Train the model of a VAME project, and leave the files that VAME leaves.

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
        If the config, the training data or the pretrained model is not there.
    ValueError
        If a setting is missing, or the data do not fit `num_features`.
    """
    project = Path(config).parent
    settings = _read_settings(Path(config))
    log = _log_to(project / "logs" / "train_model.log") if save_logs else None
    try:
        _train_project(project, settings)
    except Exception:
        logger.exception("training failed")
        raise
    finally:
        if log is not None:
            logger.removeHandler(log)
            log.close()


def _train_project(project: Path, settings: dict[str, Any]) -> None:
    network = _network_of(settings)
    device = choose_device("auto")
    seed = settings.get("project_random_state", 42)
    torch.manual_seed(seed)
    generator = torch.Generator(device=device).manual_seed(seed)
    length, batch_size = 2 * network.time_window, settings["batch_size"]

    windows = _read_windows(project, settings, device)
    train_steps = settings.get("steps_per_epoch") or max(
        1, len(windows["train"].frames) // batch_size
    )
    test_size = max(1, batch_size // 4)
    test_steps = settings.get("steps_per_epoch") or max(1, len(windows["test"].frames) // test_size)

    model = RNNVAE(network, windows["train"].frames.shape[1]).to(device)
    best_folder = project / "model" / "best_model"
    name = f"{settings['model_name']}_{settings['project_name']}"
    if settings["pretrained_weights"]:
        pretrained = settings["pretrained_model"]
        by_name = best_folder / f"{pretrained}_{settings['project_name']}.pkl"
        load_pretrained(model, by_name if by_name.is_file() else Path(pretrained))
        settings |= {"kl_start": 0, "annealtime": 1}  # its annealing is done
    optimizer = torch.optim.Adam(model.parameters(), settings["learning_rate"], amsgrad=True)
    scheduler = (
        torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer,
            factor=settings["scheduler_gamma"],
            patience=settings["scheduler_step_size"],
            threshold=1e-3,
        )
        if settings["scheduler"]
        else torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    )
    stop = project / "model" / "STOP"
    stop.unlink(missing_ok=True)  # it was meant for an earlier run
    losses: dict[str, list[float]] = {}
    best_loss, best_file, without_gain = math.inf, best_folder / f"{name}.pkl", 0
    logger.info("training %s on %s, %d steps an epoch", name, device, train_steps)
    for epoch in range(1, settings["max_epochs"]):
        weight, loss, cluster, kl, reconstruction, future = train(
            _feature_first(windows["train"], batch_size, train_steps, generator),
            epoch,
            model,
            optimizer,
            settings["anneal_function"],
            settings["beta"],
            settings["kl_start"],
            settings["annealtime"],
            length,
            network.prediction_decoder,
            network.prediction_steps,
            scheduler,
            settings["mse_reconstruction_reduction"],
            settings["mse_prediction_reduction"],
            settings["kmeans_loss"],
            settings["kmeans_lambda"],
            batch_size,
            settings["noise"],
        )
        held_out, test_loss, _ = test(
            _feature_first(windows["test"], test_size, test_steps, generator),
            model,
            settings["beta"],
            weight,
            length,
            settings["mse_reconstruction_reduction"],
            settings["kmeans_loss"],
            settings["kmeans_lambda"],
            network.prediction_decoder,
            test_size,
        )
        for key, value in {
            "train_losses": loss,
            "test_losses": test_loss,
            "kmeans_losses": cluster,
            "kl_losses": kl,
            "weight_values": weight,
            "mse_train_losses": reconstruction,
            "mse_test_losses": held_out,
            "fut_losses": future,
        }.items():
            losses.setdefault(key, []).append(value)
            _save_losses(project, f"{key}_{settings['model_name']}.npy", losses[key])
        logger.info("epoch %d: train %.6g, test %.6g, kl %.4g", epoch, loss, test_loss, kl)

        if weight > ANNEALED and held_out <= best_loss:
            best_loss, without_gain = held_out, 0
            _save_weights(model, best_file)
        else:
            without_gain += 1
        if epoch % settings["model_snapshot"] == 0:
            _save_weights(model, best_folder / "snapshots" / f"{name}_epoch_{epoch}.pkl")
        if stop.exists():
            stop.unlink()
            _save_weights(model, best_folder / "snapshots" / f"{name}_stopped_epoch_{epoch}.pkl")
            if best_loss == math.inf:
                _save_weights(model, best_file)
            raise KeyboardInterrupt(f"stopped after epoch {epoch}, as {stop} asked")
        if without_gain > settings["model_convergence"]:
            logger.info("converged: %d epochs without gain", without_gain)
            break
    if best_loss == math.inf:
        # VAME leaves no model here, and its next step fails.
        logger.warning("no epoch was annealed or better; the last one's weights are kept")
        _save_weights(model, best_file)


def _network_of(settings: dict[str, Any]) -> NetworkConfig:
    return NetworkConfig(
        time_window=settings["time_window"],
        zdims=settings["zdims"],
        prediction_decoder=bool(settings["prediction_decoder"]),
        prediction_steps=settings["prediction_steps"],
        hidden_size_layer_1=settings["hidden_size_layer_1"],
        hidden_size_rec=settings["hidden_size_rec"],
        hidden_size_pred=settings["hidden_size_pred"],
        dropout_encoder=float(settings["dropout_encoder"]),
        softplus=bool(settings["softplus"]),
        decoder_start="mixed",
    )


def _read_windows(
    project: Path, settings: dict[str, Any], device: torch.device
) -> dict[str, Windows]:
    """Windows of both sides, with one scaling for all features, which is left for VAME."""
    data = project / "data" / "train"
    sides = {side: _read_sequence(data / f"{side}_seq.npy", settings) for side in ("train", "test")}
    mean, std = sides["train"].mean(), sides["train"].std()
    for name, value in (("mean", mean), ("std", std)):
        write_atomically(
            data / f"seq_{name}.npy", lambda file, value=value: np.save(file, np.float64(value))
        )
    return {
        side: Windows(
            torch.from_numpy(((frames - mean) / std).astype(np.float32)).to(device),
            [(0, len(frames) - 1)],  # VAME never draws the last window
            2 * settings["time_window"],
        )
        for side, frames in sides.items()
    }


class _Named(nn.Module):
    """A model that returns VAME's bare tuple, with its outputs named."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, windows: Tensor) -> Outputs:
        outputs = self.model(windows)
        if len(outputs) == 4:
            outputs = (outputs[0], None, *outputs[1:])
        return Outputs(*outputs)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @torch.inference_mode()
    def count_latents(self, window: Tensor) -> int:
        """Latents of the model, found without drawing random numbers."""
        return self.eval()(window).mu.shape[1]


def _time_first(loader: Iterable[Tensor], device: torch.device) -> Iterator[Tensor]:
    """Batches of a loader as (batch, time, feature) float32 on the model's device."""
    for windows in loader:
        yield windows.to(device=device, dtype=torch.float32).permute(0, 2, 1)


def _feature_first(
    windows: Windows, batch_size: int, steps: int, generator: torch.Generator
) -> Iterator[Tensor]:
    """Windows as a loader of VAME's: (batch, feature, time)."""
    for _ in range(steps):
        yield windows.draw(batch_size, generator).permute(0, 2, 1)


def _elements(target: Tensor, reduction: str) -> float:
    """What a mean over elements is multiplied by to be reduced as asked."""
    return float(target.numel()) if reduction == "sum" else 1.0


def _require(losses: list[Tensor], loader: str) -> None:
    if not losses:
        raise ValueError(f"{loader} gave no batch: fewer windows than the batch size?")


NUMBERS = {
    float: ("beta", "learning_rate", "scheduler_gamma", "kmeans_lambda", "dropout_encoder"),
    int: (
        *("time_window", "zdims", "prediction_steps", "kmeans_loss", "kl_start", "annealtime"),
        *("hidden_size_layer_1", "hidden_size_rec", "hidden_size_pred", "scheduler_step_size"),
        *("batch_size", "max_epochs", "model_snapshot", "model_convergence"),
    ),
}
OTHERS = (
    *("project_name", "model_name", "pretrained_weights", "pretrained_model", "softplus"),
    *("prediction_decoder", "scheduler", "noise", "anneal_function"),
    *("mse_reconstruction_reduction", "mse_prediction_reduction"),
)


def _read_settings(path: Path) -> dict[str, Any]:
    """The settings of a VAME project. VAME's YAML 1.2 has numbers that PyYAML reads as strings."""
    settings = yaml.safe_load(path.read_text())
    missing = sorted({*OTHERS, *NUMBERS[float], *NUMBERS[int]} - settings.keys())
    if missing:
        raise ValueError(f"{path}: these settings are missing: {', '.join(missing)}")
    for kind, keys in NUMBERS.items():
        for key in keys:
            try:
                settings[key] = kind(settings[key])
            except (TypeError, ValueError):
                raise ValueError(f"{path}: {key}: {settings[key]!r} is not a number") from None
    return settings


def _read_sequence(path: Path, settings: dict[str, Any]) -> np.ndarray:
    """VAME's (feature, frame) array as (frame, feature)."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: create the training set first")
    sequence = np.load(path)
    n_features = settings.get("num_features", min(sequence.shape))
    for frames in (sequence.T, sequence):
        if frames.ndim == 2 and frames.shape[1] == n_features:
            return frames
    raise ValueError(
        f"{path}: shape {sequence.shape} has no axis of num_features = {n_features}; "
        "correct num_features in the config, or create the training set anew"
    )


def _save_weights(model: nn.Module, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    write_atomically(path, lambda file: torch.save(weights, file))


def _save_losses(project: Path, name: str, values: list[float]) -> None:
    folder = project / "model" / "model_losses"
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / name, lambda file: np.save(file, np.array(values)))


def _log_to(path: Path) -> logging.Handler:
    path.parent.mkdir(exist_ok=True)
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    return handler


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
