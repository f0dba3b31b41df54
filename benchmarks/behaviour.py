"""Compare motifs with behaviours that people labelled: `make bench-behaviour`.

Trains a network on labelled recordings under VAME's preset, under the defaults, and under the
parts of the defaults one at a time, and writes the tables and the figure of `docs/behaviour.md`.
Principal components of the same windows are the baseline, with the same pooling and segmentation.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from fidelity import (
    DEFAULTS,
    PRESET,
    ROOT,
    Recording,
    compute,
    replace_between,
    simulate_demo,
    train_chosen,
)
from formats.aligned import open_aligned, save_aligned
from formats.labels import read_labels
from formats.motifs import centre_of
from motif_analysis.agreement import mutual_information
from motif_analysis.baselines import SHORT_FRAMES, component_latents
from motif_analysis.bouts import find_bouts
from motif_analysis.labels import at_frames
from motif_analysis.latents import find_known
from motif_analysis.scores import (
    PROBE_WINDOWS,
    blocks_of_frames,
    count_by_block,
    macro_f1,
    probe,
    score_sessions,
)
from motif_analysis.segmentation import fit_segmenter
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.reading import read_poses
from pose_prep.splitting import SplitSettings, write_dataset
from vame_core.embedding import embed, windows_of

BEGIN = "<!-- written by make bench-behaviour: begin -->"
SEEDS = (0, 1, 2)
MOTIFS = (8, 15, 30)
SHOWN_MOTIFS = 15  # number of motifs for bouts, sessions and the figure
MOTIF_WINDOWS = 20_000
REPLICATES = 1_000
NETWORK, COMPONENTS = "network", "principal components"
FIGURE_OF = "six mice"

# Half the default's width, so that all trainings together take less than an hour.
HALF = dict.fromkeys(("hidden_size_layer_1", "hidden_size_rec", "hidden_size_pred"), 128)

# --- variants and recordings ----------------------------------------------------------------------

POSTURE = {"scale": "none", "motion_features": []}
WINDOWS = {"pooling_seconds": [], "expected_bout_seconds": 0}


def posture_settings(*parts: str) -> dict:
    """Return settings for posture alone and motifs of single windows, except for these parts."""
    return {key: value for key, value in (POSTURE | WINDOWS).items() if key not in parts}


# Keys of the preset that are not compared. All variants train with the default recipe: that of the
# preset is meant for far longer trainings.
RECIPE = (
    *("batch_size", "learning_rate", "scheduler", "max_epochs", "steps_per_epoch"),
    *("model_convergence", "model_snapshot"),
)
PRESET_VARIANT, POSTURE_VARIANT, ALL_VARIANT = "VAME's preset", "posture alone", "the defaults"
VARIANTS = {
    PRESET_VARIANT: {
        key: value
        for key, value in PRESET.items()
        if key not in RECIPE and value != DEFAULTS.get(key)
    },
    POSTURE_VARIANT: posture_settings(),
    "+ motion features": posture_settings("motion_features"),
    "+ body lengths": posture_settings("scale"),
    "+ pooling over time": posture_settings("pooling_seconds"),
    "+ cost of a change": posture_settings("expected_bout_seconds"),
    ALL_VARIANT: {},
    "defaults, scaling per feature": {"scaling": "per_feature"},
}


@dataclass(frozen=True)
class DataSet:
    """Hold labelled recordings and the settings that they need.

    Attributes
    ----------
    settings
        reference keypoints, and the size of network and training
    animals
        by session
    """

    name: str
    settings: dict
    recordings: list[Recording]
    animals: dict[str, str]


def find_mice(folder: Path) -> DataSet | None:
    """Find the six mice in 3D (Kwon et al. 2024, SUBTLE), in labelled/ of the folder."""
    sheet = folder / "labelled/sessions.tsv"
    if not sheet.exists():
        return None
    recordings, animals = [], {}
    for row in pd.read_csv(sheet, sep="\t").itertuples():
        path, labels = (sheet.parent / Path(name).name for name in (row.poses, row.labels))
        recordings.append(Recording(row.session, path, float(row.fps), read_column(labels)))
        animals[row.session] = row.animal
    settings = {"center": "anus", "orient": "neck", "vertical_axis": "z", "steps_per_epoch": 100}
    return DataSet("six mice", settings | HALF, recordings, animals)


def find_freezing(folder: Path) -> DataSet | None:
    """Find the mouse whose freezing is labelled (Gabriel et al. 2022, BehaviorDEPOT)."""
    path = folder / "demo2_tracking.csv"
    if not path.exists():
        return None
    labels = read_column(path.with_suffix(".labels.csv"))
    settings = {"center": "tailbase", "orient": "nose", "exclude_keypoints": ["LED"]}
    recording = Recording("demo2", path, 30.0, labels)
    settings |= {"pose_confidence": 0.6, "steps_per_epoch": 30}
    return DataSet("freezing", settings | HALF, [recording], {"demo2": "mouse"})


def read_column(path: Path) -> np.ndarray:
    return read_labels(path, len(pd.read_csv(path)), 1.0, 1.0)


def make_demo(folder: Path) -> DataSet:
    """Simulate recordings, with the settings of config/config.yaml."""
    demo = simulate_demo(folder)
    settings = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    return DataSet(
        "demo", settings, demo.recordings, {r.session: r.session for r in demo.recordings}
    )


def settings_of(data: DataSet, variant: str) -> dict:
    """Return all settings of a variant for this data set."""
    own = {key: value for key, value in data.settings.items() if key not in VARIANTS[variant]}
    settings = DEFAULTS | {"max_epochs": 10, "device": "cpu"} | own | VARIANTS[variant]
    settings["max_epochs"] += "skip_last_epoch" in settings["vame_quirks"]
    return settings


def only(kind: type, settings: Mapping) -> object:
    return kind(**{each.name: settings[each.name] for each in fields(kind)})


# --- one training, and its motifs -----------------------------------------------------------------


def align(data: DataSet, settings: dict, folder: Path) -> dict[str, Path]:
    """Write each session's aligned poses."""
    paths = {}
    folder.mkdir(parents=True)
    for recording in data.recordings:
        software = "DeepLabCut" if data.name != "six mice" else "Anipose"
        poses = read_poses(recording.path, software, recording.fps)
        paths[recording.session] = folder / f"{recording.session}.npz"
        save_aligned(
            align_recording(poses, only(AlignmentSettings, settings)), paths[recording.session]
        )
    return paths


