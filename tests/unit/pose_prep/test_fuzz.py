"""Damaged files are read or rejected with a message: no crash, no hang, little memory."""

import multiprocessing
import os
import resource
from pathlib import Path

import h5py
import numpy as np
import pytest
from formats.poses import save_poses
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pose_prep.reading import LOADERS, read_poses
from recordings import (
    make_dataset,
    make_lively_tracks,
    write_anipose,
    write_deeplabcut,
    write_nwb,
    write_sleap_analysis,
    write_sleap_labels,
)

SECONDS = 120  # the reader stops after 60
MEGABYTES = 2000
FORK = multiprocessing.get_context("fork")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "10"))  # per format; `make fuzz` tries more

TRACKS = make_lively_tracks(frames=30)
WRITERS = {
    "DeepLabCut.csv": lambda path: write_deeplabcut(path=path, tracks=TRACKS),
    "DeepLabCut.h5": lambda path: write_deeplabcut(path=path, tracks=TRACKS),
    "LightningPose.csv": lambda path: write_deeplabcut(path=path, tracks=TRACKS),
    "SLEAP.slp": lambda path: write_sleap_labels(path=path, tracks=TRACKS[:, None]),
    "SLEAP.h5": lambda path: write_sleap_analysis(path=path, tracks=TRACKS[:, None]),
    "NWB.nwb": lambda path: write_nwb(path=path, tracks=[TRACKS]),
    "Anipose.csv": lambda path: write_anipose(path=path, tracks=TRACKS[..., [0, 1, 1, 2]]),
    "movement.nc": lambda path: save_poses(make_dataset(tracks=TRACKS), path),
    "VAME.npy": lambda path: np.save(path, TRACKS.reshape(30, -1)[:, :8].T),
}


def test_every_reader_is_tried():
    assert {name.split(".")[0] for name in WRITERS} == LOADERS.keys() | {"SLEAP"}


@pytest.fixture(scope="module", params=WRITERS)
def intact(request, tmp_path_factory):
    """Return an intact file and its content."""
    path = tmp_path_factory.mktemp("intact") / request.param
    WRITERS[request.param](path)
    return path, path.read_bytes()


def read(path: Path, software: str, pipe) -> None:
    """Read a file in a separate process, which may crash, hang and use much memory."""
    before = largest()
    try:
        read_poses(path, software, 30)
        outcome = "read"
    except ValueError as error:
        outcome = "a sentence" if str(error).startswith(str(path)) else repr(error)
    except BaseException as error:  # the test names any error
        outcome = repr(error)
    pipe.send((outcome, largest() - before))


def largest() -> float:
    """Return the peak memory in megabytes of this process and those that it started."""
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in whose) / 1024


def outcome_of(path: Path, software: str) -> str:
    receiver, sender = FORK.Pipe(duplex=False)
    process = FORK.Process(target=read, args=(path, software, sender))
    process.start()
    try:
        assert receiver.poll(SECONDS), f"{path} hangs"
        outcome, grown = receiver.recv()
    finally:
        process.kill()
        process.join()
    assert outcome in ("read", "a sentence")
    assert grown < MEGABYTES
    return outcome


@st.composite
def damages(draw):
    """Return a function that damages the content of a file."""
    place = st.floats(0, 1)
    kind = draw(st.sampled_from(["truncate", "overwrite", "swap", "shuffle", "replace"]))
    low, high = sorted([draw(place), draw(place)])
    junk = draw(st.binary(min_size=1, max_size=64) | st.just(b"\xff" * 8) | st.just(b"\0" * 512))
    seed = draw(st.integers(0, 999))

    def damage(content: bytes) -> bytes:
        start, stop = int(low * len(content)), int(high * len(content))
        if kind == "truncate":
            return content[:stop]
        if kind == "overwrite":
            return content[:start] + junk + content[start + len(junk) :]
        if kind == "swap":
            return content[:start] + content[stop:] + content[start:stop]
        if kind == "shuffle":
            part = np.frombuffer(bytearray(content[start:stop]), np.uint8)
            shuffled = np.random.default_rng(seed).permutation(part).tobytes()
            return content[:start] + shuffled + content[stop:]
        return junk * 20

    return damage


# Each example is a process; the fixture's file is only read.
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES <= 10,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(damage=damages(), named=st.booleans())
def test_a_damaged_file_is_read_or_refused_in_a_sentence(intact, damage, named):
    path, content = intact
    damaged = path.with_stem(path.stem + "-damaged")
    damaged.write_bytes(damage(content))
    outcome_of(damaged, path.name.split(".")[0] if named else "")


def test_intact_files_are_read(intact):
    assert outcome_of(intact[0], "") == "read"


def h5_of_zeros(path, frames):
    """Write a compressed analysis file that is small, and huge when it is read."""
    with h5py.File(path, "w") as file:
        shape = (1, 2, 4, frames)
        file.create_dataset("tracks", shape, "f8", chunks=(1, 2, 4, 100_000), compression=9)
        file["node_names"] = np.array(["a", "b", "c", "d"], dtype="S")
        file["track_names"] = np.array([], dtype="S1")


def netcdf_of_zeros(path, frames):
    tracks = np.zeros((2, 4, 3))
    whole = make_dataset(tracks=tracks).isel(time=[0])
    with h5py.File(path, "w") as file:
        for name, values in whole.variables.items():
            shape = tuple(frames if dim == "time" else whole.sizes[dim] for dim in values.dims)
            kind = "S9" if values.dtype.kind in "UO" else "f8"
            file.create_dataset(name, shape, kind, chunks=True, compression=9)


HUGE = {
    "columns.csv": lambda path: path.write_text(
        "\n".join(",".join([row, *["a"] * 300_000]) for row in ("scorer", "bodyparts", "coords"))
    ),
    "lines.csv": lambda path: path.write_text(
        "scorer,S,S\nbodyparts,a,a\ncoords,x,y\n" + "\n" * (1 << 20)
    ),
    "both.csv": lambda path: path.write_text(
        "\n".join(",".join([row, *["a"] * 9999]) for row in ("scorer", "bodyparts", "coords"))
        + "\n" * (1 << 20)
    ),
    "quote.csv": lambda path: path.write_text('scorer,"' + "a\n," * (1 << 18)),
    "word.csv": lambda path: path.write_text("scorer," + "a" * (1 << 20)),
    "declared.h5": lambda path: h5_of_zeros(path, 1 << 40),
    "allowed.h5": lambda path: h5_of_zeros(path, 2_000_000),
    "declared.nc": lambda path: netcdf_of_zeros(path, 1 << 40),
    "late.slp": lambda path: write_sleap_labels(
        path=path, tracks=TRACKS[:2, None], frames=[0, 1 << 33]
    ),
    "late.nc": lambda path: save_poses(
        make_dataset(tracks=TRACKS).assign_coords(time=[*np.arange(29.0), 1e12]), path
    ),
    "declared.npy": lambda path: path.write_bytes(
        b"\x93NUMPY\x01\x00\x76\x00"
        + b"{'descr': '<f8', 'fortran_order': False, 'shape': (9, 1000000000000), }".ljust(118)
    ),
}


@pytest.mark.parametrize("name", HUGE)
def test_a_file_that_declares_a_huge_size_needs_little_memory(tmp_path, name):
    HUGE[name](tmp_path / name)
    assert (tmp_path / name).stat().st_size < 3 << 20
    outcome_of(tmp_path / name, "")
