"""The model card has the numbers of the model, and warnings if they are bad."""

import re

import pandas as pd
import pytest
import yaml
from manifests import ALIGNMENT, DATASET, make_manifest
from reporting.model_card import caveats_of, front_matter, numbers_of, write_card

METRICS = {
    "time_window": 30,
    "zdims": 20,
    "held_out_windows": 2048,
    "held_out_sessions": 2,
    "reconstruction": 0.08,
    "r2_reconstruction": 0.92,
    "pca_reconstruction": 0.1,
    "r2_pca_reconstruction": 0.9,
    "future": 0.6,
    "r2_future": 0.4,
    "hold_last_frame": 0.8,
    "r2_hold_last_frame": 0.2,
    "active_latents": 12,
    "posterior_variance": 0.2,
}
ERROR = {"percentile": 99, "limit": 0.345, "windows": 4000, "held_out_share": 0.012}
RECORDINGS = pd.DataFrame(
    {
        "session": ["a", "b", "new"],
        "minutes": [2.0, 3.0, 100.0],
        "usable_minutes": [1.0, 3.0, 100.0],
        "leave_out_because": ["", "40% of frames are usable", "it is new"],
    }
)
SESSIONS = [
    {"session": "a", "animal": "m1", "group": "young|old", "species": "Mus musculus"},
    {"session": "b", "animal": "m1", "group": "aged", "species": ""},
    {"session": "new", "animal": "m9", "group": "other", "species": "Danio rerio"},
]
EXPORT = {
    "model": "vame",
    "seed": 3,
    "epoch": 7,
    "selection": "the lowest held_out_loss",
    "alignment": ALIGNMENT,
    "reconstruction_error": ERROR,
    "exported_with": {"torch": "2.13.0", "onnx": "1.23.2"},
}
NETWORK = {
    **{"hidden_size_rec": 100, "hidden_size_pred": 50, "dropout_encoder": 0.1, "softplus": False},
    **{"learning_rate": 0.003, "scheduler": "one_cycle", "beta": 1.0, "reduction": "elbo"},
    **{"noise": True, "vame_quirks": []},
}


def by_session(number=2, **columns):
    table = {
        "session": [f"s{n}" for n in range(number)],
        "reconstruction": [0.07 + 0.01 * (n % 3) for n in range(number)],
        "pca_reconstruction": 0.1,
        "future": 0.6,
        "hold_last_frame": 0.8,
    }
    return pd.DataFrame(table | columns)


def card(*, metrics=None, dataset=None, licence=None, sessions=2, **network):
    manifest = make_manifest("SLEAP", None, NETWORK | network) | EXPORT
    trained = {"rule": "vame_train_model", "finished": "2026-11-27T08:03:33+00:00", "params": {}}
    manifest["jobs"] = [*manifest["jobs"], trained]
    return write_card(
        manifest=manifest,
        metrics=METRICS | (metrics or {}),
        by_session=by_session(sessions),
        dataset=DATASET | (dataset or {}),
        recordings=RECORDINGS,
        sessions=SESSIONS,
        license_of_model=licence,
    )


def test_the_species_are_those_of_its_recordings(monkeypatch):
    assert "- **Species**: Mus musculus.\n" in card()
    for row in SESSIONS:
        monkeypatch.setitem(row, "species", "")
    assert "- **Species**: not given (column `species`" in card()


def words(text):
    return " ".join(text.split())


def test_the_front_matter_has_the_format_of_the_hub():
    start, matter, text = card(licence="cc-by-4.0").split("---\n", 2)
    content = yaml.safe_load(matter)
    assert (start, text[:2]) == ("", "# ")
    assert content["license"] == "cc-by-4.0"
    assert content["library_name"] == "pytorch"
    assert "vame" in content["tags"]
    assert content["metrics"] == ["r_squared", "mse"]
    assert "- **Licence**: cc-by-4.0." in text


