import base64
import json
import re
import zlib

import numpy as np
import pandas as pd
import pytest
from figures import explorer
from figures.explorer import explore, keep_bouts, order_bouts, pack_recording
from formats.addresses import address_of
from formats.aligned import AlignedPoses, open_aligned, save_aligned

FEATURES = ["nose_x", "paw_x", "paw_y"]
KEY = ("vame", "0", "kmeans-2")


def make_aligned(frames=50, **changes):
    rng = np.random.default_rng(0)
    poses = rng.normal(size=(frames, 3)).astype(np.float32).cumsum(axis=0)
    track = np.column_stack(
        [rng.normal(size=(frames, 2)).cumsum(axis=0), np.linspace(-3, 3, frames)]
    )
    usable = np.ones(frames, bool)
    usable[10:12] = False
    poses[~usable], track[~usable] = np.nan, np.nan
    known = {"poses": poses, "usable": usable, "features": FEATURES, "fps": 30.0, "track": track}
    return AlignedPoses(**known | changes)


def unpack(packed):
    """Decode (frame, number) as the page does, NaN if unknown."""
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(packed["poses"])), "<i2")
    numbers = numbers.reshape(-1, 2 * 3 + 3).cumsum(axis=0, dtype=np.int16).astype(float)
    numbers[numbers == np.iinfo(np.int16).min] = np.nan
    numbers[:, :-3] *= packed["step"]
    numbers[:, -3:-1] = numbers[:, -3:-1] * packed["track_step"] + packed["origin"]
    numbers[:, -1] /= 5000
    return numbers


def make_tables(session="a"):
    bouts = pd.DataFrame({"motif": [0, 1, 0], "start": [0, 12, 20], "stop": [10, 20, 50]})
    bouts.insert(0, "session", session)
    bouts["start_seconds"], bouts["stop_seconds"] = bouts["start"] / 30, bouts["stop"] / 30
    bouts["distance"] = [0.3, 0.2, 0.1]
    usage = pd.DataFrame({"session": session, "motif": [0, 1], "frames": [40, 8]})
    usage = usage.assign(group="wild", name=["rest", ""], color=["#123abc", ""])
    profile = pd.DataFrame({"motif": np.repeat([0, 1], 3), "feature": 2 * FEATURES, "mean": 1.0})
    points = {"session": [session], "frame": [4], "motif": [0], "x": [0.5], "y": [-0.5]}
    return {
        "usage": usage,
        "profile": profile,
        "communities": pd.DataFrame({"motif": [0, 1], "community": [0, 0]}),
        "bouts": bouts,
        "latent_map": pd.DataFrame(points),
    }


def make_page(tmp_path, session="a"):
    save_aligned(make_aligned(), tmp_path / "aligned.npz")
    row = {"session": session, "animal": session, "group": "wild", "video": ""}
    return explore(
        KEY,
        make_tables(session),
        [row],
        {session: open_aligned(tmp_path / "aligned.npz")},
        page=tmp_path / "page.html",
        digest="0123456789ab",
        named=({KEY: "0123456789ab"}, [{"motif": "0", "name": "rest"}]),
        labels={session: np.array(["", "still", "", "", "walk"])},
        skeleton=[["nose", "paw"]],
        center="tail",
        orient="nose",
    )


def data_of(page):
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


def poses_of_page(page):
    return re.findall(r'<script type="text/plain" id="poses\d+">(.*?)</script>', page)


def test_poses_and_track_are_decoded_within_rounding():
    aligned = make_aligned()
    packed = pack_recording(aligned, "tail", [[0, 50]])
    got = unpack(packed)
    usable = aligned.usable
    assert np.isnan(got[~usable]).all()
    expected = np.column_stack(
        [aligned.poses[:, 0], np.zeros(50), aligned.poses[:, 1:], np.zeros((50, 2)), aligned.track]
    )
    largest = np.nanmax(abs(expected[:, :-3]))
    np.testing.assert_allclose(got[usable], expected[usable], atol=max(largest / 2**14, 2e-3))


def test_kept_runs_follow_one_another():
    aligned = make_aligned()
    packed = pack_recording(aligned, "tail", [[5, 8], [30, 40]])
    whole = unpack(pack_recording(aligned, "tail", [[0, 50]]))
    np.testing.assert_allclose(
        unpack(packed)[:, 0], whole[[*range(5, 8), *range(30, 40)], 0], atol=2e-3
    )
    assert packed["frames"] == 50


