"""Segmenters, `results/segmenters/{model}/seed{seed}/{segmentation}.npz`: what others read of them.

`motif_analysis.segmentation` writes and reads them whole.
"""

from pathlib import Path

import numpy as np


def read_numbers(path: str | Path) -> list[int]:
    """Numbers of a segmenter's motifs, rising; with gaps where it kept those of a reference."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["numbers"].tolist()
