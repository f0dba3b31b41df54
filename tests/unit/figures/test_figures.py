"""The figures show what the tables contain: every fact is read back from the drawn axes."""

import struct

import numpy as np
import pandas as pd
import pytest
from figures.comparison import draw_comparison
from figures.losses import draw_losses
from figures.reconstructions import draw_reconstructions, most_variable, spread_evenly
from figures.style import save, shorten
from matplotlib.figure import Figure
from matplotlib.text import Text

TERMS = ["loss", "reconstruction", "future", "cluster", "kl"]
SCHEDULES = ["kl_weight", "learning_rate"]


def make_history(*, epochs: int = 10, future: bool = True, **columns) -> pd.DataFrame:
    """Return a history with terms that fall from 1 to 0.1, twice as high for held-out windows."""
    epoch = np.arange(1, epochs + 1)
    falling = np.geomspace(1, 0.1, epochs)
    history = {"epoch": epoch, "seconds": 2.0 * epoch, "kl_weight": 1.0, "learning_rate": 5e-4}
    for term in TERMS:
        history |= {f"train_{term}": falling, f"test_{term}": 2 * falling}
    if not future:
        history |= {"train_future": np.nan, "test_future": np.nan}
    return pd.DataFrame(history | columns)


def make_windows(*, n=8, frames=30, future=15, features=("nose_x", "nose_y"), fps=30.0) -> dict:
    """Return sines with amplitudes of 1, 2, 3 … pixels in the order of features; two sessions."""
    time = np.arange(frames + future) / fps
    amplitudes = np.arange(1, len(features) + 1)
    truth = np.tile(np.sin(2 * np.pi * time)[:, None] * amplitudes, (n, 1, 1))
    return {
        "truth": truth,
        "reconstruction": truth[:, :frames] + 10,
        "future": truth[:, frames:] + 20,
        "session": np.array(["day1"] * (n // 2) + ["day2"] * (n - n // 2)),
        "first_frame": 300 * np.arange(n),
        "features": np.array(features),
        "fps": np.full(n, fps),
    }


def panels(figure) -> dict:
    return {axes.get_label(): axes for axes in figure.axes}


def line(axes, label):
    (found,) = [one for one in axes.lines if one.get_label() == label]
    return found


def legend_texts(figure) -> list[str]:
    legends = [*figure.legends, *(axes.get_legend() for axes in figure.axes)]
    return [text.get_text() for legend in legends if legend for text in legend.get_texts()]


class TestLosses:
    def test_every_term_and_schedule_has_a_panel(self):
        assert list(panels(draw_losses(make_history(), 7))) == [*TERMS, *SCHEDULES, "legend"]

    def test_no_future_panel_without_a_future_decoder(self):
        shown = panels(draw_losses(make_history(future=False), 7))
        assert "future" not in shown
        assert "reconstruction" in shown

    @pytest.mark.parametrize("panel", [*TERMS, *SCHEDULES])
    def test_chosen_epoch_is_marked_in_every_panel(self, panel):
        figure = draw_losses(make_history(), 7)
        assert list(line(panels(figure)[panel], "chosen epoch").get_xdata()) == [7, 7]
        assert "chosen epoch, 7" in legend_texts(figure)

    def test_curves_are_the_columns(self):
        history = make_history()
        axes = panels(draw_losses(history, 7))["kl"]
        np.testing.assert_array_equal(
            line(axes, "held-out windows").get_ydata(), history["test_kl"]
        )
        np.testing.assert_array_equal(
            line(axes, "training windows").get_ydata(), history["train_kl"]
        )

    def test_rows_out_of_order_are_drawn_in_order(self):
        axes = panels(draw_losses(make_history()[::-1], 7))["kl"]
        assert list(line(axes, "held-out windows").get_xdata()) == list(range(1, 11))

    def test_one_epoch_is_visible(self):
        axes = panels(draw_losses(make_history(epochs=1), 1))["future"]
        assert line(axes, "training windows").get_marker() == "o"
        low, high = axes.get_xlim()
        assert low < 1 < high

    def test_many_epochs_are_lines_without_markers(self):
        axes = panels(draw_losses(make_history(epochs=40), 7))["future"]
        assert line(axes, "training windows").get_marker() == "None"

    @pytest.mark.parametrize(
        ("values", "scale"),
        [
            (np.geomspace(1, 0.1, 10), "log"),
            (np.linspace(1, 0.9, 10), "linear"),
            (np.linspace(1, 0, 10), "linear"),  # a logarithmic axis has no zero
        ],
    )
    def test_the_axis_is_logarithmic_if_the_range_is_large(self, values, scale):
        history = make_history(learning_rate=values)
        assert panels(draw_losses(history, 7))["learning_rate"].get_yscale() == scale

    def test_a_kl_weight_that_is_always_zero_has_an_axis_from_zero_to_one(self):
        axes = panels(draw_losses(make_history(kl_weight=0.0), 7))["kl_weight"]
        assert axes.get_ylim() == (0, 1)

    def test_the_reason_for_the_chosen_epoch_is_shown(self):
        figure = draw_losses(make_history(), 7, selection="lowest held-out loss")
        texts = [text.get_text() for text in panels(figure)["legend"].texts]
        assert texts == ["lowest held-out loss"]

    def test_axes_have_units(self):
        shown = panels(draw_losses(make_history(), 7))
        assert shown["future"].get_ylabel() == "mean squared error,\nscaled units"
        assert all(shown[panel].get_ylabel() for panel in [*TERMS, *SCHEDULES])


class TestReconstructions:
    def test_rows_are_features_in_order_of_variability_and_columns_are_windows(self):
        shown = panels(draw_reconstructions(make_windows()))
        assert list(shown) == [f"nose_{axis}/{i}" for axis in "yx" for i in range(4)]
        assert shown["nose_y/0"].get_ylabel() == "nose y (px)"

    def test_titles_name_session_and_start(self):
        shown = panels(draw_reconstructions(make_windows(n=8)))
        titles = [shown[f"nose_y/{i}"].get_title(loc="left") for i in range(4)]
        assert titles == [
            "day1\nfrom 10.00 s",
            "day1\nfrom 30.00 s",
            "day2\nfrom 50.00 s",
            "day2\nfrom 70.00 s",
        ]

    def test_future_starts_at_the_end_of_the_window(self):
        axes = panels(draw_reconstructions(make_windows(frames=30, future=15)))["nose_x/0"]
        assert line(axes, "end of the window").get_xdata()[0] == pytest.approx(1.0)
        assert line(axes, "measured").get_xdata().size == 45
        assert line(axes, "reconstruction").get_xdata()[-1] == pytest.approx(29 / 30)
        assert line(axes, "predicted future").get_xdata()[0] == pytest.approx(1.0)
        assert line(axes, "predicted future").get_ydata().size == 15

    def test_without_a_future_no_future_is_mentioned(self):
        figure = draw_reconstructions(make_windows(future=0))
        assert legend_texts(figure) == ["measured", "reconstruction", "all features"]
        for axes in figure.axes:
            assert [one.get_label() for one in axes.lines] == ["measured", "reconstruction"]

    def test_a_future_of_one_frame_is_visible(self):
        axes = panels(draw_reconstructions(make_windows(future=1)))["nose_x/0"]
        assert line(axes, "predicted future").get_marker() == "."

    def test_the_six_most_variable_features_are_shown_with_a_note(self):
        names = [f"point{i}_x" for i in range(9)]
        figure = draw_reconstructions(make_windows(features=names))
        rows = list(dict.fromkeys(label.split("/")[0] for label in panels(figure)))
        assert rows == [f"point{i}_x" for i in (8, 7, 6, 5, 4, 3)]
        assert "the 6 most variable of 9 features" in legend_texts(figure)

    def test_each_window_keeps_its_own_frame_rate(self):
        windows = make_windows(n=2, frames=30)
        windows["fps"] = np.array([30.0, 60.0])
        shown = panels(draw_reconstructions(windows))
        ends = [line(shown[f"nose_x/{i}"], "end of the window").get_xdata()[0] for i in (0, 1)]
        assert ends == [pytest.approx(1.0), pytest.approx(0.5)]

    def test_most_variable_ignores_the_level(self):
        truth = np.zeros((1, 4, 3))
        truth[0, :, 0] = 1000
        truth[0, :, 1] = [0, 1, 0, 1]
        truth[0, :, 2] = [0, 9, 0, 9]
        assert list(most_variable(truth, 2)) == [2, 1]

    @pytest.mark.parametrize(
        ("total", "count", "chosen"),
        [(8, 4, [1, 3, 5, 7]), (4, 4, [0, 1, 2, 3]), (2, 4, [0, 1]), (100, 2, [25, 75])],
    )
    def test_examples_are_spread_evenly(self, total, count, chosen):
        assert list(spread_evenly(total, count)) == chosen


def make_comparison(*, models=("vame", "small"), n_sessions=6, seeds=1, winner=""):
    """Return errors that increase by 0.1 per model, and a little with the session's number."""
    sessions = pd.DataFrame(
        {"model": model, "seed": seed, "session": f"s{i}", "reconstruction": 0.1 * (rank + 1 + i)}
        for rank, model in enumerate(models)
        for seed in range(seeds)
        for i in range(n_sessions)
    )
    sessions["future"] = 2 * sessions["reconstruction"]
    means = sessions.groupby(["model", "seed"], sort=False)[["reconstruction", "future"]].mean()
    trainings = means.reset_index().assign(
        reconstruction_over="frames 1-30", future_over="frames 31-45", zdims=10, active_latents=7,
        pca_reconstruction=0.5, pca_future=1.0, hold_last_frame=2.0, training_seconds=90.0,
        best_of_all_in=winner,
    )  # fmt: skip
    bounds = (0.05, 0.15) if n_sessions >= 6 else (np.nan, np.nan)
    pairs = [
        {"measure": measure, "model": other, "other": models[0], "sessions": n_sessions}
        | {"difference": factor * 0.1 * rank, "low": bounds[0], "high": bounds[1]}
        for measure, factor in (("reconstruction", 1), ("future", 2))
        for rank, other in enumerate(models)
        if rank
    ]
    columns = ["measure", "model", "other", "sessions", "difference", "low", "high"]
    return trainings, sessions, pd.DataFrame(pairs, columns=columns)


def points(axes, label):
    return [x for one in axes.lines if one.get_label() == label for x in one.get_xdata()]


def texts(axes):
    return [text.get_text() for text in axes.texts]


class TestComparison:
    def test_every_seed_is_a_point_compared_with_its_baselines(self):
        shown = panels(draw_comparison(*make_comparison(seeds=2)))
        assert points(shown["future"], "one seed") == pytest.approx([0.7, 0.7, 0.9, 0.9])
        assert points(shown["future"], "last frame repeated") == [2.0, 2.0]
        components = "PCA with equal dimension"
        assert points(shown["reconstruction"], components) == [0.5, 0.5]
        assert points(shown["active_latents"], "all latents") == [10, 10]

    def test_errors_start_at_zero_and_nothing_is_cut(self):
        shown = panels(draw_comparison(*make_comparison()))
        for name in ("reconstruction", "future", "active_latents", "training_seconds"):
            low, high = shown[name].get_xlim()
            assert low == 0
            assert max(x for line in shown[name].lines for x in line.get_xdata()) < high

    def test_differences_to_the_best_have_interval_and_sessions(self):
        axes = panels(draw_comparison(*make_comparison()))["reconstruction_difference"]
        assert points(axes, "95% interval") == [0.05, 0.15]
        assert points(axes, "mean") == [0.1]
        assert points(axes, "one session") == pytest.approx([0.1] * 6)
        assert texts(axes) == ["lowest error"]

    def test_a_pair_in_reverse_order_is_drawn_in_the_same_way(self):
        trainings, sessions, pairs = make_comparison()
        turned = pairs.rename(columns={"model": "other", "other": "model"})
        turned[["difference", "low", "high"]] = -pairs[["difference", "high", "low"]].to_numpy()
        axes = panels(draw_comparison(trainings, sessions, turned))["future_difference"]
        assert points(axes, "95% interval") == [0.05, 0.15]
        assert points(axes, "mean") == [0.2]

    def test_a_winner_is_named(self):
        figure = draw_comparison(*make_comparison(winner="reconstruction"))
        assert texts(panels(figure)["reconstruction_difference"]) == ["better than all others"]
        assert texts(panels(figure)["future_difference"]) == ["lowest error"]

    def test_few_sessions_have_no_interval_which_is_noted(self):
        axes = panels(draw_comparison(*make_comparison(n_sessions=4)))["reconstruction_difference"]
        assert "4 sessions: no interval" in texts(axes)
        assert np.isnan(points(axes, "95% interval")).all()

    def test_one_model_has_no_differences(self):
        shown = panels(draw_comparison(*make_comparison(models=("vame",))))
        assert list(shown) == ["reconstruction", "future", "active_latents", "training_seconds"]

    def test_a_model_of_another_window_is_not_compared(self):
        trainings, sessions, pairs = make_comparison(models=("vame", "small", "long"))
        trainings.loc[trainings["model"] == "long", "reconstruction_over"] = "frames 1-60"
        axes = panels(draw_comparison(trainings, sessions, pairs))["reconstruction_difference"]
        assert texts(axes) == ["lowest error", "different frames"]

    def test_models_without_a_future_are_drawn(self):
        trainings, sessions, pairs = make_comparison()
        future = ["future", "future_over", "pca_future", "hold_last_frame"]
        trainings[future], sessions["future"] = None, np.nan
        trainings[future] = trainings[future].astype(float)
        pairs = pairs[pairs["measure"] == "reconstruction"]
        figure = draw_comparison(trainings, sessions, pairs)
        assert texts(panels(figure)["future"]) == ["no future", "no future"]
        assert "last frame repeated" not in legend_texts(figure)

    @pytest.mark.parametrize(
        ("seconds", "label"), [(90, "time (s)"), (600, "time (min)"), (36000, "time (h)")]
    )
    def test_training_time_has_a_suitable_unit(self, seconds, label):
        trainings, *others = make_comparison()
        trainings["training_seconds"] = seconds
        shown = panels(draw_comparison(trainings, *others))
        assert shown["training_seconds"].get_xlabel() == label

    def test_models_are_in_the_configs_order_from_the_top(self):
        axes = panels(draw_comparison(*make_comparison()))["reconstruction"]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["vame", "small"]
        assert axes.get_ylim()[0] > axes.get_ylim()[1]


class TestStyle:
    def test_png_is_180_mm_wide_at_its_resolution(self, tmp_path):
        save(
            draw_losses(make_history(), 7), svg=tmp_path / "a.svg", png=tmp_path / "a.png", dpi=200
        )
        header = (tmp_path / "a.png").read_bytes()[:24]
        width, height = struct.unpack(">II", header[16:24])
        assert width == int(180 / 25.4 * 200)
        assert 0.4 < height / width < 0.7

    def test_same_tables_give_the_same_bytes(self, tmp_path):
        for name in ("a", "b"):
            figure = draw_reconstructions(make_windows())
            save(figure, svg=tmp_path / f"{name}.svg", png=tmp_path / f"{name}.png", dpi=100)
        for kind in ("svg", "png"):
            first, second = ((tmp_path / f"{name}.{kind}").read_bytes() for name in "ab")
            assert first == second
            assert b"dc:date" not in first

    def test_a_figure_is_laid_out_once_and_drawn_once_for_each_file(self, tmp_path, monkeypatch):
        figure, drawn, draw = draw_losses(make_history(), 7), [], Figure.draw
        monkeypatch.setattr(Figure, "draw", lambda *given: (drawn.append(0), draw(*given)))
        save(figure, svg=tmp_path / "a.svg", png=tmp_path / "a.png", dpi=50)
        assert len(drawn) == 3

    @pytest.mark.filterwarnings("error")
    def test_names_are_drawn_as_plain_text(self, tmp_path):
        windows = make_windows(features=["a$b$_x", "Butt/Proximal Tail_y"])
        windows["session"] = np.array(["cage_$1$_<&>_" + 40 * "z"] * 8)
        figure = draw_reconstructions(windows)
        save(figure, svg=tmp_path / "a.svg", png=tmp_path / "a.png", dpi=50)
        texts = {text.get_text() for text in figure.findobj(Text)}
        assert "a$b$ x (px)" in texts
        assert any(text.startswith("cage_$1$_<&") for text in texts)

    def test_settings_of_matplotlib_are_not_changed(self):
        import matplotlib as mpl

        before = dict(mpl.rcParams)
        draw_losses(make_history(), 7)
        assert dict(mpl.rcParams) == before

    def test_shorten_keeps_both_ends(self):
        assert shorten("short", 13) == "short"
        assert shorten("mouse_042_day_03_trial_1", 13) == "mouse_…rial_1"
        assert len(shorten("x" * 50, 13)) == 13