def test_a_recording_without_positions_has_no_track():
    aligned = make_aligned(track=np.full((50, 3), np.nan))
    assert np.isnan(unpack(pack_recording(aligned, "tail", [[0, 50]]))[:, -3:]).all()


def test_the_page_has_motifs_bouts_and_map(tmp_path):
    page = make_page(tmp_path)
    data = data_of(page)
    assert data["keypoints"] == ["nose", "paw", "tail"]
    assert (data["edges"], data["head"]) == ([[0, 1]], 0)
    first, second = data["motifs"]
    assert (first["share"], first["bouts"], first["seconds"]) == (0.8333, 2, 0.667)
    assert second["groups"] == {"wild": 0.1667}
    assert first["pose"] == [[1, 0], [1, 1], [0, 0]]
    assert (first["name"], second["name"]) == ("rest", "")
    assert data["key"] == [*KEY, "0123456789ab"]
    assert data["digests"] == [data["key"]]
    assert data["rows"] == [{"motif": "0", "name": "rest"}]
    assert data["bouts"]["start"] == [0, 12, 20]
    assert data["map"]["session"] == [0]
    assert (data["map"]["labels"], data["map"]["label"]) == (["walk"], [0])  # the label of frame 4
    assert [each["colour"] for each in data["motifs"]] == ["#123abc", second["default"]]
    assert not data["partial"]
    (text,) = poses_of_page(page)
    assert text == pack_recording(make_aligned(), "tail", [[0, 50]])["poses"]


def test_a_page_that_would_be_too_large_has_only_some_bouts(tmp_path, monkeypatch):
    whole = make_page(tmp_path)
    size = len(poses_of_page(whole)[0])
    monkeypatch.setattr(explorer, "MOST_BYTES", len(whole) - size // 2 - 400)
    monkeypatch.setattr(explorer, "LEAST_BYTES", 0)
    monkeypatch.setattr(explorer, "CONTEXT_SECONDS", 0.1)
    page = make_page(tmp_path)
    assert len(page) < len(whole)
    assert (data_of(whole)["partial"], data_of(page)["partial"]) == (False, True)
    (recording,) = data_of(page)["sessions"]
    assert [0, 50] not in recording["kept"]
    assert sum(stop - start for start, stop in recording["kept"]) > 10
    rows = unpack({**recording, "poses": poses_of_page(page)[0]})
    assert len(rows) == sum(stop - start for start, stop in recording["kept"])


def test_bouts_alternate_between_nearest_farthest_and_random():
    bouts = pd.DataFrame({"session": "a", "motif": 0, "start": range(100), "distance": range(100)})
    bouts = pd.concat([bouts, bouts.assign(motif=1)])
    ordered = order_bouts(bouts)
    assert len(ordered) == 200
    first = ordered.head(60)
    assert 25 <= (first["motif"] == 0).sum() <= 35  # motifs by turns
    for _, own in first.groupby("motif"):
        assert {*range(8), *range(92, 100)} <= set(own["distance"])
        assert own["distance"].between(10, 89).sum() >= 5


def test_bouts_are_kept_with_frames_around_them_until_the_page_is_full(monkeypatch):
    monkeypatch.setattr(explorer, "CONTEXT_SECONDS", 0.1)  # 3 frames
    recordings = {"a": make_aligned(), "b": make_aligned()}
    rows = [("a", 10, 20), ("b", 0, 40), ("b", 0, 5), ("a", 15, 22), ("a", 48, 50)]
    bouts = pd.DataFrame(rows, columns=["session", "start", "stop"])
    kept = keep_bouts(bouts, recordings, 16 + 8 + 2)
    assert kept == {"a": [[7, 25]], "b": [[0, 8]]}  # the other bouts do not fit


def test_names_are_escaped(tmp_path):
    name = "</script><script>alert(1)</script>"
    page = make_page(tmp_path, name)
    assert name not in page
    assert data_of(page)["sessions"][0]["session"] == name


@pytest.mark.parametrize(
    ("video", "address"),
    [
        ("videos/a.mp4", "../../../../videos/a.mp4"),
        ("https://lab.org/a.mp4", "https://lab.org/a.mp4"),
    ],
)
def test_the_address_of_a_video_is_relative_to_the_page(video, address):
    assert address_of(video, "results/explorer/vame/seed0/kmeans-4.html") == address
