"""Compare other programs with behaviours that people labelled: `make bench-rivals`.

Puts CEBRA and keypoint-MoSeq through the protocol of `behaviour.py` on the six mice, beside the
default network and principal components, and writes a table of `docs/behaviour.md`. Each program is
a released package at a pinned version (`benchmarks/rivals/*.txt`) in an environment of its own
under `benchmarks/.rivals/`, and is run by a small script there. It is handed, as npz,

    sessions           number of recordings, each of which has, numbered from 0,
    positions_{n}      (frame, keypoint, axis) as recorded, NaN if not tracked
    features_{n}       (frame, feature) aligned poses and motion features of the defaults
    usable_{n}         (frame,) bool, of `features`
    keypoints, fps, anterior, posterior, seed, and the numbers of `BUDGET`

and writes one with the program's `version`, `latents_{n}` (frame, dimension), and, if the program
it finds some.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from behaviour import (
    ALL_VARIANT,
    MEASURES,
    MOTIFS,
    REPLICATES,
    SEEDS,
    SHORT_FRAMES,
    WINDOWS,
    DataSet,
    align,
    evaluate,
    find_mice,
    latents_of_components,
    latents_of_network,
    settings_of,
)
from fidelity import ROOT, compute, replace_between
from formats.aligned import open_aligned
from formats.motifs import centre_of
from motif_analysis.agreement import mutual_information
from motif_analysis.bouts import find_bouts
from motif_analysis.scores import blocks_of_frames, count_by_block
from numpy.lib.stride_tricks import sliding_window_view
from pose_prep.reading import read_poses

BEGIN = "<!-- written by make bench-rivals: begin -->"
HERE = ROOT / "benchmarks/rivals"
ENVIRONMENTS = ROOT / "benchmarks/.rivals"
SCRIPTS = {"cebra": "cebra_embed.py", "moseq": "moseq_fit.py"}
BUDGET = {
    "threads": 1,
    "dimensions": 30,  # of CEBRA's embedding, as many as latents of the network
    "cebra_iterations": 5_000,
    "scan_iterations": 10,  # of the AR-HMM, for each value of kappa
    "ar_iterations": 50,
    "duration": 0.45,  # median seconds of a syllable, for which kappa is chosen
}
RARE = 0.005  # share of all frames below which syllables are merged into one
OWN = "nmi own"
POOLED, SINGLE = "pooled", "single frames"
TREATMENTS = {POOLED: {}, SINGLE: WINDOWS}  # settings that differ from the defaults

Arrays = Mapping[str, np.ndarray]  # by session


# --- environments ---------------------------------------------------------------------------------


def make_environment(name: str) -> str | None:
    """Install a program into its environment unless it is installed.

    Returns
    -------
    None, or the reason why it cannot be installed.
    """
    folder, wanted = ENVIRONMENTS / name, HERE / f"{name}.txt"
    done = folder / "installed.txt"
    if done.exists() and done.read_text() == wanted.read_text():
        return None
    python = folder / "bin/python"
    for command in (
        [sys.executable, "-m", "venv", "--clear", folder],
        [python, "-m", "pip", "install", "--quiet", "--no-compile", "-r", wanted],
    ):
        ran = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
        if ran.returncode:
            last = (ran.stderr.strip() or "no message").splitlines()[-1]
            return f"its environment cannot be installed ({last})"
    done.write_text(wanted.read_text())
    return None


def run_script(name: str, inputs: Arrays, folder: Path) -> dict[str, np.ndarray]:
    """Run a program's script in its environment on these arrays; return the arrays it wrote."""
    source, target = folder / "inputs.npz", folder / "outputs.npz"
    np.savez(source, **inputs)
    threads = str(int(inputs["threads"]))
    subprocess.run(
        [ENVIRONMENTS / name / "bin/python", HERE / SCRIPTS[name], source, target],
        env=os.environ | {"OMP_NUM_THREADS": threads, "JAX_PLATFORMS": "cpu"},
        check=True,
    )
    with np.load(target, allow_pickle=False) as arrays:
        return dict(arrays)


# --- inputs and outputs of the programs -----------------------------------------------------------


def inputs_of(data: DataSet, paths: Mapping[str, Path], seed: int) -> dict[str, np.ndarray]:
    """Return the arrays that a program reads."""
    settings = settings_of(data, ALL_VARIANT)
    inputs = {"sessions": len(data.recordings), "seed": seed, "fps": data.recordings[0].fps}
    inputs |= {"anterior": settings["orient"], "posterior": settings["center"]} | BUDGET
    for number, recording in enumerate(data.recordings):
        poses = read_poses(recording.path, "Anipose", recording.fps)
        position = poses.position.isel(individuals=0).transpose("time", "keypoints", "space")
        aligned = open_aligned(paths[recording.session])
        inputs["keypoints"] = np.array(poses.keypoints.values.tolist())
        inputs[f"positions_{number}"] = position.values
        inputs[f"features_{number}"] = np.asarray(aligned.poses)
        inputs[f"usable_{number}"] = aligned.usable
    return {name: np.asarray(value) for name, value in inputs.items()}


