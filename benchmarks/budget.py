"""How much training motifs need: `make bench-budget`.

Trains the default network for different numbers of steps, and writes the table and the figure of
docs/behaviour.md that the default number was chosen by: errors on held-out windows, and what motifs
and a probe tell of labelled behaviours.
"""

import argparse
import os
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
    draw_demo,
    embed_sessions,
    evaluate,
    find_mice,
    settings_of,
    train_network,
)
from fidelity import ROOT, compute, find_clips, mean_and_range, replace_between

BEGIN = "<!-- written by make bench-budget: begin -->"
STEPS = (500, 1000, 2000, 4000)
EPOCHS = 20  # of each training
LABELLED = {f"nmi {SHOWN_MOTIFS}": f"NMI, {SHOWN_MOTIFS} motifs", "f1": "Probe's F1"}
COLUMNS = {
    "reconstruction": "Reconstruction, held out",
    "train_reconstruction": "on training windows",
    "future": "Future, held out",
    **LABELLED,
}


def find_all(recordings: Path | None, folder: Path) -> list[DataSet]:
    """The demo, the labelled mice, and two clips of B-SOID without labels, where they are."""
    found: list[DataSet | None] = [draw_demo(folder)]
    mice, clips = (find_mice(recordings), find_clips(recordings)) if recordings else (None, None)
    if mice:
        settings = {key: value for key, value in mice.settings.items() if key not in HALF}
        found.append(DataSet(mice.name, settings, mice.recordings, mice.animals))
    if clips:
        settings = {"center": clips.center, "orient": clips.orient}
        animals = {recording.session: "mouse" for recording in clips.recordings}
        found.append(DataSet(clips.name, settings, clips.recordings, animals))
    return [data for data in found if data]


def run(data: DataSet, paths: dict[str, Path], steps: int, seed: int) -> dict:
    """Train for so many steps; the errors are those of the epoch that is chosen."""
    settings = settings_of(data, ALL_VARIANT)
    settings |= {"max_epochs": EPOCHS, "steps_per_epoch": steps // EPOCHS}
    model, description, epoch = train_network(settings, paths, seed)
    row = {
        "data": data.name,
        "steps": str(steps),
        "seed": seed,
        "chosen": epoch.epoch / EPOCHS,
        "reconstruction": epoch.test.terms.reconstruction,
        "train_reconstruction": epoch.train.reconstruction,
        "future": epoch.test.terms.future,
    }
    if all(recording.labels is not None for recording in data.recordings):
        latents = embed_sessions(model, description, paths)
        found = evaluate(latents, data, settings, seed, (SHOWN_MOTIFS,))
        row |= {name: float(MEASURES[name](found[name].sum(axis=0))) for name in LABELLED}
    return row


def as_table(rows: pd.DataFrame) -> str:
    """A Markdown table, one line per number of steps: means over seeds ± half the range."""
    columns = {name: title for name, title in COLUMNS.items() if rows[name].notna().any()}
    lines = [["Steps", *columns.values()], ["---:", *["---:"] * len(columns)]]
    for steps, group in rows.groupby("steps", sort=False):
        lines.append([steps, *(mean_and_range(group[name], name) for name in columns)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def plot(rows: pd.DataFrame, path: Path) -> None:
    """Draw errors and scores of each data set by the number of steps."""
    import matplotlib as mpl  # noqa: PLC0415  only this process draws

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    shown = {name: COLUMNS[name] for name in ("reconstruction", "future", *LABELLED)}
    figure, axes = plt.subplots(1, len(shown), figsize=(10, 2.6), layout="constrained")
    for axis, (name, title) in zip(axes, shown.items(), strict=True):
        for label, group in rows.groupby("data", sort=False):
            if group[name].isna().all():
                continue
            by_steps = group.astype({"steps": int}).groupby("steps")[name]
            mean = by_steps.mean()
            line = axis.plot(mean.index, mean, "o-", ms=4, label=label)[0]
            axis.fill_between(
                mean.index, by_steps.min(), by_steps.max(), color=line.get_color(), alpha=0.2, lw=0
            )
        axis.set(xscale="log", xlabel="training steps", title=title)
        axis.set_xticks(sorted(set(rows["steps"].astype(int))), minor=False)
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
    parser.add_argument("--steps", type=int, nargs="+", default=STEPS)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--workers", type=int, default=2, help="processes, of one thread each")
    arguments = parser.parse_args()
    replace_between(arguments.output.read_text(), "", BEGIN)  # a page without marks fails now
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo recordings"
        demo.mkdir()
        jobs = []
        for number, data in enumerate(find_all(arguments.recordings, demo)):
            paths = align(data, settings_of(data, ALL_VARIANT), Path(folder) / str(number))
            jobs += [
                partial(run, data, paths, steps, seed)
                for steps in arguments.steps
                for seed in arguments.seeds
            ]
        rows = pd.DataFrame(compute(jobs, arguments.workers))
    rows = rows.reindex(columns=[*rows, *(name for name in LABELLED if name not in rows)])
    sections = []
    for name, group in rows.groupby("data", sort=False):
        sections += [f"### {name.capitalize()}", as_table(group)]
    sections.append(
        f"{len(arguments.seeds)} seeds; {arguments.workers} processes of one thread each on "
        f"{os.cpu_count()} cores; Python {platform.python_version()}, torch {torch.__version__}."
    )
    plot(rows, arguments.output.with_name("budget.png"))
    page = arguments.output.read_text()
    arguments.output.write_text(replace_between(page, "\n\n".join(sections), BEGIN))


if __name__ == "__main__":
    main()
