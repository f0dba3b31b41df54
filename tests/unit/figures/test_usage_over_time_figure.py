"""The figure of usage over time shows the content of the tables."""

import numpy as np
import pandas as pd
import pytest
from figures.usage_over_time import MOST_MOTIFS, draw_usage_over_time

ANIMALS = [f"m{n}" for n in range(6)]
BINS, CONDITIONS = ["0-5 min", "5-10 min", "10-15 min"], ["rest", "drug"]


def make(*, n_motifs=3, bins=BINS, conditions=CONDITIONS, groups=("a", "b"), names=("walk",)):
    rows = [
        (f"s{animal}", animal, groups[n % len(groups)], by, part, start, 300.0, motif)
        for n, animal in enumerate(ANIMALS)
        for by, parts in (("time bin", bins), ("condition", conditions))
        for start, part in zip((0.0, 300.0, 600.0), parts, strict=False)
        for motif in range(n_motifs)
    ]
    columns = ["session", "animal", "group", "by", "part", "start_seconds", "seconds", "motif"]
    usage = pd.DataFrame(rows, columns=columns)
    usage.insert(8, "name", [dict(enumerate(names)).get(motif, "") for motif in usage["motif"]])
    usage["frames"] = 100 * (n_motifs - usage["motif"])
    usage["share"] = np.linspace(0.1, 0.4, len(usage))
    pairs = [("time bin", bins[0], part) for part in bins[1:]] if bins else []
    pairs += [("condition", *conditions)] if len(conditions) == 2 else []
    comparisons = pd.DataFrame(
        [
            (*pair, motif, 0.02 if motif == 1 else 0.5)
            for pair in pairs
            for motif in range(n_motifs)
        ],
        columns=["by", "part_a", "part_b", "motif", "q_value"],
    )
    return usage, comparisons


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes if axes.get_visible()}


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_each_motif_has_a_panel_of_each_kind():
    kinds = [f"{kind}/{motif}" for kind in ("time bin", "condition") for motif in range(3)]
    assert list(panels(draw_usage_over_time(*make()))) == kinds


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [({"bins": []}, {"condition"}), ({"conditions": []}, {"time bin"})],
)
def test_only_comparisons_of_the_config_are_drawn(changes, kinds):
    labels = panels(draw_usage_over_time(*make(**changes)))
    assert {label.split("/")[0] for label in labels} == kinds


def test_lines_are_means_of_groups_at_the_middle_of_bins():
    usage, comparisons = make()
    axes = panels(draw_usage_over_time(usage, comparisons))["time bin/0"]
    own = usage[(usage["by"] == "time bin") & (usage["motif"] == 0)]
    lines = [line for line in axes.get_lines() if line.get_marker() not in ("", "None", None)]
    for group, line in zip("ab", lines, strict=True):
        expected = own[own["group"] == group].groupby("start_seconds")["share"].mean()
        np.testing.assert_allclose(line.get_xdata(), [2.5, 7.5, 12.5])  # minutes
        np.testing.assert_allclose(line.get_ydata(), expected)
    assert len(axes.get_lines()) == 2 + len(ANIMALS)


def test_points_of_a_condition_are_the_animals():
    usage, comparisons = make(groups=("",))
    axes = panels(draw_usage_over_time(usage, comparisons))["condition/0"]
    points = [line for line in axes.get_lines() if line.get_linestyle() == "None"]
    for part, line in zip(CONDITIONS, points, strict=True):
        own = usage[(usage["part"] == part) & (usage["motif"] == 0)]
        assert sorted(line.get_ydata()) == pytest.approx(sorted(own["share"]))
    assert [tick.get_text() for tick in axes.get_xticklabels()] == CONDITIONS


def test_stars_are_drawn_where_q_is_small():
    drawn = panels(draw_usage_over_time(*make()))
    for kind, stars in (("time bin", 2), ("condition", 1)):
        assert texts(drawn[f"{kind}/1"]).count("*") == stars
        assert "*" not in "".join(texts(drawn[f"{kind}/0"]))


def test_motifs_have_number_and_name():
    axes = panels(draw_usage_over_time(*make()))["condition/0"]
    assert "0" in texts(axes)
    assert axes.get_title("left") == "walk"


def test_only_the_most_frequent_of_many_motifs_are_shown_with_a_note():
    figure = draw_usage_over_time(*make(n_motifs=MOST_MOTIFS + 5, conditions=[]))
    assert len(panels(figure)) == MOST_MOTIFS
    headings = [part.get_suptitle() for part in figure.subfigs]
    assert headings[0].endswith(f"({MOST_MOTIFS} of {MOST_MOTIFS + 5} motifs)")


def test_without_usage_the_figure_has_a_note():
    usage, comparisons = make(bins=[], conditions=[])
    (axes,) = draw_usage_over_time(usage, comparisons).axes
    assert "Neither intervals nor time bins" in texts(axes)[0]


@pytest.mark.parametrize("share", [0.0, np.nan])
def test_motifs_without_frames_are_also_drawn(share):
    usage, comparisons = make()
    figure = draw_usage_over_time(usage.assign(share=share), comparisons.assign(q_value=np.nan))
    figure.draw_without_rendering()
    motifs = sorted(usage["motif"].unique())
    labels = [axes.get_label() for axes in figure.axes]
    assert [f"time bin/{motif}" in labels for motif in motifs] == [True] * len(motifs)
