"""Random names are distinguished or refused, and each name belongs to its own file."""

import csv
import os
import re
from pathlib import Path

import convert_vame_project
import numpy as np
import pandas as pd
import pytest
import yaml
from formats.files import own_name
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pose_prep.reading import split_by_prefix
from projects import ROOT
from recordings import make_dataset
from settings import headers
from settings.config import checked_config
from settings.files import Access, plain_name
from settings.names import RESERVED, session_names
from settings.schema import SettingsError, read_schema
from settings.sessions import checked_sessions

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))  # `make fuzz` tries more
AS_IT_IS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 10,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
CONFIG_SCHEMA, SCHEMA = (
    read_schema(ROOT / f"workflow/schemas/{name}.schema.yaml") for name in ("config", "sessions")
)
PATTERN = SCHEMA["properties"]["session"]["pattern"]
HERE = Access(shared_disk=True, can_fetch=lambda url: False)
signs = st.text("ab1 _-.#()[]{}*?!'%$é", min_size=1, max_size=8)
named = signs.filter(lambda name: name.strip() == name and name not in (".", ".."))


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@AS_IT_IS
@given(st.lists(signs | st.sampled_from(["all", "All", "m1", "M1", "-"]), unique=True, max_size=9))
def test_names_of_sessions_are_distinguished(names):
    new = session_names(names)
    assert list(new) == names
    assert len(set(new.values())) == len(names)
    folded = [name.casefold() for name in new.values()]
    for old, name in new.items():
        assert re.search(PATTERN, name)
        assert name not in RESERVED
        assert old == name or folded.count(name.casefold()) == 1
    assert session_names(new.values()) == dict(zip(new.values(), new.values(), strict=True))


@AS_IT_IS
@given(
    prefixes=st.lists(st.text("m1_", min_size=1, max_size=4), unique=True, min_size=1, max_size=4),
    keypoints=st.lists(st.text("m1_n", min_size=1, max_size=6), unique=True, min_size=1),
)
def test_both_readers_use_the_longest_prefix_of_a_keypoint(prefixes, keypoints):
    animals = [prefix.rstrip("_") or prefix for prefix in prefixes]
    assume(len(set(animals)) == len(animals))
    expected = {}
    for prefix, animal in zip(prefixes, animals, strict=True):
        longer = [other for other in prefixes if len(other) > len(prefix)]
        expected[animal] = [
            name[len(prefix) :]
            for name in keypoints
            if name.startswith(prefix)
            and name != prefix
            and not any(name.startswith(other) and name != other for other in longer)
        ]
    expected = {animal: own for animal, own in expected.items() if own}
    individuals, names = headers.split_header([], keypoints, prefixes)
    assert (individuals or [""]) == (list(expected) or [""])
    if not expected:
        return
    assert names == [name for own in expected.values() for name in own]
    tracks = np.random.default_rng(0).normal(size=(3, len(keypoints), 3))
    split = split_by_prefix(make_dataset(tracks=tracks, keypoints=keypoints), prefixes, [])
    for animal, own in expected.items():
        one = split.sel(individuals=animal)
        assert one.keypoints.values[one.tracked.values].tolist() == [
            name for name in one.keypoints.values if name in own
        ]
        prefix = prefixes[animals.index(animal)]
        for name in own:
            column = keypoints.index(prefix + name)
            np.testing.assert_array_equal(
                one.position.sel(keypoints=name).values, tracks[:, column, :2]
            )


