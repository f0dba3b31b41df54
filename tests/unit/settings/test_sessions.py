"""All errors of a sessions table are reported at once, by line and column."""

from pathlib import Path

import pandas as pd
import pytest
from projects import ROOT
from settings import headers, sessions
from settings.config import checked_config
from settings.files import Access
from settings.names import ignores_case
from settings.schema import SettingsError, read_schema
from settings.sessions import checked_sessions

CONFIG_SCHEMA, SCHEMA = (
    read_schema(ROOT / f"workflow/schemas/{name}.schema.yaml") for name in ("config", "sessions")
)
HERE = Access(shared_disk=True, can_fetch=lambda url: False)
FRAME = ["nose", "ear", "tail"]


def write_csv(path, keypoints, individuals=("",)):
    """Write the header of DeepLabCut's csv."""
    columns = [
        (animal, name, part)
        for animal in individuals
        for name in keypoints
        for part in ("x", "y", "likelihood")
    ]
    kinds = ["individuals", "bodyparts", "coords"]
    lines = [f"scorer{',net' * len(columns)}"]
    lines += [
        ",".join([kind, *own]) for kind, own in zip(kinds, zip(*columns, strict=True), strict=True)
    ]
    Path(path).write_text("\n".join(lines[:1] + lines[1 + (individuals == ("",)) :]) + "\n")


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Return a function that checks a table: rows or errors, and warnings."""
    monkeypatch.chdir(tmp_path)
    headers.whole_header_of.cache_clear()  # for files of another test
    write_csv("mouse.csv", FRAME)
    write_csv("cage.csv", FRAME, ("black", "white"))

    def check_lines(*lines, columns="session poses fps individual group animal labels", **settings):
        table = [columns.split(), *(line.split(" ") for line in lines)]
        Path("sessions.tsv").write_text("\n".join(map("\t".join, table)))
        config = {"sessions": "sessions.tsv", "center": "tail", "orient": "nose"} | settings
        config, warnings = checked_config(config, CONFIG_SCHEMA, HERE), []
        try:
            rows = checked_sessions(config, SCHEMA, HERE, None, warn=warnings.append)
        except SettingsError as error:
            return [line.removeprefix("  - ") for line in str(error).splitlines()[1:]], warnings
        return rows, warnings

    return check_lines


def test_a_row_is_typed_and_has_the_defaults(check):
    ((row,), warnings) = check("m1 mouse.csv 30")
    assert row["fps"] == 30.0
    assert type(row["fps"]) is float
    assert row["session"] == "m1"
    assert row.keys() == SCHEMA["properties"].keys()
    assert {row[key] for key in ("software", "individual", "group", "labels", "video")} == {""}
    assert warnings == []


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("m1 mouse.csv fast", "line 3, fps: 'fast' is not of type 'number'"),
        ("m1 mouse.csv 0", "line 3, fps: 0.0 is less than or equal to the minimum of 0"),
        ("../m1 mouse.csv 30", "line 3, session: '../m1' does not match"),
        ("m1 gone.csv 30", "line 3, poses: gone.csv does not exist; the path is relative to /"),
        ("m1 https://x.org/a.csv 30", "line 3, poses: https://x.org/a.csv cannot be fetched"),
        ("m1 mouse.csv 30    gone.csv", "line 3, labels: gone.csv does not exist"),
        ("m0 mouse.csv 30", "line 3, session: m0 is also in line 2; give each recording a unique"),
        ("m1 cage.csv 30", "line 3, individual: cage.csv has 2 animals, black, white; choose one"),
        ("m1 cage.csv 30 red", "line 3, individual: cage.csv has 2 animals, black, white; 'red'"),
        ("m1 mouse.csv 30 all", "line 3, individual: all requires the animals' names"),
        (
            "m1 results/demo/a.csv 30 all",
            "line 3, individual: all requires that results/demo/a.csv",
        ),
        ("m1 cage.csv 30 all   mouse.csv", "line 3, labels: mouse.csv cannot label 2 animals"),
    ],
)
def test_an_error_names_its_line_and_column(check, line, start):
    (error,), _ = check("m0 mouse.csv 30", line)
    assert error.startswith(start)


def test_no_row_hides_the_errors_of_another(check):
    errors, _ = check(
        "m1 gone.csv 30", "m1 mouse.csv 30", "m2 mouse.csv fast", "m3 mouse.csv 30 all"
    )
    assert [error.split(",")[0] for error in errors] == ["line 2", "line 3", "line 4", "line 5"]


@pytest.mark.parametrize("line", ["m2 gone.csv 30", "m2 cage.csv 30 red", "m2 bad.csv 30"])
def test_a_session_with_an_error_can_be_named_in_the_config(check, line):
    """One mistake is one error, not also one for each setting that names the session."""
    write_csv("bad.csv", ["nose", "paw"])
    errors, _ = check(
        "m1 mouse.csv 30", line, train_on=["m1", "m2"], test_sessions=["m2"], embed_models=[]
    )
    assert len(errors) == 1
    assert errors[0].startswith("line 3, ")


@pytest.mark.parametrize(
    ("settings", "errors"),
    [
        ({"train_on": ["m9"]}, ["train_on in the config: no recording of this table is 'm9'"]),
        ({"test_sessions": ["m9"]}, ["test_sessions in the config: no recording of this table is"]),
        ({"test_groups": ["c"]}, ["test_groups in the config: no recording of this table is 'c'"]),
        (
            {"train_on": ["m1"], "test_sessions": ["m2"], "test_groups": ["b"]},
            [
                "test_sessions in the config: no recording of this table that train_on lists is "
                "'m2'; the names are: m1",
                "test_groups in the config: no recording of this table that train_on lists is 'b'; "
                "the names are: a",
            ],
        ),
    ],
)
def test_sessions_and_groups_in_the_config_must_exist(check, settings, errors):
    found, _ = check("m1 mouse.csv 30  a", "m2 mouse.csv 30  b", **settings)
    for error, start in zip(found, errors, strict=True):
        assert error.startswith(start)


def test_existing_sessions_and_groups_can_be_named(check):
    names = {"train_on": ["m2"], "test_sessions": ["m2"], "test_groups": ["b"]}
    rows, _ = check("m1 mouse.csv 30  a", "m2 mouse.csv 30  b", **names)
    assert [row["session"] for row in rows] == ["m1", "m2"]


def test_keypoints_of_the_config_must_be_in_each_recording(check):
    errors, _ = check("m1 mouse.csv 30", center="Tail", keypoints=["nose", "Tail", "paw"])
    assert errors == [
        "line 2, poses: mouse.csv has no keypoint 'Tail' (center in the config); it has: nose, "
        "ear, tail; did you mean tail?",
        "line 2, poses: mouse.csv has no keypoint 'Tail' (keypoints in the config); it has: nose, "
        "ear, tail; did you mean tail?",
        "line 2, poses: mouse.csv has no keypoint 'paw' (keypoints in the config); it has: nose, "
        "ear, tail",
    ]


def test_an_excluded_keypoint_must_be_in_some_recording(check):
    write_csv("other.csv", [*FRAME, "paw"])
    lines = ("m1 mouse.csv 30", "m2 other.csv 30")
    (error,), _ = check(*lines, exclude_keypoints=["paw", "pwa"])
    assert error == (
        "exclude_keypoints in the config: no recording has a keypoint 'pwa'; did you mean paw?"
    )
    Path("unread.slp").touch()  # its content is not known
    rows, _ = check(*lines, "m3 unread.slp 30", exclude_keypoints=["pwa"])
    assert len(rows) == 3


def test_all_makes_a_session_of_each_animal(check):
    write_csv("cage.csv", FRAME, ("black", "white 2"))
    rows, warnings = check("m1 cage.csv 30 all a cage7", "m2 cage.csv 30 black")
    assert [(row["session"], row["individual"], row["group"], row["animal"]) for row in rows] == [
        ("m1_black", "black", "a", "cage7_black"),
        ("m1_white-2", "white 2", "a", "cage7_white 2"),
        ("m2", "black", "", ""),
    ]
    assert warnings == [
        "cage.csv (black): m1_black, m2 are the same recording; keep only one of them"
    ]


def test_a_recording_in_two_rows_is_reported_with_any_path(check):
    write_csv("cage.csv", FRAME, ("black", "white"))
    Path("link.csv").symlink_to("mouse.csv")
    rows, warnings = check(
        "m1 mouse.csv 30", "m2 cage.csv 30 black", "m3 ./link.csv 25", "m4 cage.csv 30 white"
    )
    assert len(rows) == 4
    assert warnings == ["mouse.csv: m1, m3 are the same recording; keep only one of them"]


def test_a_name_from_individual_all_must_be_free(check):
    (error,), _ = check("m1 cage.csv 30 all", "m1_white cage.csv 30 white")
    assert error == (
        "line 3, session: m1_white is also a name from individual: all in line 2; "
        "rename one of them"
    )


def test_names_from_individual_all_must_differ(check):
    write_csv("cage.csv", FRAME, ("a b", "a-b", "c"))
    (error,), _ = check("m1 cage.csv 30 all")
    assert error == (
        "line 2, individual: 'a b' and 'a-b' of cage.csv would both be the session m1_a-b; write "
        "one row per animal, each with a unique session name"
    )


def test_names_from_two_lines_with_individual_all_must_differ(check):
    write_csv("cage.csv", FRAME, ("b_c", "d"))
    write_csv("other.csv", FRAME, ("c", "d"))
    (error,), _ = check("m1 cage.csv 30 all", "m1_b other.csv 30 all")
    assert error == (
        "line 3, session: m1_b_c is also a name from individual: all in line 2; rename one of them"
    )
    (error,), _ = check("m1_d mouse.csv 30", "m1 cage.csv 30 all")
    assert error == (
        "line 2, session: m1_d is also a name from individual: all in line 3; rename one of them"
    )


def test_the_name_for_all_sessions_is_reserved(check):
    (error,), _ = check("m0 mouse.csv 30", "all mouse.csv 30")
    assert error == (
        "line 3, session: all is the name that tables of results use for all sessions together; "
        "give the recording another name"
    )
    rows, _ = check("all cage.csv 30 all", "All mouse.csv 30", "all-2 mouse.csv 30")
    assert [row["session"] for row in rows] == ["all_black", "all_white", "All", "all-2"]


@pytest.mark.parametrize("same_case", [True, False])
def test_names_that_differ_only_in_case_clash_on_disks_that_ignore_case(
    check, monkeypatch, same_case
):
    monkeypatch.setattr(sessions, "ignores_case", lambda path: same_case)
    found, _ = check("m1 mouse.csv 30", "M1 mouse.csv 30")
    if not same_case:
        assert [row["session"] for row in found] == ["m1", "M1"]
        return
    assert found == [
        "line 3, session: M1 differs from m1 (line 2) only in capitals, which this disk does not "
        "distinguish; rename one of them"
    ]


def test_a_disk_ignores_case_if_both_names_open_the_same_file(tmp_path):
    path = tmp_path / "Sessions.tsv"
    path.touch()
    assert ignores_case(path) == (tmp_path / "sESSIONS.TSV").exists()
    (tmp_path / "sESSIONS.TSV").unlink(missing_ok=True)
    path.touch()
    (tmp_path / "sESSIONS.TSV").hardlink_to(path)  # as on such a disk
    assert ignores_case(path)


OBJECTS = {"black": FRAME, "white": FRAME, "single": ["lamp", "door"]}


def write_ragged(path, animals):
    """Write DeepLabCut's csv or h5, with one frame and different keypoints of each individual."""
    columns = pd.MultiIndex.from_tuples(
        [
            ("net", animal, name, part)
            for animal, names in animals.items()
            for name in names
            for part in ("x", "y", "likelihood")
        ],
        names=["scorer", "individuals", "bodyparts", "coords"],
    )
    table = pd.DataFrame([[1.0] * len(columns)], columns=columns)
    if path.endswith(".csv"):
        table.to_csv(path)
    else:
        table.to_hdf(path, key="df_with_missing")