def test_the_card_reports_a_missing_licence():
    content = yaml.safe_load(front_matter(None))
    assert (content["license"], content["license_name"]) == ("other", "not-chosen-yet")
    assert "none was chosen (setting `model_license`)" in card()


def test_headings_are_those_of_model_cards():
    assert re.findall(r"^## (.*)$", card(), re.M) == [
        "Model details",
        "Intended use",
        "Factors",
        "Training and evaluation data",
        "Metrics",
        "Ethical considerations",
        "Caveats and recommendations",
        "How to load it",
        "Citation",
    ]


def test_the_card_has_the_numbers_of_the_model():
    text = words(card())
    for part in (
        "# VAME model `vame`, seed 3",
        "encodes 30 frames (1 s) of egocentric poses as 20 latents, and predicts the next 15",
        "GRUs of 256 units encode a window; GRUs of 100 units reconstruct it",
        "2026-11-27, seed 3, batches of 64 windows, learning rate 0.003 (one_cycle), `beta` 1.0",
        "noise on. Weights of epoch 7: the lowest held_out_loss.",
        "**Keypoints** (2 with coordinates): `nose` and `left_ear`; `tail` is at the origin",
        "**Other features**: `speed`.",
        "30 frames per second. **Unit**: the animal's body length.",
        "**Pose tracking**: SLEAP;",
        "2 recordings of one animal (`young|old` and `aged`): 3.0 minutes to train on, 0.5 minutes",
        "80% of the recorded frames were usable",
        "On 2048 held-out windows of 2 recordings",
        "The quality of the poses is doubtful in `b`.",
        "@misc{luxem2022",
        "@misc{pereira2022",
    ):
        assert part in text, part
    assert "new" not in re.findall(r"`(\w+)`", text)  # not a recording of the training


def test_without_a_future_decoder_there_is_no_future():
    text = card(metrics={"future": None, "r2_future": None}, prediction_decoder=False)
    assert "predicts the next" not in text
    assert "the future" not in text
    assert "mu, logvar, reconstruction = session.run" in text


def test_whole_recordings_that_are_held_out_are_named():
    segments = [*DATASET["segments"][:1], DATASET["segments"][2]]
    text = card(dataset={"segments": segments})
    assert "Held out as a whole: `b`." in text
    assert "was not measured" not in text
    assert "How good it is on other recordings was not measured." in card()


def test_an_interval_needs_six_recordings():
    rows = {name: interval for name, _, interval, _ in numbers_of(METRICS, by_session(12), ERROR)}
    low, high = map(float, rows["error of the reconstruction, mean of recordings"].split(" to "))
    assert 0.07 < low < 0.08 < high < 0.09
    assert rows["R² of the reconstruction"] == ""
    assert all(not row[2] for row in numbers_of(METRICS, by_session(5), ERROR))
    assert "they need held-out frames of 6 recordings, and there are 2." in card()
    assert "Intervals are bootstrap intervals" in card(sessions=12)


@pytest.mark.parametrize(
    ("metrics", "error", "warning"),
    [
        ({}, {"held_out_share": 0.08}, "overfits: 8% of the held-out windows"),
        ({"r2_reconstruction": 0.8}, {}, "Principal components reconstruct"),
        ({"r2_future": 0.2}, {}, "no better than holding the last frame"),
        ({"active_latents": 1}, {}, "collapsed"),
        ({"posterior_variance": 0.001}, {}, "autoencoder without a prior"),
        ({"posterior_variance": 0.95}, {}, "hardly any information"),
    ],
)
def test_a_bad_number_gives_a_warning(metrics, error, warning):
    def caveats(**changes):
        return list(caveats_of(METRICS | changes, ERROR | error, DATASET))

    assert len(list(caveats_of(METRICS, ERROR, DATASET))) == 2
    assert len(caveats(**metrics)) == 3
    assert warning in caveats(**metrics)[-1]


def test_names_are_escaped():
    text = card(dataset={"sessions": ["a`**b**"], "fps": {"a": 30.0, "b": 30.0}})
    assert "`a'**b**`" in text
