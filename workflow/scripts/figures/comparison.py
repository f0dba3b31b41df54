"""All models beside each other: held-out errors, baselines, and differences with intervals."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from figures.style import BLUE, GREY, INK, ORANGE, VERMILION, page_figure, paper_style, shorten

ERROR_UNIT = "mean squared error\n(scaled units)"
ERRORS = {"reconstruction": "Held-out reconstruction", "future": "Held-out future"}

# column: label, marker's style; markers differ in shape as well as in colour
BASELINES = {
    "pca_reconstruction": (
        "principal components, as many as latents",
        {"color": ORANGE, "marker": "|", "markersize": 9, "markeredgewidth": 1.6},
    ),
    "pca_future": (
        "principal components, as many as latents",
        {"color": ORANGE, "marker": "|", "markersize": 9, "markeredgewidth": 1.6},
    ),
    "hold_last_frame": (
        "last frame held",
        {"color": VERMILION, "marker": "x", "markersize": 4.5, "markeredgewidth": 1.3},
    ),
}
SEED = {"color": BLUE, "marker": "o", "markersize": 4, "markeredgecolor": "white"}
SEED |= {"markeredgewidth": 0.4}
SESSION = {"color": GREY, "marker": "o", "markersize": 2.2, "alpha": 0.7, "markeredgewidth": 0}
MEAN = {"color": INK, "marker": "D", "markersize": 4}
NO_LINE = {"linestyle": "none"}

LONG_TIMES = ((3 * 3600, 3600, "h"), (180, 60, "min"), (0, 1, "s"))  # from, unit, its name


def draw_comparison(trainings: pd.DataFrame, sessions: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """Of `comparison.csv`, `comparison_sessions.csv` and `comparison_pairs.csv`; a line a model.

    Where there are several models, a second row shows each one's difference to the best, of each
    session and with its interval, where there is one. Panels are labelled (`Axes.get_label`).
    """
    models = list(dict.fromkeys(trainings["model"]))
    several = len(models) > 1
    rows = 2 if several else 1
    columns = 3 if several else 4
    with paper_style():
        figure = page_figure(height_mm=rows * (26 + 6.5 * len(models)) + 8)
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        panels = list(grid.flat)
        order = [*ERRORS, "active_latents", *(f"{name}_difference" for name in ERRORS)]
        order = [*(order if several else order[:3]), "training_seconds"]
        for axes, name in zip(panels, order, strict=True):
            axes.set_label(name)
            if name in ERRORS:
                _draw_errors(axes, trainings, models, name)
            elif name.endswith("_difference"):
                measure = name.removesuffix("_difference")
                _draw_differences(axes, trainings, sessions, pairs, models, measure)
            elif name == "active_latents":
                _draw_active(axes, trainings, models)
            else:
                _draw_seconds(axes, trainings, models)
            axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        for axes in grid[:, 0]:
            axes.set_yticks(range(len(models)), [shorten(name, 24) for name in models])
            axes.set_ylim(len(models) - 0.5, -0.5)  # the first model on top
        figure.get_layout_engine().set(wspace=0.04, hspace=0.08)
        _draw_legend(figure, trainings, several)
    return figure


def _draw_errors(axes: Axes, trainings: pd.DataFrame, models: list[str], measure: str) -> None:
    baselines = [f"pca_{measure}"] + ["hold_last_frame"] * (measure == "future")
    for line, model in enumerate(models):
        own = trainings[trainings["model"] == model]
        if own[measure].isna().all():
            _say(axes, line, f"no {measure}")
            continue
        for name in baselines:
            label, style = BASELINES[name]
            axes.plot(own[name].mean(), line, label=label, **style, **NO_LINE)
        _dots(axes, own[measure], line, "one seed", SEED)
    axes.set_title(ERRORS[measure])
    axes.set_xlabel(ERROR_UNIT)
    largest = trainings[[measure, *baselines]].max().max()
    axes.set_xlim(0, 1.06 * largest if largest > 0 else 1)


def _draw_active(axes: Axes, trainings: pd.DataFrame, models: list[str]) -> None:
    for line, model in enumerate(models):
        own = trainings[trainings["model"] == model]
        axes.plot(
            own["zdims"].iloc[0], line, label="all latents",
            color=GREY, marker="|", markersize=9, **NO_LINE,
        )  # fmt: skip
        _dots(axes, own["active_latents"], line, "one seed", SEED)
    axes.set_title("Active latents")
    axes.set_xlabel("latents\n(grey: all there are)")
    axes.set_xlim(0, 1.08 * trainings["zdims"].max())


def _draw_seconds(axes: Axes, trainings: pd.DataFrame, models: list[str]) -> None:
    longest = trainings["training_seconds"].max()
    unit, name = next((unit, name) for start, unit, name in LONG_TIMES if longest >= start)
    for line, model in enumerate(models):
        own = trainings.loc[trainings["model"] == model, "training_seconds"]
        _dots(axes, own / unit, line, "one seed", SEED)
    axes.set_title("Training time")
    axes.set_xlabel(f"time ({name})")
    axes.set_xlim(0, 1.08 * longest / unit or 1)


def _draw_differences(
    axes: Axes,
    trainings: pd.DataFrame,
    sessions: pd.DataFrame,
    pairs: pd.DataFrame,
    models: list[str],
    measure: str,
) -> None:
    """Each model's error minus the lowest one, among the models that share the commonest window."""
    axes.set_title(f"{measure.capitalize()}, minus the best's")
    axes.set_xlabel("difference of errors\n(scaled units)")
    errors = {
        model: own.groupby("session")[measure].mean()
        for model, own in sessions.dropna(subset=[measure]).groupby("model", sort=False)
    }
    if not errors:
        axes.set_xlim(-1, 1)
        for line in range(len(models)):
            _say(axes, line, f"no {measure}")
        return
    over = trainings.groupby("model")[f"{measure}_over"].first()[list(errors)]
    comparable = over[over == over.mode()[0]].index
    best = min(comparable, key=lambda model: errors[model].mean())
    won = trainings.loc[trainings["model"] == best, "best_of_all_in"].iloc[0]
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    for line, model in enumerate(models):
        if model == best:
            axes.plot(0, line, label="best", **MEAN, **NO_LINE)
            certain = measure in str(won).split(", ")
            _say(axes, line, "better than all others" if certain else "lowest error")
            continue
        if model not in errors:
            _say(axes, line, f"no {measure}")
            continue
        if model not in comparable:
            _say(axes, line, "other frames")
            continue
        pair, sign = _pair(pairs, measure, model, best)
        _dots(axes, errors[model] - errors[best], line, "one session", SESSION)
        ends = sorted([sign * pair["low"], sign * pair["high"]])
        axes.plot(ends, [line, line], color=INK, linewidth=1.4, label="95% interval")
        axes.plot(sign * pair["difference"], line, label="mean", **MEAN, **NO_LINE)
        if pd.isna(pair["low"]):
            _say(axes, line, f"{pair['sessions']:.0f} sessions: no interval", below=True)