@pytest.mark.parametrize("suffix", ["csv", "h5"])
def test_objects_are_not_animals(check, suffix):
    write_ragged(f"cage.{suffix}", OBJECTS)
    rows, warnings = check(f"m1 cage.{suffix} 30 all")
    assert [row["session"] for row in rows] == ["m1_black", "m1_white"]
    assert warnings == [
        f"cage.{suffix}: individual: all excludes single: single has no keypoint tail (center) "
        "and no nose (orient)"
    ]


def test_an_animal_that_cannot_be_aligned_is_excluded(check):
    write_ragged("cage.csv", {"black": FRAME, "white": ["nose", "ear"], "single": FRAME})
    rows, (warning,) = check("m1 cage.csv 30 all")
    assert [row["session"] for row in rows] == ["m1_black"]
    assert warning == (
        "cage.csv: individual: all excludes white and single: white has no keypoint tail "
        "(center); single is DeepLabCut's name for objects; if it is an animal, give it a row "
        "of its own"
    )


def test_an_individual_with_its_own_row_is_not_reported_as_excluded(check):
    write_ragged("cage.csv", OBJECTS | {"single": FRAME})
    rows, warnings = check("m1 cage.csv 30 all", "m2 cage.csv 30 single")
    assert [row["individual"] for row in rows] == ["black", "white", "single"]
    assert warnings == []


