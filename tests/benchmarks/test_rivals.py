"""The benchmark of other programs for docs/behaviour.md: exchange of files, scores and table."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rivals
from behaviour import DataSet
from fidelity import Recording
from rivals import (
    HERE,
    OWN,
    SCRIPTS,
    as_table,
    at_windows,
    evaluate_own,
    main,
    make_environment,
    merge_rare,
    of_sessions,
    run_script,
    score,
    summarise,
)

pytestmark = pytest.mark.slow
SETTINGS = {"time_window": 4, "center": "a", "orient": "b"}


def make_data(*, animals=3, frames=400, bout=40):
    """Return recordings whose behaviour, walk or rest, changes every `bout` frames."""
    labels = np.array(["walk", "rest"])[np.arange(frames) // bout % 2]
    recordings = [Recording(f"s{n}", Path(), 20.0, labels.copy()) for n in range(animals)]
    return DataSet("data", SETTINGS, recordings, {r.session: r.session for r in recordings})


def make_motifs(data, time_window=4):
    """Return motifs that equal the behaviours, at the centres of windows."""
    usable = {r.session: np.ones(len(r.labels), bool) for r in data.recordings}
    motifs = {r.session: (r.labels == "walk").astype(np.int32) for r in data.recordings}
    return at_windows(motifs, usable, time_window)


def replace_programs(tmp_path, monkeypatch, script):
    """Replace the programs by this script, which runs with this Python."""
    python = tmp_path / "environments/program/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (tmp_path / "program.py").write_text(script)
    monkeypatch.setattr(rivals, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(rivals, "HERE", tmp_path)
    monkeypatch.setattr(rivals, "SCRIPTS", {"program": "program.py"})


def test_requirements_are_exact():
    for name, script in SCRIPTS.items():
        lines = (HERE / f"{name}.txt").read_text().split()
        assert lines
        assert all(line.count("==") == 1 for line in lines)
        assert (HERE / script).exists()


def test_arrays_are_exchanged_with_the_script_of_a_program(tmp_path, monkeypatch):
    replace_programs(
        tmp_path,
        monkeypatch,
        "import os, sys, subprocess\n"
        "assert os.environ['OMP_NUM_THREADS'] == '2'\n"
        "open(sys.argv[2], 'wb').write(open(sys.argv[1], 'rb').read())\n",
    )
    inputs = {"threads": np.array(2), "latents_0": np.eye(3), "keypoints": np.array(["a", "b"])}
    outputs = run_script("program", inputs, tmp_path)
    assert outputs["keypoints"].tolist() == ["a", "b"]
    np.testing.assert_array_equal(of_sessions(outputs, "latents", ["s0"])["s0"], np.eye(3))
    assert of_sessions(outputs, "syllables", ["s0"]) == {}


def test_the_benchmark_fails_if_a_program_fails(tmp_path, monkeypatch):
    replace_programs(tmp_path, monkeypatch, "raise SystemExit(3)")
    with pytest.raises(subprocess.CalledProcessError):
        run_script("program", {"threads": np.array(1)}, tmp_path)


def test_an_environment_is_installed_again_only_if_requirements_change(tmp_path, monkeypatch):
    ran = []

    def run(command, **_):
        ran.append(command)
        (tmp_path / "environments/program").mkdir(parents=True, exist_ok=True)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(rivals, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(rivals, "HERE", tmp_path)
    monkeypatch.setattr(rivals.subprocess, "run", run)
    (tmp_path / "program.txt").write_text("program==1\n")
    assert make_environment("program") is None
    made = len(ran)
    assert make_environment("program") is None
    assert len(ran) == made > 0
    (tmp_path / "program.txt").write_text("program==2\n")
    assert make_environment("program") is None
    assert len(ran) == 2 * made


def test_a_failed_installation_gives_its_reason(tmp_path, monkeypatch):
    def run(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "first\nno such version\n")

    monkeypatch.setattr(rivals, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(rivals.subprocess, "run", run)
    assert "no such version" in make_environment("cebra")


@pytest.mark.parametrize("given", [True, False])
def test_without_recordings_the_page_is_unchanged(tmp_path, monkeypatch, capsys, given):
    page = tmp_path / "page.md"
    page.write_text(f"{rivals.BEGIN}\n<!-- end -->\n")
    recordings = ["--recordings", str(tmp_path)] if given else []
    monkeypatch.setattr(sys, "argv", ["rivals.py", "--output", str(page), *recordings])
    main()
    assert "skipped" in capsys.readouterr().out
    assert page.read_text() == f"{rivals.BEGIN}\n<!-- end -->\n"


def test_values_are_those_at_the_centres_of_usable_windows():
    usable = {"s": np.array([True] * 5 + [False] + [True] * 3)}
    series = {"s": np.arange(9)}
    assert at_windows(series, usable, 3)["s"].tolist() == [1, 2, 3, -1, -1, -1, 7]
    latents = at_windows({"s": np.arange(9.0)[:, None]}, usable, 3)["s"]
    assert np.isnan(latents[:, 0]).tolist() == [False] * 3 + [True] * 3 + [False]
    assert series["s"].tolist() == list(range(9))


def test_rare_motifs_are_merged_into_the_last_one():
    motifs = {"s": np.repeat([7, -1, 2, 5, 3], [600, 9, 395, 2, 3])}
    merged = merge_rare(motifs)["s"]
    expected = np.repeat([1, -1, 0, 2, 2], [600, 9, 395, 2, 3])
    np.testing.assert_array_equal(merged, expected)


def test_motifs_equal_to_the_behaviours_score_one():
    data = make_data()
    row = evaluate_own(make_motifs(data), data, 4)
    assert rivals.OF_TABLES[OWN](row[OWN].sum(axis=0)) == pytest.approx(1)
    assert row["motifs"] == 2
    assert row["bout"] == 2.0  # 40 frames at 20 per second
    assert row["short"] == 0
    assert row["sessions"] == pytest.approx(0, abs=1e-3)


def test_motifs_equal_to_the_sessions_inform_about_sessions_and_not_behaviours():
    data = make_data()
    motifs = {s: np.full(len(own), n) for n, (s, own) in enumerate(make_motifs(data).items())}
    row = evaluate_own(motifs, data, 4)
    assert row["sessions"] == pytest.approx(1)
    assert rivals.OF_TABLES[OWN](row[OWN].sum(axis=0)) == pytest.approx(0, abs=1e-3)


def test_frames_without_a_motif_or_a_label_are_not_counted():
    data = make_data()
    data.recordings[0].labels[:100] = ""
    motifs = make_motifs(data)
    motifs["s1"][:50] = -1
    total = sum(map(len, motifs.values()))
    assert evaluate_own(motifs, data, 4)[OWN].sum() == total - 98 - 50


def test_latents_are_scored_pooled_and_as_single_frames(monkeypatch):
    monkeypatch.setattr("rivals.MOTIFS", (2,))
    monkeypatch.setattr("behaviour.SHOWN_MOTIFS", 2)
    data = make_data()
    latents = {s: np.stack([own, 1.0 - own], axis=1) for s, own in make_motifs(data).items()}
    rows = pd.DataFrame(score(latents, data, 0, "program"))
    assert rows["motifs of"].tolist() == ["pooled", "single frames"]
    single = rows["nmi 2"][1].sum(axis=0)
    assert rivals.OF_TABLES["nmi 2" if "nmi 2" in rivals.OF_TABLES else OWN](single) == 1


def make_rows(*, own):
    """Return rows of two seeds, with this agreement of motifs and labels in each of two blocks."""
    right = np.array([[own, 1 - own], [1 - own, own]])
    common = {"program": "A", "bout": 1.0, "short": 0.02, "sessions": 0.1}
    tables = np.stack([right, right])
    first = {"motifs of": "its own", "motifs": 7, OWN: tables}
    second = {"motifs of": "pooled", **dict.fromkeys(rivals.MEASURES, tables)}
    return pd.DataFrame([common | each for each in (first, second) for _ in range(2)])


def test_the_table_has_a_row_per_program_and_kind_and_dashes_for_missing_values():
    better = make_rows(own=1.0).assign(program="B")
    table = as_table(summarise(pd.concat([make_rows(own=0.9), better])))
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    assert [line[:2] for line in lines[2:]] == [
        ["A", "its own (7)"],
        ["", "pooled"],
        ["B", "its own (7)"],
        ["", "pooled"],
    ]
    assert lines[2][2] == "0.531 (0.53 to 0.53)"  # 1 - entropy of 0.1 and 0.9, in bits
    assert lines[2][3] == "–"
    assert lines[5][3].startswith("**1.000**")
    assert lines[3][3].startswith("0.531")
    assert lines[2][-2] == "2.0"
