"""Segmenters, `results/segmenters/{model}/seed{seed}/{segmentation}.npz`, as others read them.

`motif_analysis.segmentation` reads and writes the complete file.
"""

from pathlib import Path

import numpy as np


def read_numbers(path: str | Path) -> list[int]:
    """Read the numbers of a segmenter's motifs, ascending; with gaps if a reference was kept."""
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["numbers"].tolist()
