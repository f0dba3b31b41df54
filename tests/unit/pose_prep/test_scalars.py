import gzip

import numpy as np
import pytest
import xarray as xr
from pose_prep.labels import check_labels
from pose_prep.scalars import add_scalars, read_scalars
from recordings import make_dataset, make_tracks

POSES = make_dataset(tracks=make_tracks(frames=3))


def write(folder, text):
    path = folder / "numbers.csv"
    path.write_bytes(text.encode())
    return path


def test_columns_of_a_csv_are_extra_features(tmp_path):
    path = write(tmp_path, "\ufeffframe,speed,light\r\n0,1.5,0\r\n1,,1\r\n2,3,1\r\n")
    poses = add_scalars(POSES, path, None)
    assert poses.feature.values.tolist() == ["speed", "light"]
    np.testing.assert_array_equal(poses.features, [[1.5, 0], [np.nan, 1], [3, 1]])


def test_variables_of_a_netcdf_are_extra_features(tmp_path):
    file = xr.Dataset({"speed": ("time", [1, 2, 3]), "pellet": ("time", [True, False, True])})
    file.assign(other=("space", [1.0, 2.0])).to_netcdf(tmp_path / "n.nc", engine="netcdf4")
    table, _ = read_scalars(tmp_path / "n.nc")
    assert table.to_dict("list") == {"speed": [1, 2, 3], "pellet": [1, 0, 1]}


def test_extra_features_may_be_chosen_by_name(tmp_path):
    path = write(tmp_path, "speed,light\n1,0\n2,0\n3,1\n")
    assert add_scalars(POSES, path, ["light"]).feature.values.tolist() == ["light"]
    assert "features" not in add_scalars(POSES, path, [])
    assert add_scalars(POSES, None, None).identical(POSES)
    with pytest.raises(ValueError, match=r"numbers.csv: extra_features: there is no spead; .* spe"):
        add_scalars(POSES, path, ["spead"])


def test_extra_features_of_the_pose_file_are_first_and_not_overwritten(tmp_path):
    own = POSES.assign(features=(("time", "feature"), [[1.0], [2], [3]]))
    own = own.assign_coords(feature=["speed"])
    both = add_scalars(own, write(tmp_path, "light\n1\n1\n0\n"), None)
    assert both.feature.values.tolist() == ["speed", "light"]
    with pytest.raises(ValueError, match="speed is also in the pose file"):
        add_scalars(own, write(tmp_path, "speed\n1\n1\n0\n"), None)


@pytest.mark.parametrize(
    "name",
    [
        *("", "Unnamed: 0", "frame", "Frame", "frame_idx", "fnum", "index", "INDEX", "row number"),
        *("time", "Time (s)", "time_ms", "timestamp", "Timestamps", "seconds", "Time [sec]"),
        *("time_in_seconds", "DateTime", "video time", "elapsed_time"),
    ],
)
def test_counters_and_times_are_not_features_unless_they_are_named(tmp_path, name):
    path = write(tmp_path, f"{name},speed\n0,1\n1,2\n2,3\n")
    poses = add_scalars(POSES, path, None)
    assert poses.feature.values.tolist() == ["speed"]
    shown = name or "Unnamed: 0"
    assert f"not features, left out: {shown} (list them in extra_features" in poses.attrs["notes"]
    chosen = add_scalars(POSES, path, [shown, "speed"])
    np.testing.assert_array_equal(chosen.features, [[0, 1], [1, 2], [2, 3]])
    assert "notes" not in chosen.attrs


@pytest.mark.parametrize(
    "name", ["speed", "light", "timeout", "framework", "indexfinger_height", "runtime_share", "x"]
)
def test_other_names_are_features(tmp_path, name):
    poses = add_scalars(POSES, write(tmp_path, f"{name}\n1\n2\n3\n"), None)
    assert poses.feature.values.tolist() == [name]


@pytest.mark.parametrize("header", ["speed,light", "speed,light,", ",speed,light", "speed,,light"])
@pytest.mark.parametrize("ends", ["", ","])
def test_empty_columns_are_ignored_without_a_note(tmp_path, header, ends):
    rows = [header.replace("speed", str(n)).replace("light", "0") + ends for n in (1, 2, 3)]
    poses = add_scalars(POSES, write(tmp_path, "\n".join([header, *rows]) + "\n"), None)
    np.testing.assert_array_equal(poses.features, [[1, 0], [2, 0], [3, 0]])
    assert "notes" not in poses.attrs
    rows = [row.removesuffix(",").removesuffix(",") for row in rows]
    shorter = add_scalars(POSES, write(tmp_path, "\n".join([header, *rows]) + "\n"), None)
    np.testing.assert_array_equal(shorter.features, poses.features)