def train_network(settings: dict, paths: dict[str, Path], seed: int):
    """Train on these sessions.

    Returns
    -------
    The model, the description of its dataset, and the epoch that was chosen.
    """
    with tempfile.TemporaryDirectory() as folder:
        description = write_dataset(
            paths,
            dict.fromkeys(paths, ""),
            only(SplitSettings, settings),
            {side: Path(folder) / f"{side}.npy" for side in ("train", "test")},
        )
        model, _, epoch = train_chosen(settings, Path(folder), description, seed)
    return model, description, epoch


def latents_of_network(settings: dict, paths: dict[str, Path], seed: int) -> dict[str, np.ndarray]:
    """Train on these sessions, and embed each of them."""
    model, description, _ = train_network(settings, paths, seed)
    return embed_sessions(model, description, paths)


def embed_sessions(model, description: dict, paths: dict[str, Path]) -> dict[str, np.ndarray]:
    """Return (window, latent) of each session, NaN where a window is not usable."""
    latents = {}
    for session, path in paths.items():
        aligned = open_aligned(path)
        batches = embed(model, aligned.poses, aligned.usable, description["scaling"])
        latents[session] = np.concatenate(list(batches))
        assert len(latents[session]) == windows_of(aligned.poses, model)
    return latents


def latents_of_components(
    settings: dict, paths: dict[str, Path], seed: int
) -> dict[str, np.ndarray]:
    """Return principal components of the same windows, as many as the network has latents."""
    aligned = {session: open_aligned(path) for session, path in paths.items()}
    rng = np.random.default_rng(seed)
    return component_latents(aligned, settings["time_window"], settings["zdims"], rng)


