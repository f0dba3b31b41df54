"""Measure how many training steps motifs need: `make bench-budget`.

Trains the default network for different numbers of steps, and writes the tables and the figure of
docs/behaviour.md from which the default number was chosen: errors on held-out windows, and scores
of motifs and of a probe against labelled behaviours, for the network and for principal components.

All trainings take many hours. Each is added to benchmarks/results-budget.csv when it ends, and is
not repeated as long as it is listed there: delete its line, or the file, after a change of the
defaults.
"""

import argparse
import platform
import tempfile
from functools import partial
from pathlib import Path

import pandas as pd
import torch
from behaviour import (
    ALL_VARIANT,
    HALF,
    MEASURES,
    SHOWN_MOTIFS,
    DataSet,
    align,
    embed_sessions,
    evaluate,
    find_mice,
    latents_of_components,
    make_demo,
    settings_of,
    train_network,
)
from fidelity import ROOT, compute, find_clips, mean_and_range, replace_between

BEGIN = "<!-- written by make bench-budget: begin -->"
RESULTS = ROOT / "benchmarks/results-budget.csv"
STEPS = (500, 1000, 2000, 4000)
EPOCHS = 20  # per training
COMPONENTS = "components"  # instead of a number of steps
LABELLED = {f"nmi {SHOWN_MOTIFS}": f"NMI, {SHOWN_MOTIFS} motifs", "f1": "Probe's F1"}
COLUMNS = {
    "reconstruction": "Reconstruction, held out",
    "train_reconstruction": "on training windows",
    "future": "Future, held out",
    **LABELLED,
}
KEPT = ["data", "steps", "seed", "chosen", *COLUMNS]


def find_all(recordings: Path | None, folder: Path) -> list[DataSet]:
    """Find the demo, the labelled mice, and two clips of B-SOID without labels."""
    found: list[DataSet | None] = [make_demo(folder)]
    mice, clips = (find_mice(recordings), find_clips(recordings)) if recordings else (None, None)
    if mice:
        settings = {key: value for key, value in mice.settings.items() if key not in HALF}
        found.append(DataSet(mice.name, settings, mice.recordings, mice.animals))
    if clips:
        settings = {"center": clips.center, "orient": clips.orient}
        animals = {recording.session: "mouse" for recording in clips.recordings}
        found.append(DataSet(clips.name, settings, clips.recordings, animals))
    return [data for data in found if data]