def _pair(pairs: pd.DataFrame, measure: str, model: str, best: str) -> tuple[pd.Series, int]:
    """The pair's row, and the sign that makes its difference that of `model` to `best`."""
    own = pairs[pairs["measure"] == measure]
    forward = own[(own["model"] == model) & (own["other"] == best)]
    if len(forward):
        return forward.iloc[0], 1
    return own[(own["model"] == best) & (own["other"] == model)].iloc[0], -1


def _dots(axes: Axes, values: pd.Series, line: int, label: str, style: dict) -> None:
    """The values on one line, moved apart up and down by a little, the same way every time."""
    values = values.dropna().to_numpy()
    spread = 0.16 * np.linspace(-1, 1, len(values)) if len(values) > 1 else np.zeros(len(values))
    axes.plot(values, line + spread, label=label, **style, **NO_LINE)


def _say(axes: Axes, line: int, text: str, below: bool = False) -> None:
    axes.annotate(
        text, (0.98, line + 0.36 * below), xycoords=axes.get_yaxis_transform(),
        color=GREY, ha="right", va="center", fontsize=6,
    )  # fmt: skip


def _draw_legend(figure: Figure, trainings: pd.DataFrame, several: bool) -> None:
    baselines = ["pca_reconstruction"]
    baselines += ["hold_last_frame"] * bool(trainings["future"].notna().any())
    entries = [("one seed", SEED), *(BASELINES[name] for name in baselines)]
    if several:
        entries += [("mean and 95% interval", MEAN), ("one session", SESSION)]
    handles = [Line2D([], [], label=label, **style, **NO_LINE) for label, style in entries]
    figure.legend(
        handles=handles, loc="outside upper left", ncols=len(handles),
        handletextpad=0.3, columnspacing=1.4, borderaxespad=0.2,
    )  # fmt: skip
