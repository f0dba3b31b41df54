"""Differences, intervals and the choice of a model: values by hand, coverage by simulation."""

import numpy as np
import pandas as pd
import pytest
from formats.statistics import FEWEST_SESSIONS
from formats.tables import read_table
from reporting.choice import choose
from reporting.comparison import (
    COLUMNS,
    MEASURES,
    compare_pairs,
    training_row,
    winners,
)
from reporting.intervals import difference_interval


def rng():
    return np.random.default_rng(0)


def make_metrics(*, model="a", seed=0, **changes):
    metrics = {"model": model, "seed": seed, "time_window": 30, "prediction_steps": 15, "zdims": 3}
    metrics |= {"reconstruction": 0.5, "r2_reconstruction": 0.5, "future": 0.8, "r2_future": 0.2}
    return metrics | {"epoch": 7} | changes


QUALITY = {
    "segmentation": "kmeans-4",
    "findings": [
        {"name": "seed_agreement", "value": 0.6, "baseline": 0, "low": 0.5, "high": 0.7},
        {"name": "nmi", "value": 0.4, "baseline": 0.3, "low": None, "high": None},
    ],
}


def make_trainings(*rows):
    history = pd.DataFrame({"seconds": [10.0, 25.0]})
    return pd.DataFrame(
        [training_row(make_metrics(**row), history, QUALITY) for row in rows], columns=COLUMNS
    )


def make_sessions(*, seed=0, **errors):
    """Return errors of each model's sessions; those of the future are twice as large."""
    return pd.concat(
        pd.DataFrame({"model": model, "seed": seed, "reconstruction": values}).assign(
            session=[f"s{i}" for i in range(len(values))], future=2 * np.array(values)
        )
        for model, values in errors.items()
    )


def pairs_of(*rows, **errors):
    return compare_pairs(make_trainings(*rows), make_sessions(**errors), rng())


STEADY = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]  # sessions differ much, models little
TWO = ({"model": "a"}, {"model": "b"})


def test_a_row_has_metrics_of_motifs_if_there_are_any():
    row = make_trainings({"model": "a"}).iloc[0]
    numbers = row[["seed_agreement", "seed_agreement_low", "motif_nmi", "pca_motif_nmi"]]
    assert numbers.tolist() == [0.6, 0.5, 0.4, 0.3]
    assert row["motifs"] == "kmeans-4"
    assert row["probe_f1"] is None


class TestInterval:
    def test_a_constant_difference_is_certain_even_if_sessions_differ(self):
        errors = np.array([STEADY])
        assert difference_interval(errors, errors - 0.25, rng()) == pytest.approx((0.25, 0.25))

    def test_swapping_the_models_swaps_the_interval(self):
        draw = rng()
        a, b = draw.random((1, 9)), draw.random((1, 9))
        low, high = difference_interval(a, b, rng())
        assert difference_interval(b, a, rng()) == pytest.approx((-high, -low), abs=1e-12)

    def test_the_interval_has_the_width_of_students_t(self):
        """Nine differences of mean 0 and standard deviation 1: ± 2.306 / 3, by the t table."""
        spread = np.linspace(-1, 1, 9)
        spread /= spread.std(ddof=1)
        low, high = difference_interval(spread[None], np.zeros((1, 9)), rng())
        assert high == pytest.approx(2.306 / 3, rel=0.05)
        assert low == pytest.approx(-2.306 / 3, rel=0.05)

    def test_the_interval_has_its_nominal_coverage(self):
        """With six sessions, the fewest, plain percentiles would contain it in 86 of 100 cases."""
        draw, held, trials = rng(), 0, 300
        for _ in range(trials):
            sessions = draw.normal(size=FEWEST_SESSIONS)
            errors = np.stack([sessions, sessions + 0.3]) + 0.5 * draw.normal(size=(2, 6))
            low, high = difference_interval(errors[:1], errors[1:], draw)
            held += low <= -0.3 <= high
        assert 0.91 <= held / trials <= 0.98

    def test_seeds_that_disagree_widen_the_interval(self):
        errors = np.array([STEADY])
        agreeing = np.repeat(errors, 3, axis=0)
        disagreeing = agreeing + np.array([[-3.0], [0.0], [3.0]])
        narrow, wide = (
            np.subtract(*difference_interval(table, errors, rng())[::-1])
            for table in (agreeing, disagreeing)
        )
        assert narrow == pytest.approx(0)
        assert wide > 4

    def test_fewer_sessions_than_six_cannot_reach_95_percent(self):
        assert 2 * 0.5 ** (FEWEST_SESSIONS - 1) > 0.05 > 2 * 0.5**FEWEST_SESSIONS


