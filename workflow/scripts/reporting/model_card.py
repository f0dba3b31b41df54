"""The model card of an export: description, intended use and limits of the model.

Headings are those of Mitchell et al. (2019, Model Cards for Model Reporting, FAT* 2019, 220-229),
the front matter is that of a model card of the Hugging Face Hub.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import yaml
from formats.statistics import AUTOENCODER, FEWEST_SESSIONS, UNFAMILIAR_SHARE, unfamiliar_limit
from formats.words import listed
from jinja2 import Environment

from reporting.facts import keypoints_of, minutes_of, shown
from reporting.intervals import difference_interval
from reporting.methods import POSE_TOOLS, as_bibtex, params_of

TAGS = ["vame", "animal-behavior", "pose-estimation", "time-series", "variational-autoencoder"]
NO_LICENSE = "none was chosen (setting `model_license`); ask the authors before you use the model"
LISTED = 40
"""Number of names listed in a line; the manifest has all."""

TEMPLATE = """---
{{ front_matter }}---
# VAME model {{ code(model) }}, seed {{ seed }}

A variational autoencoder of animal movement. It encodes {{ s.time_window }} frames
({{ "%.2g" | format(s.time_window / fps) }} s) of egocentric poses as {{ s.zdims }} latents
{%- if s.prediction_decoder %}, and predicts the next {{ s.prediction_steps }} frames{% endif %}.

## Model details

- **Architecture**: VAME (Luxem et al. 2022). Bidirectional GRUs of {{ s.hidden_size_layer_1 }}
  units encode a window; GRUs of {{ s.hidden_size_rec }} units reconstruct it.
- **Training**: {{ trained }}, seed {{ seed }}, batches of {{ s.batch_size }} windows, learning rate
  {{ s.learning_rate }} ({{ s.scheduler }}), `beta` {{ s.beta }}, loss `reduction`
  {{ s.reduction }}, noise {{ "on" if s.noise else "off" }}
  {%- if s.vame_quirks %}, `vame_quirks` {{ s.vame_quirks | join(", ") }}{% endif %}. Weights of
  epoch {{ manifest.epoch }}: {{ manifest.selection }}.
- **Versions**: PyTorch {{ manifest.exported_with.torch }}, ONNX {{ manifest.exported_with.onnx }};
  `manifest.json` has all settings, and checksums and versions of every step from the pose files.
- **Licence**: {{ license or no_license }}.

## Intended use

To embed recordings of animals like those below, tracked alike, and to describe their behaviour by
motifs of the latents. The model reads these keypoints and this frame rate only. It is not made for
telling individuals apart, for other species or camera views, or for decisions about an animal.

## Factors

- **Species**: {{ species or "not given (column `species` of the sessions table)" }}.
- **Keypoints** ({{ keypoints | length }} with coordinates): {{ listed(keypoints) }};
  {{ code(alignment.center) }} is at the origin and {{ code(alignment.orient) }} on the x axis.
- **Other features**: {{ listed(dataset.scalars) or "none" }}.
- **Frame rate**: {{ rates }} frames per second. **Unit**:
  {% if alignment.scale == "body_length" %}the animal's body length{% else %}that of the pose files
  {%- endif %}.
- **Pose tracking**: {{ tools | join(", ") }}; positions with a likelihood below
  {{ alignment.pose_confidence }} are missing.

## Training and evaluation data

{{ dataset.sessions | length }} recordings of {{ animals }}
{%- if groups %} ({{ groups }}){% endif %}: {{ "%.1f" | format(minutes.train) }} minutes to train
on, {{ "%.1f" | format(minutes.test) }} minutes held out. {{ "%.0f" | format(100 * usable) }}% of
the recorded frames were usable. {{ held_out }} The recordings: {{ listed(dataset.sessions) }}.

## Metrics

On {{ metrics.held_out_windows }} held-out windows of {{ metrics.held_out_sessions }} recordings
(errors are mean squared errors per element, of scaled features):

| number | value | 95 % interval | compared with |
|---|---|---|---|
{% for row in numbers %}
| {{ row | join(" | ") }} |
{% endfor %}

{{ interval_note }}

## Ethical considerations

The export has no poses and no pictures. `manifest.json` names sessions, pose files and machines:
look through it before you publish the folder.

## Caveats and recommendations

{% for sentence in caveats %}
- {{ sentence }}
{% endfor %}

## How to load it

New recordings, in a folder of its own with a sessions table and this `config/config.yaml`:

```yaml
use_model: path/to/this/folder
```

In Python, in this folder. ONNX takes aligned poses in the unit above; the scaling is inside:

```python
import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession("model.onnx")
poses = np.zeros((1, {{ s.time_window }}, {{ dataset.features | length }}), dtype=np.float32)  # \
(window, frame, feature)
mu, logvar, reconstruction{{ ", future" if s.prediction_decoder }} = \
session.run(None, {"poses": poses})
```

Weights, with the names of features, their scaling and all settings, as safetensors:

