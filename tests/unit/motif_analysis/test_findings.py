"""Every metric has a verdict, a sentence and, if it is bad, advice on a setting."""

import pandas as pd
import pytest
from motif_analysis import findings
from motif_analysis.agreement import COLUMNS
from motif_analysis.permutation import note_of

METRICS = {
    "zdims": 16,
    "r2_reconstruction": 0.8,
    "r2_pca_reconstruction": 0.85,
    "r2_future": 0.5,
    "r2_hold_last_frame": 0.1,
    "r2_pca_future": 0.45,
    "active_latents": 12,
    "posterior_variance": 0.2,
}


def verdicts(found):
    return {each["name"]: each["verdict"] for each in found}


def agreement(rand):
    row = {"segmentation": "kmeans-4", "seed_a": 0, "seed_b": 1, "matched_share": 0.7}
    row |= {
        "adjusted_rand": rand,
        "adjusted_rand_low": rand - 0.1,
        "adjusted_rand_high": rand + 0.1,
    }
    return pd.DataFrame([row | {"nmi": 0.5, "nmi_low": 0.4, "nmi_high": 0.6}], columns=COLUMNS)


def test_a_good_training_is_good_throughout():
    assert set(verdicts(findings.of_training(METRICS)).values()) == {"good"}
    assert findings.advice_of(findings.of_training(METRICS)) == []


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "setting"),
    [
        ({"r2_reconstruction": 0.1}, "r2_reconstruction", "bad", "lower beta"),
        ({"r2_reconstruction": 0.55}, "r2_reconstruction", "doubtful", "increase zdims"),
        ({"r2_future": 0.05}, "r2_future", "bad", "time_window"),
        ({"r2_future": 0.12}, "r2_future", "doubtful", "train longer"),
        ({"active_latents": 1}, "active_latents", "bad", "lower beta"),
        ({"posterior_variance": 0.95}, "posterior_variance", "bad", "softplus"),
        ({"r2_future": None}, "r2_future", "unknown", ""),
    ],
)
def test_a_bad_metric_names_its_setting(changes, name, verdict, setting):
    found = findings.of_training(METRICS | changes)
    assert verdicts(found)[name] == verdict
    advice = findings.advice_of(found)
    assert any(setting in sentence for sentence in advice) == bool(setting)


def familiarity(shares, held_out=0.012, percentile=99):
    return {
        name: {
            "windows": 0 if share is None else 2000,
            "share_beyond": share,
            "percentile": percentile,
            "held_out_share": held_out,
        }
        for name, share in shares.items()
    }


def test_a_recording_unlike_the_training_is_named_with_advice():
    measured = familiarity({"m1": 0.01, "m2": 0.06, "m3": 0.34, "empty": None})
    (found,) = findings.of_familiarity(measured)
    assert (found["verdict"], found["value"], found["baseline"]) == ("bad", 0.34, 0.012)
    assert (
        "training are m3 (34% of its windows) and m2 (6% of its windows), which"
        in found["sentence"]
    )
    assert "beyond the 99th percentile" in found["sentence"]
    assert "(expected: 1%; held-out windows of the training: 1.2%)" in found["sentence"]
    (advice,) = findings.advice_of([found])
    assert "poses of m3 and m2 with those of the training" in advice


def test_recordings_like_those_of_the_training_are_good():
    (found,) = findings.of_familiarity(familiarity({"m1": 0.01, "m2": 0.05}))
    assert found["verdict"] == "good"
    assert "more than 5% of its windows" in found["sentence"]
    assert "most: 5.0%, m2" in found["sentence"]
    assert findings.advice_of([found]) == []


@pytest.mark.parametrize(("share", "verdict"), [(0.19, "good"), (0.21, "bad")])
def test_a_recording_may_be_like_held_out_windows_of_an_overfitted_model(share, verdict):
    (found,) = findings.of_familiarity(familiarity({"m1": share}, held_out=0.1))
    assert found["verdict"] == verdict


def test_five_of_many_recordings_are_named():
    (found,) = findings.of_familiarity(familiarity({f"m{n}": 0.1 + n / 100 for n in range(8)}))
    (advice,) = findings.advice_of([found])
    assert "m7, m6, m5, m4, m3 and 3 more with" in advice


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        (familiarity({"m1": None}, held_out=None, percentile=None), "an earlier version"),
        (familiarity({"m1": None}), "no window has only usable frames"),
    ],
)
def test_familiarity_is_unknown_without_errors_or_windows(measured, reason):
    (found,) = findings.of_familiarity(measured)
    assert (found["verdict"], found["value"]) == ("unknown", None)
    assert reason in found["sentence"]
    assert findings.advice_of([found]) == []


def test_a_model_that_was_trained_elsewhere_has_no_metrics():
    (only,) = findings.of_training(None)
    assert (only["value"], only["verdict"]) == (None, "unknown")


@pytest.mark.parametrize(("rand", "verdict"), [(0.8, "good"), (0.4, "doubtful"), (0.1, "bad")])
def test_the_verdict_on_agreement_is_the_same_for_both_seeds(rand, verdict):
    for seed in (0, 1):
        found = findings.of_agreement(agreement(rand), "kmeans-4", seed)
        assert set(verdicts(found).values()) == {verdict}
        assert found[0]["low"] == pytest.approx(rand - 0.1)


@pytest.mark.parametrize(("segmentation", "seed"), [("kmeans-4", 2), ("hmm-4", 0)])
def test_agreement_is_unknown_with_one_seed(segmentation, seed):
    (only,) = findings.of_agreement(agreement(0.8), segmentation, seed)
    assert only["verdict"] == "unknown"
    assert "seeds: [0, 1, 2]" in findings.advice_of([only])[0]