def test_objects_with_their_own_row_need_the_keypoints_of_the_config(check):
    write_ragged("cage.csv", OBJECTS)
    errors, _ = check("m1 cage.csv 30 single")
    assert errors == [
        f"line 2, poses: single in cage.csv has no keypoint {name!r} ({key} in the config); it "
        "has: lamp, door"
        for key, name in (("center", "tail"), ("orient", "nose"))
    ]


def test_an_animal_that_lacks_a_keypoint_of_the_config_is_named(check):
    write_ragged("cage.csv", {"black": FRAME, "white": ["nose", "tail"]})
    (error,), _ = check("m1 cage.csv 30 all", keypoints=FRAME)
    assert error == (
        "line 2, poses: white in cage.csv has no keypoint 'ear' (keypoints in the config); it has: "
        "nose, tail"
    )


def test_a_file_with_only_objects_has_no_animals(check):
    write_ragged("cage.csv", {"door": ["nose"], "single": ["tail"]})
    (error,), _ = check("m1 cage.csv 30 all")
    assert error == (
        "line 2, individual: all finds no animal in cage.csv: door has no keypoint tail (center); "
        "single has no keypoint nose (orient); choose other keypoints as center and orient"
    )


def test_labels_belong_to_the_only_animal_besides_objects(check):
    write_ragged("cage.csv", {"black": FRAME, "single": ["lamp"]})
    (row,), _ = check("m1 cage.csv 30 all   mouse.csv")
    assert (row["session"], row["labels"]) == ("m1_black", "mouse.csv")


