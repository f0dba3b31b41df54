import numpy as np
import pytest
from formats.motif_names import MotifNames, digest_of, read_motif_names, read_rows

KEY = ("vame", "0", "kmeans-4")
HEADER = "model\tseed\tsegmentation\tmotif\tname\tmerged_into\tnote\n"


@pytest.fixture
def segmenter(tmp_path):
    np.savez(tmp_path / "kmeans-4.npz", numbers=np.arange(4))
    return tmp_path / "kmeans-4.npz"


@pytest.fixture
def write(tmp_path, segmenter):
    def write(*rows, digest=None):
        path = tmp_path / "motif_names.tsv"
        lines = ["\t".join([*KEY, *row]) + "\n" for row in rows]
        digest = "\t".join(["# segmenter", *KEY, digest or digest_of(segmenter)])
        path.write_text(f"{digest}\n{HEADER}{''.join(lines)}", encoding="utf-8")
        return path

    return write


def test_without_a_file_there_are_no_names(segmenter):
    assert read_motif_names("", segmenter, *KEY) == MotifNames()
    assert read_rows("") == ({}, [])


def test_names_and_merges_are_those_of_the_segmentation(write, segmenter):
    path = write(("0", "rest #1", "", "calm"), ("1", "walk", "", ""), ("2", "", "1", ""))
    expected = MotifNames({0: "rest #1", 1: "walk"}, {2: 1})
    assert read_motif_names(path, segmenter, *KEY) == expected
    assert read_motif_names(path, segmenter, "other", "0", "kmeans-4") == MotifNames()


def test_the_column_of_colours_is_optional(write, segmenter):
    path = write(("0", "rest", "", ""), ("1", "", "", "", "#D55E00"), ("2", "", "1", "", "#000000"))
    path.write_text(path.read_text().replace("\tnote\n", "\tnote\tcolor\n"))
    expected = MotifNames({0: "rest"}, {2: 1}, {1: "#d55e00"})
    assert read_motif_names(path, segmenter, *KEY) == expected
    assert [row["color"] for row in read_rows(path)[1]] == ["", "#D55E00", "#000000"]
    path.write_text(path.read_text().replace("#D55E00", "red"))
    with pytest.raises(
        ValueError, match=r"the color of motif 1 of kmeans-4 .* is red; write it like #d55e00"
    ):
        read_motif_names(path, segmenter, *KEY)


def test_motifs_can_be_merged_into_a_merged_motif(write, segmenter):
    path = write(("1", "", "2", ""), ("2", "", "3", ""))
    assert read_motif_names(path, segmenter, *KEY).merged == {1: 3, 2: 3}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [("4", "run", "", "")],
            "kmeans-4 of model vame, seed 0 has no motif 4; they are 0, 1, 2, 3",
        ),
        ([("x", "run", "", "")], "has no motif x"),
        ([("1", "", "9", "")], "has no motif 9"),
        ([("1", "", "1", "")], "merged in a circle: 1 into 1"),
        ([("1", "", "2", ""), ("2", "", "1", "")], "merged in a circle: 1 into 2 into 1"),
        ([("1", "a", "", ""), ("1", "b", "", "")], "motif 1 of .* has two rows"),
        ([("1", "a", "", ""), ("2", "a", "", "")], "are called a: merge them"),
    ],
)
def test_rows_that_do_not_fit_are_refused(write, segmenter, rows, message):
    with pytest.raises(ValueError, match=f"motif_names.tsv: .*{message}"):
        read_motif_names(write(*rows), segmenter, *KEY)


def test_names_of_another_segmenter_are_refused(write, segmenter):
    path = write(("0", "rest", "", ""), digest="0123456789ab")
    with pytest.raises(
        ValueError, match=r"another segmenter \(0123456789ab, not \w+\).*in the brow"
    ):
        read_motif_names(path, segmenter, *KEY)


def test_a_missing_column_is_named(tmp_path, segmenter):
    (tmp_path / "names.tsv").write_text("model\tseed\tsegmentation\tmotif\tname\n")
    with pytest.raises(ValueError, match="these columns are missing: merged_into, note"):
        read_motif_names(tmp_path / "names.tsv", segmenter, *KEY)
