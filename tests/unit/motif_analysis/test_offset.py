"""Motifs at the centre of their windows agree best with behaviours of simulated recordings."""

import numpy as np
import pytest
from formats.motifs import read_motifs, write_motifs
from motif_analysis.frames import motifs_of_frames
from motif_analysis.segmentation import fit_segmenter
from pose_prep.alignment import AlignmentSettings, align_recording
from pose_prep.reading import read_poses
from pose_prep.simulation import KEYPOINTS, simulate_recording, write_deeplabcut_csv
from sklearn.decomposition import PCA
from sklearn.metrics import normalized_mutual_info_score

TIME_WINDOW, FRAMES, FPS = 30, 3600, 30.0
SETTINGS = AlignmentSettings(
    keypoints=None,
    exclude_keypoints=[],
    center="tail_base",
    orient="nose",
    vertical_axis=None,
    pose_confidence=0.9,
    max_gap_seconds=0.25,
    robust=True,
    iqr_factor=4,
    scale="body_length",
    motion_features=["forward_speed", "sideways_speed", "turning"],
    outlier_center="median",
    swapped_ends="report",
    resample_fps=None,
    savgol_filter=True,
    savgol_length=5,
    savgol_order=2,
)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Return motifs of frames and true behaviours; principal components are the latents."""
    folder = tmp_path_factory.mktemp("demo")
    tracks, labels = simulate_recording(np.random.default_rng(4), FRAMES, FPS, "active")
    write_deeplabcut_csv(folder / "demo.csv", tracks, KEYPOINTS, scorer="simulation")
    aligned = align_recording(read_poses(folder / "demo.csv", "DeepLabCut", FPS), SETTINGS)
    poses = aligned.poses / np.nanstd(aligned.poses, axis=0)
    windows = np.lib.stride_tricks.sliding_window_view(poses, TIME_WINDOW, axis=0)
    windows = windows.reshape(len(windows), -1)
    known = np.isfinite(windows).all(axis=1)
    latents = np.full((len(windows), 8), np.nan, np.float32)
    latents[known] = PCA(8, random_state=0).fit_transform(windows[known])
    settings = {"motif_seed": 0, "motif_windows": 10**6}
    settings |= {"pooling_seconds": [], "expected_bout_seconds": 0}
    segmenter = fit_segmenter({"demo": latents}, "kmeans", 11, TIME_WINDOW, FPS, settings)
    motifs = segmenter.label(latents)
    of_frames = motifs_of_frames(motifs, FRAMES, TIME_WINDOW)
    write_motifs(folder / "motifs.csv", of_frames, aligned.usable, FPS)
    return read_motifs(folder / "motifs.csv"), labels


def test_motifs_agree_best_with_the_true_behaviours_without_a_shift(recording):
    """With a shift of more than a twentieth of a second, the agreement is lower."""
    motifs, labels = recording
    known = np.flatnonzero(motifs >= 0)
    known = known[(known >= TIME_WINDOW) & (known < FRAMES - TIME_WINDOW)]
    scores = {
        shift: normalized_mutual_info_score(labels[known + shift], motifs[known])
        for shift in range(-TIME_WINDOW // 2, TIME_WINDOW // 2 + 1)
    }
    assert abs(max(scores, key=scores.get)) <= 2
    assert scores[0] > 1.2 * max(scores[-TIME_WINDOW // 2], scores[TIME_WINDOW // 2])


def test_frames_near_the_ends_have_no_motif(recording):
    motifs, _ = recording
    assert (motifs[: TIME_WINDOW // 2] == -1).all()
    assert (motifs[-(TIME_WINDOW // 2) + 1 :] == -1).all()
    assert len(motifs) == FRAMES
