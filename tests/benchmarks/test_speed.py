"""The table that `make bench` prints."""

import pytest
import speed
from speed import table

pytestmark = pytest.mark.slow


def results(
    *, ratio=9.0, reached=18.0, peak=500.0, slower=1.0, planning=15.0, embedded=50.0, step=0.15
):
    steps = {"vame_seconds": 0.6, "seconds": 0.4, "ratio": 1.5}
    return {
        "time_to_quality": {
            "vame": [(80.0, 0.7), (160.0, 0.5)],
            "ours": [(10.0, 0.6), (18.0, 0.5)],
            "goal": 0.5,
            "goal_seconds": 160.0,
            "seconds_to_goal": reached,
            "ratio": ratio,
            "lowest_error": 0.4,
            "vame_lowest_error": 0.5,
        },
        "step": {"default network": steps, "small network": steps},
        "embedding": {
            "vame_frames_per_second": 100.0,
            "frames_per_second": 1600.0,
            "ratio": 16.0,
            "largest_difference": 1e-7,
        },
        "many_frames": {
            "peak_mb": (500.0, peak),
            "seconds": (0.02, 0.02 * slower),
            "ratio": 1 / slower,
        },
        "beside_products": {"seconds": step, "products_seconds": 0.125, "ratio": step / 0.125},
        "planning": {"seconds": planning},
        "planning_embedded": {"seconds": embedded},
        "nothing_to_do": {"first_run_seconds": 55.0, "seconds": 4.0},
    }


def reached(found):
    return {name: verdict for name, _, _, verdict in table(found)}


def test_every_goal_has_a_verdict():
    verdicts = reached(results())
    assert verdicts["Training step, default network"] == "yes"  # 1.5, goal 1.3
    assert verdicts["Training step, small network"] == "no"  # 1.5, goal 3
    assert set(verdicts.values()) == {"yes", "no"}


@pytest.mark.parametrize(
    ("changed", "row"),
    [
        ({"ratio": 7.9}, "Time to VAME's error after 6 epochs (0.500)"),
        ({"ratio": None, "reached": None}, "Time to VAME's error after 6 epochs (0.500)"),
        ({"peak": 530.0}, "Peak memory of training, 10⁶ to 10⁸ frames"),
        ({"slower": 1.1}, "Time of a step, 10⁶ to 10⁸ frames"),
        ({"planning": 21.0}, "Planning 1,000 sessions, 50 models × 5 seeds, none embedded"),
        ({"embedded": 61.0}, "Planning 1,000 sessions, 10 models, all embedded"),
        ({"step": 0.16}, "Training step of 64 windows, compared with its matrix products"),
        ({"step": 0.7}, "Training of 2,000 such steps (the default)"),
    ],
)
def test_a_missed_goal_has_the_verdict_no(changed, row):
    assert reached(results())[row] == "yes"
    assert reached(results(**changed))[row] == "no"


def test_without_vame_the_table_has_all_other_rows():
    compared_with_vame = ("time_to_quality", "step", "embedding")
    alone = {key: value for key, value in results().items() if key not in compared_with_vame}
    assert len(table(alone)) == len(table(results())) - 5


def test_seconds_of_the_demo_are_summed_by_rule(tmp_path):
    for name, seconds in (("train/a", 2), ("train/b", 3.5), ("split", 1)):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:00\n")
    assert list(speed.seconds_of_rules(tmp_path).items()) == [("train", 5.5), ("split", 1.0)]


def test_a_loader_can_be_limited_to_its_first_batches():
    batches = speed.FirstOf(["a", "b", "c"], 2)
    assert list(batches) == ["a", "b"]
    assert len(batches) == 2