def of_sessions(outputs: Arrays, kind: str, sessions: list[str]) -> dict[str, np.ndarray]:
    """Return the arrays `{kind}_{number}` by session; none if the program does not write them."""
    if f"{kind}_0" not in outputs:
        return {}
    return {session: outputs[f"{kind}_{number}"] for number, session in enumerate(sessions)}


def at_windows(frames: Arrays, usable: Arrays, time_window: int) -> dict[str, np.ndarray]:
    """Return values at the centre of each window, unknown if the window is not usable.

    All programs are thus judged on the same frames. Unknown is NaN, or -1 of whole numbers.
    """
    chosen = {}
    for session, own in frames.items():
        known = sliding_window_view(usable[session], time_window).all(axis=1)
        offset = centre_of(time_window)
        chosen[session] = own[offset : offset + len(known)].copy()
        chosen[session][~known] = np.nan if own.dtype.kind == "f" else -1
    return chosen


def merge_rare(motifs: Arrays) -> dict[str, np.ndarray]:
    """Number motifs from 0, and merge those with less than `RARE` of all frames into the last one.

    Frames without a motif (-1) keep that.
    """
    together = np.concatenate(list(motifs.values()))
    names, counts = np.unique(together[together >= 0], return_counts=True)
    frequent = names[counts >= RARE * counts.sum()]
    numbers = np.full(names.max() + 1, len(frequent))
    numbers[frequent] = np.arange(len(frequent))
    return {session: np.where(own >= 0, numbers[own], -1) for session, own in motifs.items()}


# --- scores ---------------------------------------------------------------------------------------


def evaluate_own(motifs: Arrays, data: DataSet, time_window: int) -> dict[str, object]:
    """Score a program's own motifs at the centres of windows, as `behaviour.evaluate` does.

    Beside (block, label, motif) counts: the number of motifs after merging rare ones, median
    duration of a bout in seconds, share of short bouts, and mutual information with sessions.
    """
    offset = centre_of(time_window)
    merged = merge_rare(motifs)
    labels, frames, found = [], {}, []
    for recording in data.recordings:
        own = merged[recording.session]
        label = recording.labels[offset : offset + len(own)]
        frames[recording.session] = np.flatnonzero((own >= 0) & (label != ""))
        labels.append(label[frames[recording.session]])
        found.append(own[frames[recording.session]])
    tables = count_by_block(np.concatenate(labels), np.concatenate(found), blocks_of_frames(frames))
    bouts = np.concatenate([find_bouts(own).frames for own in motifs.values()])
    size = max(int(own.max()) for own in merged.values()) + 1
    usage = np.array([np.bincount(own[own >= 0], minlength=size) for own in merged.values()])
    return {
        OWN: tables,
        "motifs": size,
        "bout": float(np.median(bouts)) / data.recordings[0].fps,
        "short": float((bouts <= SHORT_FRAMES).mean()),
        "sessions": float(mutual_information(usage)),
    }


def score(latents: Arrays, data: DataSet, seed: int, program: str) -> list[dict]:
    """Score motifs of a program's latents, and a probe, with each of `TREATMENTS`."""
    settings = settings_of(data, ALL_VARIANT)
    rows = []
    for treatment, other in TREATMENTS.items():
        found = evaluate(latents, data, settings | other, seed, MOTIFS)
        rows.append({"program": program, "motifs of": treatment, "seed": seed} | found)
    return rows


def run_ours(data: DataSet, paths: Mapping[str, Path], seed: int) -> dict:
    """Score the default network, and principal components of the same windows."""
    started = time.perf_counter()
    settings = settings_of(data, ALL_VARIANT)
    rows = []
    for name, make in (("network", latents_of_network), ("components", latents_of_components)):
        rows += score(make(settings, paths, seed), data, seed, name)
    return {"rows": rows, "seed": seed, "seconds": time.perf_counter() - started}


def run_other(name: str, data: DataSet, paths: Mapping[str, Path], seed: int) -> dict:
    """Run and score one of the other programs with one seed."""
    started = time.perf_counter()
    sessions = [recording.session for recording in data.recordings]
    usable = {session: open_aligned(paths[session]).usable for session in sessions}
    window = settings_of(data, ALL_VARIANT)["time_window"]
    with tempfile.TemporaryDirectory() as folder:
        outputs = run_script(name, inputs_of(data, paths, seed), Path(folder))
    program = str(outputs["version"])
    latents, syllables = (of_sessions(outputs, each, sessions) for each in ("latents", "syllables"))
    rows = []
    if syllables:
        found = evaluate_own(at_windows(syllables, usable, window), data, window)
        rows.append({"program": program, "motifs of": "its own", "seed": seed} | found)
    rows += score(at_windows(latents, usable, window), data, seed, program)
    more = {key: float(outputs[key]) for key in ("kappa",) if key in outputs}
    return {"rows": rows, "seed": seed, "seconds": time.perf_counter() - started} | more


