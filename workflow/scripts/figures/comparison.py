"""All models compared: held-out errors, baselines, and differences with intervals."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from figures.style import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    VERMILION,
    legend_outside,
    page_figure,
    round_ticks,
    shorten,
    side_by_side,
)

ERRORS = {"reconstruction": "Held-out reconstruction", "future": "Held-out future"}

# Markers differ in both shape and colour.
NO_LINE = {"linestyle": "none"}
TICK = NO_LINE | {"marker": "|", "markersize": 9}
PCA = TICK | {"color": ORANGE, "markeredgewidth": 1.6}
PCA |= {"label": "PCA with equal dimension"}
HELD = NO_LINE | {"color": VERMILION, "marker": "x", "markersize": 4.5, "markeredgewidth": 1.3}
HELD |= {"label": "last frame repeated"}
SEED = NO_LINE | {"color": BLUE, "marker": "o", "markersize": 4, "label": "one seed"}
SEED |= {"markeredgecolor": "white", "markeredgewidth": 0.4}
SESSION = NO_LINE | {"color": GREY, "marker": "o", "markersize": 2.2, "label": "one session"}
SESSION |= {"alpha": 0.7, "markeredgewidth": 0}
MEAN = NO_LINE | {"color": INK, "marker": "D", "markersize": 4}

LONG_TIMES = ((3 * 3600, 3600, "h"), (180, 60, "min"), (0, 1, "s"))  # from, unit, its name


def draw_comparison(trainings: pd.DataFrame, sessions: pd.DataFrame, pairs: pd.DataFrame) -> Figure:
    """Draw `comparison.csv`, `comparison_sessions.csv`, `comparison_pairs.csv`; a line per model.

    If there are several models, a second row shows the difference of each to the best, per session
    and with its interval, if there is one. Panels are labelled (`Axes.get_label`).
    """
    models = dict(list(trainings.groupby("model", sort=False)))
    several = len(models) > 1
    rows, columns = (2, 3) if several else (1, 4)
    with page_figure(rows * (26 + 6.5 * len(models)) + 8, wspace=0.04, hspace=0.08) as figure:
        grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
        panels = iter(grid.flat)
        for measure in ERRORS:
            _draw_errors(next(panels), models, measure)
        _draw_active(next(panels), models)
        for measure in ERRORS if several else ():
            _draw_differences(next(panels), models, sessions, pairs, measure)
        _draw_seconds(next(panels), models)
        for axes in grid.flat:
            axes.xaxis.set_major_locator(round_ticks(4))
        for axes in grid[:, 0]:
            axes.set_yticks(range(len(models)), [shorten(name, 24) for name in models])
            axes.set_ylim(len(models) - 0.5, -0.5)  # the first model on top
        shown = [SEED, PCA, *[HELD] * bool(trainings["future"].notna().any())]
        shown += [MEAN | {"label": "mean and 95% interval"}, SESSION] * several
        legend_outside(figure, [Line2D([], [], **style) for style in shown])
    return figure


def _draw_errors(axes: Axes, models: dict[str, pd.DataFrame], measure: str) -> None:
    axes.set_label(measure)
    baselines = {f"pca_{measure}": PCA} | ({"hold_last_frame": HELD} if measure == "future" else {})
    for line, own in enumerate(models.values()):
        if own[measure].isna().all():
            _say(axes, line, f"no {measure}")
            continue
        for name, style in baselines.items():
            axes.plot(own[name].mean(), line, **style)
        _dots(axes, own[measure], line, SEED)
    axes.set_title(ERRORS[measure])
    axes.set_xlabel("mean squared error\n(scaled units)")
    largest = max(own[[measure, *baselines]].max().max() for own in models.values())
    axes.set_xlim(0, 1.06 * largest if largest > 0 else 1)


def _draw_active(axes: Axes, models: dict[str, pd.DataFrame]) -> None:
    axes.set_label("active_latents")
    for line, own in enumerate(models.values()):
        axes.plot(own["zdims"].iloc[0], line, color=GREY, label="all latents", **TICK)
        _dots(axes, own["active_latents"], line, SEED)
    axes.set_title("Active latents")
    axes.set_xlabel("number of latents\n(grey: total)")
    axes.set_xlim(0, 1.08 * max(own["zdims"].max() for own in models.values()))


def _draw_seconds(axes: Axes, models: dict[str, pd.DataFrame]) -> None:
    axes.set_label("training_seconds")
    longest = max(own["training_seconds"].max() for own in models.values())
    unit, name = next((unit, name) for start, unit, name in LONG_TIMES if longest >= start)
    for line, own in enumerate(models.values()):
        _dots(axes, own["training_seconds"] / unit, line, SEED)
    axes.set_title("Training time")
    axes.set_xlabel(f"time ({name})")
    axes.set_xlim(0, 1.08 * longest / unit or 1)


def _draw_differences(
    axes: Axes,
    models: dict[str, pd.DataFrame],
    sessions: pd.DataFrame,
    pairs: pd.DataFrame,
    measure: str,
) -> None:
    """Draw each model's error minus the lowest, of models that share the commonest window."""
    axes.set_label(f"{measure}_difference")
    axes.set_title(f"{measure.capitalize()} minus best")
    axes.set_xlabel("difference in error\n(scaled units)")
    known = sessions.dropna(subset=[measure]).groupby("model", sort=False)
    errors = {name: own.groupby("session")[measure].mean() for name, own in known}
    over = pd.Series({name: own[f"{measure}_over"].iloc[0] for name, own in models.items()})
    commonest = over[list(errors)].mode()
    comparable = [name for name in errors if over[name] == commonest[0]]
    best = min(comparable, key=lambda name: errors[name].mean(), default=None)
    axes.axvline(0, color=GREY, linewidth=0.6, zorder=1)
    if best is None:
        axes.set_xlim(-1, 1)
    for line, (name, own) in enumerate(models.items()):
        if name not in errors:
            _say(axes, line, f"no {measure}")
        elif name == best:
            axes.plot(0, line, label="best", **MEAN)
            certain = measure in str(own["best_of_all_in"].iloc[0]).split(", ")
            _say(axes, line, "better than all others" if certain else "lowest error")
        elif name not in comparable:
            _say(axes, line, "different frames")
        else:
            _dots(axes, errors[name] - errors[best], line, SESSION)
            _draw_pair(axes, line, *_pair(pairs[pairs["measure"] == measure], name, best))


