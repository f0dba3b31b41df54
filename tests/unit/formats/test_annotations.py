import numpy as np
import pytest
from formats.annotations import label_frames, read_bouts

TABULAR_8 = """Observation id\tSubject\tBehavior\tBehavior type\tTime\tComment
trial1\tNo focal subject\tgroom\tSTART\t0.5\t
trial1\tNo focal subject\trear\tPOINT\t1.0\tthe first
trial1\tNo focal subject\tgroom\tSTOP\t2.0\t
"""
TABULAR_7 = """Observation id\ttrial1

Media file(s)

Time\tMedia file path\tTotal length\tFPS\tSubject\tBehavior\tBehavioral category\tComment\tStatus
0.5\ta.mp4\t60\t30\t\tgroom\t\t\tSTART
1.0\ta.mp4\t60\t30\t\trear\t\t\tPOINT
2.0\ta.mp4\t60\t30\t\tgroom\t\t\tSTOP
"""
AGGREGATED = """"Observation id","Subject","Behavior","Behavior type","Start (s)","Stop (s)"
"trial1","rat","groom","STATE","0.5","2.0"
"trial1","rat","rear","POINT","1.0","1.0"
"""
SECONDS = "start_seconds;stop_seconds;label\n0,5;2,0;groom\n1,0;1,1;rear\n"
FRAMES = "start,stop,label,note\n5,20,groom,\n10,11,rear,\n"


def write(folder, text):
    path = folder / "labels.csv"
    path.write_text(text)
    return path


def labels_of(path, frames=30, fps=10.0):
    return label_frames(path, read_bouts(path), frames, fps)


@pytest.mark.parametrize("text", [TABULAR_8, TABULAR_7, AGGREGATED, SECONDS, FRAMES])
def test_bouts_and_events_label_frames(tmp_path, text):
    """At ten frames per second, frames 5 to 19 are groom, except frame 10, which is rear."""
    expected = np.full(30, "", dtype="<U5")
    expected[5:20] = "groom"
    expected[10] = "rear"
    assert labels_of(write(tmp_path, text)).tolist() == expected.tolist()


def test_a_label_per_frame_is_not_a_table_of_bouts(tmp_path):
    assert read_bouts(write(tmp_path, "frame,label\n0,a\n1,b\n")) is None


def test_the_last_started_of_overlapping_bouts_gives_the_label(tmp_path):
    path = write(tmp_path, "start,stop,label\n4,8,b\n0,6,a\n")
    assert "".join(labels_of(path, frames=9)) == "aaaabbbb"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (AGGREGATED + '"trial1","mouse","rear","POINT","3","3"\n', "several animals: rat, mouse"),
        (AGGREGATED + '"trial2","rat","rear","POINT","3","3"\n', "observations: trial1, trial2"),
        (AGGREGATED.replace('"2.0"', '""'), r"\(empty\) in the column stop \(s\) is not a number"),
        (
            TABULAR_8.replace("STOP", "START").replace("groom\tSTART\t0.5", "rest\tSTART\t0.5"),
            "no STOP",
        ),
        (TABULAR_8.replace("groom\tSTART", "rest\tSTOP"), "rest stops at 0.5 s"),
        (
            TABULAR_8.replace("Behavior type", "Kind"),
            "the column Behavior type \\(or Status\\) of BORIS is missing",
        ),
        ("start,stop,label\n5,4,a\n", "ends at 4, before it starts"),
        ("start,stop,label\n5,41,a\n", "from 0.50 to 4.10 s, but the track lasts 3.00 s"),
    ],
)
def test_ambiguous_annotations_are_refused(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=f"labels.csv: .*{message}"):
        labels_of(path)