class TestPairs:
    def test_the_difference_is_of_means_over_sessions(self):
        (row,) = (
            pairs_of(*TWO, a=STEADY, b=[4.0] * 6).query("measure == 'reconstruction'").itertuples()
        )
        assert (row.error, row.other_error, row.difference) == (3.5, 4.0, -0.5)
        assert row.over == "frames 1-30"
        assert row.sessions == 6
        assert row.resampled == "sessions"

    def test_a_model_that_is_better_on_every_session_is_named(self):
        pairs = pairs_of(*TWO, a=STEADY, b=np.array(STEADY) - 0.1)
        assert pairs["better"].tolist() == ["b", "b"]
        assert winners(pairs) == {"reconstruction": "b", "future": "b"}

    def test_no_winner_is_named_if_the_interval_includes_zero(self):
        pairs = pairs_of(*TWO, a=STEADY, b=STEADY[::-1])
        assert pairs["better"].isna().all()
        assert set(pairs["note"]) == {"the interval includes zero"}
        assert winners(pairs) == {}

    def test_few_sessions_have_a_difference_without_interval_and_winner(self):
        pairs = pairs_of(*TWO, a=STEADY[:5], b=np.array(STEADY[:5]) - 0.1)
        assert pairs["difference"].tolist() == pytest.approx([0.1, 0.2])
        assert pairs[["low", "high", "better"]].isna().all(axis=None)
        assert set(pairs["note"]) == {"no interval: 5 held-out sessions, at least 6 are needed"}
        assert winners(pairs) == {}

    def test_long_and_short_sessions_have_equal_weight(self):
        sessions = make_sessions(a=[1.0, 3.0], b=[2.0, 2.0]).assign(windows=[999, 1, 999, 1])
        pairs = compare_pairs(make_trainings(*TWO), sessions, rng())
        assert pairs["difference"].tolist() == pytest.approx([0, 0])

    def test_sessions_are_paired_by_name_and_not_by_position(self):
        sessions = make_sessions(a=STEADY, b=STEADY)
        shuffled = sessions.sample(frac=1, random_state=1)
        pairs = compare_pairs(make_trainings(*TWO), shuffled, rng())
        assert pairs[["difference", "low", "high"]].abs().max(axis=None) < 1e-12

    def test_models_of_different_windows_are_not_compared(self):
        pairs = pairs_of({"model": "a"}, {"model": "b", "time_window": 60}, a=STEADY, b=STEADY)
        assert pairs["difference"].isna().all()
        assert pairs["note"].tolist() == [
            "not compared: frames 1-30 and frames 1-60 of the window",
            "not compared: frames 31-45 and frames 61-75 of the window",
        ]

    def test_models_with_different_prediction_steps_are_compared_in_reconstruction(self):
        pairs = pairs_of({"model": "a"}, {"model": "b", "prediction_steps": 5}, a=STEADY, b=STEADY)
        assert pairs.set_index("measure")["difference"].isna().to_dict() == {
            "reconstruction": False,
            "future": True,
        }

    def test_a_model_without_a_future_is_compared_only_in_reconstruction(self):
        trainings = make_trainings({"model": "a"}, {"model": "b", "prediction_steps": None})
        sessions = make_sessions(a=STEADY, b=STEADY)
        sessions.loc[sessions["model"] == "b", "future"] = np.nan
        assert compare_pairs(trainings, sessions, rng())["measure"].tolist() == ["reconstruction"]

    def test_one_model_has_no_pairs(self):
        pairs = pairs_of({"model": "a"}, a=STEADY)
        assert pairs.empty
        assert winners(pairs) == {}

    def test_a_winner_beats_every_other_model(self):
        """c is better than a and b, and a is better than b: only c wins."""
        names = [{"model": name} for name in "abc"]
        low = np.array(STEADY)
        assert winners(pairs_of(*names, a=low - 1, b=low, c=low - 2))["reconstruction"] == "c"

    def test_a_model_that_cannot_be_compared_with_all_does_not_win(self):
        names = [{"model": "a"}, {"model": "b"}, {"model": "c", "time_window": 60}]
        low = np.array(STEADY)
        assert winners(pairs_of(*names, a=low - 1, b=low, c=low)) == {}

    def test_seeds_are_averaged_and_resampled(self):
        trainings = make_trainings({"seed": 0}, {"seed": 1}, {"model": "b"})
        sessions = pd.concat(
            [make_sessions(a=STEADY, b=[3.5] * 6), make_sessions(seed=1, a=np.array(STEADY) + 1)]
        )
        row = compare_pairs(trainings, sessions, rng()).iloc[0]
        assert (row["error"], row["difference"]) == (4.0, 0.5)
        assert row["resampled"] == "sessions and seeds"


