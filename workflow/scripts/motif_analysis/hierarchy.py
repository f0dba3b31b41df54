"""Motifs that follow one another, joined to communities: VAME's hierarchy of motifs."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform


def join_motifs(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Link motifs that follow one another, by the average between clusters.

    Two motifs are as far apart as 1 less the mean of the probabilities that one follows the other.

    Parameters
    ----------
    counts
        (from, to) transitions over all sessions.

    Returns
    -------
    The motifs that ever begin or end a transition, and scipy's linkage over them, (merge, 4); empty
    where there is at most one.
    """
    counts = counts * ~np.eye(len(counts), dtype=bool)
    used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    if len(used) < 2:
        return used, np.empty((0, 4))
    own = counts[np.ix_(used, used)].astype(float)
    chance = own / np.maximum(own.sum(axis=1, keepdims=True), 1)
    apart = 1 - (chance + chance.T) / 2
    np.fill_diagonal(apart, 0)
    return used, linkage(squareform(apart, checks=False), method="average")


def cut_tree(merges: np.ndarray, counts: np.ndarray, communities: int | None) -> np.ndarray:
    """(used motif,) its community; as many as asked for, or those of the greatest modularity.

    The modularity (Newman & Girvan 2004) of the graph of transitions, both directions added, says
    how much more often motifs follow others of their community than they would by chance.

    Parameters
    ----------
    merges
        What `join_motifs` returns.
    counts
        (from, to) transitions of the motifs that it joined.
    """
    n = len(counts)
    if n < 2:
        return np.zeros(n, dtype=int)
    sizes = range(1, n + 1) if communities is None else [min(communities, n)]
    cuts = [fcluster(merges, size, criterion="maxclust") - 1 for size in sizes]
    return max(cuts, key=lambda cut: round(modularity(counts, cut), 12))


def modularity(counts: np.ndarray, community: np.ndarray) -> float:
    weights = (counts + counts.T) * ~np.eye(len(counts), dtype=bool) / 2
    total, degree = weights.sum(), weights.sum(axis=1)
    same = community[:, None] == community
    return float(((weights / total) - np.outer(degree, degree) / total**2)[same].sum())


def community_tables(
    counts: np.ndarray, frames: np.ndarray, communities: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The communities, numbered by falling use, and the tree that they are cut from.

    Parameters
    ----------
    counts
        (from, to) transitions over all sessions.
    frames
        (motif,) frames of each.

    Returns
    -------
    A row per motif: community, and order as in the tree's leaves, empty where it is never used;
    and a row per merge: left and right as in scipy's linkage of the used motifs in rising order (a
    number from the number of used motifs on is an earlier merge), height, and the motifs below.
    """
    used, merges = join_motifs(counts)
    table = pd.DataFrame(
        {"motif": np.arange(len(counts)), "community": pd.NA, "order": pd.NA}
    ).astype({"community": "Int64", "order": "Int64"})
    below = [[int(motif)] for motif in used]
    for left, right, *_ in merges.astype(int).tolist():
        below.append(sorted(below[left] + below[right]))
    tree = pd.DataFrame(merges[:, :3], columns=["left", "right", "height"])
    tree = tree.astype({"left": int, "right": int})
    tree["motifs"] = [" ".join(map(str, members)) for members in below[len(used) :]]
    if not len(used):  # no transition: a motif that is used stands alone
        used = np.flatnonzero(frames)
        cut, order = np.arange(len(used)), np.arange(len(used))
    else:
        cut = cut_tree(merges, counts[np.ix_(used, used)], communities)
        order = leaves_list(merges) if len(merges) else np.zeros(len(used), dtype=int)
    ranks = np.argsort(np.argsort(-np.bincount(cut, frames[used]), kind="stable"))
    table.loc[used, "community"] = ranks[cut]
    table.loc[used[order], "order"] = np.arange(len(used))
    return table, tree
