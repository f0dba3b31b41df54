"""Measure the effect of each correction of VAME's behaviour: `make bench-fidelity`.

Trains the same small network under `config/presets/vame.yaml`, under the defaults, and under the
preset with one correction at a time, and writes the table of `docs/fidelity.md`.

The last fifth of each recording is held out from all variants: it is cut off before cleaning, and
a variant cleans, splits, scales, trains on and chooses its model by the frames before it. The
chosen model of every variant is then evaluated on the same windows of that last fifth, in the same
units: the variance of each feature over the training frames of the defaults.
"""

import argparse
import multiprocessing
import os
import platform
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from copy import deepcopy
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import sklearn
import torch
import yaml
from formats.aligned import AlignedPoses, save_aligned
from formats.runs import find_runs
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.reading import read_poses
from pose_prep.simulation import (
    BEHAVIOURS,
    KEYPOINTS,
    simulate_recording,
    write_deeplabcut_csv,
)
from pose_prep.splitting import SplitSettings, learn_scaling, write_dataset
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import normalized_mutual_info_score
from vame_core.config import ModelConfig
from vame_core.determinism import choose_device, make_reproducible
from vame_core.losses import kl_divergence
from vame_core.model import RNNVAE
from vame_core.steps import ACTIVE_LATENT_VARIANCE, split_window
from vame_core.training import Epoch, fit, start_training
from vame_core.windows import Windows, open_windows

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())["properties"]
DEFAULTS = {key: entry["default"] for key, entry in SCHEMA.items() if "default" in entry}
PRESET = yaml.safe_load((ROOT / "config/presets/vame.yaml").read_text())

# The same for all variants: a small network and a short training, for which both learning rates
# are increased, to 0.01 and 0.015.
EPOCHS = 15
RATE_FACTOR = {PRESET["learning_rate"]: 20, DEFAULTS["learning_rate"]: 5}
BUDGET = {
    "hidden_size_layer_1": 32,
    "hidden_size_rec": 32,
    "hidden_size_pred": 32,
    "zdims": 16,
    "kmeans_loss": 16,
    "steps_per_epoch": 25,
    "device": "cpu",
}

# Differences of the preset that are not corrections of training: features and motifs, which are
# compared in behaviour.py, and the length of training.
ELSEWHERE = {
    *("scale", "motion_features", "pooling_seconds", "expected_bout_seconds"),
    *("steps_per_epoch", "model_convergence", "model_snapshot"),
}
# The quirks and settings of each correction: quirks are removed, and settings get their defaults.
# With ELSEWHERE and the number of epochs, they are all differences between preset and defaults.
CORRECTIONS = {
    "long gaps not filled": ("max_gap_seconds", "pose_confidence"),
    "outlier limits around the median": ("outlier_center",),
    "decoder states per sample": ("mixed_decoder_start",),
    "windows within segments": ("windows_across_joins", "split_gap"),
    "scaling of coordinates": ("scaling",),
    "selection on fixed held-out windows": (
        *("redrawn_held_out_windows", "selection_by_reconstruction", "plateau_on_last_batch"),
        *("patience_from_start", "test_blocks"),
    ),
    "reduction of the future error": ("mse_prediction_reduction",),
    "training recipe": ("batch_size", "learning_rate", "scheduler"),
}


def corrected(names: Iterable[str]) -> dict:
    """Return the settings that differ from the preset if these names are corrected."""
    quirks = [quirk for quirk in PRESET["vame_quirks"] if quirk not in names]
    return {key: DEFAULTS[key] for key in names if key in DEFAULTS} | {"vame_quirks": quirks}


# `beta` is then the variance of the decoder's noise in scaled units. The best constant is the error
# of the model (Rybkin et al. 2021, section 4): this is about the error of the preset.
ELBO = {"reduction": "elbo", "beta": 0.02}
PRESET_ALONE, REFERENCE = "VAME's preset", "the defaults"
VARIANTS = {
    PRESET_ALONE: {},
    **{f"+ {name}": corrected(names) for name, names in CORRECTIONS.items()},
    "+ reduction elbo": ELBO,
    REFERENCE: {
        key: DEFAULTS[key] for key in PRESET if key not in ELSEWHERE
    },  # its cleaning and scaling are used to evaluate all variants
}

SEEDS = (0, 1, 2)
EVALUATED_SHARE = 0.2  # at the end of each recording
EVALUATED_WINDOWS = 2048
MOTIFS = len(BEHAVIOURS) + 5
BEGIN, END = "<!-- written by make bench-fidelity: begin -->", "<!-- end -->"