class TestTrainings:
    def test_a_row_names_the_frames_of_its_errors_and_the_training_time(self):
        row = make_trainings({"time_window": 8, "prediction_steps": 4}).iloc[0]
        assert (row["reconstruction_over"], row["future_over"]) == ("frames 1-8", "frames 9-12")
        assert (row["training_seconds"], row["epochs"], row["epoch"]) == (25.0, 2, 7)

    def test_without_a_future_its_frames_are_empty(self):
        assert make_trainings({"prediction_steps": None}).iloc[0]["future_over"] is None

    @pytest.mark.parametrize("name", ["010", "1e3", "NA", "nan", "true"])
    def test_names_can_be_read_back_from_the_table(self, tmp_path, name):
        make_trainings({"model": name}).to_csv(tmp_path / "a.csv", index=False)
        table = read_table(tmp_path / "a.csv")
        assert table["model"].tolist() == [name]
        assert table["seed"].tolist() == [0]
        assert table["best_of_all_in"].isna().all()


class TestChoice:
    def choice(self, *rows, by="reconstruction", **errors):
        errors = errors or {row.get("model", "a"): STEADY for row in rows}
        return choose(make_trainings(*rows), pairs_of(*rows, **errors), by)

    def test_the_model_with_the_best_mean_and_its_best_seed_are_chosen(self):
        """b has the best seed, but a has the better mean: a is chosen, with its best seed."""
        choice = self.choice(
            {"model": "a", "seed": 0, "r2_reconstruction": 0.70},
            {"model": "a", "seed": 1, "r2_reconstruction": 0.72},
            {"model": "b", "seed": 0, "r2_reconstruction": 0.40},
            {"model": "b", "seed": 1, "r2_reconstruction": 0.90},
            a=STEADY,
        )
        assert (choice["model"], choice["seed"], choice["r2_reconstruction"]) == ("a", 1, 0.72)
        assert choice["mean_of_seeds"] == pytest.approx({"a": 0.71, "b": 0.65})

    def test_the_metric_of_the_config_is_used(self):
        rows = (
            {"model": "a", "r2_reconstruction": 0.9, "r2_future": 0.1},
            {"model": "b", "r2_reconstruction": 0.8, "r2_future": 0.3},
        )
        assert [self.choice(*rows, by=measure)["model"] for measure in MEASURES] == ["a", "b"]

    def test_a_choice_without_an_interval_is_called_uncertain(self):
        rows = ({"model": "a", "r2_reconstruction": 0.9}, {"model": "b"})
        because = self.choice(*rows, a=[1.0, 2.0], b=[2.0, 3.0])["because"]
        assert "0.9000 (b: 0.5000)" in because
        assert "this difference is not certain (b: no interval: 2 held-out sessions" in because

    def test_a_choice_with_a_clear_interval_is_called_certain(self):
        rows = ({"model": "a", "r2_reconstruction": 0.9}, {"model": "b"})
        because = self.choice(*rows, a=STEADY, b=np.array(STEADY) + 1)["because"]
        assert because.endswith("the interval of its difference to every other model excludes zero")

    def test_the_only_model_is_chosen_as_such(self):
        assert self.choice({"model": "a"})["because"] == "it is the only model"

    def test_a_model_without_a_future_is_not_chosen_by_the_future(self):
        rows = ({"model": "a"}, {"model": "b", "r2_future": None, "prediction_steps": None})
        assert self.choice(*rows, by="future")["model"] == "a"

    def test_choosing_needs_a_metric_that_some_model_has(self):
        with pytest.raises(ValueError, match="choose_by: future, but no model has this"):
            self.choice({"r2_future": None, "prediction_steps": None}, by="future")


def test_a_training_that_was_not_embedded_has_no_motifs():
    history = pd.DataFrame({"seconds": [1.0]})
    row = training_row(make_metrics(), history, None)
    assert set(row) == set(COLUMNS)
    assert {row["motifs"], row["motif_nmi"], row["seed_agreement"]} == {None}
