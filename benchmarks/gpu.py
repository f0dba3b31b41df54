"""Measure speed on a GPU, compared with VAME 0.14.4: `make bench-gpu`, at most eight minutes.

Measures, the most telling first and until the time is up: a training step of VAME's own functions
and of ours at several batch sizes and precisions, compiled or not; embedding; the cluster term by
several decompositions; the time until VAME's held-out error. Writes `benchmarks/results-gpu.json`,
and its tables into docs/gpu.md where there is a GPU.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from fidelity import find_clips, replace_between, simulate_demo
from speed import (
    PRESET_TRAINING,
    ROOT,
    FirstOf,
    Peer,
    config_of,
    make_dataset,
    our_step,
    published_modules,
    seconds_of,
    time_to_quality,
    wait_for_device,
)
from torch import Tensor
from vame_core.determinism import choose_device
from vame_core.embedding import embed
from vame_core.losses import cluster_norm
from vame_core.model import RNNVAE

BEGIN = "<!-- written by make bench-gpu: begin -->"
PRECISIONS = ("float32", "tf32", "bf16")
BATCHES = (64, 256, 1024)
NEWTON_STEPS = 20
# Sizes for a test of this script, which takes a minute on a CPU.
TINY = {"hidden_size_layer_1": 8, "hidden_size_rec": 8, "hidden_size_pred": 8}


# --- the cluster term -----------------------------------------------------------------------------


def by_eigenvalues(z: Tensor, n_components: int) -> Tensor:
    """Compute the cluster term from the eigenvalues of zᵀz, the squared singular values."""
    squares = torch.linalg.eigvalsh(z.mT @ z / z.shape[0])
    return squares.clamp_min(1e-12).sqrt()[-n_components:].sum()


def by_cholesky(z: Tensor, n_components: int) -> Tensor:
    """Compute the cluster term from the singular values of the small Cholesky factor of zᵀz."""
    gram = z.mT @ z / z.shape[0]
    gram = gram + 1e-7 * gram.diagonal().mean() * torch.eye(len(gram), device=z.device)
    return torch.linalg.svdvals(torch.linalg.cholesky(gram))[:n_components].sum()


def by_products(z: Tensor, n_components: int) -> Tensor:
    """Compute the sum of all singular values, as the trace of the square root of zᵀz.

    By the coupled Newton-Schulz iteration (Higham 2008, eq. 6.35): matrix products alone. It takes
    no part of the singular values, so `n_components` has to be all.
    """
    assert n_components >= min(z.shape)
    gram = z.mT @ z / z.shape[0]
    size = gram.norm()
    eye = torch.eye(len(gram), device=z.device)
    root, inverse = gram / size, eye
    for _ in range(NEWTON_STEPS):
        correction = (3 * eye - inverse @ root) / 2
        root, inverse = root @ correction, correction @ inverse
    return root.trace() * size.sqrt()


DECOMPOSITIONS = {
    "singular values of z": cluster_norm,
    "eigenvalues of zᵀz": by_eigenvalues,
    "Cholesky factor of zᵀz": by_cholesky,
    "Newton-Schulz": by_products,
}


def cluster_row(name: str, batch: int, zdims: int, device: torch.device, times: int) -> dict:
    """Measure the term with its gradient: total time, time of the host, errors against float64."""
    generator = torch.Generator().manual_seed(0)
    spread = torch.linspace(1, 0.1, zdims, dtype=torch.float64)
    exact = torch.randn(batch, zdims, generator=generator, dtype=torch.float64) * spread
    exact.requires_grad_()
    expected = cluster_norm(exact, zdims)
    (expected_gradient,) = torch.autograd.grad(expected, exact)
    z = exact.detach().float().to(device).requires_grad_()
    measure = partial(DECOMPOSITIONS[name], z, zdims)

    def once() -> tuple[Tensor, Tensor]:
        value = measure()
        return value.detach(), torch.autograd.grad(value, z)[0]

    value, gradient = once()
    wait_for_device()
    start = time.perf_counter()
    for _ in range(times):
        once()
    host = time.perf_counter() - start  # when the host has queued all work
    wait_for_device()
    difference = (gradient.cpu() - expected_gradient).abs().max() / expected_gradient.abs().max()
    return {
        "cluster": name,
        "batch": batch,
        "seconds": (time.perf_counter() - start) / times,
        "host_seconds": host / times,
        "relative_error": abs(float(value) / float(expected) - 1),
        "gradient_error": float(difference),
    }


# --- steps and embedding --------------------------------------------------------------------------


def step_row(do_steps: Callable[[int], None], steps: int, **names: object) -> dict:
    """Measure the median seconds of a step over five turns, after a warm-up."""
    seconds_of(lambda: do_steps(steps))
    turns = [seconds_of(lambda: do_steps(steps)) / steps for _ in range(5)]
    return names | {"seconds": float(np.median(turns))}


def peer_row(modules, folder: Path, batch: int, changes: dict, device, steps: int) -> dict:
    config = config_of(**PRESET_TRAINING | changes | {"batch_size": batch})
    peer = Peer(modules, config, folder, 0, device)
    return step_row(
        lambda steps: peer.train(FirstOf(peer.loader, steps), 10), steps, step="VAME", batch=batch
    )


def our_row(folder: Path, description: dict, changes: dict, device, steps: int) -> dict:
    config = config_of(**PRESET_TRAINING | changes)
    do_steps = our_step(folder / "train.npy", description, config, device)
    names = {key: changes[key] for key in ("precision", "compile")}
    return step_row(do_steps, steps, step="ours", batch=changes["batch_size"], **names)


def embedding_row(changes: dict, frames: int, device: torch.device) -> dict:
    """Measure embedding of a random recording in frames per second."""
    n_features = 24
    model = RNNVAE(config_of(**changes).network, n_features).to(device).eval()
    poses = np.random.default_rng(0).standard_normal((frames, n_features))
    scaling = {"mean": [0.0] * n_features, "std": [1.0] * n_features}
    everything = lambda: list(embed(model, poses, np.ones(frames, bool), scaling))  # noqa: E731
    seconds_of(everything)
    return {"embedding": frames / seconds_of(everything)}


def measurements(
    folder: Path, description: dict, device: torch.device, changes: dict, sizes: dict
) -> Iterator[Callable[[], dict]]:
    """Generate the measurements, the most important first, and slow compilation last."""
    try:
        modules = published_modules()
    except (OSError, ImportError) as error:
        print(f"comparisons with VAME are left out, since it cannot be downloaded: {error}")
        modules = None
    steps, zdims = sizes["steps"], config_of(**changes).network.zdims
    ours = partial(our_row, folder, description)
    for batch in sizes["batches"]:
        if modules:
            yield partial(peer_row, modules, folder, batch, changes, device, steps)
        for precision in PRECISIONS:
            own = changes | {"batch_size": batch, "precision": precision, "compile": False}
            yield partial(ours, own, device, steps)
    yield partial(embedding_row, changes, sizes["frames"], device)
    for batch in sizes["batches"]:
        for name in DECOMPOSITIONS:
            yield partial(cluster_row, name, batch, zdims, device, sizes["times"])
    if modules and sizes["peer_epochs"]:
        epochs = sizes["peer_epochs"]
        yield lambda: {"quality": time_to_quality(modules, folder, description, 0, epochs, device)}
    for batch in sizes["compiled"]:
        for precision in PRECISIONS:
            own = changes | {"batch_size": batch, "precision": precision, "compile": True}
            yield partial(ours, own, device, steps)


# --- tables ---------------------------------------------------------------------------------------


def as_tables(results: dict) -> str:
    """Return Markdown: tables of steps and the cluster term, and sentences on the rest."""
    rows = results["rows"]
    lines = ["| Batch | | Step (ms) | Windows per second |", "| ---: | --- | ---: | ---: |"]
    for row in (row for row in rows if "step" in row):
        name = "VAME 0.14.4"
        if row["step"] == "ours":
            name = f"{row['precision']}{', compiled' if row['compile'] else ''}"
        rate = row["batch"] / row["seconds"]
        lines.append(f"| {row['batch']} | {name} | {1e3 * row['seconds']:.2f} | {rate:.0f} |")
    lines += [
        "",
        "| Batch | Cluster term | With gradient (ms) | Host (ms) | Error | Error of gradient |",
    ]
    lines.append("| ---: | --- | ---: | ---: | ---: | ---: |")
    for row in (row for row in rows if "cluster" in row):
        lines.append(
            f"| {row['batch']} | {row['cluster']} | {1e3 * row['seconds']:.2f} | "
            f"{1e3 * row['host_seconds']:.2f} | {row['relative_error']:.0e} | "
            f"{row['gradient_error']:.0e} |"
        )
    lines.append("")
    lines += [
        f"Embedding: {row['embedding']:.0f} frames per second."
        for row in rows
        if "embedding" in row
    ]
    for found in (row["quality"] for row in rows if "quality" in row):
        reached = found["seconds_to_goal"]
        lines.append(
            f"VAME's held-out error after {found['goal_seconds']:.0f} s ({found['goal']:.3f}) is "
            + (f"reached after {reached:.0f} s." if reached else "not reached in that time.")
        )
    machine = results["machine"]
    lines += [
        "",
        f"{machine['device']}; torch {machine['torch']}; {results['minutes']:.0f} minutes.",
    ]
    if results["left_out"]:
        lines.append(f"{results['left_out']} measurements were left out because the time was up.")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder of the two benchmark recordings")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--minutes", type=float, default=7.5, help="start no measurement after this time"
    )
    parser.add_argument("--tiny", action="store_true", help="a tiny network, to test this script")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results-gpu.json")
    arguments = parser.parse_args()
    started = time.perf_counter()
    device = choose_device(arguments.device)
    sizes = {"batches": BATCHES, "compiled": (256, 64), "steps": 20, "times": 100}
    sizes |= {"frames": 100_000, "peer_epochs": 6}
    changes = {}
    if arguments.tiny:
        sizes = {"batches": (64,), "compiled": (), "steps": 2, "times": 3}
        sizes |= {"frames": 500, "peer_epochs": 0}
        changes = TINY
    rows, left_out = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = find_clips(arguments.recordings) or simulate_demo(folder)
        description = make_dataset(data, folder)
        for measure in measurements(folder, description, device, changes, sizes):
            if time.perf_counter() - started > 60 * arguments.minutes:
                left_out += 1
                continue
            rows.append(measure())
            print(json.dumps(rows[-1])[:160], flush=True)
    cuda = device.type == "cuda"
    results = {
        "rows": rows,
        "left_out": left_out,
        "data": data.name,
        "machine": {
            "device": torch.cuda.get_device_name(device) if cuda else str(device),
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
        "minutes": (time.perf_counter() - started) / 60,
    }
    arguments.output.write_text(json.dumps(results, indent=1) + "\n")
    tables = as_tables(results)
    print(tables)
    if cuda:
        page = ROOT / "docs/gpu.md"
        page.write_text(replace_between(page.read_text(), tables, BEGIN))


if __name__ == "__main__":
    main()
