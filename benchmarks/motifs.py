"""Measure memory and time of motifs for many frames: `make bench-motifs`.

Makes latents and aligned poses of ten million frames with known states in a temporary folder, and
runs what the rules run on them: choose a number of motifs, segment, label, tabulate, compare with
surrogates. Every step is a process of its own, whose peak memory is as the system reports it
(mapped file pages that are resident count, though the system can reclaim them at any time).
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from formats.aligned import AlignedPoses, open_aligned, save_aligned
from formats.latents import open_latents
from formats.motifs import read_motifs, write_motifs
from formats.runs import blocks_of
from motif_analysis.baselines import compare_with_surrogates
from motif_analysis.frames import motifs_of_frames
from motif_analysis.n_motifs import choose_n_motifs
from motif_analysis.segmentation import fit_segmenter, load_segmenter
from motif_analysis.tables import tabulate

STATES, TIME_WINDOW, FPS, FEATURES = 15, 30, 30.0, 9
SETTINGS = {  # the defaults
    "motif_seed": 0,
    "motif_windows": 50_000,
    "pooling_seconds": [0.25, 1, 4],
    "expected_bout_seconds": 0.5,
}
NUMBERS = [4, 5, 6, 7, 9, 11, 14, 17, 21, 26, 32, 40]  # from which auto chooses
BOUT = 20  # mean frames of a state
GAP_EVERY = 50_000  # frames, so that there are several runs


def make_session(folder: Path, session: str, frames: int, zdims: int, seed: int) -> None:
    """Write latents around states with a duration, and random poses."""
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(scale=2, size=(STATES, zdims))
    windows = frames - TIME_WINDOW + 1
    latents = np.lib.format.open_memmap(
        folder / f"{session}.npy", mode="w+", dtype=np.float32, shape=(windows, zdims)
    )
    for part in blocks_of(windows, 500_000):
        count = part.stop - part.start
        change = np.cumsum(rng.random(count) < 1 / BOUT)
        states = rng.integers(STATES, size=change[-1] + 1)[change]
        latents[part] = centres[states] + rng.normal(size=(count, zdims))
    usable = np.ones(frames, dtype=bool)
    for gap in range(GAP_EVERY, windows, GAP_EVERY):
        usable[gap] = False
        latents[gap - TIME_WINDOW + 1 : gap + 1] = np.nan
    latents.flush()
    aligned = AlignedPoses(
        poses=rng.random((frames, FEATURES), dtype=np.float32),
        usable=usable,
        features=[f"point{n}_x" for n in range(FEATURES)],
        fps=FPS,
        track=rng.random((frames, 3), dtype=np.float32),
    )
    save_aligned(aligned, folder / f"{session}.npz")


def run_step(step: str, folder: Path, algorithm: str) -> None:
    """Run the computation of one rule for all sessions."""
    paths = {path.stem: path for path in sorted(folder.glob("*.npy"))}
    latents = {session: open_latents(path) for session, path in paths.items()}
    if step == "choose":
        choose_n_motifs(latents, algorithm, NUMBERS, TIME_WINDOW, FPS, SETTINGS)
        return
    if step == "segment":
        segmenter = fit_segmenter(latents, algorithm, STATES, TIME_WINDOW, FPS, SETTINGS)
        segmenter.save(folder / "segmenter")  # numpy appends .npz
        (folder / "segmenter.npz").rename(folder / "segmenter")
        return
    segmenter = load_segmenter(folder / "segmenter")
    if step == "surrogates":
        compare_with_surrogates(latents, segmenter, 5, np.random.default_rng(0))
    if step == "label":
        for session, own in latents.items():
            usable = open_aligned(folder / f"{session}.npz").usable
            motifs = motifs_of_frames(segmenter.label(own), len(usable), TIME_WINDOW)
            write_motifs(folder / f"{session}.csv", motifs, usable, FPS)
    if step == "tabulate":
        recordings = (
            (
                {"session": session, "animal": session, "group": ""},
                read_motifs(folder / f"{session}.csv"),
                own,
                open_aligned(folder / f"{session}.npz"),
            )
            for session, own in latents.items()
        )
        no_map = pd.DataFrame(columns=["session", "frame", "x", "y"])
        tabulate(recordings, segmenter, no_map, communities=None, permutations=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--zdims", type=int, default=30)
    parser.add_argument("--algorithm", choices=["kmeans", "hmm"], default="kmeans")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--step", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        started = time.perf_counter()
        if options.step == "make":
            for number in range(options.sessions):
                frames = options.frames // options.sessions
                make_session(options.folder, f"s{number}", frames, options.zdims, number)
        else:
            run_step(options.step, options.folder, options.algorithm)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # KiB on Linux
        seconds = time.perf_counter() - started
        print(f"| {options.step} | {peak:.2f} | {seconds:.0f} |", flush=True)
        return
    print(f"{options.frames} frames in {options.sessions} sessions, {options.algorithm}\n")
    print("| Step | Peak memory (GiB) | Seconds |\n|---|---:|---:|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for step in ("make", "choose", "segment", "label", "tabulate", "surrogates"):
            again = [sys.executable, __file__, *sys.argv[1:], "--folder", folder, "--step", step]
            subprocess.run(again, check=True)


if __name__ == "__main__":
    main()
