"""Sentences on groups, conditions and time bins that were compared within animals."""

import pandas as pd
import pytest
from motif_tables import make_tables
from reporting.differences import group_sentences, kinds_within, over_time_sentences

CALLED = {0: "0 “walk”", 1: "1", 2: "2"}


def over_time():
    return make_tables(n_motifs=3, unused=0).comparisons_over_time


def test_conditions_and_time_bins_that_differ_are_named():
    conditions, bins = over_time_sentences(over_time(), CALLED)
    assert conditions == (
        "Usage of 1 motif differs between conditions baseline and drug (within 8 animals that have "
        "both): motif 0 “walk” is more frequent in drug (20.0%; baseline: 10.0%; q = 0.004, "
        "Hedges' g +1.5)."
    )
    assert bins == (
        "Usage of 1 motif differs between the first time bin (0-5 min) and 2 later ones, within 8 "
        "animals: motif 0 “walk” is more frequent in 2 bins, most clearly at 5-10 min (20.0%; "
        "first: 10.0%; q = 0.004)."
    )


def test_no_difference_is_not_reported_as_equality():
    conditions, bins = over_time_sentences(over_time().assign(q_value=0.6), CALLED)
    assert conditions == (
        "No difference in motif usage was found between conditions baseline and drug (within 8 "
        "animals that have both); the smallest q-value is 0.6. This does not mean that they are "
        "equal."
    )
    assert bins.startswith("No difference in motif usage was found between the first time bin")
    assert bins.endswith("This does not mean that usage stays the same.")


def test_too_few_animals_and_excluded_animals_are_reported():
    note = "too few animals in both (3; at least 6 are needed)"
    few = over_time().assign(note=note, animals=3, left_out="m7; m8")
    conditions, bins = over_time_sentences(few, CALLED)
    assert conditions == (
        f"Conditions baseline and drug (within 3 animals that have both) cannot be compared: "
        f"{note}. Not compared: 2 animals that have one of them (m7 and m8)."
    )
    assert bins == f"Time bins cannot be compared with the first one (0-5 min): {note}."


def test_later_bins_with_too_few_animals_do_not_hide_the_others():
    table = over_time()
    late = table["part_b"] == "10-15 min"
    table.loc[late, "note"] = "too few animals in both (2; at least 6 are needed)"
    table.loc[late, "animals"] = 2
    _, bins = over_time_sentences(table, CALLED)
    assert "the first time bin (0-5 min) and 1 later one, within 8 animals" in bins


def test_without_comparisons_there_are_no_sentences():
    assert over_time_sentences(over_time().iloc[:0], CALLED) == []


@pytest.mark.parametrize(
    ("design", "left_out", "parts"),
    [
        (
            "paired",
            "m7",
            [
                "between groups control and treated (within 8 animals in both)",
                "Not compared: 1 animal in one of them (m7).",
            ],
        ),
        (
            "independent",
            "m7",
            [
                "between groups control (8 animals) and treated (8 animals)",
                "Not compared: 1 animal in both, or in a block without the other group (m7).",
            ],
        ),
        ("independent", "", ["between groups control (8 animals) and treated (8 animals)"]),
    ],
)
def test_sentences_on_groups_name_the_animals_that_are_compared(design, left_out, parts):
    tables = make_tables(n_motifs=3, unused=0)
    groups = tables.groups.assign(animals_a=8, animals_b=8, design=design, left_out=left_out)
    (sentence,) = group_sentences(tables.usage, groups)
    for part in parts:
        assert part in sentence
    assert ("Not compared" in sentence) == bool(left_out)


def test_the_direction_is_that_of_the_difference_that_was_tested():
    """Within blocks, it may differ from that of the means."""
    tables = make_tables(n_motifs=3, unused=0)
    groups = tables.groups.assign(share_a=0.1, share_b=0.2, difference=-0.1)
    (sentence,) = group_sentences(tables.usage, groups.assign(design="independent", left_out=""))
    assert "motif 0 is less frequent in treated" in sentence


def test_comparisons_within_animals_are_listed():
    groups = pd.DataFrame({"design": ["independent", "paired"]})
    assert kinds_within(groups, over_time()) == ["groups", "conditions", "time bins"]
    assert kinds_within(groups.head(1), over_time().head(0)) == []
