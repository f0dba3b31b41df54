import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from pose_prep.alignment import align_recording
from pose_prep.quality import inspect_recording
from pose_prep.reading import read_poses
from pose_prep.recording import clean_recording
from pose_prep.simulation import (
    ARENA,
    BEHAVIOURS,
    GROUPS,
    KEYPOINTS,
    draw_behaviours,
    simulate_recording,
    write_deeplabcut_csv,
)
from recordings import make_dataset
from test_alignment import settings

ROOT = Path(__file__).parents[3]
SETTINGS = settings(center="tail_base", max_gap_seconds=0.25, robust=True, savgol_filter=True)


def simulate(seed=0, frames=3000, group="calm"):
    return simulate_recording(np.random.default_rng(seed), frames, 30, group)


def test_a_seed_determines_the_recording():
    first, second, other = simulate(1), simulate(1), simulate(2)
    assert (first[0] == second[0]).all()
    assert (first[1] == second[1]).all()
    assert (first[0] != other[0]).any()


@pytest.mark.parametrize("seed", range(3))
def test_the_animal_stays_in_the_arena_and_shows_every_behaviour(seed):
    tracks, labels = simulate(seed)
    assert tracks.shape == (3000, 6, 3)
    assert labels.shape == (3000,)
    assert set(labels) == set(BEHAVIOURS)
    assert tracks[..., :2].min() > 0
    assert tracks[..., :2].max() < ARENA
    assert tracks[..., 2].min() >= 0
    assert tracks[..., 2].max() <= 1


def test_behaviours_have_no_self_transitions():
    rng = np.random.default_rng(0)
    behaviour = draw_behaviours(rng, 30_000, 30, **GROUPS["calm"])
    changes = np.flatnonzero(np.diff(behaviour)) + 1
    durations = np.diff(changes)
    assert durations.min() >= 9  # 0.3 s: no behaviour is shorter
    assert 1.0 < durations.mean() / 30 < 2.5


def test_the_groups_of_the_demo_differ_in_all_behaviours_but_rearing():
    """A permutation test of four and four animals finds shares that do not overlap."""
    demo = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    demo = demo["properties"]["demo"]["properties"]
    shares = {"active": [], "calm": []}
    for row in pd.read_csv(ROOT / "config/sessions.tsv", sep="\t").itertuples():
        rng = np.random.default_rng([demo["seed"]["default"], zlib.crc32(row.session.encode())])
        _, labels = simulate_recording(rng, demo["frames"]["default"], row.fps, row.group)
        shares[row.group].append([np.mean(labels == behaviour) for behaviour in BEHAVIOURS])
    active, calm = map(np.array, shares.values())
    assert active.shape == calm.shape == (4, 6)
    assert min(active.min(), calm.min()) > 0  # every animal shows every behaviour
    more = dict(zip(BEHAVIOURS, active.min(axis=0) - calm.max(axis=0), strict=True))
    less = dict(zip(BEHAVIOURS, calm.min(axis=0) - active.max(axis=0), strict=True))
    assert min(more[behaviour] for behaviour in ("walk", "turn_left", "turn_right")) > 0.05
    assert min(less[behaviour] for behaviour in ("rest", "groom")) > 0.05
    assert max(more["rear"], less["rear"]) < 0


def test_groups_are_those_of_the_simulation_or_given():
    with pytest.raises(ValueError, match=r"'sleepy'.*calm, active"):
        simulate(group="sleepy")
    asleep = {"appeal": [1, 1e-9, 1e-9, 1e-9, 1e-9, 1e-9], "persistence": [1e4, *[1e-9] * 5]}
    rng = np.random.default_rng(0)
    _, labels = simulate_recording(rng, 3000, 30, "sleepy", {"sleepy": asleep})
    assert np.mean(labels == "rest") > 0.9


def egocentric(behaviour, seeds=range(3)):
    """Return poses of usable frames at least 0.3 s within one behaviour, of a few animals."""
    parts = []
    for seed in seeds:
        tracks, labels = simulate(seed)
        aligned = align_recording(
            make_dataset(tracks=tracks, keypoints=KEYPOINTS, fps=30.0), SETTINGS
        )
        inside = np.convolve(labels == behaviour, np.ones(19), "same") == 19
        parts.append(aligned.poses[inside & aligned.usable])
        features = aligned.features
    return {name: np.concatenate(parts)[:, i] for i, name in enumerate(features)}


def test_the_body_bends_in_turns_and_is_shorter_in_rearing():
    walk, left, right, rear = map(egocentric, ["walk", "turn_left", "turn_right", "rear"])
    # Between nose and tail, the bent body is on the outer side of the turn; right is positive y.
    assert left["left_fore_paw_y"].mean() > walk["left_fore_paw_y"].mean() + 2
    assert right["left_fore_paw_y"].mean() < walk["left_fore_paw_y"].mean() - 2
    assert rear["nose_x"].mean() < walk["nose_x"].mean() - 8


def test_paws_of_a_walk_move_in_diagonal_pairs():
    walk = egocentric("walk")
    correlation = np.corrcoef(
        [walk[f"{paw}_paw_x"] for paw in ("left_fore", "right_hind", "right_fore", "left_hind")]
    )
    assert correlation[0, 1] > 0.5
    assert correlation[2, 3] > 0.5
    assert correlation[0, 2] < -0.3
    assert correlation[0, 3] < -0.5


def test_grooming_is_faster_than_stepping():
    def speed(series):
        return np.abs(np.diff(series)).mean() / series.std()

    assert speed(egocentric("groom")["left_fore_paw_y"]) > 1.3 * speed(
        egocentric("walk")["left_fore_paw_x"]
    )


def test_tracking_is_noisy_and_loses_some_keypoints():
    tracks, _ = simulate(0, frames=9000)
    low = tracks[..., 2] < 0.9
    assert 0.003 < low.mean() < 0.05
    assert (tracks[~low][:, 2] > 0.9).all()
    recording = make_dataset(tracks=tracks, keypoints=KEYPOINTS, fps=30.0)
    quality = inspect_recording(clean_recording(recording, SETTINGS), 0.5).table
    assert 0.9 < align_recording(recording, SETTINGS).usable.mean() < 1
    assert 0.4 < quality["longest_gap_seconds"].max() < 4


def test_the_written_csv_is_read_as_deeplabcut(tmp_path):
    tracks, _ = simulate(frames=50)
    write_deeplabcut_csv(tmp_path / "m.csv", tracks, KEYPOINTS, scorer="simulation")
    poses = read_poses(tmp_path / "m.csv", "DeepLabCut", 30)
    assert list(poses.keypoints.values) == KEYPOINTS
    np.testing.assert_allclose(
        poses.position.values[..., 0], tracks[..., :2].transpose(0, 2, 1), atol=1e-4
    )
