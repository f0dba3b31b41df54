"""Checkpoints: self-describing files, written atomically."""

from __future__ import annotations

import csv
import io
import pickle
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch
from formats.files import write_atomically

from vame_core.config import ModelConfig
from vame_core.model import RNNVAE

FORMAT = 1
KEYS = (
    "format",
    "weights",  # state dict, VAME's names
    "settings",  # flat, as in the config
    "features",  # names of the columns that the network reads
    "scaling",  # {"mean": [...], "std": [...]} of each feature over the training frames
    "seed",
    "epoch",
    "selection",  # a sentence: why this epoch was selected
    "dataset",  # sha256 of dataset.json
    "code",  # digest of the sources that the training uses
    "device",
    "threads",
    "versions",
)


def save_checkpoint(path: Path, checkpoint: dict[str, Any]) -> None:
    """Write a checkpoint with the keys of `KEYS`, `format` and `versions` filled in."""
    checkpoint = {"format": FORMAT, "versions": versions()} | checkpoint
    assert set(checkpoint) == set(KEYS), set(checkpoint) ^ set(KEYS)
    save_tensors(path, checkpoint)


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint without running code from it.

    Raises
    ------
    ValueError
        If the file is not a valid checkpoint: truncated, of another format, or a pickle with code.
    """
    checkpoint = load_tensors(path)
    if not isinstance(checkpoint, dict) or set(checkpoint) != set(KEYS):
        raise ValueError(f"{path}: not a checkpoint of this workflow (its keys are not {KEYS})")
    if checkpoint["format"] != FORMAT:
        raise ValueError(
            f"{path}: checkpoint format {checkpoint['format']}, this version reads {FORMAT}"
        )
    return checkpoint


def load_model(
    path: str | Path, device: torch.device
) -> tuple[RNNVAE, ModelConfig, dict[str, Any]]:
    """Load a checkpoint: its model in evaluation mode, its config, and the checkpoint itself."""
    checkpoint = load_checkpoint(path)
    config = ModelConfig.from_settings(checkpoint["settings"])
    model = RNNVAE(config.network, len(checkpoint["features"]))
    model.load_state_dict(checkpoint["weights"])
    return model.to(device).eval(), config, checkpoint


def require_same_data(
    checkpoint: dict[str, Any], description: dict[str, Any], path: str | Path
) -> None:
    """Raise an error unless a checkpoint and a dataset have the same features and scaling."""
    require_features(checkpoint, description["features"], path)
    require_scaling(checkpoint, description["scaling"], path)


def require_features(checkpoint: dict[str, Any], features: list[str], path: str | Path) -> None:
    """Raise an error unless a checkpoint's network reads exactly these features.

    Raises
    ------
    ValueError
        The message names the features that differ, or the model's order of features.
    """
    own = checkpoint["features"]
    if own == features:
        return
    absent = [name for name in own if name not in features]
    extra = [name for name in features if name not in own]
    raise ValueError(
        f"{path}: this model was trained on other features. The data lack "
        f"{', '.join(absent) or 'none'} and add {', '.join(extra) or 'none'}"
        + ("" if absent or extra else f"; the order differs: the model's is {', '.join(own)}")
        + ". Use the same 'keypoints', 'center' and 'orient'"
    )


def require_scaling(
    checkpoint: dict[str, Any], scaling: dict[str, list[float]], path: str | Path
) -> None:
    """Raise an error unless a checkpoint's network was trained on data with this scaling.

    Raises
    ------
    ValueError
        The message names the features that differ, with the mean or deviation of the first ones.
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
            f"{path}: this model was trained on data with another scaling "
            f"({'; '.join(differing[:3])}{'; …' if len(differing) > 3 else ''}). Use the model's "
            "scaling for the data, or train a new model"
        )


def load_pretrained(model: RNNVAE, path: Path, features: list[str] | None = None) -> None:
    """Initialise `model` with the weights of a checkpoint or of a VAME `.pkl` state dict.

    If `features` are given, a checkpoint must have the same; a `.pkl` does not contain names.

    Raises
    ------
    FileNotFoundError
        If the file does not exist: training must not start from random weights unnoticed.
    ValueError
        If the file has another architecture, or was trained on other features; the message
        names the weights or features that differ.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"pretrained_model: {path} does not exist. Correct the path, or set "
            "pretrained_weights: false to start from random weights."
        )
    content = load_tensors(path)
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
            f"pretrained_model: {path} has another architecture. {len(differing)} of "
            f"{len(shapes | wanted)} weights differ ({listed}). Set the network's settings to "
            "those of the pretrained model."
        )
    if features is not None and "features" in content:
        require_features(content, features, path)
    model.load_state_dict(weights)


def versions() -> dict[str, str]:
    """Return the versions of the libraries that a checkpoint's numbers depend on."""
    return {
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def save_rows(path: str | Path, rows: list[dict[str, Any]]) -> None:
    """Write a table as csv if it has rows; None becomes an empty cell."""
    if not rows:
        return
    table = io.StringIO()
    writer = csv.DictWriter(table, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(Path(path), lambda file: file.write(table.getvalue().encode()))


def save_tensors(path: Path, content: Any) -> None:
    """Write a file for `load_tensors`: tensors and plain values, in lists and dicts."""
    # Not directly into the file: torch reports a full disk as a RuntimeError without a path.
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_atomically(path, lambda file: file.write(buffer.getbuffer()))


def load_tensors(path: str | Path) -> Any:
    """Read a file of `torch.save` without running code from it.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    ValueError
        If the file is truncated, not of `torch.save`, or a pickle with code.
    """
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
            f"{path}: torch cannot read tensors safely from this file: it is truncated, or "
            f"would run code ({reason})"
        ) from error