def test_prefixes_of_one_animal_are_refused(check):
    (error,), _ = check("m1 mouse.csv 30", individual_prefixes=["B_", "B-", "W_"])
    assert error == (
        "individual_prefixes in the config: 'B-' and 'B_' would both be the individual B; remove "
        "one"
    )


def test_animals_are_distinguished_by_prefixes(check):
    write_csv("two.csv", [f"{mouse}_{name}" for mouse in "BW" for name in FRAME])
    rows, _ = check("m1 two.csv 30 all", individual_prefixes=["B_", "W_"])
    assert [row["session"] for row in rows] == ["m1_B", "m1_W"]


def test_animals_without_a_row_give_a_warning(check):
    rows, warnings = check("m1 cage.csv 30 white")
    assert len(rows) == 1
    assert warnings == ["cage.csv also contains black: animals that are not in the sessions table"]


def test_an_animal_may_be_in_two_groups(check):
    rows, _ = check("m1 mouse.csv 30  a x", "m2 mouse.csv 30  b x", "m3 mouse.csv 30  a y")
    assert [row["group"] for row in rows] == ["a", "b", "a"]


FACTORS = "session poses fps group animal sex batch"


def test_factors_are_columns_of_the_table(check):
    lines = ["m1 mouse.csv 30 a x F 1", "m2 mouse.csv 30 b x F 1", "m3 mouse.csv 30  y  2"]
    rows, _ = check(*lines, columns=FACTORS, factors=["sex", "batch"])
    assert [(row["sex"], row["batch"]) for row in rows] == [("F", "1"), ("F", "1"), ("", "2")]
    errors, _ = check(*lines, columns=FACTORS, factors=["sex"])
    assert errors[0].startswith("line 2, batch: there is no such setting")


