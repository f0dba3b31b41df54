"""Settings in frames that are given in seconds."""

import pytest
from projects import ROOT
from settings.durations import in_frames, in_seconds
from settings.schema import SettingsError, read_schema

SCHEMA, SESSIONS = (
    read_schema(ROOT / f"workflow/schemas/{name}.schema.yaml") for name in ("config", "sessions")
)


@pytest.fixture
def convert(tmp_path):
    """Return a function that converts a config to frames, for recordings of these frame rates."""

    def converted(config, *rates):
        lines = ["session\tposes\tfps", *(f"s{i}\ts.csv\t{rate}" for i, rate in enumerate(rates))]
        (tmp_path / "sessions.tsv").write_text("\n".join(lines))
        config = {"sessions": str(tmp_path / "sessions.tsv")} | config
        return in_frames(config, SCHEMA, SESSIONS)

    return converted


@pytest.mark.parametrize(
    ("text", "fps", "frames"),
    [("1.0 s", 30, 30), ("1 s", 120, 120), ("0.5s", 25, 12), (".5 s", 60, 30), ("0.001 s", 30, 1)],
)
def test_a_duration_is_converted_to_frames(convert, text, fps, frames):
    assert convert({"time_window": text}, fps, fps)["time_window"] == frames


def test_models_and_the_grid_may_have_durations(convert):
    config = {
        "models": {"long": {"time_window": "2 s", "beta": 3}, "short": {"time_window": 8}},
        "grid": {"prediction_steps": ["0.5 s", 4], "zdims": [3]},
        "split_gap": "3 s",
    }
    converted = convert(config, 30)
    assert converted["models"] == {
        "long": {"time_window": 60, "beta": 3},
        "short": {"time_window": 8},
    }
    assert converted["grid"] == {"prediction_steps": [15, 4], "zdims": [3]}
    assert converted["split_gap"] == 90


def test_the_frame_rate_is_that_of_resampled_recordings(convert):
    assert convert({"time_window": "1 s", "resample_fps": 20}, 30, 60)["time_window"] == 20


@pytest.mark.parametrize("rates", [(30, 60), ("fast", "fast"), (-30, -30)])
def test_without_a_common_frame_rate_a_duration_is_not_converted(convert, rates):
    assert convert({"time_window": "1 s"}, *rates)["time_window"] == "1 s"


def test_other_settings_and_texts_are_not_changed(convert):
    config = {"time_window": "long", "zdims": "3 s", "models": None, "grid": "none"}
    assert convert(config | {"split_gap": "1 s"}, 30) == convert(config | {"split_gap": 30}, 30)


def test_a_missing_table_is_named():
    with pytest.raises(SettingsError, match=r"nowhere\.tsv does not exist"):
        in_frames({"sessions": "nowhere.tsv", "time_window": "1 s"}, SCHEMA, SESSIONS)


def test_frames_need_no_table():
    assert in_frames({"sessions": "nowhere.tsv", "time_window": 30}, SCHEMA, SESSIONS)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5 min", 300), ("300 s", 300), ("0.5h", 1800), (" 90s ", 90), (300, 300), (None, None)],
)
def test_time_bins_are_read_as_seconds_in_any_notation(text, seconds):
    assert in_seconds({"time_bins": text}, SCHEMA) == {"time_bins": seconds}


def test_a_text_that_is_not_a_duration_is_not_converted():
    assert in_seconds({"time_bins": "long"}, SCHEMA)["time_bins"] == "long"
    assert in_seconds({"time_bins": " "}, SCHEMA)["time_bins"] is None
    assert in_seconds({"sessions": "5 min"}, SCHEMA) == {"sessions": "5 min"}
