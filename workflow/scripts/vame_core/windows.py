"""Which windows a dataset holds, and how they are drawn.

A segment is a stretch of usable, consecutive frames of one recording on one side of the split;
a window lies inside one segment, so it never crosses a session, a gap or the split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from vame_core.config import ModelConfig

LARGE = 2**28  # bytes of a file that is read window by window
EVALUATION_BATCH = 1024  # windows that the network reads at once where it does not learn


class Windows:
    """All windows of `length` frames inside `segments` of `frames`, numbered from 0.

    Nothing is stored per window: a window's number is turned into its first row by a search in
    the segments' cumulative counts, so memory and time do not grow with the number of frames.

    Parameters
    ----------
    frames
        Rows of one side of the split, on the device that the network runs on, or memory-mapped.
    segments
        First and last row (excluded) of each segment. Shorter ones than `length` hold no window.
    device
        Where windows are needed; where `frames` are, if None.
    read
        Gives windows by their first rows, where that is better than from `frames`.

    Raises
    ------
    ValueError
        If no segment is as long as a window.
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
                f"no window of {length} frames fits: the longest stretch of usable frames on "
                f"this side of the split has {longest}. Lower time_window or prediction_steps, "
                "or change test_fraction, test_blocks or split_gap."
            )
        starts, counts = torch.tensor(holding).T
        self.frames = frames
        self.length = length
        self.device = device or frames.device
        self._read = read
        self._ends = counts.cumsum(0).to(self.device)
        # Row of window n = n + what its segment adds.
        self._shift = (starts - (counts.cumsum(0) - counts)).to(self.device)
        self._offsets = torch.arange(length, device=self.device)
        self._count = int(counts.sum())

    def __len__(self) -> int:
        return self._count

    def rows(self, numbers: Int[Tensor, " batch"]) -> Int[Tensor, " batch"]:
        """First row of each window."""
        return numbers + self._shift[torch.searchsorted(self._ends, numbers, right=True)]

    def take(self, numbers: Int[Tensor, " batch"]) -> Float[Tensor, "batch time feature"]:
        """The windows of these numbers."""
        rows = self.rows(numbers)
        if self._read:
            return self._read(rows, self.length).to(self.device)
        return self.frames[rows.unsqueeze(1) + self._offsets]

    def choose(self, n: int, generator: torch.Generator) -> Int[Tensor, " batch"]:
        """Numbers of `n` windows, each equally likely, with replacement."""
        return torch.randint(len(self), (n,), generator=generator, device=self.device)

    def draw(self, n: int, generator: torch.Generator) -> Float[Tensor, "batch time feature"]:
        """`n` windows so chosen."""
        return self.take(self.choose(n, generator))

    def spread(self, n: int) -> Int[Tensor, " windows"]:
        """Numbers of at most `n` windows, evenly spread over all: the same on every call."""
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
    """Windows of both splits of a dataset: those to train on, and the held-out ones."""
    return (
        open_windows(Path(train), description, "train", config, device),
        open_windows(Path(test), description, "test", config, device),
    )


def open_windows(
    path: Path, description: dict, side: str, config: ModelConfig, device: torch.device
) -> Windows:
    """Windows of one side of a dataset that `split_dataset` wrote.

    The array stays memory-mapped on the CPU; from a large one, windows are read by themselves. To
    any other device it is copied once, if it fits there.
    """
    # Mapped copy-on-write because torch wants writable memory; nothing is ever written.
    mapped = np.load(path, mmap_mode="c")
    frames, read = torch.from_numpy(mapped), None
    if device.type != "cpu" and mapped.nbytes < free_memory(device) / 2:
        frames = frames.to(device)
    elif mapped.nbytes > LARGE and mapped.flags.c_contiguous:
        read = WindowReader(path, mapped)
    segments = [(s["start"], s["stop"]) for s in description["segments"] if s["side"] == side]
    if "windows_across_joins" in config.training.vame_quirks:
        segments = [(0, len(frames) - 1)]  # VAME never draws the last window
    try:
        return Windows(frames, segments, config.window_length, device, read)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


class WindowReader:
    """Windows out of an array's file, by their first rows.

    A page of a memory map that was touched brings its neighbours with it, up to two megabytes:
    more to do than to read a window, and memory that grows with the file.
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
                raise OSError(f"{self._file.name}: ends before row {row + length}; it was cut off")
        return torch.from_numpy(windows)


def free_memory(device: torch.device) -> float:
    """Bytes that are free on a device, as far as it tells."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else float("inf")
