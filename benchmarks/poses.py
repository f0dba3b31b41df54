"""Measure reading, cleaning and alignment of an hour at 60 fps with 20 keypoints, on one core.

    .venv/bin/python benchmarks/poses.py

The recording is a random walk of gaussian jitter about a body, with a tenth of the likelihoods low,
so that gaps, outliers and smoothing all have work to do.
"""

import os
import sys
import tempfile
from pathlib import Path

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow" / "scripts"))

import h5py
import numpy as np
import pandas as pd
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.quality import inspect_recording
from pose_prep.reading import read_poses
from pose_prep.recording import clean_recording

FPS, SECONDS, KEYPOINTS = 60, 3600, 20
BUDGET = 10.0
SETTINGS = AlignmentSettings(
    keypoints=None,
    exclude_keypoints=[],
    center="k0",
    orient="k1",
    vertical_axis=None,
    pose_confidence=0.9,
    max_gap_seconds=0.25,
    robust=True,
    iqr_factor=4,
    scale="body_length",
    motion_features=["forward_speed", "sideways_speed", "turning"],
    outlier_center="median",
    swapped_ends="report",
    resample_fps=None,
    savgol_filter=True,
    savgol_length=5,
    savgol_order=2,
)


def simulate() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frames = FPS * SECONDS
    body = rng.uniform(-50, 50, size=(KEYPOINTS, 2))
    place = np.cumsum(rng.normal(size=(frames, 1, 2)), axis=0)
    tracks = np.empty((frames, KEYPOINTS, 3))
    tracks[..., :2] = body + place + rng.normal(size=(frames, KEYPOINTS, 2))
    tracks[..., 2] = np.where(rng.random((frames, KEYPOINTS)) < 0.1, 0.2, 0.999)
    names = [f"k{n}" for n in range(KEYPOINTS)]
    columns = pd.MultiIndex.from_product(
        [["tracker"], names, ["x", "y", "likelihood"]], names=["scorer", "bodyparts", "coords"]
    )
    return pd.DataFrame(tracks.reshape(frames, -1), columns=columns)


def cpu_seconds() -> float:
    """Return the CPU time of this process and of those that read files."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    table = simulate()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        csv, h5 = Path(folder, "poses.csv"), Path(folder, "poses.h5")
        table.to_csv(csv)
        table.to_hdf(h5, key="df_with_missing")
        analysis = Path(folder, "poses.analysis.h5")
        with h5py.File(analysis, "w") as file:
            tracks = table.to_numpy().reshape(len(table), KEYPOINTS, 3)
            file["tracks"] = tracks[..., :2].transpose(2, 1, 0)[None]
            file["point_scores"] = tracks[..., 2].T[None]
            file["node_names"] = np.array([f"k{n}" for n in range(KEYPOINTS)], dtype="S")
            file["track_names"] = np.array([], dtype="S1")
        print(f"{len(table):,} frames, {KEYPOINTS} keypoints; seconds of CPU time")
        for path in (csv, h5, analysis):
            start = cpu_seconds()
            recording = read_poses(path, "", FPS)
            read = cpu_seconds()
            aligned = align_recording(recording, SETTINGS)
            done = cpu_seconds()
            inspect_recording(clean_recording(recording, SETTINGS), 0.5)
            seen = cpu_seconds()
            slowest = max(slowest, done - start)
            print(
                f"{path.name:18} read {read - start:5.2f}   clean and align "
                f"{done - read:5.2f}   total {done - start:5.2f}   inspect {seen - done:5.2f}   "
                f"usable {aligned.usable.mean():.0%}"
            )
    print(f"{'within' if slowest < BUDGET else 'OVER'} the budget of {BUDGET:g} s")
    sys.exit(slowest >= BUDGET)


if __name__ == "__main__":
    main()
