"""Intervals with conditions are read in frames or seconds; errors name the line and a cure."""

import pytest
from formats.intervals import check_intervals, find_intervals, lies_outside, read_intervals

SESSIONS = ["m1", "m2"]
FRAMES = "session\tstart\tstop\tcondition\nm1\t0\t90\tbaseline\nm1\t90\t150\tdrug\n"
SECONDS = (
    "# of the second day\nCondition;Session;Start_seconds;Stop_seconds;note\n"
    "baseline;m1;0;3,0;\n\ndrug;m1;3,0;5,0;late\n"
)


@pytest.fixture
def write(tmp_path):
    def written(text):
        path = tmp_path / "intervals.csv"
        path.write_text(text)
        return path

    return written


@pytest.mark.parametrize("text", [FRAMES, SECONDS, FRAMES.replace("\t", ",")])
def test_intervals_in_frames_and_seconds_are_equal(write, text):
    found = read_intervals(write(text), SESSIONS)
    assert [each.condition for each in found] == ["baseline", "drug"]
    assert [each.session for each in found] == ["m1", "m1"]
    assert [each.in_seconds(30) for each in found] == [(0, 3), (3, 5)]


def test_without_a_file_there_are_no_intervals():
    assert read_intervals("", SESSIONS) == []


@pytest.mark.parametrize(
    ("rows", "errors"),
    [
        ("mouse 0 9 a", ["line 2: the sessions table has no session mouse; there are: m1, m2"]),
        ("m1 0 9 ", ["line 2: the condition is empty; name it, or delete the row"]),
        (
            "m1 x 9 a|m1  5 b",
            ["line 2: x in the column start is not a number", "line 3: (empty) in"],
        ),
        ("m1 nan 9 a", ["line 2: nan in the column start is not a number"]),
        ("m1 9 9 a", ["line 2: the interval of a stops at 9 but starts at 9; it must stop"]),
        ("m1 9 2 a", ["line 2: the interval of a stops at 2 but starts at 9; it must stop"]),
        (
            "m1 0 9 a|m2 0 9 b|m1 8 12 b|m1 9 10 a",
            [
                "line 4: b overlaps with a of line 2; a frame has only one condition:",
                "line 5: a overlaps with b of line 4",
            ],
        ),
        ("m1 4 9 b|m1 0 20 a", ["line 2: b overlaps with a of line 3"]),
        ("", ["has no interval; add one row for each, or set intervals: null"]),
    ],
)
def test_every_wrong_line_is_named_with_a_cure(write, rows, errors):
    lines = [row.replace(" ", ",") for row in rows.split("|") if row]
    path = write("\n".join(["session,start,stop,condition", *lines]))
    _, found = find_intervals(path, SESSIONS)
    assert len(found) == len(errors)
    for sentence, start in zip(found, errors, strict=True):
        assert sentence.startswith(start)
    with pytest.raises(ValueError, match=r"intervals.csv: (line \d|has no)"):
        read_intervals(path, SESSIONS)


def test_intervals_may_touch_and_other_sessions_may_have_the_same_times(write):
    text = "session,start,stop,condition\nm1,9,12,b\nm1,0,9,a\nm2,0,12,a\n"
    assert find_intervals(write(text), SESSIONS)[1] == []


def test_columns_that_are_missing_are_named(write):
    _, (error,) = find_intervals(write("session,start,stop,label\nm1,0,9,a\n"), SESSIONS)
    assert error.startswith("needs the columns session, start, stop and condition (start and stop")


@pytest.mark.parametrize(
    ("stop", "inside"), [("150", True), ("160", True), ("179", True), ("181", False)]
)
def test_an_interval_may_end_up_to_a_second_after_its_recording(write, stop, inside):
    """The recording has five seconds at 30 frames per second."""
    path = write(FRAMES.replace("150", stop))
    found = read_intervals(path, SESSIONS)
    assert (lies_outside(found[1], 30, 5) == "") == inside
    lengths = {"m1": (30.0, 5.0), "m2": (30.0, 1.0)}
    if inside:
        check_intervals(path, lengths)
    else:
        with pytest.raises(ValueError, match=r"csv: line 3: drug is from 3.00 to 6.03 s"):
            check_intervals(path, lengths)


@pytest.mark.parametrize(("start", "stop"), [(-3, 9), (150, 155)])
def test_an_interval_must_start_within_its_recording(write, start, stop):
    path = write(f"session,start,stop,condition\nm1,{start},{stop},a\n")
    assert "line 2: a is from" in lies_outside(*read_intervals(path, SESSIONS), 30, 5)
