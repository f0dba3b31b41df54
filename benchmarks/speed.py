"""Measure speed and memory, compared with VAME 0.14.4: `make bench`.

Prints a table, writes `benchmarks/results.json`, and plots `docs/speed.png`: the held-out error of
of both against the seconds that their training took. VAME's own functions are taken from its
published wheel, unmodified; what needs them is left out, with the reason, where it cannot be had.

The held-out error is reconstruction + future, mean squared errors per element in scaled units,
over the same windows inside segments for both; evaluating it is not counted as training time.
"""

import argparse
import importlib.metadata
import json
import multiprocessing
import os
import platform
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from multiprocessing.connection import Connection
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import torch
from fidelity import DEFAULTS, PRESET, SCHEMA, DataSet, find_clips, simulate_demo
from formats.aligned import save_aligned
from parity import peer as published
from parity.models import make_peer_model
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.reading import read_poses
from pose_prep.splitting import SplitSettings, write_dataset
from vame_core.config import ModelConfig
from vame_core.determinism import make_reproducible, set_precision
from vame_core.embedding import embed
from vame_core.losses import term_weights
from vame_core.model import RNNVAE
from vame_core.steps import train_step
from vame_core.training import fit, needs_no_synchronisation, start_training
from vame_core.windows import Windows, open_windows

ROOT = Path(__file__).resolve().parents[1]
RESULTS, FIGURE = ROOT / "benchmarks/results.json", ROOT / "docs/speed.png"
USED = {key for key, entry in SCHEMA.items() if "train_model" in entry.get("used_by", [])}
CPU = torch.device("cpu")
GOAL_EPOCH = 6  # epoch of VAME's training whose error is the goal
PEER_EPOCHS = (
    10  # epochs of VAME's training; at its end the error rises again on the two recordings
)
EVALUATED_WINDOWS = 1024
EVALUATE_EVERY = 10  # steps between evaluations; an epoch has a multiple of them
SMALL = {"hidden_size_layer_1": 32, "hidden_size_rec": 32, "hidden_size_pred": 32}
SMALL |= {"batch_size": 64}
DEFAULT_STEPS = DEFAULTS["max_epochs"] * DEFAULTS["steps_per_epoch"]


# --- data and networks ----------------------------------------------------------------------------


def make_dataset(data: DataSet, folder: Path) -> dict:
    """Align, split and scale the recordings with the defaults; return its description."""
    chosen = DEFAULTS | {"center": data.center, "orient": data.orient}
    alignment = AlignmentSettings(**{f.name: chosen[f.name] for f in fields(AlignmentSettings)})
    split = SplitSettings(**{f.name: chosen[f.name] for f in fields(SplitSettings)})
    aligned = {}
    for recording in data.recordings:
        poses = read_poses(recording.path, "DeepLabCut", recording.fps)
        aligned[recording.session] = folder / f"{recording.session}.npz"
        save_aligned(align_recording(poses, alignment), aligned[recording.session])
    sides = {side: folder / f"{side}.npy" for side in ("train", "test")}
    return write_dataset(aligned, dict.fromkeys(aligned, ""), split, sides)


def published_modules():
    """Load VAME's modules from its wheel; raises OSError or ImportError if that is not possible."""
    cache = ROOT / ".pytest_cache/d" / f"vame-py-{published.VERSION}"
    cache.mkdir(parents=True, exist_ok=True)
    return published.load(published.fetch(cache))


def config_of(**changes) -> ModelConfig:
    settings = {key: DEFAULTS[key] for key in USED} | {"device": "cpu"} | changes
    return ModelConfig.from_settings(settings)


class Peer:
    """Train as VAME does: with its network, loader and `train`, and its default settings."""

    def __init__(
        self,
        modules,
        config: ModelConfig,
        folder: Path,
        seed: int,
        device: torch.device = CPU,
    ) -> None:
        self.modules, self.config = modules, config
        frames = np.load(folder / "train.npy")
        (project := folder / "vame").mkdir(exist_ok=True)
        np.save(project / "train_seq.npy", frames.T.astype(float))
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        self.model = make_peer_model(
            modules, n_features=frames.shape[1], seed=seed, **asdict(config.network)
        ).to(device)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=config.training.learning_rate, amsgrad=True
        )
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, factor=0.2, patience=100, threshold=1e-3
        )
        dataset = modules.dataloader.SEQUENCE_DATASET(
            f"{project}/",
            data="train_seq.npy",
            train=True,
            temporal_window=2 * config.network.time_window,
        )
        self.loader = torch.utils.data.DataLoader(
            dataset, batch_size=config.training.batch_size, shuffle=True, drop_last=True
        )

    def train(self, batches, epoch: int) -> None:
        network, loss, training = self.config.network, self.config.loss, self.config.training
        self.modules.rnn_vae.train(
            batches,
            epoch,
            self.model,
            self.optimizer,
            loss.anneal_function,
            loss.beta,
            loss.kl_start,
            loss.annealtime,
            2 * network.time_window,
            network.prediction_decoder,
            network.prediction_steps,
            self.scheduler,
            loss.mse_reconstruction_reduction,
            loss.mse_prediction_reduction,
            loss.kmeans_loss,
            loss.kmeans_lambda,
            training.batch_size,
            training.noise,
        )


