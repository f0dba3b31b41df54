"""Latents of a recording: `results/latents/{model}/seed{seed}/{session}.npy`.

Row i is the window that begins at frame i; its values are NaN where a frame of it is not usable.
"""

from collections.abc import Iterable
from pathlib import Path

import numpy as np


def open_latents(path: str | Path) -> np.ndarray:
    """(window, latent) float32, memory-mapped."""
    return np.load(path, mmap_mode="r")


def write_latents(path: str | Path, blocks: Iterable[np.ndarray], shape: tuple[int, int]) -> None:
    """Write blocks of (window, latent) as one npy of this shape, without holding all of them."""
    with open(path, "wb") as file:
        description = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, description)
        for block in blocks:
            file.write(block.astype("<f4").tobytes())
