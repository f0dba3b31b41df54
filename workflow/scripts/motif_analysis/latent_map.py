"""A map of latents in two dimensions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from formats.motifs import centre_of

from motif_analysis.latents import draw_windows, find_known
from motif_analysis.pooling import fit_pooling, reaches_of

FEWEST_WINDOWS = 16
"""UMAP asks each window for 15 neighbours."""


def map_latents(
    latents: Mapping[str, np.ndarray], time_window: int, fps: float, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Map pooled latents of all sessions by UMAP (McInnes, Healy & Melville 2018).

    Parameters
    ----------
    settings
        map_windows (at most so many are mapped), pooling_seconds and motif_seed

    Returns
    -------
    session, frame (of the window's centre), x, y; no row where there are too few windows.
    """
    known = {session: find_known(own) for session, own in latents.items()}
    seed = settings["motif_seed"]
    rng = np.random.default_rng(seed)
    drawn = draw_windows(known, settings["map_windows"], rng)
    count = sum(map(len, drawn.values()))
    if count < FEWEST_WINDOWS:
        return pd.DataFrame(columns=["session", "frame", "x", "y"])
    import umap  # noqa: PLC0415  it takes seconds

    reaches = reaches_of(settings["pooling_seconds"], fps)
    pooled = fit_pooling(latents, reaches, rng).take(latents, drawn)
    points = umap.UMAP(random_state=seed, n_jobs=1).fit_transform(pooled)
    return pd.DataFrame(
        {
            "session": np.repeat(list(drawn), [len(own) for own in drawn.values()]),
            "frame": np.concatenate(list(drawn.values())) + centre_of(time_window),
            "x": points[:, 0],
            "y": points[:, 1],
        }
    )
