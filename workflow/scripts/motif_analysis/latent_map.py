"""A map of latents in two dimensions."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from formats.motifs import centre_of
from sklearn.neighbors import NearestNeighbors

from motif_analysis.latents import draw_windows, find_known
from motif_analysis.pooling import fit_pooling, reaches_of

NEIGHBOURS = 15
"""UMAP's own default; each window is its own first neighbour."""

EPOCHS = 200
"""UMAP's default for more than 10,000 points; for fewer it would be 500, with similar maps."""


def map_latents(
    latents: Mapping[str, np.ndarray], time_window: int, fps: float, settings: Mapping[str, Any]
) -> pd.DataFrame:
    """Map pooled latents of all sessions by UMAP (McInnes, Healy & Melville 2018).

    Parameters
    ----------
    settings
        map_windows (maximum number of windows), pooling_seconds and motif_seed

    Returns
    -------
    session, frame (of the window's centre), x, y; no row if there are too few windows.
    """
    known = {session: find_known(own) for session, own in latents.items()}
    seed = settings["motif_seed"]
    rng = np.random.default_rng(seed)
    drawn = draw_windows(known, settings["map_windows"], rng)
    count = sum(map(len, drawn.values()))
    if count <= NEIGHBOURS:
        return pd.DataFrame(columns=["session", "frame", "x", "y"])
    import umap  # noqa: PLC0415  importing it takes seconds

    reaches = reaches_of(settings["pooling_seconds"], fps)
    pooled = fit_pooling(latents, reaches, rng).take(latents, drawn)
    # UMAP's own search for neighbours takes 40 s to compile, in every job
    near = NearestNeighbors(n_neighbors=NEIGHBOURS).fit(pooled)
    distances, indices = near.kneighbors(pooled)
    warnings.filterwarnings("ignore", "precomputed_knn")  # no new points are mapped
    mapper = umap.UMAP(
        n_neighbors=NEIGHBOURS,
        n_epochs=EPOCHS,
        precomputed_knn=(indices, distances),
        random_state=seed,
        n_jobs=1,
    )
    points = mapper.fit_transform(pooled)
    return pd.DataFrame(
        {
            "session": np.repeat(list(drawn), [len(own) for own in drawn.values()]),
            "frame": np.concatenate(list(drawn.values())) + centre_of(time_window),
            "x": points[:, 0],
            "y": points[:, 1],
        }
    )
