"""Segmenters, `results/segmenters/{model}/seed{seed}/{segmentation}.npz`: what others read of them.

`motif_analysis.segmentation` writes and reads them whole.
"""

from pathlib import Path

import numpy as np


def count_motifs(path: str | Path) -> int:
    """Number of motifs that a segmenter tells apart."""
    with np.load(path, allow_pickle=False) as arrays:
        return len(arrays["frames"])