def _pair(pairs: pd.DataFrame, model: str, best: str) -> tuple[pd.Series, int]:
    """Return the pair's row, and the sign that makes it the difference of `model` to `best`."""
    forward = pairs[(pairs["model"] == model) & (pairs["other"] == best)]
    if len(forward):
        return forward.iloc[0], 1
    return pairs[(pairs["model"] == best) & (pairs["other"] == model)].iloc[0], -1


def _draw_pair(axes: Axes, line: int, pair: pd.Series, sign: int) -> None:
    ends = sorted([sign * pair["low"], sign * pair["high"]])
    axes.plot(ends, [line, line], color=INK, linewidth=1.4, label="95% interval")
    axes.plot(sign * pair["difference"], line, label="mean", **MEAN)
    if pd.isna(pair["low"]):
        _say(axes, line, f"{pair['sessions']:.0f} sessions: no interval", below=True)


def _dots(axes: Axes, values: pd.Series, line: int, style: dict) -> None:
    """Draw values on one line, slightly displaced up and down, the same way every time."""
    values = values.dropna().to_numpy()
    axes.plot(values, line + 0.16 * side_by_side(len(values)), **style)


def _say(axes: Axes, line: int, text: str, below: bool = False) -> None:
    axes.annotate(
        text, (0.98, line + 0.36 * below), xycoords=axes.get_yaxis_transform(),
        color=GREY, ha="right", va="center", fontsize=6,
    )  # fmt: skip
