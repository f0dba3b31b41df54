"""A map of latents in two dimensions."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from formats.motifs import centre_of

from motif_analysis.latents import draw_windows, find_known, take

FEWEST_WINDOWS = 16
"""UMAP asks each window for 15 neighbours."""


def map_latents(
    latents: Mapping[str, np.ndarray], windows: int, time_window: int, seed: int
) -> pd.DataFrame:
    """Map up to `windows` windows of all sessions by UMAP (McInnes, Healy & Melville 2018).

    Returns
    -------
    session, frame (of the window's centre), x, y; no row where there are too few windows.
    """
    known = {session: find_known(own) for session, own in latents.items()}
    drawn = draw_windows(known, windows, np.random.default_rng(seed))
    count = sum(map(len, drawn.values()))
    if count < FEWEST_WINDOWS:
        return pd.DataFrame(columns=["session", "frame", "x", "y"])
    import umap  # noqa: PLC0415  it takes seconds

    points = umap.UMAP(random_state=seed, n_jobs=1).fit_transform(take(latents, drawn))
    return pd.DataFrame(
        {
            "session": np.repeat(list(drawn), [len(own) for own in drawn.values()]),
            "frame": np.concatenate(list(drawn.values())) + centre_of(time_window),
            "x": points[:, 0],
            "y": points[:, 1],
        }
    )