@AS_IT_IS
@given(
    animals=st.dictionaries(
        named.filter(lambda name: "," not in name) | st.just("single"),
        st.sets(st.sampled_from(["nose", "ear", "tail", "lamp"]), min_size=1),
        min_size=2,
        max_size=5,
    ),
    suffix=st.sampled_from(["csv", "h5"]),
)
def test_all_makes_a_session_of_each_animal_that_can_be_aligned(animals, suffix):
    columns = pd.MultiIndex.from_tuples(
        [
            ("net", animal, name, part)
            for animal, names in animals.items()
            for name in sorted(names)
            for part in ("x", "y", "likelihood")
        ],
        names=["scorer", "individuals", "bodyparts", "coords"],
    )
    table, path = pd.DataFrame([[1.0] * len(columns)], columns=columns), f"cage.{suffix}"
    if suffix == "csv":
        table.to_csv(path)
    else:
        table.to_hdf(path, key="poses", mode="w")
    headers.whole_header_of.cache_clear()  # for files of another example
    rows, sentences, warnings = check_table([["m", path, "30", "all"]])
    able = [name for name, own in animals.items() if {"nose", "tail"} <= own and name != "single"]
    sessions = [f"m_{re.sub('[^A-Za-z0-9_.-]+', '-', name)}" for name in able]
    if not able or len(set(sessions)) < len(sessions):
        assert rows is None
        assert "line 2" in sentences
        assert path in sentences
        return
    assert [(row["session"], row["individual"]) for row in rows] == [
        *zip(sessions, able, strict=True)
    ]
    told = "\n".join(warnings)
    assert ("excludes" in told) == (len(able) < len(animals))
    assert all(name in told for name in animals if name not in able)
    assert "animals that are not in the sessions table" not in told


def check_table(rows):
    """Return rows or None, errors, and warnings."""
    with open("sessions.tsv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t")
        writer.writerows([["session", "poses", "fps", "individual"], *rows])
    config = {"sessions": "sessions.tsv", "center": "tail", "orient": "nose"}
    config, warnings = checked_config(config, CONFIG_SCHEMA, HERE), []
    try:
        return checked_sessions(config, SCHEMA, HERE, None, warn=warnings.append), "", warnings
    except SettingsError as error:
        return None, str(error), warnings


@AS_IT_IS
@given(
    st.lists(st.sampled_from(["all", "m1", "m2", "m1_b", "M1", "all_b"]), min_size=1, max_size=4)
)
def test_a_table_is_accepted_if_no_name_is_repeated_or_reserved(names):
    header = "scorer" + ",s" * 9 + "\nbodyparts" + "".join(f",{x}" * 3 for x in ("nose", "ear"))
    Path("m.csv").write_text(header + ",tail" * 3 + "\ncoords" + ",x,y,likelihood" * 3 + "\n")
    headers.whole_header_of.cache_clear()
    rows, sentences, _ = check_table([[name, "m.csv", "30", ""] for name in names])
    right = len(set(names)) == len(names) and "all" not in names
    assert (rows is not None) == right
    if not right:
        line = next(n for n, name in enumerate(names, 2) if name == "all" or name in names[: n - 2])
        assert f"line {line}, session: {names[line - 2]} is " in sentences


@AS_IT_IS
@given(st.lists(st.text("ab {}<>%.#,é", min_size=1, max_size=8), min_size=1, max_size=3))
def test_any_file_gets_a_unique_name_that_snakemake_accepts(parts):
    path = str(Path("recordings", *parts))
    link = plain_name(path)
    assert own_name(link) == path
    assert (link == path) == (not set("{}<>") & set(path))
    assert not set("{}<>") & set(link)


@AS_IT_IS
@given(st.lists(named, unique=True, min_size=1, max_size=5), st.data())
def test_each_session_of_a_vame_project_is_read_from_its_own_file(tmp_path_factory, names, data):
    project = tmp_path_factory.mktemp("vame")
    poses = project / "videos/pose_estimation"
    poses.mkdir(parents=True)
    for name in names:
        (poses / f"{name}.csv").write_text("scorer,s\nbodyparts,nose\ncoords,x\n")
    shown = data.draw(st.permutations(names))
    (project / "config.yaml").write_text(yaml.safe_dump({"session_names": shown}))
    _, rows, notes = convert_vame_project.convert(project, 30, "tail", "nose")
    assert [Path(row["poses"]).name for row in rows] == [f"{name}.csv" for name in shown]
    assert [row["session"] for row in rows] == list(session_names(shown).values())
    renamed = [name for name in shown if session_names(shown)[name] != name]
    assert sum(note.startswith("session renamed: ") for note in notes) == len(renamed)
