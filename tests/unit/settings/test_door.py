"""Any config and sessions table is accepted, or its errors are reported."""

import copy
import csv
import datetime
import io
import math
import os
import re
import signal
import time
from pathlib import Path

import pytest
import yaml
from formats.text import HDF5
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projects import ROOT
from settings import headers
from settings.config import checked_config
from settings.files import Access
from settings.schema import SettingsError, read_schema
from settings.sessions import checked_sessions

SCHEMA, SHEET_SCHEMA = (
    read_schema(ROOT / f"workflow/schemas/{name}.schema.yaml") for name in ("config", "sessions")
)
HERE = Access(shared_disk=True, can_fetch=lambda url: False)
REFUSED = r"has (1 error|\d+ errors):\n  - "
VALID = {"sessions": "sessions.tsv", "center": "tail", "orient": "nose", "models": {"vame": {}}}
EXAMPLES = os.environ.get("FUZZ_EXAMPLES")
AS_IT_IS = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    max_examples=int(EXAMPLES or 300),
    derandomize=EXAMPLES is None,  # the same inputs each time
)


def check_config(config):
    """Return the typed config, or its errors."""
    try:
        return checked_config(copy.deepcopy(config), SCHEMA, HERE), ""
    except SettingsError as error:
        return None, str(error)


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.dates()
    | st.binary(max_size=5)
    | st.sampled_from(["1e-3", "yes", ".inf", "nan", "../x", "0x10", "1_000", "null", "-1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=5,
)
keys = st.sampled_from(sorted([*SCHEMA["properties"], *SCHEMA["ignored"]]))


@AS_IT_IS
@given(st.dictionaries(keys | st.text(max_size=10) | st.integers(), values, max_size=4))
def test_any_setting_is_typed_or_refused(changes):
    config, sentences = check_config(VALID | changes)
    if config is None:
        assert re.search(REFUSED, sentences)
    else:
        assert all(math.isfinite(value) for value in config.values() if isinstance(value, float))


@AS_IT_IS
@given(st.dictionaries(keys, values, max_size=4))
def test_any_change_of_a_model_is_typed_or_refused(changes):
    config, sentences = check_config(VALID | {"models": {"vame": changes}})
    assert config or re.search(REFUSED, sentences)


@pytest.mark.parametrize(
    ("written", "read"), [("1e-3", 0.001), ("5.0e-4", 0.0005), ("1", 1.0), ("1_000", 1000.0)]
)
def test_numbers_are_read_in_any_notation(written, read):
    config, _ = check_config(VALID | yaml.safe_load(f"learning_rate: {written}"))
    assert config["learning_rate"] == read
    assert type(config["learning_rate"]) is float


@pytest.mark.parametrize(
    "wrong", [".inf", "-.inf", ".nan", "yes", "2026-11-23", "fast", "[0.1]", "{a: 1}", "null", "''"]
)
def test_a_value_that_is_not_a_number_is_refused_with_its_key(wrong):
    config, sentences = check_config(VALID | yaml.safe_load(f"learning_rate: {wrong}"))
    assert config is None
    assert "learning_rate: " in sentences


@pytest.mark.parametrize("wrong", ["2026-11-23", "1", "yes", "null", "[tail]"])
def test_a_value_that_is_not_a_name_is_refused_with_its_key(wrong):
    _, sentences = check_config(VALID | yaml.safe_load(f"center: {wrong}"))
    assert "center: " in sentences


@pytest.mark.parametrize("name", ["../x", "/x", "a/b", "a\nb", "", ".", "..", "a b", "-n", 7, True])
def test_a_model_name_that_leads_out_of_its_folder_is_refused(name):
    config, sentences = check_config(VALID | {"models": {name: {}}})
    assert config is None
    assert "models" in sentences


# --- the sessions table ---------------------------------------------------------------------------


@pytest.fixture
def check_table(tmp_path, monkeypatch):
    """Return a function that checks the text of a sessions table and returns rows or errors."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(
        "scorer,s,s,s\nbodyparts,tail,tail,tail\ncoords,x,y,likelihood\n"
    )
    config, _ = check_config(VALID)

    def check(content):
        headers.whole_header_of.cache_clear()  # for a.csv of another test
        Path("sessions.tsv").write_bytes(content)
        try:
            return checked_sessions(config, SHEET_SCHEMA, HERE, None, warn=print), ""
        except SettingsError as error:
            return None, str(error)

    return check


cells = st.text(max_size=12) | st.sampled_from(
    ["a.csv", "DeepLabCut", "30", "-1", "nan", "../x", ""]
)


@AS_IT_IS
@given(columns=st.permutations(sorted(SHEET_SCHEMA["properties"])), rows=st.data())
def test_any_sessions_table_is_accepted_or_refused(check_table, columns, rows):
    table = io.StringIO()
    writer = csv.writer(table, delimiter="\t")
    writer.writerow(columns[: rows.draw(st.integers(1, len(columns)))])
    writer.writerows(rows.draw(st.lists(st.lists(cells, max_size=7), max_size=4)))
    entered, sentences = check_table(table.getvalue().encode("utf-8", "surrogatepass"))
    assert entered or re.search(REFUSED, sentences)


@AS_IT_IS
@given(st.binary(max_size=200))
def test_any_file_is_accepted_as_sessions_table_or_refused(check_table, content):
    entered, sentences = check_table(content)
    assert entered is None
    assert re.search(REFUSED, sentences)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "x/y", '"a\nb"', ".", "..", ".hidden", "a b", "é", "-n", "x\\y"]
)
def test_a_session_name_that_leads_out_of_its_folder_is_refused(check_table, name):
    text = f"session\tposes\tsoftware\tfps\n{name}\ta.csv\tDeepLabCut\t30\n"
    entered, sentences = check_table(text.encode())
    assert entered is None
    assert "session: " in sentences


def test_a_correct_table_is_accepted(check_table):
    Path("a.csv").write_text(Path("a.csv").read_text().replace("tail,tail,tail", "tail,tail,nose"))
    rows, sentences = check_table(b"session\tposes\tsoftware\tfps\nm1\ta.csv\tDeepLabCut\t30\n")
    assert rows, sentences
    assert (rows[0]["session"], rows[0]["fps"]) == ("m1", 30.0)


def test_dates_are_not_names():
    _, sentences = check_config(VALID | {"orient": datetime.date(2026, 11, 23)})
    assert "orient: " in sentences


# --- headers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: os.kill(os.getpid(), signal.SIGKILL),
        lambda path: time.sleep(60),
        lambda path: 1 / 0,
    ],
    ids=["crash", "hang", "error"],
)
def test_a_damaged_file_does_not_crash_the_process(monkeypatch, tmp_path, damage):
    for reader in ("hdf5_header", "pandas_header"):
        monkeypatch.setattr(headers, reader, damage)
    monkeypatch.setattr(headers, "SECONDS_PER_HEADER", 0.2)
    (tmp_path / "damaged.h5").write_bytes(HDF5)
    assert headers.header_of(str(tmp_path / "damaged.h5"), []) == ([], [])
