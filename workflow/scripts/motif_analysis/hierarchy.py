"""Communities of motifs that follow one another: VAME's hierarchy of motifs."""

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
from scipy.spatial.distance import squareform

from motif_analysis.bouts import Bouts, count_transitions
from motif_analysis.segmentation import Segmenter


def join_motifs(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cluster motifs that follow one another by average linkage.

    The distance of two motifs is 1 minus the mean of the probabilities that one follows the other.

    Parameters
    ----------
    counts
        (from, to) transitions over all sessions.

    Returns
    -------
    The motifs that take part in a transition, and scipy's linkage of them, (merge, 4); both empty
    if there is no transition.
    """
    counts = counts * ~np.eye(len(counts), dtype=bool)
    used = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1))
    if not len(used):
        return used, np.empty((0, 4))
    own = counts[np.ix_(used, used)].astype(float)
    chance = own / np.maximum(own.sum(axis=1, keepdims=True), 1)
    apart = 1 - (chance + chance.T) / 2
    np.fill_diagonal(apart, 0)
    return used, linkage(squareform(apart, checks=False), method="average")


def cut_tree(merges: np.ndarray, counts: np.ndarray, communities: int | None) -> np.ndarray:
    """Assign each (used motif,) to a community; as many as requested, or of greatest modularity.

    The modularity (Newman & Girvan 2004) of the undirected graph of transitions measures how much
    more often motifs follow others of their community than by chance.

    Parameters
    ----------
    merges
        The result of `join_motifs`.
    counts
        (from, to) transitions of the motifs in it.
    """
    n = len(counts)
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
    """Cut the tree of motifs into communities, numbered by decreasing usage.

    Parameters
    ----------
    counts
        (from, to) transitions over all sessions.
    frames
        (motif,) frames of each.

    Returns
    -------
    A row per motif: community, and order of the tree's leaves, both empty for unused motifs.
    A row per merge: left and right as in scipy's linkage of the used motifs (with n of them, n + i
    is merge i), height, and the motifs below.
    """
    used, merges = join_motifs(counts)
    below = [[int(motif)] for motif in used]
    for left, right, *_ in merges.astype(int).tolist():
        below.append(sorted(below[left] + below[right]))
    tree = pd.DataFrame(merges[:, :3], columns=["left", "right", "height"])
    tree = tree.astype({"left": int, "right": int})
    tree["motifs"] = [" ".join(map(str, members)) for members in below[len(used) :]]
    if len(used):
        cut = cut_tree(merges, counts[np.ix_(used, used)], communities)
        order = leaves_list(merges)
    else:  # no transition: each used motif is a community
        used = np.flatnonzero(frames)
        cut = order = np.arange(len(used))
    ranks = np.argsort(np.argsort(-np.bincount(cut, frames[used]), kind="stable"))
    table = pd.DataFrame(
        {"motif": range(len(counts)), "community": pd.NA, "order": pd.NA}, dtype="Int64"
    ).astype({"motif": int})
    table.loc[used, "community"] = ranks[cut]
    table.loc[used[order], "order"] = np.arange(len(used))
    return table, tree


def find_communities(
    segmenter: Segmenter, communities: int | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Find the communities of a segmentation in the sessions that it was fitted on.

    So they stay what they are, whatever recordings come later, and the frames of each recording are
    given their community without the others.

    Returns
    -------
    What `community_tables` returns.
    """
    n_motifs = int(segmenter.numbering.numbers.max()) + 1
    counts = np.zeros((n_motifs, n_motifs), dtype=np.int64)
    total = np.zeros(n_motifs, dtype=np.int64)
    for _, motifs, frames in segmenter.fitted.runs():
        stop, own = np.cumsum(frames), motifs >= 0
        bouts = Bouts(motifs[own].astype(np.int64), (stop - frames)[own], stop[own])
        counts += count_transitions(bouts, n_motifs)  # merged motifs may follow themselves
        np.add.at(total, bouts.motif, bouts.frames)
    np.fill_diagonal(counts, 0)
    return community_tables(counts, total, communities)


def communities_of_motifs(table: pd.DataFrame) -> dict[int, int]:
    """By motif its community, of those that have one, from the table of motifs."""
    known = table.dropna(subset=["community"])
    return dict(zip(known["motif"].tolist(), known["community"].tolist(), strict=True))