class FirstOf:
    """Limit a loader to its first batches."""

    def __init__(self, loader, steps: int) -> None:
        self.loader, self.steps = loader, steps

    def __len__(self) -> int:
        return self.steps

    def __iter__(self) -> Iterator:
        for _, batch in zip(range(self.steps), self.loader, strict=False):
            yield batch


def wait_for_device() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def held_out_error(model: torch.nn.Module, held_out: Windows, time_window: int) -> float:
    """Return the reconstruction + future error of fixed windows, in a fixed order."""
    numbers = held_out.spread(EVALUATED_WINDOWS)
    order = torch.randperm(len(numbers), generator=torch.Generator().manual_seed(0))
    model.eval()
    sums = torch.zeros(2)
    with torch.inference_mode():
        for windows in held_out.batches(numbers[order], 256):
            reconstruction, future = model(windows[:, :time_window])[:2]
            sums += len(windows) * torch.stack(
                [
                    (reconstruction - windows[:, :time_window]).square().mean(),
                    (future - windows[:, time_window:]).square().mean(),
                ]
            )
    model.train()
    return float(sums.sum() / len(numbers))


def seconds_of(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    wait_for_device()
    return time.perf_counter() - start


# --- measurements ---------------------------------------------------------------------------------


# Processes that do not share the memory of this one.
fresh = multiprocessing.get_context("forkserver")


def seconds_of_steps(connection: Connection, make: Callable, *settings: object) -> None:
    """Receive numbers of steps, and send the seconds per step; runs in a separate process."""
    do_steps = make(*settings)
    while steps := connection.recv():
        connection.send(seconds_of(lambda: do_steps(steps)) / steps)


def by_turns(steps: int, *trained: tuple) -> dict:
    """Measure a step of two trainings by turns, in a process each: medians of thirty turns."""
    connections = []
    for make, *settings in trained:
        here, there = fresh.Pipe()
        fresh.Process(target=seconds_of_steps, args=(there, make, *settings), daemon=True).start()
        there.close()  # so that an end of that process raises an error here
        connections.append(here)
    turns = []
    for _ in range(31):
        turns.append([])
        for connection in connections:
            time.sleep(0.3)  # until threads of the other process are idle
            for number in (1, steps):  # the first one fills the caches
                connection.send(number)
                seconds = connection.recv()
            turns[-1].append(seconds)
    for connection in connections:
        connection.send(0)
    del turns[0]  # the warm-up
    first, second = (statistics.median(column) for column in zip(*turns, strict=True))
    return {
        "seconds": (first, second),
        "ratio": statistics.median(one / other for one, other in turns),
    }


def step_speed(folder: Path, description: dict, steps: int, **changes) -> dict:
    """Measure a training step with VAME's settings, sampling of batches included."""
    config, frames = config_of(**PRESET_TRAINING | changes), folder / "train.npy"
    found = by_turns(steps, (peer_step, folder, config), (our_step, frames, description, config))
    theirs, ours = found["seconds"]
    return {"vame_seconds": theirs, "seconds": ours, "ratio": found["ratio"]}


def peer_step(folder: Path, config: ModelConfig) -> Callable[[int], None]:
    peer = Peer(published_modules(), config, folder, seed=0)
    return lambda steps: peer.train(FirstOf(peer.loader, steps), 10)


def our_step(
    frames: Path, description: dict, config: ModelConfig, device: torch.device = CPU
) -> Callable[[int], None]:
    generator = make_reproducible(0, device)
    set_precision(config.training.precision)
    windows = open_windows(frames, description, "train", config_of(), device)
    model = RNNVAE(config.network, windows.frames.shape[1]).to(device)
    if config.training.compile:
        model.compile()
    state = start_training(model, config, windows, generator)
    network, training = config.network, config.training
    weights = term_weights(config, 1.0, windows.frames.shape[1])

    def our_steps(steps: int) -> None:
        for _ in range(steps):
            train_step(
                model,
                windows.draw(training.batch_size, generator),
                state.optimizer,
                weights,
                time_window=network.time_window,
                kmeans_loss=config.loss.kmeans_loss,
                noise=training.noise,
                generator=generator,
                precision=training.precision,
                refuse_non_finite=needs_no_synchronisation(device),
            )

    return our_steps


def matrix_products(config: ModelConfig, n_features: int) -> Callable[[int], None]:
    """Return a function that computes only the matrix products of the recurrent layers.

    For both ways of a layer and each time step one product with the state, one with the gradient of
    the gates, and those of the input; for the gradient of each weight one product over all steps.
    """
    network, batch = config.network, config.training.batch_size
    window, first = network.time_window, network.hidden_size_layer_1
    layers = [  # steps, features of the input, steps with different input, units
        (window, n_features, window, first),
        (window, 2 * first, window, first),
        (window, network.zdims, 1, network.hidden_size_rec),
        (network.prediction_steps, network.zdims, 1, network.hidden_size_pred),
    ]
    products = []  # (times, arguments)
    for steps, inputs, differing, units in layers:
        gates = 3 * units
        products += [
            (steps, torch.randn(2, gates, units), torch.randn(2, units, batch)),
            (steps, torch.randn(2, units, gates), torch.randn(2, gates, batch)),
            (1, torch.randn(2, gates, steps * batch), torch.randn(2, steps * batch, units)),
            (differing, torch.randn(2, gates, inputs), torch.randn(2, inputs, batch)),
            (
                1,
                torch.randn(2, gates, differing * batch),
                torch.randn(2, differing * batch, inputs),
            ),
        ]
        if inputs != n_features:  # the frames have no gradient
            products.append(
                (differing, torch.randn(2, inputs, gates), torch.randn(2, gates, batch))
            )
    products = [(times, left, right, torch.bmm(left, right)) for times, left, right in products]

    def do_steps(steps: int) -> None:
        for _ in range(steps):
            for times, left, right, out in products:
                for _ in range(times):
                    torch.bmm(left, right, out=out)

    return do_steps


def beside_products(folder: Path, description: dict, steps: int) -> dict:
    """Measure a step of the default network and batch, and its matrix products alone."""
    config, frames = config_of(), folder / "train.npy"
    n_features = np.load(frames, mmap_mode="r").shape[1]
    found = by_turns(
        steps, (our_step, frames, description, config), (matrix_products, config, n_features)
    )
    ours, products = found["seconds"]
    return {"seconds": ours, "products_seconds": products, "ratio": found["ratio"]}


def time_to_quality(
    modules,
    folder: Path,
    description: dict,
    seed: int,
    peer_epochs: int = PEER_EPOCHS,
    device: torch.device = CPU,
) -> dict:
    """Train both with their defaults, ours for the time in which VAME reaches the goal."""
    preset, config = config_of(**PRESET_TRAINING), config_of()
    train, held_out = (
        open_windows(folder / f"{side}.npy", description, side, config, device)
        for side in ("train", "test")
    )
    peer = Peer(modules, preset, folder, seed, device)
    theirs, seconds = [], 0.0
    for epoch in range(1, peer_epochs + 1):
        seconds += seconds_of(lambda: peer.train(peer.loader, epoch))  # noqa: B023
        theirs.append((seconds, held_out_error(peer.model, held_out, preset.network.time_window)))
        print(f"  VAME, epoch {epoch}: {seconds:.1f} s, error {theirs[-1][1]:.3f}", flush=True)

    generator = make_reproducible(seed, device)
    model = RNNVAE(config.network, train.frames.shape[1]).to(device)
    state = start_training(model, config, train, generator)
    ours, seconds, done = [], 0.0, 0
    goal_seconds, goal = theirs[min(GOAL_EPOCH, peer_epochs) - 1]
    start = time.perf_counter()
    for event in fit(state, train, held_out, config):
        done += event is None
        if event is None and done % EVALUATE_EVERY:
            continue
        if event is None:
            wait_for_device()
            seconds += time.perf_counter() - start
            ours.append((seconds, held_out_error(model, held_out, config.network.time_window)))
            if seconds >= goal_seconds:
                break
        start = time.perf_counter()  # the end of an epoch is evaluation, not training
    reached = next((at for at, error in ours if error <= goal), None)
    return {
        "vame": theirs,
        "ours": ours,
        "goal": goal,
        "goal_seconds": goal_seconds,
        "seconds_to_goal": reached,
        "ratio": goal_seconds / reached if reached else None,
        "lowest_error": min(error for _, error in ours),
        "vame_lowest_error": min(error for _, error in theirs),
    }


def embedding_speed(modules, folder: Path, session: str, description: dict) -> dict:
    """Measure embedding in frames per second: VAME's loop over single windows, and ours.

    The loop is that of its `embed_latent_vectors`: each window through encoder and lambda layer.
    """
    config = config_of()
    torch.manual_seed(0)
    with np.load(folder / f"{session}.npz") as arrays:
        poses, usable = arrays["poses"], arrays["usable"]
    ours = RNNVAE(config.network, poses.shape[1]).eval()
    theirs = make_peer_model(modules, n_features=poses.shape[1], **asdict(config.network)).eval()
    theirs.load_state_dict(ours.state_dict())
    window = config.network.time_window
    mean, std = (np.array(description["scaling"][key]) for key in ("mean", "std"))
    scaled = torch.from_numpy(((poses - mean) / std).astype(np.float32))
    first = int(
        np.argmax(np.convolve(usable, np.ones(600), "valid") == 600)
    )  # start of 600 usable frames
    loop = []

    def one_by_one() -> None:
        with torch.no_grad():
            for start in range(first, first + 600 - window):
                hidden = theirs.encoder(scaled[start : start + window].unsqueeze(0))
                loop.append(theirs.lmbda(hidden)[1])

    latents = []
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in a job of embed_session
    loop_seconds = seconds_of(one_by_one) / len(loop)
    our_seconds = seconds_of(
        lambda: latents.extend(embed(ours, poses, usable, description["scaling"]))
    ) / len(poses)
    torch.set_num_threads(threads)
    expected = torch.cat(loop).numpy()
    got = np.concatenate(latents)[first : first + len(expected)]
    return {
        "vame_frames_per_second": 1 / loop_seconds,
        "frames_per_second": 1 / our_seconds,
        "ratio": loop_seconds / our_seconds,
        "largest_difference": float(np.abs(got - expected).max()),
    }


def many_frames(folder: Path, *numbers: int) -> dict:
    """Measure peak memory and step time of a small network for files of different length."""
    config, trained = config_of(**SMALL | {"steps_per_epoch": 100, "max_epochs": 2}), []
    for frames in numbers:
        path = folder / f"{frames}.npy"
        array = np.lib.format.open_memmap(path, "w+", np.float32, (frames, 12))
        rng = np.random.default_rng(0)
        for start in range(0, frames, 10**6):
            array[start : start + 10**6] = rng.standard_normal(
                (min(10**6, frames - start), 12), dtype=np.float32
            )
        array.flush()
        description = {"segments": [{"side": "train", "start": 0, "stop": frames}]}
        trained.append((path, description, config))
    peaks = []
    for settings in trained:
        with fresh.Pool(1) as pool:
            peaks.append(pool.apply(peak_of_training, settings))
    return {"peak_mb": peaks} | by_turns(50, *((our_step, *settings) for settings in trained))


def peak_of_training(path: Path, description: dict, config: ModelConfig) -> float:
    """Train, and return the peak memory of this process in megabytes."""
    generator = make_reproducible(0, CPU)
    train = open_windows(path, description, "train", config, CPU)
    state = start_training(RNNVAE(config.network, 12), config, train, generator)
    for _ in fit(state, train, train, config):
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def planning_speed(folder: Path, sessions: int, models: int, seeds: int, *, embedded: bool) -> dict:
    """Measure a dry run of a sweep over many recordings."""
    (folder / "poses").mkdir(parents=True)
    (folder / "config").mkdir()
    simulated = simulate_demo(folder / "poses").recordings[0].path
    for number in range(sessions):
        os.link(simulated, folder / f"poses/mouse{number}.csv")
    rows = (f"mouse{number}\tposes/mouse{number}.csv\t30\n" for number in range(sessions))
    (folder / "config/sessions.tsv").write_text("session\tposes\tfps\n" + "".join(rows))
    config = {
        **{"center": "tail_base", "orient": "nose", "device": "cpu", "models": {}},
        "grid": {"beta": [round(0.1 * number, 1) for number in range(1, models + 1)]},
        "seeds": list(range(seeds)),
    }
    if not embedded:
        config["embed_models"] = []
    (folder / "config/config.yaml").write_text(json.dumps(config))
    return {"seconds": seconds_of(lambda: snakemake(folder, "--dry-run", "--quiet"))}


def nothing_to_do_speed(folder: Path) -> dict:
    """Measure the demo: its first run, a second one with nothing to do, and jobs of the first."""
    shutil.copytree(ROOT / "config", folder / "config")
    first = seconds_of(lambda: snakemake(folder))
    return {
        "first_run_seconds": first,
        "seconds": seconds_of(lambda: snakemake(folder)),
        "seconds_of_rules": seconds_of_rules(folder / "results/benchmarks"),
    }


def seconds_of_rules(folder: Path) -> dict[str, float]:
    """Sum the seconds of each rule's jobs, the longest first."""
    sums: Counter[str] = Counter()
    for path in folder.rglob("*.tsv"):
        rule = path.relative_to(folder).with_suffix("").parts[0]
        sums[rule] += float(path.read_text().splitlines()[1].split("\t")[0])
    return dict(sums.most_common())


def snakemake(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), "--cores", str(torch.get_num_threads())]
    command += ["--workflow-profile", str(ROOT / "profiles/default"), *arguments]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)


