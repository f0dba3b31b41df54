"""A full disk is reported and earlier files stay; with more space, the run continues."""

import shlex
import shutil
import subprocess

import pytest
from faults.injector import EXPORT, MODEL, TARGETS, assert_same_result
from projects import ROOT

NAMESPACE = ["unshare", "--map-root-user", "--mount"]


def can_mount(folder):
    command = [*NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", str(folder)]
    return shutil.which("unshare") and subprocess.run(command, check=False).returncode == 0


@pytest.fixture
def run_on_a_small_disk(tmp_path):
    """Return a function that runs Snakemake twice, with a small disk on a folder the first time."""
    if not can_mount(tmp_path):
        pytest.skip("mounting a file system in a namespace of one's own is not allowed here")

    def run(project, folder, *, first, then, targets):
        snakemake = shlex.join(project.command(*targets))
        disk = shlex.quote(str(project / folder))
        (project / folder).mkdir(parents=True, exist_ok=True)
        script = f"""
            cp -r {disk} aside && mount -t tmpfs -o size=10m tmpfs {disk} && cp -r aside/. {disk}
            mount -o remount,{first} {disk} || exit 3
            {snakemake} && exit 4
            cp -r {disk} failed; cp -r {shlex.quote(str(project / "logs"))} failed_logs
            mount -o remount,{then} {disk} || exit 3
            {snakemake} || exit 5
            mkdir whole && cp -r {disk}/. whole && umount {disk} && cp -r whole/. {disk}
        """
        result = subprocess.run(
            [*NAMESPACE, "sh", "-c", f"cd {shlex.quote(str(tmp_path))}\n{script}"],
            check=False,
            capture_output=True,
            text=True,
            cwd=ROOT,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout + result.stderr

    return run


@pytest.mark.slow
def test_a_training_on_a_disk_that_fills_up_can_continue(
    copy_of, undisturbed, run_on_a_small_disk, tmp_path
):
    """The disk has space for one state, but not for the next one at the same time."""
    project = copy_of("full")
    printed = run_on_a_small_disk(
        project, "results/models/long", first="size=200k", then="size=10m", targets=TARGETS
    )
    assert "cannot write it (No space left on device)" in printed
    assert f"{MODEL}/state-" in printed
    (kept,) = (tmp_path / "failed/seed0").glob("state-*.pt")
    assert kept.stat().st_size > 0
    assert list((tmp_path / "failed").rglob("*.part*")) == []
    log = (project / "logs/train_model/long/seed0.log").read_text()
    assert "resuming from" in log
    assert_same_result(project, undisturbed)


@pytest.mark.parametrize(
    ("folder", "target", "named"),
    [
        ("results/dataset", "results/dataset/dataset.json", "train.npy"),
        pytest.param(
            "results/poses", "results/poses/mouse1.nc", "mouse1.nc", marks=pytest.mark.slow
        ),
        pytest.param(EXPORT, f"{EXPORT}/manifest.json", "model.onnx", marks=pytest.mark.slow),
    ],
)
def test_a_full_disk_is_reported_with_the_file(
    copy_of, run_on_a_small_disk, tmp_path, folder, target, named
):
    project = copy_of("full")
    for path in (project / folder).glob("*"):
        path.unlink()
    printed = run_on_a_small_disk(
        project, folder, first="size=8k", then="size=10m", targets=[target]
    )
    assert "No space left on device" in printed
    assert named in printed
    assert [path for path in (tmp_path / "failed").rglob("*") if path.is_file()] == []
    assert (project / target).is_file()


@pytest.mark.slow
def test_a_read_only_folder_is_reported(copy_of, undisturbed, run_on_a_small_disk):
    project = copy_of("readonly")
    (project / MODEL).mkdir(parents=True)
    printed = run_on_a_small_disk(
        project, "results/models/long", first="ro", then="rw", targets=TARGETS
    )
    assert "Read-only file system" in printed
    assert MODEL in printed
    assert_same_result(project, undisturbed)
