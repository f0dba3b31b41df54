"""The benchmark for docs/gpu.md, with tiny sizes on the CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from gpu import DECOMPOSITIONS, as_tables

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", DECOMPOSITIONS)
def test_decompositions_give_the_same_term(name):
    singular_values = torch.tensor([3.0, 2.0, 1.0])
    left = torch.linalg.qr(torch.randn(16, 3))[0]
    right = torch.linalg.qr(torch.randn(3, 3))[0]
    z = 4 * left @ singular_values.diag() @ right  # 4 is the root of the batch
    assert DECOMPOSITIONS[name](z, 3) == pytest.approx(6.0, rel=1e-4)


def test_all_measurements_run_and_are_printed(tmp_path):
    output = tmp_path / "results.json"
    command = [sys.executable, ROOT / "benchmarks/gpu.py", "--tiny", "--device", "cpu"]
    paths = os.pathsep.join(str(ROOT / folder) for folder in ("workflow/scripts", "tests"))
    done = subprocess.run(
        [*command, "--output", output],
        env=os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(output.read_text())
    rows = results["rows"]
    assert [row["precision"] for row in rows if row.get("step") == "ours"] == [
        *("float32", "tf32", "bf16")
    ]
    assert [row["cluster"] for row in rows if "cluster" in row] == list(DECOMPOSITIONS)
    assert all(row["seconds"] > 0 for row in rows if "seconds" in row)
    assert all(row["relative_error"] < 1e-3 for row in rows if "cluster" in row)
    assert results["machine"]["device"] == "cpu"
    assert as_tables(results) in done.stdout
