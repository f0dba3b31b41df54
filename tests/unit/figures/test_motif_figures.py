"""Figures of motifs show what their tables contain: facts are read back from the axes."""

import io

import numpy as np
import pandas as pd
import pytest
from colorspacious import cspace_convert
from figures.communities import draw_communities
from figures.ethogram import draw_ethogram, excerpt_starts
from figures.latent_map import draw_latent_map, moved_apart
from figures.motif_marks import ink_on, motif_colour, used_motifs
from figures.motif_poses import draw_motif_poses, path_of
from figures.n_motifs import draw_n_motifs
from figures.style import FAINT, GREY, bin_means, paper_style, save
from figures.transitions import draw_transitions, shown_arrows
from figures.usage import animals_of, draw_usage
from matplotlib.colors import to_hex, to_rgb
from matplotlib.patches import Circle, FancyArrowPatch
from motif_tables import CENTER, KEYPOINTS, make_tables


@pytest.fixture(scope="module")
def tables():
    return make_tables()


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def tick_colours(axis):
    """Return the colour of each motif from the tile behind its number."""
    return {
        int(label.get_text()): to_hex(label.get_bbox_patch().get_facecolor())
        for label in axis.get_ticklabels()
    }


def texts(axes):
    return [text.get_text() for text in axes.texts]


def draw_all(tables, n_motifs):
    return {
        "map": draw_latent_map(tables.latent_map),
        "ethogram": draw_ethogram("mouse0", tables.sessions["mouse0"], range(n_motifs)),
        "usage": draw_usage(tables.usage, tables.groups),
        "transitions": draw_transitions(tables.transitions, tables.usage, tables.communities),
        "communities": draw_communities(tables.linkage, tables.communities, tables.usage),
        "poses": draw_motif_poses(tables.profile, tables.usage, None, CENTER),
    }