# --- the table ------------------------------------------------------------------------------------

PRESET_TRAINING = {key: value for key, value in PRESET.items() if key in USED}


def draw(curves: dict, path: Path) -> None:
    figure, axes = plt.subplots(figsize=(5, 3.2), layout="constrained")
    for name, key, colour in (
        ("VAME 0.14.4", "vame", "#0072B2"),
        ("this workflow", "ours", "#D55E00"),
    ):
        seconds, errors = zip(*curves[key], strict=True)
        axes.plot(seconds, errors, color=colour, marker="o", markersize=3, label=name)
    axes.axhline(curves["goal"], color="0.6", linewidth=0.8, linestyle=":")
    axes.set(xlabel="Training time (s)", ylabel="Held-out error\n(reconstruction + future)")
    axes.set_ylim(0, None)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=160)


def verdict(value: float, goal: float, *, at_least: bool) -> str:
    return "yes" if (value >= goal if at_least else value <= goal) else "no"


def table(results: dict) -> list[tuple[str, str, str, str]]:
    """Return rows of name, measurement, goal, and whether the goal was reached."""
    rows = []
    if "time_to_quality" in results:
        found = results["time_to_quality"]
        ratio = found["ratio"] or 0
        rows.append(
            (
                f"Time to VAME's error after {GOAL_EPOCH} epochs ({found['goal']:.3f})",
                f"{ratio:.1f} times faster ({found['goal_seconds']:.0f} s and "
                f"{found['seconds_to_goal'] or float('nan'):.0f} s)",
                "8 times",
                verdict(ratio, 8, at_least=True),
            )
        )
        rows.append(
            (
                f"Lowest held-out error in that time (VAME: in {len(found['vame'])} epochs)",
                f"{found['lowest_error']:.3f}; VAME {found['vame_lowest_error']:.3f}",
                "lower",
                verdict(found["lowest_error"], found["vame_lowest_error"], at_least=False),
            )
        )
        for name, goal in (("default network", 1.3), ("small network", 3.0)):
            step = results["step"][name]
            rows.append(
                (
                    f"Training step, {name}",
                    f"{step['ratio']:.2f} times VAME's speed ({1e3 * step['vame_seconds']:.0f} ms "
                    f"and {1e3 * step['seconds']:.0f} ms)",
                    f"{goal} times",
                    verdict(step["ratio"], goal, at_least=True),
                )
            )
        embedding = results["embedding"]
        rows.append(
            (
                "Embedding on one core, frames per second",
                f"{embedding['ratio']:.0f} times VAME's loop "
                f"({embedding['vame_frames_per_second']:.0f} and "
                f"{embedding['frames_per_second']:.0f}), largest difference of latents "
                f"{embedding['largest_difference']:.0e}",
                "1500, 1e-5",
                verdict(embedding["frames_per_second"], 1500, at_least=True)
                if embedding["largest_difference"] <= 1e-5
                else "no",
            )
        )
    beside = results["beside_products"]
    rows.append(
        (
            f"Training step of {DEFAULTS['batch_size']} windows, compared with its matrix products",
            f"{beside['ratio']:.2f} times ({1e3 * beside['seconds']:.0f} ms and "
            f"{1e3 * beside['products_seconds']:.0f} ms)",
            "1.25 times",
            verdict(beside["ratio"], 1.25, at_least=False),
        )
    )
    minutes = DEFAULT_STEPS * beside["seconds"] / 60
    rows.append(
        (
            f"Training of {DEFAULT_STEPS:,} such steps (the default)",
            f"{minutes:.0f} minutes",
            "20 minutes",
            verdict(minutes, 20, at_least=False),
        )
    )
    small, large = results["many_frames"]["peak_mb"]
    growth = large / small - 1
    rows.append(
        (
            "Peak memory of training, 10⁶ to 10⁸ frames",
            f"{growth:+.1%} ({small:.0f} MB and {large:.0f} MB)",
            "+5 %",
            verdict(growth, 0.05, at_least=False),
        )
    )
    slower = 1 / results["many_frames"]["ratio"]
    rows.append(
        (
            "Time of a step, 10⁶ to 10⁸ frames",
            f"{slower:.2f} times",
            "1, within 5 %",
            verdict(slower, 1.05, at_least=False),
        )
    )
    planning = results["planning"]
    rows.append(
        (
            "Planning 1,000 sessions, 50 models × 5 seeds, none embedded",
            f"{planning['seconds']:.0f} s",
            "20 s",
            verdict(planning["seconds"], 20, at_least=False),
        )
    )
    embedded = results["planning_embedded"]
    rows.append(
        (
            "Planning 1,000 sessions, 10 models, all embedded",
            f"{embedded['seconds']:.0f} s",
            "60 s",
            verdict(embedded["seconds"], 60, at_least=False),
        )
    )
    idle = results["nothing_to_do"]
    rows.append(
        (
            "The demo",
            f"{idle['first_run_seconds']:.0f} s",
            "60 s",
            verdict(idle["first_run_seconds"], 60, at_least=False),
        )
    )
    rows.append(
        (
            "The demo with nothing to do",
            f"{idle['seconds']:.1f} s",
            "5 s",
            verdict(idle["seconds"], 5, at_least=False),
        )
    )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder of the two benchmark recordings")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--vame-epochs", type=int, default=PEER_EPOCHS, metavar="N")
    arguments = parser.parse_args()
    started = time.perf_counter()
    results: dict = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        data = find_clips(arguments.recordings) or simulate_demo(folder / "data")
        description = make_dataset(data, folder / "data")
        try:
            modules = published_modules()
        except (OSError, ImportError) as error:
            print(f"comparisons with VAME are left out, since it cannot be downloaded: {error}")
            modules = None
        if modules:
            print("time to quality", flush=True)
            results["time_to_quality"] = time_to_quality(
                modules, folder / "data", description, arguments.seed, arguments.vame_epochs
            )
            draw(results["time_to_quality"], FIGURE)
            print("steps, embedding", flush=True)
            results["step"] = {
                "default network": step_speed(folder / "data", description, 3),
                "small network": step_speed(folder / "data", description, 20, **SMALL),
            }
            session = data.recordings[0].session
            results["embedding"] = embedding_speed(modules, folder / "data", session, description)
        print("memory, planning, the demo", flush=True)
        results["many_frames"] = many_frames(folder, 10**6, 10**8)
        results["beside_products"] = beside_products(folder / "data", description, 3)
        results["planning"] = planning_speed(folder / "planned", 1000, 50, 5, embedded=False)
        results["planning_embedded"] = planning_speed(
            folder / "planned embedded", 1000, 10, 1, embedded=True
        )
        results["nothing_to_do"] = nothing_to_do_speed(folder / "demo")
    results["data"] = data.name
    results["machine"] = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in ("torch", "numpy", "snakemake")},
        "vame-py": published.VERSION,
    }
    results["minutes"] = (time.perf_counter() - started) / 60
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\n| {data.name} | measured | goal | reached |\n| --- | --- | --- | --- |")
    for row in table(results):
        print("| " + " | ".join(row) + " |")
    print("\n| Rule of the demo | Seconds of its jobs |\n| --- | ---: |")
    for rule, seconds in results["nothing_to_do"]["seconds_of_rules"].items():
        print(f"| {rule} | {seconds:.1f} |")
    machine = results["machine"]
    print(
        f"\n{machine['threads']} threads on {machine['cores']} cores, torch {machine['torch']}, "
        f"{results['minutes']:.0f} minutes"
    )


if __name__ == "__main__":
    main()
