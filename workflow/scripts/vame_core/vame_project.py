"""A VAME project's folder: its settings, data, and the files that VAME's training leaves there."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
import yaml
from formats.files import read_json, write_atomically
from torch import nn

from vame_core.annealing import kl_weight
from vame_core.config import QUIRKS, ModelConfig
from vame_core.losses import Terms, term_weights
from vame_core.training import Epoch
from vame_core.windows import Windows

logger = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., None])

NUMBERS = {
    float: ("beta", "learning_rate", "scheduler_gamma", "kmeans_lambda", "dropout_encoder"),
    int: (
        *("time_window", "zdims", "prediction_steps", "kmeans_loss", "kl_start", "annealtime"),
        *("hidden_size_layer_1", "hidden_size_rec", "hidden_size_pred", "scheduler_step_size"),
        *("batch_size", "max_epochs", "model_snapshot", "model_convergence"),
    ),
}
OTHERS = (
    *("pretrained_weights", "pretrained_model", "softplus", "prediction_decoder", "scheduler"),
    *("noise", "anneal_function", "mse_reconstruction_reduction", "mse_prediction_reduction"),
)
NAMES = ("project_name", "model_name")
PRESET = {  # of the workflow's own settings, what VAME does
    "vame_quirks": QUIRKS,
    "reduction": "vame",
    "held_out_windows": 1,  # unused: they are redrawn
    "warmup_steps": 2,  # unused: VAME has no such schedule
    "gradient_clip": None,
    "device": "auto",
    "precision": "float32",
    "fused_optimizer": False,
    "compile": False,
}


@dataclass(kw_only=True)
class Project:
    """A project, and the losses of its training so far."""

    folder: Path
    settings: dict[str, Any]
    config: ModelConfig
    losses: list[dict[str, float]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.settings['model_name']}_{self.settings['project_name']}"

    @property
    def best(self) -> Path:
        return self.folder / "model" / "best_model" / f"{self.name}.pkl"

    @property
    def stop(self) -> Path:
        """A file that a person makes to end training after the epoch."""
        return self.folder / "model" / "STOP"

    @property
    def pretrained(self) -> Path:
        """The model that training starts from: one of the project, or any file."""
        model = self.settings["pretrained_model"]
        of_project = self.best.parent / f"{model}_{self.settings['project_name']}.pkl"
        return of_project if of_project.is_file() else Path(model)

    def snapshot(self, when: str) -> Path:
        return self.best.parent / "snapshots" / f"{self.name}_{when}.pkl"


def open_project(config: Path) -> Project:
    """Read a project's settings. VAME's YAML 1.2 has numbers that PyYAML reads as strings.

    Raises
    ------
    FileNotFoundError
        If there is no such config.
    ValueError
        If a setting is missing, or is not a number where one is needed.
    NotImplementedError
        If `anneal_function` is unknown (VAME's documented error).
    """
    settings = yaml.safe_load(config.read_text())
    missing = sorted({*NAMES, *OTHERS, *NUMBERS[float], *NUMBERS[int]} - settings.keys())
    if missing:
        raise ValueError(f"{config}: these settings are missing: {', '.join(missing)}")
    for kind, keys in NUMBERS.items():
        for key in keys:
            try:
                settings[key] = kind(settings[key])
            except (TypeError, ValueError):
                raise ValueError(f"{config}: {key}: {settings[key]!r} is not a number") from None
    kl_weight(1, 0, 0, settings["anneal_function"])  # refuses an unknown one
    ours = {key: settings[key] for key in (*OTHERS, *NUMBERS[float], *NUMBERS[int])} | PRESET
    ours["scheduler"] = "plateau" if settings["scheduler"] else "constant"
    ours["steps_per_epoch"] = settings.get("steps_per_epoch") or None
    if settings["pretrained_weights"]:
        ours |= {"kl_start": 0, "annealtime": 1}  # its annealing is done
    return Project(folder=config.parent, settings=settings, config=ModelConfig.from_settings(ours))


def read_windows(project: Project, device: torch.device) -> tuple[Windows, Windows]:
    """Windows of the training and the test split, with one scaling for all features.

    The scaling is left in the project, for VAME.
    """
    data = project.folder / "data" / "train"
    train, test = (
        _read_sequence(data / f"{split}_seq.npy", project) for split in ("train", "test")
    )
    mean, std = train.mean(), train.std()
    _save_array(data / "seq_mean.npy", mean)
    _save_array(data / "seq_std.npy", std)
    return tuple(
        Windows(
            torch.from_numpy(((frames - mean) / std).astype(np.float32)).to(device),
            [(0, len(frames) - 1)],  # VAME never draws the last window
            project.config.window_length,
        )
        for frames in (train, test)
    )


def _read_sequence(path: Path, project: Project) -> np.ndarray:
    """VAME's (feature, frame) array as (frame, feature)."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: create the training set first")
    sequence = np.load(path)
    n_features = project.settings.get("num_features", min(sequence.shape))
    for frames in (sequence.T, sequence):
        if frames.ndim == 2 and frames.shape[1] == n_features:
            return frames
    raise ValueError(
        f"{path}: shape {sequence.shape} has no axis of num_features = {n_features}; "
        "correct num_features in the config, or create the training set anew"
    )


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a bare state dict, as VAME saves its models."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    write_atomically(path, lambda file: torch.save(weights, file))


def save_losses(project: Project, epoch: Epoch, n_features: int) -> None:
    """Write the losses of all epochs so far, one array for each kind."""
    project.losses.append(losses_of(epoch, project.config, n_features))
    folder = project.folder / "model" / "model_losses"
    folder.mkdir(parents=True, exist_ok=True)
    for kind in project.losses[0]:
        values = [losses[kind] for losses in project.losses]
        _save_array(folder / f"{kind}_{project.settings['model_name']}.npy", values)


def losses_of(epoch: Epoch, config: ModelConfig, n_features: int) -> dict[str, float]:
    """An epoch's losses as VAME has them: weighted, test losses without the future."""
    network, batch_size = config.network, config.training.batch_size
    train, test = (
        term_weights(
            config.loss,
            epoch.kl_weight,
            batch_size=size,
            time_window=network.time_window,
            future_steps=network.future_steps,
            n_features=n_features,
            zdims=network.zdims,
        )
        for size in (batch_size, max(1, batch_size // 4))
    )
    train = Terms(*(w * term for w, term in zip(train, epoch.train, strict=True)))
    test = Terms(*(w * term for w, term in zip(test, epoch.test.terms, strict=True)))
    return {
        "train_losses": epoch.train_loss,
        "test_losses": test.reconstruction + test.kl + test.cluster,
        "kmeans_losses": train.cluster,
        "kl_losses": epoch.train.kl / network.zdims,
        "weight_values": epoch.kl_weight,
        "mse_train_losses": train.reconstruction,
        "mse_test_losses": test.reconstruction,
        "fut_losses": train.future,
    }


def _save_array(path: Path, values: Any) -> None:
    write_atomically(path, lambda file: np.save(file, np.array(values, dtype=np.float64)))


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
            states = read_json(path) if path.is_file() else {}
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


@contextmanager
def logged(path: Path | None) -> Iterator[None]:
    """Write what the block logs, and an error that ends it, to a file if one is given."""
    handlers = []
    if path is not None:
        path.parent.mkdir(exist_ok=True)
        handlers.append(logging.FileHandler(path))
        handlers[0].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handlers[0])
        logger.setLevel(logging.INFO)
    try:
        yield
    except Exception:
        logger.exception("training failed")
        raise
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