```python
import json
from safetensors import safe_open

with safe_open("model.safetensors", framework="pt") as file:
    about = {key: json.loads(value) for key, value in file.metadata().items()}
    weights = {name: file.get_tensor(name) for name in file.keys()}
features, scaling, fps = about["features"], about["scaling"], about["fps"]
```

In VAME's own package, which reads scaled windows:

```python
import torch
from vame.model.rnn_model import RNN_VAE

model = RNN_VAE(
{% for name, value in vame.items() %}
    {{ name }}={{ value }},
{% endfor %}
)
model.load_state_dict(torch.load("vame.pkl", map_location="cpu", weights_only=True))
```

## Citation

```bibtex
{{ bibtex }}```
"""


def write_card(
    manifest: Mapping[str, Any],
    metrics: Mapping[str, Any],
    by_session: pd.DataFrame,
    dataset: Mapping[str, Any],
    recordings: pd.DataFrame,
    sessions: Sequence[Mapping[str, Any]],
    license_of_model: str | None,
) -> str:
    """Write the card as Markdown.

    Parameters
    ----------
    manifest
        Of the export.
    metrics, by_session, dataset, recordings
        Content of `metrics.json`, `sessions.csv`, `dataset.json` and `quality.csv`.
    sessions
        session, animal, group and species of each recording of the run
    license_of_model
        Its identifier on the Hugging Face Hub; None if none was chosen.
    """
    settings, error = manifest["settings"], manifest["reconstruction_error"]
    own = [row for row in sessions if row["session"] in dataset["sessions"]]
    known = recordings[recordings["session"].isin(dataset["sessions"])]
    tools = sorted({own["recording"]["software"] for own in params_of(manifest, "import_poses")})
    cited = ["luxem2022", *(POSE_TOOLS[tool] for tool in tools if tool in POSE_TOOLS)]
    environment = Environment(trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    return environment.from_string(TEMPLATE).render(
        front_matter=front_matter(license_of_model),
        license=license_of_model,
        no_license=NO_LICENSE,
        code=_code,
        listed=_listed,
        model=manifest["model"],
        seed=manifest["seed"],
        s=settings,
        manifest=manifest,
        alignment=manifest["alignment"],
        trained=_when(manifest),
        dataset=dataset,
        fps=min(dataset["fps"].values()),
        rates=" and ".join(f"{rate:g}" for rate in sorted(set(dataset["fps"].values()))),
        keypoints=keypoints_of(dataset),
        tools=tools,
        animals=_animals(own),
        species=", ".join(sorted({row["species"] for row in own if row["species"]})),
        groups=_listed(dict.fromkeys(row["group"] for row in own if row["group"])),
        minutes=minutes_of(dataset),
        usable=known["usable_minutes"].sum() / max(known["minutes"].sum(), 1e-9),
        held_out=_held_out(dataset),
        metrics=metrics,
        numbers=list(numbers_of(metrics, by_session, error)),
        interval_note=_interval_note(len(by_session)),
        caveats=[*caveats_of(metrics, error, dataset), *_left_out(known)],
        vame=vame_arguments(settings, len(dataset["features"])),
        bibtex=as_bibtex(cited),
    )


def front_matter(license_of_model: str | None) -> str:
    """YAML that the Hugging Face Hub reads (huggingface.co/docs/hub/model-cards)."""
    licence = {"license": license_of_model or "other"}
    if not license_of_model:
        licence["license_name"] = "not-chosen-yet"
    content = {**licence, "library_name": "pytorch", "tags": TAGS, "metrics": ["r_squared", "mse"]}
    return yaml.safe_dump(content, sort_keys=False)


def numbers_of(
    metrics: Mapping[str, Any], by_session: pd.DataFrame, error: Mapping[str, Any]
) -> Iterator[tuple[str, str, str, str]]:
    """Rows of the table of metrics: name, value, interval, what it is compared with."""
    linear = f"{metrics['zdims']} principal components: "
    kinds = {"reconstruction": ("pca_reconstruction", linear)}
    if metrics["future"] is not None:
        kinds["future"] = ("hold_last_frame", "holding the last frame: ")
    for kind, (baseline, name) in kinds.items():
        r2, other = metrics[f"r2_{kind}"], metrics[f"r2_{baseline}"]
        yield f"R² of the {kind}", f"{r2:.3f}", "", f"{name}{other:.3f}"
        errors, others = by_session[kind], by_session[baseline]
        yield (
            f"error of the {kind}, mean of recordings",
            f"{errors.mean():.3g}",
            _interval(errors),
            f"{name}{others.mean():.3g}",
        )
    active, variance = metrics["active_latents"], metrics["posterior_variance"]
    yield "active latents", str(active), "", f"all: {metrics['zdims']}"
    yield "variance of the posterior", shown(variance), "", "prior: 1"
    beyond = f"reconstruction error beyond the training's {error['percentile']}th percentile"
    yield (
        beyond,
        f"{error['held_out_share']:.1%}",
        "",
        f"training: {1 - error['percentile'] / 100:.0%}",
    )


def caveats_of(
    metrics: Mapping[str, Any], error: Mapping[str, Any], dataset: Mapping[str, Any]
) -> Iterator[str]:
    """Warn of what the numbers show, and of what nobody measured."""
    if not _held_out_recordings(dataset):
        yield (
            "Held-out frames are of the recordings that the model was trained on. How good it is "
            "on other recordings was not measured."
        )
    known = unfamiliar_limit(error["held_out_share"])
    yield (
        "With `use_model`, the workflow measures in each new recording the share of windows whose "
        f"reconstruction error is beyond {error['limit']:.3g}, the {error['percentile']}th "
        f"percentile of the training. Above {known:.0%}, do not trust its motifs."
    )
    warnings = (
        (
            known > UNFAMILIAR_SHARE,
            f"The model overfits: {error['held_out_share']:.0%} of the held-out windows are "
            "reconstructed worse than all but 1% of the training windows.",
        ),
        (
            metrics["r2_reconstruction"] < metrics["r2_pca_reconstruction"],
            "Principal components reconstruct held-out windows better than the model.",
        ),
        (
            metrics["future"] is not None and metrics["r2_future"] <= metrics["r2_hold_last_frame"],
            "Its prediction is no better than holding the last frame.",
        ),
        (
            metrics["active_latents"] <= 1,
            f"The latents have collapsed: {metrics['active_latents']} is active.",
        ),
        (
            metrics["posterior_variance"] < AUTOENCODER,
            "The variance of the posterior is almost zero: this is an autoencoder without a prior "
            "that regularises the latents. Do not draw samples from it.",
        ),
        (
            metrics["posterior_variance"] > 0.9,
            "Latents carry hardly any information beyond the prior.",
        ),
    )
    yield from (sentence for true, sentence in warnings if true)


def vame_arguments(settings: Mapping[str, Any], n_features: int) -> dict[str, Any]:
    """Arguments of VAME's `RNN_VAE` for this network."""
    return {
        "TEMPORAL_WINDOW": 2 * settings["time_window"],
        "ZDIMS": settings["zdims"],
        "NUM_FEATURES": n_features,
        "FUTURE_DECODER": settings["prediction_decoder"],
        "FUTURE_STEPS": settings["prediction_steps"],
        "hidden_size_layer_1": settings["hidden_size_layer_1"],
        "hidden_size_layer_2": settings["hidden_size_layer_1"],
        "hidden_size_rec": settings["hidden_size_rec"],
        "hidden_size_pred": settings["hidden_size_pred"],
        "dropout_encoder": settings["dropout_encoder"],
        "dropout_rec": 0.0,
        "dropout_pred": 0.0,
        "softplus": settings["softplus"],
    }