def run(data: DataSet, paths: dict[str, Path], steps: str, seed: int) -> dict:
    """Train for a number of steps, and measure the epoch that is chosen."""
    settings = settings_of(data, ALL_VARIANT)
    row: dict = {"data": data.name, "steps": steps, "seed": seed}
    if steps == COMPONENTS:
        latents = latents_of_components(settings, paths, seed)
    else:
        settings |= {"max_epochs": EPOCHS, "steps_per_epoch": int(steps) // EPOCHS}
        model, description, epoch = train_network(settings, paths, seed)
        row |= {
            "chosen": epoch.epoch / EPOCHS,
            "reconstruction": epoch.test.terms.reconstruction,
            "train_reconstruction": epoch.train.reconstruction,
            "future": epoch.test.terms.future,
        }
        latents = embed_sessions(model, description, paths) if is_labelled(data) else {}
    if latents:
        found = evaluate(latents, data, settings, seed, (SHOWN_MOTIFS,))
        row |= {name: float(MEASURES[name](found[name].sum(axis=0))) for name in LABELLED}
    rows = pd.DataFrame([row])
    rows.reindex(columns=KEPT).to_csv(RESULTS, mode="a", header=not RESULTS.exists(), index=False)
    return row


def is_labelled(data: DataSet) -> bool:
    return all(recording.labels is not None for recording in data.recordings)


def read_results() -> pd.DataFrame:
    """Read all trainings so far, one per row."""
    if not RESULTS.exists():
        return pd.DataFrame(columns=KEPT)
    return pd.read_csv(RESULTS, dtype={"steps": str})


def as_table(rows: pd.DataFrame) -> str:
    """Return a Markdown table, one line per number of steps: means over seeds ± half the range."""
    columns = {name: title for name, title in COLUMNS.items() if rows[name].notna().any()}
    lines = [["Steps", "Seeds", *columns.values()], ["---:", "---:", *["---:"] * len(columns)]]
    for steps, group in rows.groupby("steps", sort=False):
        cells = (mean_and_range(group[name], name) for name in columns)
        lines.append([steps, str(len(group)), *cells])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plot(rows: pd.DataFrame, path: Path) -> None:
    """Plot errors and scores of each data set against the number of steps."""
    import matplotlib as mpl  # noqa: PLC0415  only this process plots

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    shown = {name: COLUMNS[name] for name in ("reconstruction", "future", *LABELLED)}
    figure, axes = plt.subplots(1, len(shown), figsize=(10, 2.6), layout="constrained")
    for axis, (name, title) in zip(axes, shown.items(), strict=True):
        for label, group in rows.groupby("data", sort=False):
            if group[name].isna().all():
                continue
            trained = group[group["steps"] != COMPONENTS].astype({"steps": int})
            by_steps = trained.groupby("steps")[name]
            mean = by_steps.mean()
            line = axis.plot(mean.index, mean, "o-", ms=4, label=label)[0]
            color = line.get_color()
            axis.fill_between(
                mean.index, by_steps.min(), by_steps.max(), color=color, alpha=0.2, lw=0
            )
            components = group.loc[group["steps"] == COMPONENTS, name].mean()
            axis.axhline(components, color=color, lw=1, ls=":")  # NaN gives no line
        axis.set(xscale="log", xlabel="training steps", title=title)
        axis.set_xticks(sorted(set(map(int, set(rows["steps"]) - {COMPONENTS}))), minor=False)
        axis.get_xaxis().set_major_formatter("{x:.0f}")
        axis.minorticks_off()
        axis.spines[["top", "right"]].set_visible(False)
        axis.title.set_fontsize("medium")
    axes[0].legend(frameon=False, fontsize="small")
    figure.savefig(path, dpi=200)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recordings", type=Path, help="folder with labelled/ and raw_clip*.csv")
    parser.add_argument("--output", type=Path, default=ROOT / "docs/behaviour.md")
    parser.add_argument("--data", nargs="+", help="names of data sets (default: all)")
    parser.add_argument("--steps", type=int, nargs="*", default=STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument(
        "--workers", type=int, default=2, help="number of processes with one thread each"
    )
    arguments = parser.parse_args()
    replace_between(arguments.output.read_text(), "", BEGIN)  # fail now if the page lacks the marks
    done = set(read_results()[["data", "steps", "seed"]].itertuples(index=False, name=None))
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo recordings"
        demo.mkdir()
        jobs = []
        for number, data in enumerate(find_all(arguments.recordings, demo)):
            if data.name not in (arguments.data or [data.name]):
                continue
            paths = align(data, settings_of(data, ALL_VARIANT), Path(folder) / str(number))
            kinds = [*map(str, arguments.steps), *([COMPONENTS] if is_labelled(data) else [])]
            wanted = [(kind, seed) for seed in arguments.seeds for kind in kinds]
            jobs += [
                partial(run, data, paths, kind, seed)
                for kind, seed in wanted
                if (data.name, kind, seed) not in done
            ]
        compute(jobs, arguments.workers)
    write_page(arguments.output)


def write_page(path: Path) -> None:
    """Write the tables of all trainings so far into the page, and the figure next to it."""
    rows = read_results()
    number = pd.to_numeric(
        rows["steps"], errors="coerce"
    )  # components become NaN, which is sorted last
    rows = rows.loc[number.sort_values(kind="stable").index]
    sections = []
    for name, group in rows.groupby("data", sort=False):
        sections += [f"### {name.capitalize()}", as_table(group)]
    versions = f"Python {platform.python_version()}, torch {torch.__version__}"
    sections.append(f"Processes of one thread each; {versions}.")
    plot(rows, path.with_name("budget.png"))
    path.write_text(replace_between(path.read_text(), "\n\n".join(sections), BEGIN))


if __name__ == "__main__":
    main()
