"""A VAME project's folder: its settings, its data, and the files that VAME's training writes."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from formats.files import read_json, write_atomically
from torch import nn

from vame_core.annealing import kl_weight
from vame_core.config import QUIRKS, ModelConfig, types_of_settings
from vame_core.losses import Terms, term_weights
from vame_core.training import Epoch
from vame_core.windows import Windows

logger = logging.getLogger(__name__)

PRESET = {  # the workflow's own settings that reproduce VAME
    "vame_quirks": QUIRKS,
    "reduction": "vame",
    "held_out_windows": 1,  # unused: windows are resampled
    "warmup_steps": 2,  # unused: VAME has no such schedule
    "gradient_clip": None,
    "device": "auto",
    "precision": "float32",
    "fused_optimizer": False,
    "compile": False,
}


@dataclass(kw_only=True)
class Project:
    """A project, and the losses of its training up to now."""

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
        """A file that a user creates to end training after the current epoch."""
        return self.folder / "model" / "STOP"

    @property
    def pretrained(self) -> Path:
        """The model that training starts from: one of the project, or any other file."""
        model = self.settings["pretrained_model"]
        of_project = self.best.parent / f"{model}_{self.settings['project_name']}.pkl"
        return of_project if of_project.is_file() else Path(model)

    def snapshot(self, when: str) -> Path:
        return self.best.parent / "snapshots" / f"{self.name}_{when}.pkl"


def open_project(config: Path) -> Project:
    """Read a project's settings. PyYAML reads some numbers of VAME's YAML 1.2 as strings.

    Raises
    ------
    FileNotFoundError
        If the config does not exist.
    ValueError
        If a setting is missing or is not a number where one is expected.
    NotImplementedError
        If `anneal_function` is unknown (VAME's documented error).
    """
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    vames = {k: t for k, t in types_of_settings().items() if k not in PRESET}
    missing = sorted({"project_name", "model_name", *vames} - {"steps_per_epoch"} - settings.keys())
    if missing:
        raise ValueError(f"{config}: these settings are missing: {', '.join(missing)}")
    ours = dict(PRESET)
    for key, kind in vames.items():
        try:
            ours[key] = kind(settings[key]) if kind in (int, float) else settings.get(key)
        except (TypeError, ValueError):
            raise ValueError(f"{config}: {key}: {settings[key]!r} is not a number") from None
    kl_weight(1, 0, 0, settings["anneal_function"])  # raises the error for an unknown one
    ours["scheduler"] = "plateau" if settings["scheduler"] else "constant"
    ours["steps_per_epoch"] = ours["steps_per_epoch"] or None
    if settings["pretrained_weights"]:
        ours |= {"kl_start": 0, "annealtime": 1}  # annealing has already taken place
    return Project(folder=config.parent, settings=settings, config=ModelConfig.from_settings(ours))


def read_windows(project: Project, device: torch.device) -> tuple[Windows, Windows]:
    """Read the windows of the training and the test split, with one scaling for all features.

    The scaling is saved in the project, for VAME.
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
    """Read VAME's (feature, frame) array as (frame, feature)."""
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: create the training set first")
    sequence = np.load(path)
    n_features = project.settings.get("num_features", min(sequence.shape))
    for frames in (sequence.T, sequence):
        if frames.ndim == 2 and frames.shape[1] == n_features:
            return frames
    raise ValueError(
        f"{path}: shape {sequence.shape} has no axis of num_features = {n_features}; "
        "correct num_features in the config, or create the training set again"
    )


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a bare state dict, as VAME does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu() for name, value in model.state_dict().items()}
    write_atomically(path, lambda file: torch.save(weights, file))


def save_losses(project: Project, epoch: Epoch, n_features: int) -> None:
    """Write the losses of all epochs up to now, one array per kind."""
    project.losses.append(losses_of(epoch, project.config, n_features))
    folder = project.folder / "model" / "model_losses"
    folder.mkdir(parents=True, exist_ok=True)
    for kind in project.losses[0]:
        values = [losses[kind] for losses in project.losses]
        _save_array(folder / f"{kind}_{project.settings['model_name']}.npy", values)


def losses_of(epoch: Epoch, config: ModelConfig, n_features: int) -> dict[str, float]:
    """Compute an epoch's losses as VAME defines them: weighted, test losses without the future."""
    quarter = max(1, config.training.batch_size // 4)  # size of a test batch
    train = term_weights(config, epoch.kl_weight, n_features)
    test = term_weights(config, epoch.kl_weight, n_features, quarter)
    train = Terms(*(w * term for w, term in zip(train, epoch.train, strict=True)))
    test = Terms(*(w * term for w, term in zip(test, epoch.test.terms, strict=True)))
    return {
        "train_losses": epoch.train_loss,
        "test_losses": test.reconstruction + test.kl + test.cluster,
        "kmeans_losses": train.cluster,
        "kl_losses": epoch.train.kl / config.network.zdims,
        "weight_values": epoch.kl_weight,
        "mse_train_losses": train.reconstruction,
        "mse_test_losses": test.reconstruction,
        "fut_losses": train.future,
    }


def _save_array(path: Path, values: Any) -> None:
    write_atomically(path, lambda file: np.save(file, np.array(values, dtype=np.float64)))


@contextmanager
def recorded(config: Path, **arguments: Any) -> Iterator[None]:
    """Record a training's outcome, arguments and times in the project's `states/states.json`.

    The state is `running`, then `success`, `failed` (with the error, which is raised) or
    `aborted` (Ctrl-C, or VAME's stop file).
    """
    entry = {"config": str(config), **arguments, "started": _now()}
    path = config.parent / "states" / "states.json"

    def record(state: str, **more: str) -> None:
        states = read_json(path) if path.is_file() else {}
        states["train_model"] = entry | {"execution_state": state} | more
        path.parent.mkdir(exist_ok=True)
        write_atomically(path, lambda file: file.write(json.dumps(states, indent=4).encode()))

    record("running")
    try:
        yield
    except KeyboardInterrupt:
        record("aborted", finished=_now())
        raise
    except BaseException as error:
        record("failed", finished=_now(), error=f"{type(error).__name__}: {error}")
        raise
    record("success", finished=_now())


@contextmanager
def logged(path: Path | None) -> Iterator[None]:
    """Write the block's log messages, and an error that ends it, to a file if one is given."""
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