def evaluate(
    latents: Mapping[str, np.ndarray],
    data: DataSet,
    settings: dict,
    seed: int,
    counts: Iterable[int],
) -> dict[str, object]:
    """Compare motifs of these latents with the labels.

    Returns
    -------
    (block, label, motif) counts by number of motifs, (block, label, predicted label) counts of the
    probe if there are several animals, share of bouts of at most `SHORT_FRAMES`, median duration of
    a bout in seconds, and normalised mutual information between motifs and sessions.
    """
    fps, offset = data.recordings[0].fps, centre_of(settings["time_window"])
    labels = {recording.session: recording.labels for recording in data.recordings}
    windows = {}
    for session, own in latents.items():
        labelled = labels[session][offset : offset + len(own)] != ""
        windows[session] = np.flatnonzero(find_known(own) & labelled)
    frames = {session: own + offset for session, own in windows.items()}
    truth, blocks = at_frames(labels, frames), blocks_of_frames(frames)
    row: dict[str, object] = {}
    for count in counts:
        chosen = settings | {"motif_seed": seed, "motif_windows": MOTIF_WINDOWS}
        segmenter = fit_segmenter(latents, "kmeans", count, settings["time_window"], fps, chosen)
        motifs = {session: segmenter.label(own) for session, own in latents.items()}
        row[f"nmi {count}"] = count_by_block(truth, at_frames(motifs, windows), blocks)
        if count == SHOWN_MOTIFS:
            bouts = np.concatenate([find_bouts(own).frames for own in motifs.values()])
            row["short"] = float((bouts <= SHORT_FRAMES).mean())
            row["bout"] = float(np.median(bouts)) / fps
            sessions = [{"session": s, "animal": s, "group": ""} for s in latents]
            scores = score_sessions(latents, segmenter, sessions, np.random.default_rng(seed))
            row["sessions"] = scores.get("session", {}).get("value", np.nan)
            animals = sorted(set(data.animals.values()))
            of_frames = np.concatenate(
                [np.full(len(own), animals.index(data.animals[s])) for s, own in frames.items()]
            )
            keep = np.sort(np.random.default_rng(seed).permutation(len(truth))[:PROBE_WINDOWS])
            points = segmenter.pooling.take(latents, windows)[keep]
            predicted = probe(points, truth[keep], of_frames[keep])
            if predicted is not None:
                row["f1"] = count_by_block(truth[keep], predicted, blocks[keep])
    return row


def run_training(
    data: DataSet, variants: list[str], points: str, paths: dict[str, Path], seed: int
) -> dict:
    """Train once for all variants that differ only in their motifs."""
    started = time.perf_counter()
    settings = settings_of(data, variants[0])
    make = {NETWORK: latents_of_network, COMPONENTS: latents_of_components}[points]
    latents = make(settings, paths, seed)
    rows = []
    for variant in variants:
        found = evaluate(latents, data, settings_of(data, variant), seed, MOTIFS)
        rows.append({"variant": variant, "points": points, "seed": seed} | found)
    return {
        "data": data.name,
        "points": points,
        "seed": seed,
        "variants": ", ".join(variants),
        "seconds": time.perf_counter() - started,
        "rows": rows,
    }


def prepare(data: DataSet, folder: Path) -> list[Callable[[], dict]]:
    """Align the recordings for each variant, and list the trainings."""
    used = set(DEFAULTS) - set(WINDOWS)
    trainings: dict[str, list[str]] = {}
    for variant in VARIANTS:
        key = repr({name: settings_of(data, variant)[name] for name in sorted(used)})
        trainings.setdefault(key, []).append(variant)
    jobs = []
    for number, variants in enumerate(trainings.values()):
        paths = align(data, settings_of(data, variants[0]), folder / str(number))
        jobs += [
            partial(run_training, data, variants, points, paths, seed)
            for seed in SEEDS
            for points in (NETWORK, COMPONENTS)
        ]
    return jobs


# --- the page -------------------------------------------------------------------------------------

