"""Latents of a recording: `results/latents/{model}/seed{seed}/{session}.npy`.

Row i is the window that starts at frame i; its values are NaN if one of its frames is not usable.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np


def open_latents(path: str | Path) -> np.ndarray:
    """Open (window, latent) float32, memory-mapped."""
    return np.load(path, mmap_mode="r")


def write_latents(path: str | Path, blocks: Iterable[np.ndarray], shape: tuple[int, int]) -> None:
    """Write blocks of (window, latent) to one npy of this shape, without keeping all in memory."""
    with open(path, "wb") as file:
        description = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, description)
        for block in blocks:
            file.write(block.astype("<f4").tobytes())
