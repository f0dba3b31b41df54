"""Random text files with properties of real ones are read or refused."""

import gzip
import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pose_prep.deeplabcut import load_deeplabcut
from pose_prep.reading import _load, loader_of, read_poses
from pose_prep.recognition import recognise
from pose_prep.scalars import add_scalars, is_counter
from recordings import deeplabcut_table, make_dataset, make_tracks
from settings.headers import csv_header

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))  # per test; `make fuzz` tries more

tried = settings(
    max_examples=2 * EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 10,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

names = st.text(
    st.characters(codec="latin-1", categories=["L", "N"], include_characters="_ -./"),
    min_size=1,
    max_size=12,
).filter(lambda name: name.strip() == name)
encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
packers = st.sampled_from([bytes, gzip.compress])
suffixes = st.sampled_from(["", ".csv", ".csv.gz", ".txt", ".h5", ".DAT"])
line_ends = st.sampled_from(["\n", "\r\n", "\r"])


@dataclass
class Table:
    """Poses as DeepLabCut's table, and their positions (frame, keypoint, 2)."""

    poses: pd.DataFrame
    true: np.ndarray
    keypoints: list[str]

    def text(self):
        return self.poses.to_csv(lineterminator="\n")


@st.composite
def tables(draw, min_frames=2, max_frames=40):
    frames = draw(st.integers(min_frames, max_frames))
    keypoints = draw(st.lists(names, min_size=1, max_size=6, unique=True))
    assume(not any(map(is_missing, keypoints)))
    seed = draw(st.integers(0, 999))
    values = np.random.default_rng(seed).normal(300, 50, size=(frames, len(keypoints), 3))
    table = deeplabcut_table(tracks=values, keypoints=keypoints, likelihood=draw(st.booleans()))
    first = draw(st.integers(0, 99_999))
    table.index = range(first, first + frames)
    return Table(table, values[..., :2], keypoints)


def is_missing(name):
    """Return True for words that pandas reads as a missing name."""
    return name.lower() in ("nan", "na", "null", "none")


def read(path):
    return _load(path, loader_of(recognise(path)), 30.0)


def check(poses, table):
    assert poses.keypoints.values.tolist() == table.keypoints
    found = poses.position.isel(individuals=0).transpose("time", "keypoints", "space")
    np.testing.assert_allclose(found, table.true, rtol=1e-12)


@tried
@given(tables(), encodings, packers, suffixes, line_ends, st.integers(0, 3))
def test_encoding_compression_suffix_and_empty_ends_have_no_effect(
    tmp_path, table, encoding, pack, suffix, line_end, empty
):
    lines = [line + "," * empty for line in table.text().splitlines()]
    path = tmp_path / f"poses{suffix}"
    path.write_bytes(pack((line_end.join(lines) + line_end).encode(encoding)))
    poses = read(path)
    check(poses, table)
    assert csv_header(str(path)) == ([], table.keypoints)
    ascii_only = all(map(str.isascii, table.keypoints))
    assert ("latin-1" in poses.attrs["notes"]) == (encoding == "latin-1" and not ascii_only)


@tried
@given(tables(), st.data())
def test_a_row_longer_than_the_header_is_refused_wherever_it_is(tmp_path, table, data):
    lines = table.text().splitlines()
    chosen = data.draw(st.sets(st.integers(3, len(lines) - 1), min_size=1))
    place = data.draw(st.sampled_from(["start", "end"]))
    cell = data.draw(st.sampled_from(["r1", "0", '"7"', "nan"]))
    width = lines[0].count(",") + 1
    for n in chosen:
        lines[n] = f"{cell},{lines[n]}" if place == "start" else f"{lines[n]},{cell}"
    (tmp_path / "p.csv").write_text("\n".join(lines))
    told = rf"row {min(chosen) + 1} of the file has {width + 1} cells, its header {width}:"
    with pytest.raises(ValueError, match=told):
        read(tmp_path / "p.csv")


@tried
@given(tables(min_frames=3), st.data(), st.integers(2, 4), st.booleans())
def test_pictures_are_frames_only_if_their_numbers_are_consecutive(
    tmp_path, table, data, levels, as_h5
):
    count = len(table.poses)
    numbers = data.draw(
        st.one_of(
            st.integers(0, 9999).map(lambda first: list(range(first, first + count))),
            st.lists(st.integers(0, 9999), min_size=count, max_size=count, unique=True).map(sorted),
        )
    )
    folders = data.draw(
        st.lists(names.filter(lambda name: not is_missing(name)), min_size=levels, max_size=levels)
    )[1:]
    prefix, suffix = data.draw(st.sampled_from([("img", ".png"), ("frame_", ".jpg"), ("", "")]))
    table.poses.index = pd.MultiIndex.from_tuples(
        [(*folders, f"{prefix}{n:05}{suffix}") for n in numbers]
    )
    path = tmp_path / "labels"
    if as_h5:
        table.poses.to_hdf(tmp_path / "labels.h5", key="keypoints", mode="w")
        (tmp_path / "labels.h5").rename(path)
    else:
        table.poses.to_csv(path)
        assert csv_header(str(path)) == ([], table.keypoints)
    if numbers[-1] - numbers[0] == count - 1:
        check(load_deeplabcut(path, 30.0), table)
    else:
        with pytest.raises(ValueError, match="write one row per frame, empty for a lost frame"):
            load_deeplabcut(path, 30.0)


@tried
@given(tables(min_frames=3), st.floats(1.5, 500), st.booleans())
def test_an_index_of_times_is_never_read_as_frames(tmp_path, table, fps, in_milliseconds):
    times = np.arange(len(table.poses)) / fps
    table.poses.index = np.rint(times * 1000).astype(int) if in_milliseconds else times
    assume(not in_milliseconds or fps < 400)
    table.poses.to_csv(tmp_path / "p.csv")
    with pytest.raises(ValueError, match=r"write 0, 1, 2, …"):
        read(tmp_path / "p.csv")


@tried
@given(tables(), st.data())
def test_columns_of_no_animal_are_ignored(tmp_path, table, data):
    animals = data.draw(
        st.lists(
            names.filter(lambda name: not is_missing(name)), min_size=1, max_size=3, unique=True
        )
    )
    place = data.draw(st.integers(0, len(animals)))
    all_names = [*animals[:place], "", *animals[place:]]
    points = len(table.keypoints)
    tracks = np.ones((len(table.true), len(all_names), points, 3))
    tracks *= np.arange(len(all_names))[:, None, None]
    both = deeplabcut_table(tracks=tracks, keypoints=table.keypoints, individuals=all_names)
    both.to_csv(tmp_path / "p.csv")
    poses = read(tmp_path / "p.csv")
    assert poses.individuals.values.tolist() == animals
    kept = [n for n in range(len(all_names)) if n != place]
    assert (poses.position == np.array(kept)).all()
    assert poses.attrs["notes"].startswith("columns without an animal, left out: ")
    assert csv_header(str(tmp_path / "p.csv")) == (animals, table.keypoints)


@tried
@given(tables(), st.sampled_from([";", "\t"]), st.sampled_from([",", "."]), encodings, packers)
def test_other_separators_are_named(tmp_path, table, separator, decimal, encoding, pack):
    text = table.poses.to_csv(sep=separator, decimal=decimal)
    (tmp_path / "p").write_bytes(pack(text.encode(encoding)))
    with pytest.raises(ValueError, match=r"separated by (semicolons|tabs).*save it with commas"):
        read(tmp_path / "p")


counters = st.sampled_from(
    [
        *("", "Unnamed: 0", "frame", "Frame", "FRAMES", "frame_number", "index", "row_number"),
        *("time", "Time (s)", "timestamp", "TIMESTAMPS", "seconds", "time [ms]", "datetime"),
    ]
)


@tried
@given(st.data(), encodings, packers, counters)
def test_counters_in_any_column_are_ignored(tmp_path, data, encoding, pack, counter):
    frames = data.draw(st.integers(2, 30))
    own = names.filter(lambda name: not is_counter(name) and not is_missing(name))
    measured = data.draw(st.lists(own, min_size=1, max_size=4, unique=True))
    place = data.draw(st.integers(0, len(measured)))
    columns = [*measured[:place], counter, *measured[place:]]
    values = np.random.default_rng(0).normal(size=(frames, len(columns)))
    values[:, place] = np.arange(frames) + data.draw(st.integers(0, 99))
    path = tmp_path / "numbers"
    path.write_bytes(
        pack(pd.DataFrame(values, columns=columns).to_csv(index=False).encode(encoding))
    )
    poses = make_dataset(tracks=make_tracks(frames=frames))
    added = add_scalars(poses, path, None)
    assert added.feature.values.tolist() == measured
    np.testing.assert_allclose(added.features, np.delete(values, place, axis=1), rtol=1e-12)
    shown = counter or f"Unnamed: {place}"
    assert f"left out: {shown} (list them in extra_features" in added.attrs["notes"]
    chosen = add_scalars(poses, path, [shown])
    np.testing.assert_allclose(chosen.features, values[:, [place]], rtol=1e-12)


@tried
@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode), packers)
def test_any_bytes_are_refused_in_a_sentence(tmp_path, content, pack):
    (tmp_path / "p").write_bytes(pack(content))
    with pytest.raises(ValueError, match="p: cannot be read: "):
        read_poses(tmp_path / "p", "", 30)
    with pytest.raises(ValueError, match="p: "):
        add_scalars(make_dataset(tracks=make_tracks(frames=977)), tmp_path / "p", None)