def seen(colours, blindness):
    """Return (colour, 3) as seen with this blindness; a distance of 1 is just noticeable."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    if blindness:
        space = {"name": "sRGB1+CVD", "cvd_type": blindness, "severity": 100}
        rgb = cspace_convert(rgb, space, "sRGB1").clip(0, 1)
    return cspace_convert(rgb, "sRGB1", "CAM02-UCS")


class TestColours:
    def test_the_colour_of_a_motif_does_not_depend_on_the_number_of_motifs(self):
        first = [motif_colour(motif) for motif in range(64)]
        motif_colour(1000)
        assert [motif_colour(motif) for motif in range(64)] == first
        assert len({motif_colour(motif) for motif in range(256)}) == 256

    @pytest.mark.parametrize("blindness", [None, "protanomaly", "deuteranomaly", "tritanomaly"])
    def test_a_dozen_are_distinguished_with_any_colour_vision(self, blindness):
        colours = seen(["white", *map(motif_colour, range(12))], blindness)
        apart = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
        assert apart[~np.eye(13, dtype=bool)].min() > 13

    def test_no_colour_is_close_to_white_or_grey(self):
        colours = seen(map(motif_colour, range(256)), None)
        for tone in ("white", GREY, FAINT):
            apart = np.linalg.norm(colours - seen([tone], None), axis=1)
            assert apart[:64].min() > 8
            assert apart.min() > 3

    def test_numbers_are_readable_on_their_colours(self):
        def luminance(colour):
            linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
            return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

        for motif in range(64):
            one, other = (
                luminance(to_rgb(each))
                for each in (motif_colour(motif), ink_on(motif_colour(motif)))
            )
            assert (max(one, other) + 0.05) / (min(one, other) + 0.05) > 3

    def test_colours_are_the_same_in_every_figure(self, tables):
        shown = {name: panels(figure) for name, figure in draw_all(tables, 6).items()}
        expected = {motif: to_hex(motif_colour(motif)) for motif in range(6)}
        used = {motif: expected[motif] for motif in range(5)}
        assert tick_colours(shown["ethogram"]["ethogram"].yaxis) == expected
        assert tick_colours(shown["usage"]["seconds"].xaxis) == expected
        assert tick_colours(shown["communities"]["tree"].yaxis) == used
        assert tick_colours(shown["transitions"]["matrix"].xaxis) == used
        bars = shown["ethogram"]["share"].patches
        assert [to_hex(bar.get_facecolor()) for bar in bars] == list(expected.values())
        circles = [p for p in shown["transitions"]["graph"].patches if isinstance(p, Circle)]
        assert {to_hex(circle.get_facecolor()) for circle in circles} == set(used.values())
        dots = shown["map"]["motif"].collections[0].get_facecolors()
        assert {to_hex(colour) for colour in dots} == set(used.values())
        for motif, colour in used.items():
            lines = [
                line for line in shown["poses"][str(motif)].lines if line.get_label() == "line"
            ]
            assert {to_hex(line.get_color()) for line in lines} == {colour}


class TestAllFigures:
    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize(
        "kind",
        [
            {"n_motifs": 20, "unused": 2, "groups": ("a", "b", "c"), "animals": 2},
            {"n_motifs": 3, "unused": 2, "groups": (), "animals": 1},
            {"n_motifs": 2, "unused": 0, "groups": ("only",), "frames": 60},
        ],
        ids=["many", "one used", "few"],
    )
    def test_they_are_drawn_and_written_without_a_warning(self, kind):
        for figure in draw_all(make_tables(**kind), kind["n_motifs"]).values():
            with io.BytesIO() as file, paper_style():
                figure.savefig(file, format="svg", dpi=50)
                assert file.tell() > 5000

    def test_the_same_tables_give_the_same_bytes(self, tables, tmp_path):
        for copy in "ab":
            drawn = draw_latent_map(tables.latent_map.head(200))
            save(drawn, svg=tmp_path / f"{copy}.svg", png=tmp_path / f"{copy}.png", dpi=50)
        for kind in ("svg", "png"):
            first, second = ((tmp_path / f"{copy}.{kind}").read_bytes() for copy in "ab")
            assert first == second


class TestLatentMap:
    def test_every_window_is_a_point_in_both_panels(self, tables):
        shown = panels(draw_latent_map(tables.latent_map))
        for axes in shown.values():
            points = axes.collections[0].get_offsets()
            assert len(points) == len(tables.latent_map)
            np.testing.assert_allclose(
                sorted(points[:, 0]), sorted(tables.latent_map["x"]), rtol=1e-6
            )
        assert texts(shown["motif"]) == ["0", "1", "2", "3", "4"]

    def test_a_number_is_on_a_window_of_its_motif(self, tables):
        axes = panels(draw_latent_map(tables.latent_map))["motif"]
        for text in axes.texts:
            own = tables.latent_map[tables.latent_map["motif"] == int(text.get_text())]
            assert tuple(text.xy) in set(zip(own["x"], own["y"], strict=True))

    def test_without_windows_there_are_no_points(self, tables):
        shown = panels(draw_latent_map(tables.latent_map.head(0)))
        assert "too few windows" in texts(shown["motif"])[0]

    def test_overlapping_numbers_are_moved_apart(self):
        places = moved_apart(np.array([[0.0, 0], [0, 0], [0.1, 0], [9, 9]]), 1.0)
        apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
        assert apart[~np.eye(4, dtype=bool)].min() > 0.95
        assert places[3].tolist() == [9, 9]


class TestEthogram:
    def test_a_frame_has_its_motifs_colour_in_its_motifs_row(self, tables):
        frames = tables.sessions["mouse1"]
        image = panels(draw_ethogram("m", frames, range(6)))["ethogram"].images[0].get_array()
        assert image.shape == (7, 600, 3)  # a column per frame, and one row for no motif
        for frame in (0, 50, 220, 400):
            motif = frames["motif"][frame]
            row = 6 if pd.isna(motif) else motif
            assert (image[row, frame] < 1).any()
            white = [other for other in range(7) if other != row]
            assert (image[white, frame] == 1).all()

    def test_shares_are_of_frames_that_have_a_motif(self, tables):
        frames = tables.sessions["mouse1"]
        bars = panels(draw_ethogram("m", frames, range(6)))["share"].patches
        expected = frames["motif"].value_counts(normalize=True).reindex(range(6)).fillna(0)
        assert [bar.get_width() for bar in bars] == pytest.approx(expected.tolist())

    def test_excerpts_show_every_bout_in_them(self, tables):
        frames = tables.sessions["mouse1"]
        axes = panels(draw_ethogram("m", frames, range(6)))["excerpt/0"]
        start, end = axes.get_xlim()
        inside = frames[(frames["seconds"] >= start) & (frames["seconds"] < end)]
        motif = inside["motif"].astype(float).fillna(-1).to_numpy()
        assert len(axes.patches) == 1 + np.count_nonzero(np.diff(motif))

    def test_excerpts_are_evenly_spaced_and_inside(self):
        assert excerpt_starts(120) == [10.0, 50.0, 90.0]
        assert excerpt_starts(8) == [0.0]

    def test_an_excerpt_of_one_frame_is_drawn(self):
        frames = pd.DataFrame(
            {"frame": [0], "seconds": [0.0], "motif": [1], "name": "", "usable": 1}
        )
        assert "ethogram" in panels(draw_ethogram("m", frames, range(2)))


class TestUsage:
    def test_a_point_is_an_animal_with_all_its_sessions(self):
        usage = pd.DataFrame(
            {
                "session": ["a1", "a1", "a2", "a2"],
                "animal": "a",
                "group": "",
                "motif": [0, 1, 0, 1],
                "frames": [10, 0, 20, 70],
            }
        )
        assert animals_of(usage)["share"].tolist() == [0.3, 0.7]

    def test_points_are_shares_of_animals_of_each_group(self, tables):
        axes = panels(draw_usage(tables.usage, tables.groups))["share"]
        for group in ("control", "treated"):
            (points,) = [line for line in axes.lines if line.get_label() == group]
            own = tables.usage[tables.usage["group"] == group]
            assert sorted(points.get_ydata()) == pytest.approx(sorted(own["share"]))

    def test_stars_depend_only_on_q_values(self, tables):
        axes = panels(draw_usage(tables.usage, tables.groups))["effect/control and treated"]
        assert texts(axes) == ["**", "*", "", "", "", ""]  # p is q / 2 in these tables
        groups = tables.groups.assign(p_value=1e-9, q_value=0.5)
        axes = panels(draw_usage(tables.usage, groups))["effect/control and treated"]
        assert set(texts(axes)) == {""}

    def test_effects_have_their_intervals(self, tables):
        axes = panels(draw_usage(tables.usage, tables.groups))["effect/control and treated"]
        (bars,) = axes.collections
        spans = [segment[:, 1] for segment in bars.get_segments()]
        np.testing.assert_allclose(spans, tables.groups[["hedges_g_low", "hedges_g_high"]])

    def test_one_large_effect_does_not_flatten_the_others(self, tables):
        """Up to 10, the axis stays linear; an effect of 2 has a twentieth of the panel."""
        groups = tables.groups.copy()
        groups.loc[0, ["hedges_g", "hedges_g_low", "hedges_g_high"]] = [40, 10, 300]
        axes = panels(draw_usage(tables.usage, groups))["effect/control and treated"]
        height = axes.bbox.height
        zero, two, four = axes.transData.transform([(0, 0), (0, 2), (0, 4)])[:, 1]
        assert two - zero == pytest.approx(four - two)
        assert two - zero > 0.05 * height

    def test_without_groups_there_is_no_effect(self):
        tables = make_tables(groups=())
        assert list(panels(draw_usage(tables.usage, tables.groups))) == ["share", "seconds"]


class TestTransitions:
    def test_the_matrix_has_the_pooled_probabilities_in_the_order_of_the_tree(self, tables):
        axes = panels(draw_transitions(tables.transitions, tables.usage, tables.communities))
        image = axes["matrix"].images[0].get_array()
        order = [int(label.get_text()) for label in axes["matrix"].get_yticklabels()]
        ordered = tables.communities.dropna().sort_values("order")
        assert order == ordered["motif"].tolist()
        pooled = tables.transitions[tables.transitions["session"] == "all"]
        chance = pooled.set_index(["from_motif", "to_motif"])["probability"]
        for row, one in enumerate(order):
            for column, other in enumerate(order):
                if one != other:
                    assert image[row, column] == pytest.approx(chance[one, other])

    def test_circles_grow_with_usage(self, tables):
        graph = panels(draw_transitions(tables.transitions, tables.usage, tables.communities))
        circles = [patch for patch in graph["graph"].patches if isinstance(patch, Circle)]
        frames = tables.usage.groupby("motif")["frames"].sum()
        motif_of = {to_hex(motif_colour(motif)): motif for motif in range(6)}
        radius = {motif_of[to_hex(c.get_facecolor())]: c.get_radius() for c in circles}
        assert max(radius, key=radius.get) == frames.idxmax()
        assert min(radius, key=radius.get) == frames[frames > 0].idxmin()

    def test_arrows_are_the_three_most_likely_transitions_of_each_motif(self):
        chance = np.array(
            [[0, 0.4, 0.3, 0.2, 0.1], [1, 0, 0, 0, 0], *np.zeros((2, 5)), [0.95, 0.05, 0, 0, 0]]
        )
        assert shown_arrows(chance) == [(0, 3), (0, 2), (0, 1), (4, 0), (1, 0)]

    def test_every_shown_transition_is_an_arrow(self, tables):
        graph = panels(draw_transitions(tables.transitions, tables.usage, tables.communities))
        arrows = [p for p in graph["graph"].patches if isinstance(p, FancyArrowPatch)]
        pooled = tables.transitions[tables.transitions["session"] == "all"]
        chance = pooled.pivot(index="from_motif", columns="to_motif", values="probability")
        assert len(arrows) == len(shown_arrows(chance.fillna(0).to_numpy()))

    def test_communities_are_ranges_of_the_order(self):
        communities = pd.DataFrame(
            {
                "motif": range(6),
                "community": [0, 2, 1, 2, np.nan, 1],
                "order": [2, 0, 3, 1, np.nan, 4],
            }
        )
        motifs, spans = used_motifs(communities)
        assert motifs == [1, 3, 0, 2, 5]
        assert spans == [(2, 0, 1), (0, 2, 2), (1, 3, 4)]


class TestCommunities:
    def test_the_tree_has_a_bracket_for_every_merge_at_its_height(self, tables):
        tree = panels(draw_communities(tables.linkage, tables.communities, tables.usage))["tree"]
        merges = [line for line in tree.lines if line.get_label() == "merge"]
        assert [max(line.get_xdata()) for line in merges] == pytest.approx(
            tables.linkage["height"].tolist()
        )

    def test_leaves_that_merge_first_are_adjacent(self, tables):
        tree = panels(draw_communities(tables.linkage, tables.communities, tables.usage))["tree"]
        (first, *_) = [line for line in tree.lines if line.get_label() == "merge"]
        y = first.get_ydata()
        assert abs(y[-1] - y[0]) == 1
        leaves = [int(label.get_text()) for label in tree.get_yticklabels()]
        merged = {leaves[int(y[0])], leaves[int(y[-1])]}
        assert merged == set(tables.linkage.loc[0, ["left", "right"]])  # all five are used

    def test_unused_motifs_are_counted_and_not_drawn(self, tables):
        tree = panels(draw_communities(tables.linkage, tables.communities, tables.usage))["tree"]
        assert tree.get_title("left") == "3 communities of 5 motifs (1 unused)"


class TestPoses:
    def test_a_skeleton_is_at_the_mean_pose(self, tables):
        axes = panels(draw_motif_poses(tables.profile, tables.usage, None, CENTER))["0"]
        points = axes.collections[0].get_offsets()
        own = tables.profile[tables.profile["motif"] == 0].set_index("feature")["mean"]
        assert len(points) == len(KEYPOINTS)
        assert [own["nose_x"], 0] in points.tolist()
        assert [own["left_hind_paw_x"], own["left_hind_paw_y"]] in points.tolist()
        assert [0, 0] in points.tolist()  # the origin, which is not a feature
        assert axes.yaxis_inverted()  # as in the image

    def test_lines_are_those_of_the_setting(self, tables):
        skeleton = [["nose", "left_fore_paw", "tail_base"], ["nose", "no such point"]]
        axes = panels(draw_motif_poses(tables.profile, tables.usage, skeleton, CENTER))["0"]
        assert len([line for line in axes.lines if line.get_label() == "line"]) == 2

    def test_an_unused_motif_is_labelled(self, tables):
        axes = panels(draw_motif_poses(tables.profile, tables.usage, None, CENTER))["5"]
        assert texts(axes)[0] == "not used"

    def test_a_path_shows_speed_as_length_and_turning_as_curvature(self):
        straight = path_of(pd.Series({"speed": 50.0, "turning": 0.0}), 2.0)
        np.testing.assert_allclose(straight[-1], [100, 0])
        circle = path_of(pd.Series({"speed": 100.0, "turning": 360.0}), 1.0)
        np.testing.assert_allclose(circle[-1], [0, 0], atol=1e-9)
        right = path_of(pd.Series({"speed": 10.0, "turning": 90.0}), 0.5)
        assert right[-1, 1] > 0  # positive angles turn right, to positive y of the image

    def test_extra_features_alone_have_no_skeleton(self, tables):
        own = tables.profile["feature"].isin(["speed", "turning"])
        axes = panels(draw_motif_poses(tables.profile[own], tables.usage, None, CENTER))["0"]
        assert texts(axes)[0] == "no keypoints"


def test_bins_are_means_of_equal_parts():
    assert bin_means(np.array([1, 3, 5, 7]), 2).tolist() == [2, 6]
    assert bin_means(np.array([[1, 2], [3, 4]]), 9).tolist() == [[1, 2], [3, 4]]


class TestNumberOfMotifs:
    TRIED = pd.DataFrame(
        {
            "n_motifs": [4, 6, 9],
            "unexplained_variance": [0.6, 0.4, 0.35],
            "unexplained_variance_surrogates": [0.7, 0.6, 0.55],
            "gap": [0.15, 0.4, 0.45],
            "gap_se": [0.02, 0.02, 0.03],
            "agreement": [0.5, 0.9, 0.6],
            "agreement_low": [0.4, 0.8, 0.5],
            "agreement_high": [0.6, 1.0, 0.7],
            "agreement_surrogates": [0.4, 0.3, 0.2],
            "bout_seconds": [1.5, 1.2, 0.9],
            "bout_seconds_surrogates": [1.4, 1.1, 0.9],
            "chosen": [0, 1, 0],
        }
    )

    @pytest.mark.parametrize("measure", ["unexplained_variance", "log_likelihood_gain"])
    def test_every_number_is_compared_with_that_of_surrogates(self, measure):
        names = {f"unexplained_variance{end}": f"{measure}{end}" for end in ("", "_surrogates")}
        drawn = panels(draw_n_motifs(self.TRIED.rename(columns=names)))
        assert drawn.keys() == {"held_out", "gap", "agreement", "bouts"}
        for name, column in (("held_out", measure), ("agreement", "agreement")):
            own, surrogates, _ = drawn[name].get_lines()
            table = self.TRIED.rename(columns=names)
            assert own.get_ydata().tolist() == table[column].tolist()
            assert surrogates.get_ydata().tolist() == table[f"{column}_surrogates"].tolist()
        for axes in drawn.values():
            assert axes.get_lines()[-1].get_xdata() == [6, 6]  # the chosen number
            assert axes.get_xticks().tolist() == [4, 6, 9]

    def test_a_number_of_motifs_that_was_set_is_labelled(self):
        (only,) = draw_n_motifs(self.TRIED[:0]).axes
        assert texts(only) == ["The number of motifs was set, not chosen."]