# --- recordings -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recording:
    session: str
    path: Path
    fps: float
    labels: np.ndarray | None = None  # (frame,) the true behaviour if it is known


@dataclass(frozen=True)
class DataSet:
    name: str
    center: str
    orient: str
    recordings: list[Recording]


GROUPS = {
    "calm": {"appeal": [1.0] * 6, "persistence": [1.0] * 6},
    "active": {
        "appeal": [0.6, 0.7, 1.4, 1.6, 1.6, 1.2],
        "persistence": [0.7, 0.8, 1.2, 1.1, 1.1, 1.0],
    },
}
SIMULATED = {"demo1": "active", "demo2": "active", "demo3": "calm", "demo4": "calm"}
"""Recordings of the published tables, which stay as they were when these were first measured: two
minutes each, of groups that differ less than the demo's."""


def simulate_demo(folder: Path) -> DataSet:
    """Simulate the recordings of `SIMULATED`, with the keypoints of config/config.yaml."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    recordings = []
    for session, group in SIMULATED.items():
        rng = np.random.default_rng([1, zlib.crc32(session.encode())])
        tracks, labels = simulate_recording(rng, 3600, 30.0, group, GROUPS)
        path = folder / f"{session}.csv"
        write_deeplabcut_csv(path, tracks, KEYPOINTS, scorer="simulation")
        recordings.append(Recording(session, path, 30.0, labels))
    return DataSet("demo", config["center"], config["orient"], recordings)


def find_clips(folder: Path | None) -> DataSet | None:
    """Find the two open-field recordings of B-SOID."""
    paths = [*folder.glob("raw_clip[12]*.csv")] if folder else []
    if len(paths) != 2:
        print(
            f"skipped the benchmark clips: raw_clip1*.csv and raw_clip2*.csv are not both in "
            f"{folder or 'a folder named by --recordings'}"
        )
        return None
    recordings = [Recording(path.name[:9], path, 60.0) for path in sorted(paths)]
    return DataSet("clips", "Butt/Proximal Tail", "Snout", recordings)


def align(data: DataSet, settings: dict, *, evaluated: bool) -> dict[str, AlignedPoses]:
    """Clean and align one part of every recording: the held-out end, or all before it."""
    chosen = settings | {"center": data.center, "orient": data.orient}
    alignment = AlignmentSettings(**{f.name: chosen[f.name] for f in fields(AlignmentSettings)})
    aligned = {}
    for recording in data.recordings:
        poses = read_poses(recording.path, "DeepLabCut", recording.fps)
        cut = first_evaluated_frame(poses.sizes["time"])
        part = poses.isel(time=slice(cut, None) if evaluated else slice(cut))
        aligned[recording.session] = align_recording(part, alignment)
    return aligned


def first_evaluated_frame(frames: int) -> int:
    return round((1 - EVALUATED_SHARE) * frames)


# --- one training ---------------------------------------------------------------------------------


def settings_of(variant: str) -> dict:
    """Return all settings of a variant: preset, corrections and the common budget."""
    settings = DEFAULTS | PRESET | VARIANTS[variant]
    return (
        settings
        | BUDGET
        | {
            "learning_rate": RATE_FACTOR[settings["learning_rate"]] * settings["learning_rate"],
            "max_epochs": EPOCHS + ("skip_last_epoch" in settings["vame_quirks"]),
        }
    )


def train_chosen(settings: dict, folder: Path, description: dict, seed: int):
    """Train, and return the model that the workflow keeps: of the best epoch, else of the last.

    Returns
    -------
    The model, its config, and the epoch that was chosen, an `Epoch`.
    """
    used = {key for key, entry in SCHEMA.items() if "train_model" in entry.get("used_by", [])}
    config = ModelConfig.from_settings({key: settings[key] for key in used})
    device = choose_device(config.training.device)
    generator = make_reproducible(seed, device)
    train, held_out = (
        open_windows(folder / f"{side}.npy", description, side, config, device)
        for side in ("train", "test")
    )
    model = RNNVAE(config.network, train.frames.shape[1])
    state = start_training(model, config, train, generator)
    weights = chosen = None
    for event in fit(state, train, held_out, config):
        if not isinstance(event, Epoch):
            continue
        if event.is_best:
            weights = deepcopy(model.state_dict())
        if event.is_best or weights is None:
            chosen = event
    if weights is not None:
        model.load_state_dict(weights)
    return model.eval(), config, chosen


# --- evaluation -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """Hold the data on which every model is evaluated, in pixels, the same for all variants."""

    evaluated: Windows
    all_windows: Windows  # for motifs: both parts of every recording
    labels: np.ndarray | None  # (window of `all_windows`,) behaviour at the centre frame
    std: np.ndarray  # (feature,)


def usable_windows(
    parts: Iterable[AlignedPoses], length: int, labels: Iterable[np.ndarray] | None = None
) -> tuple[Windows, np.ndarray | None]:
    """Return all windows of usable, consecutive frames, and the labels of their centre frames."""
    parts = list(parts)
    frames = torch.from_numpy(np.concatenate([part.poses for part in parts]))
    starts = np.cumsum([0, *(len(part.poses) for part in parts)])
    segments = [
        (start + first, start + stop)
        for part, start in zip(parts, starts.tolist(), strict=False)
        for first, stop in find_runs(part.usable).tolist()
    ]
    windows = Windows(frames, segments, length)
    if labels is None:
        return windows, None
    centres = windows.rows(torch.arange(len(windows))) + length // 2
    return windows, np.concatenate(list(labels))[centres.numpy()]


def common_units(
    target: torch.Tensor, output: torch.Tensor, scaling: dict, std: np.ndarray
) -> float:
    """Return the mean squared error per element in units of each feature's variance.

    `target` (..., feature) is in pixels, and `output` in the units of `scaling`, which are those of
    the network.
    """
    pixels = output * _row(scaling["std"]) + _row(scaling["mean"])
    return float(((pixels - target) / _row(std)).square().mean())


def evaluate_model(
    model: RNNVAE, batch_size: int, scaling: dict, reference: Reference
) -> dict[str, float | int]:
    """Measure held-out errors of a model in common units, KL and the number of active latents.

    Windows are in a fixed random order, in batches as large as in training: the output of decoders
    with mixed start states depends on the other windows of the batch. `reconstruction_alone` is
    the error with one window per batch, where there is nothing to mix.
    """
    numbers = reference.evaluated.spread(EVALUATED_WINDOWS)
    numbers = numbers[torch.randperm(len(numbers), generator=torch.Generator().manual_seed(0))]
    target, future = split_window(reference.evaluated.take(numbers), model.network.time_window)
    with torch.inference_mode():
        outputs = [model(batch) for batch in _scale(target, scaling).split(batch_size)]
        reconstructions, futures, _, mu, logvar = map(torch.cat, zip(*outputs, strict=True))
        model.decoder.mixed_start = False  # the same as batches of one
        alone = model.decoder(mu)
        model.decoder.mixed_start = model.network.mixed_decoder_start
    return {
        "reconstruction": common_units(target, reconstructions, scaling, reference.std),
        "reconstruction_alone": common_units(target, alone, scaling, reference.std),
        "future": common_units(future, futures, scaling, reference.std),
        "kl": float(kl_divergence(mu, logvar)),
        "active": int((mu.var(dim=0, correction=0) > ACTIVE_LATENT_VARIANCE).sum()),
    }


def embed(model: RNNVAE, windows: Windows, scaling: dict | None) -> np.ndarray:
    """Return mu (window, latent) of every window; without a scaling, of unscaled poses."""
    with torch.inference_mode():
        return np.concatenate(
            [
                model.encode(_scale(batch, scaling) if scaling else batch)[0].numpy()
                for batch in windows.batches(torch.arange(len(windows)), 1024)
            ]
        )


def motif_score(points: np.ndarray, labels: np.ndarray, seed: int) -> float:
    """Return the normalised mutual information of labels and k-means motifs of the points.

    Points are (window, dimension).
    """
    motifs = KMeans(MOTIFS, n_init=10, random_state=seed).fit_predict(points)
    return float(normalized_mutual_info_score(labels, motifs))


def run_variant(
    variant: str,
    settings: dict,
    folder: Path,
    description: dict,
    reference: Reference,
    seed: int,
) -> dict:
    """Train one variant with one seed, and evaluate its chosen model."""
    model, config, epoch = train_chosen(settings, folder, description, seed)
    scaling = description["scaling"]
    row = {"variant": variant, "seed": seed, "epoch": epoch.epoch}
    row |= evaluate_model(model, config.training.batch_size, scaling, reference)
    if reference.labels is not None:
        mu = embed(model, reference.all_windows, scaling)
        row["nmi"] = motif_score(mu, reference.labels, seed)
        if variant == PRESET_ALONE:
            mu = embed(model, reference.all_windows, None)
            row["nmi_unscaled"] = motif_score(mu, reference.labels, seed)
    return row


def run_components(
    train: Windows, scaling: dict, reference: Reference, n_components: int, seed: int
) -> dict:
    """Evaluate principal components of the window, as many as the network has latents."""
    time_window = reference.all_windows.length

    def flat(windows: Windows) -> np.ndarray:
        taken = windows.take(torch.arange(len(windows)))[:, :time_window]
        return _scale(taken, scaling).flatten(1).numpy()

    components = PCA(n_components, svd_solver="full")
    components.fit(train.take(torch.arange(len(train))).flatten(1).numpy())
    numbers = reference.evaluated.spread(EVALUATED_WINDOWS)
    evaluated = reference.evaluated.take(numbers)[:, :time_window]
    points = components.transform(_scale(evaluated, scaling).flatten(1).numpy())
    reconstructed = torch.from_numpy(components.inverse_transform(points)).reshape(evaluated.shape)
    row = {"variant": f"{n_components} principal components", "seed": seed}
    row["reconstruction"] = common_units(evaluated, reconstructed, scaling, reference.std)
    if reference.labels is not None:
        points = components.transform(flat(reference.all_windows))
        row["nmi"] = motif_score(points, reference.labels, seed)
    return row


def hold_last_frame(reference: Reference) -> dict:
    """Measure the error of predicting that the last frame does not change."""
    numbers = reference.evaluated.spread(EVALUATED_WINDOWS)
    targets, futures = split_window(reference.evaluated.take(numbers), reference.all_windows.length)
    error = ((targets[:, -1:] - futures) / _row(reference.std)).square().mean()
    return {"variant": "last frame repeated", "seed": 0, "future": float(error)}


def _scale(poses: torch.Tensor, scaling: dict) -> torch.Tensor:
    return (poses - _row(scaling["mean"])) / _row(scaling["std"])


def _row(values) -> torch.Tensor:
    return torch.as_tensor(values, dtype=torch.float32)


# --- the table ------------------------------------------------------------------------------------

COLUMNS = {
    "reconstruction": "Reconstruction",
    "reconstruction_alone": "Reconstruction, single windows",
    "future": "Future",
    "active": "Active latents",
    "kl": "KL (nats)",
    "epoch": "Epoch",
    "nmi": "NMI",
}


def mean_and_range(values: pd.Series, name: str) -> str:
    """Return mean ± half the range over seeds, with the digits of the column."""
    values = values.dropna()
    if values.empty:
        return "–"
    digits = 1 if name in ("active", "kl", "epoch") else 3
    spread = (values.max() - values.min()) / 2
    return f"{values.mean():.{digits}f}" + (f" ± {spread:.{digits}f}" if len(values) > 1 else "")


def as_table(rows: pd.DataFrame) -> str:
    """Return a Markdown table, one line per variant in the order of their first rows."""
    columns = {name: title for name, title in COLUMNS.items() if name in rows}
    lines = [["", *columns.values()], ["---", *["---:"] * len(columns)]]
    for variant, group in rows.groupby("variant", sort=False):
        lines.append([variant, *(mean_and_range(group[name], name) for name in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def replace_between(text: str, new: str, begin: str = BEGIN) -> str:
    """Return the page with the text between the two marks replaced."""
    before, _, rest = text.partition(begin)
    _, mark, after = rest.partition(END)
    if not mark:
        raise ValueError(f"the page lacks the marks {begin} and {END}")
    return f"{before}{begin}\n\n{new}\n\n{END}{after}"


# --- the whole benchmark --------------------------------------------------------------------------


def prepare(data: DataSet, folder: Path) -> tuple[list[Callable[[], dict]], Reference]:
    """Write the dataset of each variant; return the jobs and the reference."""
    parts: dict[tuple, dict[str, AlignedPoses]] = {}

    def aligned(settings: dict, *, evaluated: bool) -> dict[str, AlignedPoses]:
        key = (evaluated, *(settings[name] for name in CORRECTIONS["long gaps not filled"]))
        if key not in parts:
            parts[key] = align(data, settings, evaluated=evaluated)
        return parts[key]

    descriptions = {}
    for number, variant in enumerate(VARIANTS):
        own = folder / str(number)
        own.mkdir(parents=True)
        settings = settings_of(variant)
        poses = aligned(settings, evaluated=False)
        for session, part in poses.items():
            save_aligned(part, own / f"{session}.npz")
        descriptions[variant] = write_dataset(
            {session: own / f"{session}.npz" for session in poses},
            dict.fromkeys(poses, ""),
            SplitSettings(**{f.name: settings[f.name] for f in fields(SplitSettings)}),
            {side: own / f"{side}.npy" for side in ("train", "test")},
        )

    settings = settings_of(REFERENCE)
    time_window, features = settings["time_window"], descriptions[REFERENCE]["features"]
    early, late = (aligned(settings, evaluated=evaluated).values() for evaluated in (False, True))
    labels = None
    if all(recording.labels is not None for recording in data.recordings):
        cut = [(r.labels, first_evaluated_frame(len(r.labels))) for r in data.recordings]
        labels = [*(all_[:at] for all_, at in cut), *(all_[at:] for all_, at in cut)]
    evaluated, _ = usable_windows(late, time_window + settings["prediction_steps"])
    all_windows, centres = usable_windows([*early, *late], time_window, labels)
    std = learn_scaling((own.poses[own.usable] for own in early), features).std
    reference = Reference(evaluated, all_windows, centres, std)

    jobs = [
        partial(
            run_variant,
            variant,
            settings_of(variant),
            folder / str(number),
            descriptions[variant],
            reference,
            seed,
        )
        for seed in SEEDS
        for number, variant in enumerate(VARIANTS)
    ]
    own = folder / str(list(VARIANTS).index(REFERENCE))
    segments = [
        (s["start"], s["stop"]) for s in descriptions[REFERENCE]["segments"] if s["side"] == "train"
    ]
    train = Windows(torch.from_numpy(np.load(own / "train.npy")), segments, time_window)
    jobs += [
        partial(run_components, train, scaling, reference, BUDGET["zdims"], seed) for seed in SEEDS
    ]
    return jobs, reference


def compute(jobs: list[Callable[[], dict]], workers: int) -> list[dict]:
    """Run jobs in processes with one thread each; return results in the order of the jobs."""
    os.environ["OMP_NUM_THREADS"] = "1"  # the processes read it when they start
    started = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, torch.set_num_threads, (1,)) as pool:
        futures = [pool.submit(job) for job in jobs]
        for done, future in enumerate(as_completed(futures), 1):
            result = ", ".join(
                f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                for key, value in future.result().items()
                if isinstance(value, int | float | str)
            )
            print(
                f"{time.perf_counter() - started:6.0f} s  {done}/{len(jobs)}  {result}", flush=True
            )
        return [future.result() for future in futures]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder with raw_clip1 and raw_clip2 csv")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/fidelity.md")
    parser.add_argument(
        "--workers", type=int, default=2, help="number of processes with one thread each"
    )
    arguments = parser.parse_args()
    replace_between(arguments.output.read_text(), "")  # fail now if the page lacks the marks
    started = time.perf_counter()
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        found = [simulate_demo(Path(folder)), find_clips(arguments.recordings)]
        for data in [data for data in found if data]:
            jobs, reference = prepare(data, Path(folder) / data.name)
            rows = pd.DataFrame([*compute(jobs, arguments.workers), hold_last_frame(reference)])
            total = len(reference.evaluated)
            counts = (
                f"Evaluated on {min(total, EVALUATED_WINDOWS)} of {total} windows, evenly spread"
            )
            if reference.labels is not None:
                counts += f"; motifs of {len(reference.all_windows)} windows"
            sections += [f"### {data.name}", f"{counts}.", as_table(rows)]
            if "nmi_unscaled" in rows:
                score = mean_and_range(rows["nmi_unscaled"], "nmi")
                sections.append(f"NMI of the preset's models given unscaled poses: {score}.")
    minutes = (time.perf_counter() - started) / 60
    sections.append(
        f"{len(SEEDS)} seeds, {EPOCHS} epochs of {BUDGET['steps_per_epoch']} steps; "
        f"{arguments.workers} processes of one thread each, {minutes:.0f} minutes; "
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"numpy {np.__version__}, scikit-learn {sklearn.__version__}."
    )
    page = arguments.output.read_text()  # read reconstructed: it may have been edited meanwhile
    arguments.output.write_text(replace_between(page, "\n\n".join(sections)))


if __name__ == "__main__":
    main()