MEASURES = {f"nmi {count}": mutual_information for count in MOTIFS} | {"f1": macro_f1}
COLUMNS = {
    **{f"nmi {count}": f"NMI, {count} motifs" for count in MOTIFS},
    "f1": "Probe's F1",
    "bout": "Median bout (s)",
    "short": "Short bouts (%)",
    "sessions": "NMI with sessions",
}


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Average scores over seeds for each variant and kind of points, with intervals over blocks.

    Returns
    -------
    A row per variant and kind of points, with the columns of `COLUMNS`. Measures also have the
    columns `low` and `high`, and for the network `lead_low` and `lead_high`, the interval of its
    difference from components.
    """
    found = []
    for variant, group in rows.groupby("variant", sort=False):
        replicates = {}
        for points, own in group.groupby("points", sort=False):
            row = {"variant": variant, "points": points}
            row |= {name: own[name].mean() for name in ("bout", "short", "sessions")}
            for name, measure in MEASURES.items():
                if name not in own or own[name].isna().any():
                    continue
                tables = own[name].tolist()
                rng = np.random.default_rng(0)  # the same blocks for both kinds of points
                weights = rng.multinomial(
                    len(tables[0]), np.full(len(tables[0]), 1 / len(tables[0])), size=REPLICATES
                )
                replicates[name, points] = np.mean(
                    [measure(np.tensordot(weights, table, axes=1)) for table in tables], axis=0
                )
                row[name] = float(np.mean([measure(table.sum(axis=0)) for table in tables]))
                row |= _interval(name, "", replicates[name, points])
                if (name, NETWORK) in replicates and points == COMPONENTS:
                    lead = replicates[name, NETWORK] - replicates[name, COMPONENTS]
                    found[-1] |= _interval(name, "lead_", lead)
            found.append(row)
    return pd.DataFrame(found)


def _interval(name, kind, values):
    low, high = np.quantile(values, [0.025, 0.975])
    return {f"{name} {kind}low": float(low), f"{name} {kind}high": float(high)}


def as_table(summary: pd.DataFrame) -> str:
    """Return a Markdown table; bold where the interval of the network's lead is above 0."""
    columns = {name: title for name, title in COLUMNS.items() if name in summary}
    columns = {name: title for name, title in columns.items() if summary[name].notna().any()}
    lines = [["", "", *columns.values()], ["---", "---", *["---:"] * len(columns)]]
    for row in summary.to_dict("records"):
        shown = row["variant"] if row["points"] == NETWORK else ""
        lines.append([shown, row["points"], *(_cell(row, name) for name in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row, name):
    if name == "short":
        return f"{100 * row[name]:.1f}"
    if name not in MEASURES:
        return f"{row[name]:.2f}"
    bold = "**" if row.get(f"{name} lead_low", np.nan) > 0 else ""
    low, high = row[f"{name} low"], row[f"{name} high"]
    return f"{bold}{row[name]:.3f}{bold} ({low:.2f} to {high:.2f})"


def plot(summary: pd.DataFrame, path: Path) -> None:
    """Plot the mutual information of motifs and labels and the probe's F1 of every variant."""
    import matplotlib as mpl  # noqa: PLC0415  only this process plots

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    variants = list(dict.fromkeys(summary["variant"]))
    shown = {
        f"nmi {SHOWN_MOTIFS}": "Mutual information\nof motifs and labels",
        "f1": "F1 of a linear probe",
    }
    figure, axes = plt.subplots(1, len(shown), figsize=(8, 3), sharey=True, layout="constrained")
    for axis, (name, title) in zip(axes, shown.items(), strict=True):
        for points, color, shift in ((NETWORK, "#1f77b4", -0.12), (COMPONENTS, "#999999", 0.12)):
            own = summary[summary["points"] == points].set_index("variant").loc[variants]
            at = np.arange(len(variants)) + shift
            axis.hlines(at, own[f"{name} low"], own[f"{name} high"], color=color, lw=1.5)
            axis.plot(own[name], at, "o", color=color, ms=5, label=points)
        axis.set_xlabel(title)
        axis.grid(axis="x", lw=0.4)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(np.arange(len(variants)), variants)
    axes[0].invert_yaxis()
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper right", ncols=2, frameon=False)
    figure.savefig(path, dpi=200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder with labelled/ and demo2_tracking")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/behaviour.md")
    parser.add_argument(
        "--workers", type=int, default=2, help="number of processes with one thread each"
    )
    arguments = parser.parse_args()
    replace_between(arguments.output.read_text(), "", BEGIN)  # fail now if the page lacks the marks
    started = time.perf_counter()
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo recordings"
        demo.mkdir()
        found = [make_demo(demo)]
        for find in (find_freezing, find_mice) if arguments.recordings else ():
            found.append(find(arguments.recordings))
            if found[-1] is None:
                print(f"skipped: {arguments.recordings} lacks the recordings for {find.__name__}")
        for data in [data for data in reversed(found) if data]:
            jobs = prepare(data, Path(folder) / data.name)
            rows = [row for done in compute(jobs, arguments.workers) for row in done["rows"]]
            summary = summarise(pd.DataFrame(rows))
            sections += [f"### {data.name.capitalize()}", as_table(summary)]
            if data.name == FIGURE_OF:
                plot(summary, arguments.output.with_suffix(".png"))
    minutes = (time.perf_counter() - started) / 60
    sections.append(
        f"{len(SEEDS)} seeds; {arguments.workers} processes of one thread each, {minutes:.0f} "
        f"minutes; Python {platform.python_version()}, torch {torch.__version__}."
    )
    page = arguments.output.read_text()  # read again: it may have been edited meanwhile
    arguments.output.write_text(replace_between(page, "\n\n".join(sections), BEGIN))


if __name__ == "__main__":
    main()