def bouts(mean, short=0.1):
    chance = {"chance": 10, "chance_low": 9, "chance_high": 11}
    low = {"chance": 0.4, "chance_low": 0.3, "chance_high": 0.5}
    return {"mean_frames": {"value": mean} | chance, "short_share": {"value": short} | low}


@pytest.mark.parametrize(("mean", "verdict"), [(20, "good"), (10, "doubtful"), (8, "bad")])
def test_bouts_must_be_longer_than_those_of_surrogates(mean, verdict):
    found = findings.of_bouts(bouts(mean), 10.0, 0.0)
    assert verdicts(found)["bout_seconds"] == verdict
    assert found[0]["value"] == mean / 10
    assert found[0]["baseline"] == 1


def test_a_duration_that_the_cost_of_changes_sets_has_no_verdict():
    found = verdicts(findings.of_bouts(bouts(8), 10.0, change_cost=0.3))
    assert found == {
        "bout_seconds": "unknown",
        "short_bouts": "doubtful",
    }  # a tenth of bouts is short


def test_short_bouts_lead_to_advice():
    found = findings.of_bouts(bouts(20, short=0.7), 10.0, 0.0)
    assert verdicts(found)["short_bouts"] == "bad"
    assert "expected_bout_seconds" in findings.advice_of(found)[0]


def scores(own, lead):
    """Return a measure and the interval of its difference from components."""
    level = {"chance": 0.05, "chance_high": 0.1}
    ahead = {"lead_low": lead - 0.05, "lead_high": lead + 0.05}
    pair = {"value": own} | level | ahead, {"value": own - lead} | level
    return {"nmi": pair, "purity": pair, "probe_f1": pair}


@pytest.mark.parametrize(
    ("own", "lead", "verdict", "part"),
    [
        (0.7, 0.1, "good", "better than PCA"),
        (0.7, 0.02, "doubtful", "on a par with PCA"),
        (0.7, -0.1, "doubtful", "worse than PCA"),
        (0.09, 0.06, "bad", "better than PCA"),
    ],
)
def test_agreement_with_labels_is_compared_with_chance_and_components(own, lead, verdict, part):
    found = findings.of_labels(scores(own, lead))
    assert set(verdicts(found).values()) == {verdict}
    assert (found[0]["baseline"], found[0]["chance"]) == (pytest.approx(own - lead), 0.05)
    assert part in found[0]["sentence"]


def test_a_posterior_without_variance_is_reported_as_an_autoencoder():
    found = findings.of_training(METRICS | {"posterior_variance": 0.0004})
    assert verdicts(found)["posterior_variance"] == "unknown"
    assert "deterministic autoencoder" in found[-1]["sentence"]


@pytest.mark.parametrize(("value", "verdict"), [(0.02, "good"), (0.1, "doubtful"), (0.4, "bad")])
def test_motifs_that_distinguish_sessions_are_named(value, verdict):
    level = {"chance": 0.01, "chance_high": 0.02}
    found = findings.of_sessions({name: {"value": value} | level for name in ("session", "group")})
    assert verdicts(found) == {"session_nmi": verdict, "group_nmi": "unknown"}


def test_without_labels_the_relation_to_behaviours_is_unknown():
    (only,) = findings.of_labels({})
    assert only["verdict"] == "unknown"


def test_a_probe_without_a_second_session_is_unknown():
    found = findings.of_labels(scores(0.7, 0.2) | {"probe_f1": (None, None)})
    assert verdicts(found) == {"nmi": "good", "purity": "good", "probe_f1": "unknown"}


def groups(animals, q, other="b"):
    names = {"group_a": "a", "group_b": other, "note": note_of(animals, 9)}
    return pd.DataFrame({"p_value": [q, 0.5], "q_value": [q, 0.5]}).assign(**names)


def test_groups_of_few_animals_are_not_compared():
    """This holds even if the p-value is small, which is possible if the other group is large."""
    assert findings.of_groups(groups(2, 0.3).iloc[:0]) == []
    (few,) = findings.of_groups(groups(2, 0.01))
    assert (few["verdict"], few["value"]) == ("unknown", None)
    assert few["sentence"] == (
        "Groups a and b are not compared: too few animals (2 and 9; at least 4 per group are "
        "needed)."
    )
    (enough,) = findings.of_groups(groups(5, 0.01))
    assert (enough["verdict"], enough["value"]) == ("good", 1)
    assert enough["sentence"].startswith("1 of 2 comparisons of motif usage")


def test_groups_with_enough_animals_are_compared_if_others_are_too_small():
    (found,) = findings.of_groups(pd.concat([groups(5, 0.01), groups(3, 0.01, other="c")]))
    assert (found["verdict"], found["value"]) == ("good", 1)
    assert found["sentence"].startswith("1 of 2 comparisons")
    assert "Groups a and c are not compared: too few animals (3 and 9" in found["sentence"]


def test_unused_motifs_are_doubtful():
    usage = pd.DataFrame({"motif": [0, 1, 2], "frames": [60, 40, 0]})
    (found,) = findings.of_usage(usage)
    assert (found["value"], found["baseline"], found["verdict"]) == (2, 3, "doubtful")


def test_unknown_numbers_are_null():
    found = findings.finding("x", float("nan"), "", "unknown", low=float("inf"))
    assert (found["value"], found["low"], found["high"]) == (None, None, None)
