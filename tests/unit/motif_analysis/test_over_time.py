"""Usage by condition and by time bin is counted by hand and compared within animals."""

import numpy as np
import pandas as pd
import pytest
from formats.intervals import Interval
from motif_analysis.over_time import BIN, CONDITION, UsageOverTime, compare_parts

FPS = 10.0


def interval(session, start, stop, condition):
    return Interval("own.csv", 2, session, start, stop, condition, in_frames=True)


def row(session, animal="", group=""):
    return {"session": session, "animal": animal or session, "group": group}


def tables(over_time, permutations=1000):
    return over_time.tables(permutations, np.random.default_rng(0))


def usage(over_time):
    return tables(over_time)["usage_over_time"]


def test_frames_of_a_condition_are_counted_over_all_its_intervals():
    """Motif 0 has 4 frames, none 2, motif 2 has 4; a is 0-3 and 8-10, b is 4-6 without motif."""
    motifs = np.array([0, 0, 0, 0, -1, -1, 2, 2, 2, 2], np.int16)
    own = [interval("m", 0, 3, "a"), interval("m", 4, 6, "b"), interval("m", 8, 10, "a")]
    over_time = UsageOverTime(np.array([0, 2]), [*own, interval("other", 0, 9, "c")])
    over_time.add(row("m", "rat", "old"), motifs, FPS, FPS)
    table = usage(over_time)
    assert table["part"].tolist() == ["a", "a", "b", "b"]
    assert table["motif"].tolist() == [0, 2, 0, 2]
    assert table["frames"].tolist() == [3, 2, 0, 0]
    np.testing.assert_allclose(table["share"], [0.6, 0.4, np.nan, np.nan])
    np.testing.assert_allclose(table["seconds"], [0.5, 0.5, 0.2, 0.2])
    assert set(table["by"]) == {CONDITION}
    assert table[["session", "animal", "group"]].drop_duplicates().to_numpy().tolist() == [
        ["m", "rat", "old"]
    ]


def test_time_bins_start_with_the_recording_and_the_last_one_may_be_half():
    """Bins are 2 s: the third one is counted in a recording of 5.1 s, and not in one of 4.9 s."""
    for frames, bins in ((51, 3), (49, 2)):
        motifs = np.zeros(frames, np.int16)
        motifs[20:30] = 1
        over_time = UsageOverTime(np.array([0, 1]), time_bins=2.0)
        over_time.add(row("m"), motifs, FPS, FPS)
        table = usage(over_time)
        own = table[table["motif"] == 1]
        assert own["part"].tolist() == ["0-2 s", "2-4 s", "4-6 s"][:bins]
        np.testing.assert_allclose(own["share"], [0, 0.5, 0][:bins])
        assert own["start_seconds"].tolist() == [0, 2, 4][:bins]
        assert set(own["by"]) == {BIN}


def test_bins_of_minutes_are_named_in_minutes():
    over_time = UsageOverTime(np.array([0]), time_bins=60.0)
    over_time.add(row("m"), np.zeros(1200, np.int16), FPS, FPS)
    assert usage(over_time)["part"].tolist() == ["0-1 min", "1-2 min"]


def test_intervals_in_frames_are_counted_at_the_rate_of_the_recording():
    """It was recorded at 30 fps and resampled to 10: frames 30 to 60 become 10 to 20."""
    motifs = np.zeros(30, np.int16)
    motifs[10:20] = 1
    over_time = UsageOverTime(np.array([0, 1]), [interval("m", 30, 60, "a")])
    over_time.add(row("m"), motifs, FPS, 30.0)
    assert usage(over_time)["frames"].tolist() == [0, 10]


def test_an_interval_outside_of_its_recording_is_refused():
    over_time = UsageOverTime(np.array([0]), [interval("m", 0, 41, "a")])
    with pytest.raises(ValueError, match=r"own.csv: line 2: a is from 0.00 to 4.10 s, but the"):
        over_time.add(row("m"), np.zeros(30, np.int16), FPS, FPS)
    over_time = UsageOverTime(np.array([0]), [interval("m", 0, 39, "a")])
    over_time.add(
        row("m"), np.zeros(30, np.int16), FPS, FPS
    )  # less than a second too long, so it is cut
    assert usage(over_time)["frames"].tolist() == [30]


