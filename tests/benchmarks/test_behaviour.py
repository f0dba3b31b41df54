"""The benchmark for docs/behaviour.md: variants, scores and table."""

from pathlib import Path

import behaviour
import numpy as np
import pandas as pd
import pytest
from behaviour import (
    ALL_VARIANT,
    COMPONENTS,
    NETWORK,
    POSTURE_VARIANT,
    VARIANTS,
    DataSet,
    as_table,
    evaluate,
    prepare,
    settings_of,
    summarise,
)
from fidelity import DEFAULTS, Recording, replace_between

pytestmark = pytest.mark.slow
SETTINGS = {"time_window": 4, "steps_per_epoch": 5, "center": "a", "orient": "b"}


def make_data(*, animals=3, frames=400, bout=40):
    """Return recordings whose behaviour, walk or rest, changes every `bout` frames."""
    labels = np.array(["walk", "rest"])[np.arange(frames) // bout % 2]
    recordings = [Recording(f"s{n}", Path(), 20.0, labels) for n in range(animals)]
    return DataSet("data", SETTINGS, recordings, {r.session: r.session for r in recordings})


def make_latents(data, *, noise, seed=0):
    """Return two latents that separate walk from rest, with noise; windows are centred."""
    rng = np.random.default_rng(seed)
    latents = {}
    for recording in data.recordings:
        own = (recording.labels == "walk")[2:-1].astype(float)
        points = np.stack([own, 1 - own], axis=1)
        latents[recording.session] = points + noise * rng.normal(size=points.shape)
    return latents


def differences(one, other):
    return {key for key in one if one[key] != other[key]}


def test_each_part_is_added_alone_and_the_defaults_have_all_parts():
    data = make_data()
    defaults, posture = (settings_of(data, name) for name in (ALL_VARIANT, POSTURE_VARIANT))
    parts = [differences(settings_of(data, name), posture) for name in VARIANTS if "+" in name]
    assert all(len(own) == 1 for own in parts)
    assert set.union(*parts) == differences(defaults, posture)
    assert {key for key in DEFAULTS if defaults[key] != DEFAULTS[key]} == {
        *("device", "max_epochs", "steps_per_epoch", "time_window"),
    }


def test_all_variants_train_for_the_same_number_of_steps():
    for variant in VARIANTS:
        settings = settings_of(make_data(), variant)
        assert settings["max_epochs"] - ("skip_last_epoch" in settings["vame_quirks"]) == 10
        assert settings["steps_per_epoch"] == 5


def test_variants_that_differ_only_in_motifs_share_a_training(tmp_path, monkeypatch):
    monkeypatch.setattr(behaviour, "align", lambda *_: {})
    monkeypatch.setattr(behaviour, "SEEDS", (0,))
    trained = [job.args[1] for job in prepare(make_data(), tmp_path) if job.args[2] == NETWORK]
    assert [POSTURE_VARIANT, "+ pooling over time", "+ cost of a change"] in trained
    assert sorted(name for names in trained for name in names) == sorted(VARIANTS)


def test_latents_that_separate_behaviours_score_one_and_noise_scores_less(monkeypatch):
    monkeypatch.setattr(behaviour, "SHOWN_MOTIFS", 2)
    data = make_data()
    settings = settings_of(data, POSTURE_VARIANT)
    rows = [
        {"variant": "v", "points": points, "seed": 0}
        | evaluate(make_latents(data, noise=noise), data, settings, 0, (2,))
        for points, noise in ((NETWORK, 0), (COMPONENTS, 1.0))
    ]
    rows = [row | {"nmi 8": row["nmi 2"], "nmi 15": row["nmi 2"]} for row in rows]
    own, other = summarise(pd.DataFrame(rows)).to_dict("records")
    assert own["nmi 8"] == pytest.approx(1)
    assert own["f1"] == pytest.approx(1)
    assert (own["bout"], own["short"]) == (2.0, 0.0)  # 40 frames at 20 fps
    assert other["nmi 8"] < 0.6
    assert other["short"] > 0.2
    assert own["nmi 8 lead_low"] > 0.4


def test_the_interval_of_a_lead_uses_the_same_blocks_for_both():
    rng = np.random.default_rng(0)
    tables = rng.integers(1, 50, size=(8, 2, 3)).astype(float)
    rows = [
        {"variant": "v", "points": points, "seed": 0, "nmi 8": tables}
        | dict.fromkeys(("bout", "short", "sessions"), 0.0)
        for points in (NETWORK, COMPONENTS)
    ]
    own, other = summarise(pd.DataFrame(rows)).to_dict("records")
    assert own["nmi 8 lead_low"] == own["nmi 8 lead_high"] == 0
    assert own["nmi 8 low"] < own["nmi 8"] < own["nmi 8 high"]
    assert other["nmi 8"] == own["nmi 8"]


def test_the_table_marks_a_lead_in_bold():
    row = {"variant": "v", "nmi 8": 0.25, "nmi 8 low": 0.2, "nmi 8 high": 0.3, "short": 0.034}
    summary = pd.DataFrame(
        [row | {"points": NETWORK, "nmi 8 lead_low": 0.01}, row | {"points": COMPONENTS}]
    )
    lines = as_table(summary).splitlines()
    assert lines[0] == "|  |  | NMI, 8 motifs | Short bouts (%) |"
    assert lines[2] == "| v | network | **0.250** (0.20 to 0.30) | 3.4 |"
    assert lines[3] == "|  | principal components | 0.250 (0.20 to 0.30) | 3.4 |"


def test_the_page_has_the_marks_between_which_the_commands_write():
    page = (behaviour.ROOT / "docs/behaviour.md").read_text()
    assert "| new |" in replace_between(page, "| new |", behaviour.BEGIN)
