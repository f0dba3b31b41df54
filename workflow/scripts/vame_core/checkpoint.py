"""Checkpoints: one file that explains itself, written whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import pickle
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from vame_core.config import ModelConfig
from vame_core.model import RNNVAE
from vame_core.state import TrainingState, capture, restore

FORMAT = 1
KEYS = (
    "format",
    "weights",  # state dict, VAME's names
    "settings",  # flat, as in the config
    "features",  # names of the columns that the network reads
    "scaling",  # {"mean": [...], "std": [...]} of each feature, learnt on the training frames
    "seed",
    "epoch",
    "selection",  # a sentence: why this epoch's weights
    "dataset",  # sha256 of dataset.json
    "code",  # digest of vame_core's sources
    "device",
    "threads",
    "versions",
)


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let `write` fill a file beside `path`, flush it to disk and rename it to `path`.

    Raises
    ------
    OSError
        Naming `path`, if the disk is full or the folder read-only; what was there is intact.
    """
    # On a disk of several machines, where a job's lost copy may still be writing its own.
    aside = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.part")
    try:
        with open(aside, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except OSError as error:
        raise OSError(
            error.errno, f"cannot write it ({error.strerror}); what was there is untouched", path
        ) from error
    finally:
        aside.unlink(missing_ok=True)


def save_checkpoint(path: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint with the keys of `KEYS`, `format` and `versions` filled in."""
    checkpoint = {"format": FORMAT, "versions": versions()} | checkpoint
    assert set(checkpoint) == set(KEYS), set(checkpoint) ^ set(KEYS)
    _save(path, checkpoint)


def save_history(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write the rows of `Epoch.row` as csv, if there are any; what is None stays empty."""
    if not rows:
        return
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(path, lambda file: file.write(table.getvalue().encode()))


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint, running no code from it.

    Raises
    ------
    ValueError
        If the file is not such a checkpoint: truncated, another format, or a pickle with code.
    """
    checkpoint = _load(path)
    if not isinstance(checkpoint, dict) or set(checkpoint) != set(KEYS):
        raise ValueError(f"{path}: not a checkpoint of this workflow (keys other than {KEYS})")
    if checkpoint["format"] != FORMAT:
        raise ValueError(
            f"{path}: checkpoint format {checkpoint['format']}, this version reads {FORMAT}"
        )
    return checkpoint


def load_model(path: Path, device: torch.device) -> tuple[RNNVAE, ModelConfig, dict[str, Any]]:
    """The model of a checkpoint in evaluation mode, its config, and the checkpoint."""
    checkpoint = load_checkpoint(path)
    config = ModelConfig.from_settings(checkpoint["settings"])
    model = RNNVAE(config.network, len(checkpoint["features"]))
    model.load_state_dict(checkpoint["weights"])
    return model.to(device).eval(), config, checkpoint


def require_features(checkpoint: dict[str, Any], features: list[str], path: Path) -> None:
    """Refuse a checkpoint whose network reads other features than these.

    Raises
    ------
    ValueError
        Naming the features that differ, or the first that stands elsewhere.
    """
    own = checkpoint["features"]
    if own == features:
        return
    absent = [name for name in own if name not in features]
    extra = [name for name in features if name not in own]
    raise ValueError(
        f"{path}: is a model of other features. The data lack {', '.join(absent) or 'none'} and "
        f"add {', '.join(extra) or 'none'}"
        + ("" if absent or extra else f"; their order is another: the model's is {', '.join(own)}")
        + ". Choose the same 'keypoints', 'center' and 'orient'"
    )


def require_scaling(
    checkpoint: dict[str, Any], scaling: dict[str, list[float]], path: Path
) -> None:
    """Refuse a checkpoint whose network was trained on data scaled otherwise.

    Raises
    ------
    ValueError
        Naming the features whose mean or standard deviation differs, with the first ones' values.
    """
    differing = [
        f"{name}: {key} {own:.6g} in the model, {other:.6g} in the data"
        for key in ("mean", "std")
        for name, own, other in zip(
            checkpoint["features"], checkpoint["scaling"][key], scaling[key], strict=True
        )
        if own != other
    ]
    if differing:
        raise ValueError(
            f"{path}: is a model of data with another scaling ({'; '.join(differing[:3])}"
            f"{'; …' if len(differing) > 3 else ''}). Scale the data by the model's own, or train "
            "anew"
        )


def load_pretrained(model: RNNVAE, path: Path, features: list[str] | None = None) -> None:
    """Start `model` from the weights of a checkpoint or of a VAME `.pkl` state dict.

    Where `features` are given, a checkpoint has to have the same; a `.pkl` does not say its own.

    Raises
    ------
    FileNotFoundError
        If there is no such file: training never starts from random weights in silence.
    ValueError
        If the file holds another architecture, or was trained on other features; the differing
        weights or features are named.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"pretrained_model: {path} does not exist. Correct the path, or set "
            "pretrained_weights: false to start from random weights."
        )
    content = _load(path)
    weights = content.get("weights", content) if isinstance(content, dict) else {}
    shapes = {name: tuple(getattr(value, "shape", ())) for name, value in weights.items()}
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    if shapes != wanted:
        differing = sorted(name for name in shapes | wanted if shapes.get(name) != wanted.get(name))
        listed = "; ".join(
            f"{name}: {shapes.get(name, 'absent')} in the file, {wanted.get(name, 'absent')} here"
            for name in differing[:5]
        )
        raise ValueError(
            f"pretrained_model: {path} is of another architecture. {len(differing)} of "
            f"{len(shapes | wanted)} weights differ ({listed}). Set the network's settings to "
            "those of the pretrained model."
        )
    if features is not None and "features" in content:
        require_features(content, features, path)
    model.load_state_dict(weights)


def state_file(folder: Path, identity: dict[str, Any]) -> Path:
    """Where the state of an unfinished training lies: each set of settings, data and code its own.

    `identity` holds plain values: whatever decides about the numbers that training comes to.
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
    """Write all that it takes to go on: the state, the history so far and the best checkpoint."""
    _save(
        path,
        {
            "format": FORMAT,
            "identity": identity,
            "device": state.sums.device.type,
            "versions": versions(),
            "state": capture(state),
            # To go back to, where the rest of the epoch fails; at its end nobody does.
            "epoch_start": state.epoch_start if state.step else None,
            "history": history,
            "best": best,
        },
    )


def load_state(
    path: Path, state: TrainingState, identity: dict[str, Any]
) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """Put a freshly started `state` where the saved one was; return its history and best.

    Raises
    ------
    ValueError
        If the file is not such a state, or of another training or kind of device.
    """
    saved = _load(path)
    if not isinstance(saved, dict) or saved.get("format") != FORMAT or "state" not in saved:
        raise ValueError(f"{path}: not a training state of this version; delete it to start anew")
    if saved["identity"] != identity:
        differing = [key for key in identity if saved["identity"].get(key) != identity[key]]
        raise ValueError(f"{path}: the state of another training; {', '.join(differing)} differ")
    if saved["device"] != state.sums.device.type:
        raise ValueError(
            f"{path}: was written on {saved['device']} and cannot go on on "
            f"{state.sums.device.type}, whose random numbers are others. Run where there is such "
            "a device, or delete the file to start anew"
        )
    restore(state, saved["state"])
    state.epoch_start = saved["epoch_start"]
    return saved["history"], saved["best"]


def remove_states(folder: Path) -> None:
    """Remove the states of trainings in `folder`, of whatever settings."""
    for path in folder.glob("state-*.pt"):
        path.unlink()


def versions() -> dict[str, str]:
    """Versions of what the numbers in a checkpoint depend on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def _save(path: Path, content: Any) -> None:
    # Not straight into the file: torch turns a full disk into a RuntimeError without a name.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def _load(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        LookupError,
        OSError,
        ValueError,
    ) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{path}: not a file of tensors that torch can read safely; it is truncated, or "
            f"would run code ({reason})"
        ) from error