def test_without_intervals_and_bins_tables_are_empty():
    over_time = UsageOverTime(np.array([0]))
    over_time.add(row("m"), np.zeros(30, np.int16), FPS, FPS)
    assert [len(table) for table in tables(over_time).values()] == [0, 0]


def make_run(animals=7, change=0.3, seed=0, frames=2000, bins=None, sessions=1):
    """Return tables of animals in which motif 0 replaces others in the second half."""
    rng = np.random.default_rng(seed)
    intervals, recordings = [], []
    for number in range(animals * sessions):
        name, half = f"s{number}", frames // 2
        intervals += [interval(name, 0, half, "rest"), interval(name, half, frames, "drug")]
        motifs = rng.choice(3, size=frames, p=rng.dirichlet([9, 9, 9])).astype(np.int16)
        motifs[half:][rng.random(half) < change] = 0
        recordings.append((row(name, f"m{number % animals}"), motifs))
    over_time = UsageOverTime(np.arange(3), intervals, bins)
    for each, motifs in recordings:
        over_time.add(each, motifs, FPS, FPS)
    return tables(over_time)


def test_a_change_within_every_animal_is_found():
    """With seven animals, 2 of 128 sign flips are as extreme; conditions have the file's order."""
    table = make_run()["comparisons_over_time"]
    assert table[["by", "part_a", "part_b"]].drop_duplicates().to_numpy().tolist() == [
        [CONDITION, "rest", "drug"]
    ]
    assert table["animals"].tolist() == [7] * 3
    assert table["p_value"][0] == pytest.approx(2 / 128)
    assert table["difference"][0] > 0.1
    assert table["hedges_g_low"][0] > 0
    assert (table["q_value"] <= 0.05)[0]
    assert table["note"].isna().all()


def test_more_sessions_do_not_count_as_more_animals_over_time():
    table = make_run(animals=3, sessions=6)["comparisons_over_time"]
    assert table["animals"].tolist() == [3] * 3
    assert set(table["note"]) == {"too few animals in both (3; at least 6 are needed)"}
    assert table["p_value"].min() == pytest.approx(0.25)


def test_time_bins_are_compared_with_the_first_one_with_separate_q():
    table = make_run(bins=50.0)["comparisons_over_time"]
    bins = table[table["by"] == BIN]
    assert bins[["part_a", "part_b"]].drop_duplicates().to_numpy().tolist() == [
        ["0-50 s", "50-100 s"],
        ["0-50 s", "100-150 s"],
        ["0-50 s", "150-200 s"],
    ]
    motif = bins[bins["motif"] == 0].set_index("part_b")
    assert motif["difference"]["50-100 s"] == pytest.approx(0, abs=0.05)
    assert motif["p_value"]["150-200 s"] == pytest.approx(2 / 128)
    alone = make_run()["comparisons_over_time"]
    conditions = table[table["by"] == CONDITION]
    np.testing.assert_allclose(conditions["q_value"], alone["q_value"])


def test_animals_with_one_of_two_conditions_are_left_out_and_named():
    rows = [
        ("m1", CONDITION, "rest", 0, 0.2), ("m1", CONDITION, "drug", 0, 0.3),
        ("m2", CONDITION, "rest", 0, 0.2), ("m3", CONDITION, "drug", 0, 0.3),
        ("m4", CONDITION, "rest", 0, 0.2), ("m4", CONDITION, "drug", 0, np.nan),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["animal", "by", "part", "motif", "share"])
    table["start_seconds"] = np.nan
    (own,) = compare_parts(table, ["rest", "drug"], 100, np.random.default_rng(0)).itertuples()
    assert (own.animals, own.left_out) == (1, "m2; m3; m4")
    nobody = table[table["animal"] != "m1"]
    (own,) = compare_parts(nobody, ["rest", "drug"], 100, np.random.default_rng(0)).itertuples()
    assert (own.animals, own.note) == (0, "too few animals in both (0; at least 6 are needed)")


def test_without_a_change_small_q_are_rare():
    """In at most about 5% of 150 runs without a change, any motif is reported as different."""
    found = [
        (
            make_run(change=0, seed=seed, frames=200)["comparisons_over_time"]["q_value"] <= 0.05
        ).any()
        for seed in range(150)
    ]
    assert np.mean(found) < 0.09
