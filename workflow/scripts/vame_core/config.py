"""The settings of one model, as frozen dataclasses.

Names are VAME's. Types, ranges, defaults and meanings are in `workflow/schemas/config.schema.yaml`
alone; a test compares both lists.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args, get_type_hints

Quirk = Literal[
    "mixed_decoder_start",
    "patience_from_start",
    "plateau_on_last_batch",
    "redrawn_held_out_windows",
    "selection_by_reconstruction",
    "skip_last_epoch",
    "windows_across_joins",
]
QUIRKS: frozenset[Quirk] = frozenset(get_args(Quirk))
DERIVED = "mixed_decoder_start"  # a field of the network, and one of `vame_quirks`


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    time_window: int
    zdims: int
    prediction_decoder: bool
    prediction_steps: int
    hidden_size_layer_1: int
    hidden_size_rec: int
    hidden_size_pred: int
    dropout_encoder: float
    softplus: bool
    mixed_decoder_start: bool  # one of `vame_quirks`

    @property
    def future_steps(self) -> int:
        """Frames that the future decoder predicts, 0 without one."""
        return self.prediction_steps if self.prediction_decoder else 0

    @property
    def frames_used(self) -> int:
        """Frames of a window that the model is trained on: encoded and predicted."""
        return self.time_window + self.future_steps


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    reduction: Literal["vame", "elbo"]
    mse_reconstruction_reduction: Literal["sum", "mean"]
    mse_prediction_reduction: Literal["sum", "mean"]
    beta: float
    kmeans_loss: int
    kmeans_lambda: float
    anneal_function: Literal["linear", "sigmoid"]
    kl_start: int
    annealtime: int


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    batch_size: int
    max_epochs: int
    steps_per_epoch: int | None
    learning_rate: float
    scheduler: Literal["constant", "plateau", "one_cycle"]
    scheduler_step_size: int
    scheduler_gamma: float
    warmup_steps: int
    gradient_clip: float | None
    noise: bool
    held_out_windows: int
    model_convergence: int
    model_snapshot: int
    pretrained_weights: bool
    pretrained_model: str
    device: Literal["auto", "cpu", "cuda", "mps"]
    precision: Literal["float32", "tf32", "bf16"]
    fused_optimizer: bool
    compile: bool
    vame_quirks: frozenset[Quirk]


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    network: NetworkConfig
    loss: LossConfig
    training: TrainingConfig

    @property
    def window_length(self) -> int:
        """Frames of a training window: encoded and predicted.

        With `windows_across_joins`, as in VAME, a window has twice `time_window` frames.
        """
        if "windows_across_joins" in self.training.vame_quirks:
            return 2 * self.network.time_window
        return self.network.frames_used

    @classmethod
    def from_settings(cls, settings: dict[str, Any]) -> ModelConfig:
        """Build a config from flat settings, as in the workflow's config and in checkpoints.

        Raises
        ------
        ValueError
            If settings are missing or unknown; the message names all of them.
        """
        expected = types_of_settings().keys()
        if settings.keys() != expected:
            raise ValueError(
                f"settings missing: {sorted(expected - settings.keys())}, "
                f"unknown: {sorted(settings.keys() - expected)}"
            )
        settings = settings | {DERIVED: DERIVED in settings["vame_quirks"]}
        sections = get_type_hints(cls).items()
        return cls(**{name: _section(section, settings) for name, section in sections})

    def as_settings(self) -> dict[str, Any]:
        """Return the flat settings, as plain values.

        The inverse of `from_settings`.
        """
        settings = asdict(self.network) | asdict(self.loss) | asdict(self.training)
        del settings[DERIVED]
        return settings | {"vame_quirks": sorted(self.training.vame_quirks)}


def types_of_settings() -> dict[str, Any]:
    """Return the type of each setting by name."""
    sections = get_type_hints(ModelConfig).values()
    types = {name: kind for section in sections for name, kind in get_type_hints(section).items()}
    del types[DERIVED]
    return types


def _section(section: type, settings: dict[str, Any]) -> Any:
    # YAML gives 1 for a float, and VAME writes 0 and 1 for its switches.
    casts = {float: float, bool: bool, frozenset[Quirk]: frozenset}
    hints = get_type_hints(section)
    return section(
        **{
            f.name: casts.get(hints[f.name], lambda value: value)(settings[f.name])
            for f in fields(section)
        }
    )