@pytest.mark.parametrize(
    ("lines", "factors", "sentence"),
    [
        (["m1 mouse.csv 30 a x"], ["age"], "factors in the config: the sessions table has no col"),
        (["m1 mouse.csv 30 a x"], ["group"], "factors in the config: group has a meaning of its"),
        (["m1 mouse.csv 30 a x F", "m2 mouse.csv 30 b y"], ["sex"], "line 3, sex: is empty; a se"),
        (
            ["m1 mouse.csv 30 a x F", "m2 mouse.csv 30 b x M"],
            ["sex"],
            "line 3, sex: x is M, but F in line 2; a factor has one value for each animal",
        ),
    ],
)
def test_factors_that_give_no_blocks_are_refused(check, lines, factors, sentence):
    (error,), _ = check(*lines, columns=FACTORS, factors=factors)
    assert error.startswith(sentence)


def test_a_job_does_not_read_headers_again(check, monkeypatch):
    Path("sessions.tsv").write_text("session\tposes\tfps\nm1\tmouse.csv\t30\n")
    config = {"sessions": "sessions.tsv", "center": "paw", "orient": "nose"}
    config = checked_config(config, CONFIG_SCHEMA, HERE)
    monkeypatch.setattr(headers, "whole_header_of", None)  # any call fails
    assert len(checked_sessions(config, SCHEMA, HERE, None, warn=None)) == 1


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "column session is missing; columns are separated by tabs"),
        ("session,poses,fps\na,b,30\n", "column session is missing; columns are separated by tabs"),
        ("session\tposes\na\tb\n", "column fps is missing"),
        ("session\tposes\tfps\n", "it has no rows; add one row per recording"),
        ("session\tposes\tfps\n\t\t\n", "it has no rows; add one row per recording"),
        ("session\tposes\tfps\ta\nm\tmouse.csv\t30\tx\n", "line 2, a: there is no such setting"),
        ("session\tposes\tfps\nm\tmouse.csv\t30\tx\n", "line 2, (beyond the last column): there"),
    ],
)
def test_files_that_are_not_tables_are_refused(tmp_path, monkeypatch, text, sentence):
    monkeypatch.chdir(tmp_path)
    write_csv("mouse.csv", FRAME)
    Path("sessions.tsv").write_text(text)
    config = {"sessions": "sessions.tsv", "center": "tail", "orient": "nose"}
    config = checked_config(config, CONFIG_SCHEMA, HERE)
    with pytest.raises(SettingsError) as refused:
        checked_sessions(config, SCHEMA, HERE, None, warn=None)
    assert sentence in str(refused.value)


def test_a_missing_table_is_an_error_of_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = checked_config({"center": "tail", "orient": "nose"}, CONFIG_SCHEMA, HERE)
    with pytest.raises(SettingsError, match=r"config has 1 error:\n  - sessions: config/sessions"):
        checked_sessions(config, SCHEMA, HERE, None, warn=None)


def test_invisible_characters_of_spreadsheets_are_not_part_of_a_name(check):
    Path("sessions.tsv").write_bytes(b"\xef\xbb\xbfsession\tposes\tfps\r\nm1\tmouse.csv\t 30 \r\n")
    config = {"sessions": "sessions.tsv", "center": "tail", "orient": "nose"}
    config = checked_config(config, CONFIG_SCHEMA, HERE)
    (row,) = checked_sessions(config, SCHEMA, HERE, None, warn=None)
    assert (row["session"], row["fps"]) == ("m1", 30.0)