def _interval(errors: pd.Series) -> str:
    if len(errors) < FEWEST_SESSIONS:
        return ""
    own = errors.to_numpy()[None]
    low, high = difference_interval(own, np.zeros_like(own), np.random.default_rng(0))
    return f"{low:.3g} to {high:.3g}"


def _interval_note(sessions: int) -> str:
    if sessions < FEWEST_SESSIONS:
        return (
            f"No intervals: they need held-out frames of {FEWEST_SESSIONS} recordings, and there "
            f"are {sessions}."
        )
    return "Intervals are bootstrap intervals over recordings with held-out frames."


def _when(manifest: Mapping[str, Any]) -> str:
    """Return the day on which the training ended, from the records of the manifest."""
    jobs = [job for job in manifest["jobs"] if job["rule"].endswith("train_model")]
    return jobs[-1]["finished"].partition("T")[0] if jobs else "on an unknown day"


def _held_out_recordings(dataset: Mapping[str, Any]) -> list[str]:
    """Return the recordings that are held out as a whole."""
    sides = {
        side: {row["session"] for row in dataset["segments"] if row["side"] == side}
        for side in ("train", "test")
    }
    return sorted(sides["test"] - sides["train"])


def _held_out(dataset: Mapping[str, Any]) -> str:
    whole = _held_out_recordings(dataset)
    if whole:
        return f"Held out as a whole: {_listed(whole)}."
    return "Stretches of the recordings are held out."


def _animals(sessions: Sequence[Mapping[str, Any]]) -> str:
    number = len({row["animal"] for row in sessions})
    return "one animal" if number == 1 else f"{number} animals"


def _left_out(recordings: pd.DataFrame) -> list[str]:
    doubtful = recordings[recordings["leave_out_because"] != ""]["session"]
    listed = _listed(doubtful)
    return [f"The quality of the poses is doubtful in {listed}."] if listed else []


def _code(name: str) -> str:
    """Format a name as code, so that nothing in it is markup."""
    return f"`{str(name).replace('`', chr(39))}`"


def _listed(names: Iterable[object]) -> str:
    return listed(map(_code, names), LISTED)
