"""The windows of a dataset, and how they are sampled.

A segment is a run of usable, consecutive frames of one recording in one split; a window is
within one segment, so it never crosses a session, a gap or the border between the splits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vame_core.config import ModelConfig

LARGE = 2**28  # bytes from which windows are read from the file, not through the memory map
EVALUATION_BATCH = 1024  # windows per batch outside training


class Windows:
    """All windows of `length` frames inside `segments` of `frames`, numbered from 0.

    Nothing is stored per window: the first row of a window is found from its number by a search
    in the segments' cumulative counts, so memory and time do not grow with the number of frames.

    Parameters
    ----------
    frames
        Rows of one split, on the device that the network runs on, or memory-mapped.
    segments
        First and last row (excluded) of each segment. Segments shorter than `length` are skipped.
    device
        Device of the returned windows; by default that of `frames`.
    read
        Reads windows by their first rows; by default they are indexed in `frames`.

    Raises
    ------
    ValueError
        If every segment is shorter than a window.
    """

    def __init__(
        self,
        frames: Float[Tensor, "frame feature"],
        segments: list[tuple[int, int]],
        length: int,
        device: torch.device | None = None,
        read: Callable[[Tensor, int], Tensor] | None = None,
    ) -> None:
        holding = [(start, stop - start - length + 1) for start, stop in segments]
        holding = [(start, count) for start, count in holding if count > 0]
        if not holding:
            longest = max((stop - start for start, stop in segments), default=0)
            raise ValueError(
                f"no window of {length} frames fits: the longest run of usable frames in "
                f"this split has {longest}. Lower time_window or prediction_steps, or change "
                "test_fraction, test_blocks or split_gap."
            )
        starts, counts = torch.tensor(holding).T
        self.frames = frames
        self.length = length
        self.device = device or frames.device
        self._read = read
        self._ends = counts.cumsum(0).to(self.device)
        # First row of window n = n + shift of its segment.
        self._shift = (starts - (counts.cumsum(0) - counts)).to(self.device)
        self._offsets = torch.arange(length, device=self.device)
        self._count = int(counts.sum())

    def __len__(self) -> int:
        return self._count

    def rows(self, numbers: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """Return the first row of each window."""
        return numbers + self._shift[torch.searchsorted(self._ends, numbers, right=True)]

    def take(self, numbers: Int[Tensor, " batch"]) -> Float[Tensor, "batch time feature"]:
        """Return the windows with these numbers."""
        rows = self.rows(numbers)
        if self._read:
            return self._read(rows, self.length).to(self.device)
        return self.frames[rows.unsqueeze(1) + self._offsets]

    def choose(self, n: int, generator: torch.Generator) -> Int[Tensor, " batch"]:
        """Sample the numbers of `n` windows, each equally likely, with replacement."""
        return torch.randint(len(self), (n,), generator=generator, device=self.device)

    def draw(self, n: int, generator: torch.Generator) -> Float[Tensor, "batch time feature"]:
        """Sample `n` windows, each equally likely, with replacement."""
        return self.take(self.choose(n, generator))

    def spread(self, n: int) -> Int[Tensor, " windows"]:
        """Return the numbers of at most `n` windows, evenly spaced: the same on every call."""
        n = min(n, len(self))
        return torch.arange(n, device=self.device) * len(self) // n

    def batches(
        self, numbers: Int[Tensor, " windows"], size: int
    ) -> Iterator[Float[Tensor, "batch time feature"]]:
        for chunk in numbers.split(size):
            yield self.take(chunk)


def open_splits(
    train: str | Path,
    test: str | Path,
    description: dict,
    config: ModelConfig,
    device: torch.device,
) -> tuple[Windows, Windows]:
    """Open the windows of both splits of a dataset: training windows and held-out windows."""
    return (
        open_windows(Path(train), description, "train", config, device),
        open_windows(Path(test), description, "test", config, device),
    )


def open_windows(
    path: Path, description: dict, side: str, config: ModelConfig, device: torch.device
) -> Windows:
    """Open the windows of one split of a dataset that `split_dataset` wrote.

    On the CPU the array stays memory-mapped, and windows of a large file are read one by one. On
    another device the array is copied once, if it fits there.
    """
    # Mapped copy-on-write because torch needs writable memory; nothing is written.
    mapped = np.load(path, mmap_mode="c")
    frames, read = torch.from_numpy(mapped), None
    if device.type != "cpu" and mapped.nbytes < free_memory(device) / 2:
        frames = frames.to(device)
    elif mapped.nbytes > LARGE and mapped.flags.c_contiguous:
        read = WindowReader(path, mapped)
    segments = [(s["start"], s["stop"]) for s in description["segments"] if s["side"] == side]
    if "windows_across_joins" in config.training.vame_quirks:
        segments = [(0, len(frames) - 1)]  # VAME never samples the last window
    try:
        return Windows(frames, segments, config.window_length, device, read)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


class WindowReader:
    """Read windows from an array's file by their first rows.

    Reading one page of a memory map loads its neighbours, up to two megabytes: slower than reading
    the window alone, and memory grows with the file.
    """

    def __init__(self, path: Path, array: np.memmap) -> None:
        self._file = path.open("rb", buffering=0)
        self._array = array

    def __call__(
        self, rows: Int[Tensor, " batch"], length: int
    ) -> Float[Tensor, "batch time feature"]:
        windows = np.empty((len(rows), length, *self._array.shape[1:]), self._array.dtype)
        for row, window in zip(rows.tolist(), windows, strict=True):
            self._file.seek(self._array.offset + row * self._array.strides[0])
            if self._file.readinto(window) < window.nbytes:
                raise OSError(f"{self._file.name}: ends before row {row + length}; it is truncated")
        return torch.from_numpy(windows)


def free_memory(device: torch.device) -> float:
    """Return the free bytes on a device; infinity where the device does not report them."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else float("inf")