# --- the page -------------------------------------------------------------------------------------

OF_TABLES = MEASURES | {OWN: mutual_information}
COLUMNS = {
    OWN: "NMI, own motifs",
    **{f"nmi {count}": f"NMI, {count} motifs" for count in MOTIFS},
    "f1": "Probe's F1",
    "bout": "Median bout (s)",
    "short": "Short bouts (%)",
    "sessions": "NMI with sessions",
}


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Average scores over seeds for each program and kind of motifs, with intervals over blocks.

    Returns
    -------
    A row per program and kind of motifs; each measure of `OF_TABLES` also has the columns `low`
    `high` as well.
    """
    summary = []
    for (program, kind), group in rows.groupby(["program", "motifs of"], sort=False):
        row = {"program": program, "motifs of": kind, "seeds": len(group)}
        row |= {name: group[name].mean() for name in ("bout", "short", "sessions", "motifs")}
        for name, measure in OF_TABLES.items():
            if name not in group or group[name].isna().any():
                continue
            tables = group[name].tolist()
            blocks = len(tables[0])
            weights = np.random.default_rng(0).multinomial(
                blocks, np.full(blocks, 1 / blocks), size=REPLICATES
            )
            values = [measure(np.tensordot(weights, table, axes=1)) for table in tables]
            low, high = np.quantile(np.mean(values, axis=0), [0.025, 0.975])
            row[name] = float(np.mean([measure(table.sum(axis=0)) for table in tables]))
            row |= {f"{name} low": float(low), f"{name} high": float(high)}
        summary.append(row)
    return pd.DataFrame(summary)


def as_table(summary: pd.DataFrame) -> str:
    """Return a Markdown table; the highest mean of each measure is bold."""
    columns = {name: title for name, title in COLUMNS.items() if name in summary}
    lines = [["", "motifs of", *columns.values()], ["---", "---", *["---:"] * len(columns)]]
    highest = summary[[name for name in columns if name in OF_TABLES and name != OWN]].max()
    seen = set()
    for row in summary.to_dict("records"):
        kind = row["motifs of"] + (f" ({row['motifs']:.0f})" if row.get(OWN, np.nan) >= 0 else "")
        shown = "" if row["program"] in seen else row["program"]
        seen.add(row["program"])
        lines.append([shown, kind, *(_cell(row, name, highest) for name in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row, name, highest):
    if pd.isna(row[name]):
        return "–"
    if name not in OF_TABLES:
        return f"{100 * row[name]:.1f}" if name == "short" else f"{row[name]:.2f}"
    bold = "**" if name in highest and row[name] == highest[name] else ""
    low, high = row[f"{name} low"], row[f"{name} high"]
    return f"{bold}{row[name]:.3f}{bold} ({low:.2f} to {high:.2f})"


def jobs_of(data: DataSet, paths: Mapping[str, Path], programs: list[str], seeds: int) -> list:
    """Return the jobs, the longest first."""
    own = [partial(run_ours, data, paths, seed) for seed in SEEDS[:seeds]]
    order = [name for name in ("moseq", "cebra") if name in programs]
    other = [
        partial(run_other, name, data, paths, seed) for name in order for seed in SEEDS[:seeds]
    ]
    return other + own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder with labelled/sessions.tsv")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/behaviour.md")
    parser.add_argument(
        "--workers", type=int, default=2, help="number of programs that run at a time"
    )
    parser.add_argument("--seeds", type=int, default=len(SEEDS), help="number of seeds")
    arguments = parser.parse_args()
    replace_between(arguments.output.read_text(), "", BEGIN)  # fail now if the page lacks the marks
    data = find_mice(arguments.recordings) if arguments.recordings else None
    if data is None:
        print(f"skipped: labelled/sessions.tsv is not in {arguments.recordings or 'RECORDINGS'}")
        return
    reasons = {name: make_environment(name) for name in SCRIPTS}
    for name, reason in reasons.items():
        if reason:
            print(f"skipped {name}: {reason}")
    programs = [name for name, reason in reasons.items() if not reason]
    if not programs:
        return
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        paths = align(data, settings_of(data, ALL_VARIANT), Path(folder) / "aligned")
        done = compute(jobs_of(data, paths, programs, arguments.seeds), arguments.workers)
    rows = pd.DataFrame([row for each in reversed(done) for row in each["rows"]])
    minutes = (time.perf_counter() - started) / 60
    section = (
        f"{as_table(summarise(rows))}\n\n{arguments.seeds} seeds; {arguments.workers} processes, "
        f"{minutes:.0f} minutes."
    )
    page = arguments.output.read_text()  # read again: it may have been edited meanwhile
    arguments.output.write_text(replace_between(page, section, BEGIN))


if __name__ == "__main__":
    main()