def test_a_time_of_day_is_ignored_without_being_read(tmp_path):
    path = write(tmp_path, "time,speed\n10:00,1\n10:01,2\n10:02,3\n")
    assert add_scalars(POSES, path, None).feature.values.tolist() == ["speed"]
    with pytest.raises(ValueError, match=r"numbers\.csv: .*10:00"):
        add_scalars(POSES, path, ["time"])


def test_counters_of_pose_files_and_netcdf_are_ignored(tmp_path):
    own = POSES.assign(features=(("time", "feature"), [[0.0, 5], [1, 6], [2, 7]]))
    own = own.assign_coords(feature=["frame", "light"]).assign_attrs(notes="read oddly")
    file = xr.Dataset({"speed": ("time", [1, 2, 3]), "timestamp": ("time", [0.0, 0.1, 0.2])})
    file.to_netcdf(tmp_path / "n.nc", engine="netcdf4")
    poses = add_scalars(own, tmp_path / "n.nc", None)
    assert poses.feature.values.tolist() == ["light", "speed"]
    assert poses.attrs["notes"].startswith("read oddly; ")
    assert "left out: frame, timestamp (" in poses.attrs["notes"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_table_is_read_in_any_encoding_and_compressed(tmp_path, encoding, pack):
    (tmp_path / "numbers").write_bytes(pack("größe,light,\n1,0,\n2,0,\n3,1,\n".encode(encoding)))
    poses = add_scalars(POSES, tmp_path / "numbers", None)
    np.testing.assert_array_equal(poses.features, [[1, 0], [2, 0], [3, 1]])
    assert poses.feature.values.tolist() == ["größe", "light"]
    assert ("latin-1" in poses.attrs.get("notes", "")) == (encoding == "latin-1")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("speed\n1\n2\n", "2 rows for 3 tracked frames, 1 shorter than the track"),
        ("speed\n1\n2\n3\n4\n5\n", "5 rows for 3 tracked frames, 2 longer"),
        ("frame,speed\n0,1\n1,2\n3,3\n", "row 2 of the column frame is 3"),
        ("speed\n1\nfast\n2\n", "cannot be read as scalars per frame"),
        ("Frame_Index,speed\n0,1\n1,2\n3,3\n", "row 2 of the column Frame_Index is 3"),
        ("frame\n0\n1\n2\n", "contains no scalars per frame besides frame"),
        ("speed,light\na,1,0\nb,2,0\nc,3,0\n", "row 2 of the file has 3 cells, its header 2"),
        ("speed,light\n1,0\n2,0\n3,0,4\n", "row 4 of the file has 3 cells, its header 2"),
        ("speed;light\n1,5;0\n2,5;0\n3,5;0\n", "separated by semicolons"),
        ("", "cannot be read"),
    ],
)
def test_other_tables_are_refused(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=r"numbers\.csv: ") as caught:
        add_scalars(POSES, write(tmp_path, text), None)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("frame,label\n0,run\n1,rest\n2,rest\n", None),
        ("frame,label\n5,run\n6,rest\n7,rest\n", None),
        ("frame,label\n0,run\n1,rest\n", "2 labels for 3 tracked frames, 1 shorter"),
        ("frame,label\n0,a\n1,a\n2,a\n3,a\n", "4 labels for 3 tracked frames, 1 longer"),
        ("frame,label\n0,a\n1,a\n5,a\n", "row 2 of the column frame is 5"),
        ("frame,label\n0,run,fast\n1,run\n2,run\n", "row 2 of the file has 3 cells, its header 2"),
        ("frame;label\n0;run\n1;run\n2;run\n", "separated by semicolons"),
        (
            ",0\n0,21\n1,26\n2,26\n",
            "needs the columns frame and label, or those of bouts, or of BORIS events; it has",
        ),
        ("", "cannot be read as labels"),
    ],
)
def test_labels_must_match_the_track(tmp_path, text, complaint):
    path = write(tmp_path, text)
    if complaint is None:
        check_labels(None, 3, 30.0)
        return check_labels(path, 3, 30.0)
    with pytest.raises(ValueError, match=r"numbers\.csv: ") as caught:
        check_labels(path, 3, 30.0)
    assert complaint in str(caught.value)


def test_labels_are_read_in_any_encoding_and_compressed(tmp_path):
    text = "frame,label,\n0,läuft,\n1,,\n2,ruht,\n"
    for content in (text.encode("latin-1"), text.encode("utf-16"), gzip.compress(text.encode())):
        (tmp_path / "labels").write_bytes(content)
        check_labels(tmp_path / "labels", 3, 30.0)
        with pytest.raises(ValueError, match="3 labels for 2 tracked frames"):
            check_labels(tmp_path / "labels", 2, 30.0)
