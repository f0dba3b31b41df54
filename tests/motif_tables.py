"""Small tables of a segmentation, as the rules of motifs.smk write them, with random numbers."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import leaves_list, linkage

KEYPOINTS = {  # mean egocentric position in pixels: ahead, to the right
    "nose": (66, 0),
    "left_fore_paw": (46, -9),
    "right_fore_paw": (46, 9),
    "left_hind_paw": (13, -13),
    "right_hind_paw": (13, 13),
    "tail_base": (0, 0),
}
CENTER, ORIENT = "tail_base", "nose"
FEATURES = [
    f"{name}_{axis}"
    for name in KEYPOINTS
    for axis in "xy"
    if name != CENTER and (name, axis) != (ORIENT, "y")
]


@dataclass
class Tables:
    """Tables of a segmentation of about four sessions, for figures; the last motifs are unused."""

    sessions: dict[str, pd.DataFrame]
    usage: pd.DataFrame
    transitions: pd.DataFrame
    profile: pd.DataFrame
    communities: pd.DataFrame
    linkage: pd.DataFrame
    examples: pd.DataFrame
    latent_map: pd.DataFrame
    groups: pd.DataFrame
    comparisons_over_time: pd.DataFrame
    quality: dict


def make_tables(
    *,
    n_motifs: int = 6,
    unused: int = 1,
    groups: tuple[str, ...] = ("control", "treated"),
    animals: int = 3,
    frames: int = 600,
    fps: float = 30.0,
    seed: int = 0,
) -> Tables:
    rng = np.random.default_rng(seed)
    used = n_motifs - unused
    group_of = {
        f"mouse{number}": groups[number % len(groups)] if groups else ""
        for number in range(animals * max(len(groups), 1))
    }
    chance = rng.dirichlet(np.full(used, 0.4), size=used) + 1e-6
    np.fill_diagonal(chance, used == 1)
    chance /= chance.sum(axis=1, keepdims=True)
    labels = {name: _chain(rng, chance, frames, fps) for name in group_of}
    sessions = {
        name: pd.DataFrame(
            {
                "frame": np.arange(frames),
                "seconds": np.arange(frames) / fps,
                "motif": pd.array(motif, dtype="Int64"),
                "name": "",
                "usable": 1,
            }
        )
        for name, motif in labels.items()
    }
    for (
        table
    ) in sessions.values():  # there is no whole window at both ends, and one keypoint was lost
        table.loc[[*range(15), *range(frames - 15, frames)], "motif"] = pd.NA
        table.loc[200:240, "motif"] = pd.NA
        table.loc[210:230, "usable"] = 0
    usage = _usage(sessions, group_of, n_motifs, fps).assign(color="")
    transitions = _transitions(sessions, n_motifs)
    tree = linkage(rng.normal(size=(used, 3)), "ward") if used > 1 else np.empty((0, 4))
    leaves = leaves_list(tree) if used > 1 else [0]
    order = {int(motif): place for place, motif in enumerate(leaves)}
    communities = pd.DataFrame(
        {
            "motif": range(n_motifs),
            "community": pd.array(
                [
                    order[motif] * 3 // used if motif in order else pd.NA
                    for motif in range(n_motifs)
                ],
                dtype="Int64",
            ),
            "order": pd.array(
                [order.get(motif, pd.NA) for motif in range(n_motifs)], dtype="Int64"
            ),
        }
    )
    return Tables(
        sessions=sessions,
        usage=usage,
        transitions=transitions,
        profile=_profile(rng, n_motifs, used),
        communities=communities,
        linkage=pd.DataFrame(tree, columns=["left", "right", "height", "motifs"]).astype(
            {"left": int, "right": int, "motifs": int}
        ),
        examples=_examples(sessions, n_motifs),
        latent_map=_latent_map(rng, sessions, used),
        groups=_groups(usage, groups, n_motifs),
        comparisons_over_time=_comparisons(n_motifs),
        quality=QUALITY,
    )


QUALITY = {
    "findings": [
        {
            "name": "r2_reconstruction",
            "value": 0.91,
            "baseline": 0.93,
            "low": None,
            "high": None,
            "verdict": "good",
            "sentence": "The reconstruction explains 91% of the variance of held-out windows.",
        },
        {
            "name": "short_bouts",
            "value": 0.4,
            "baseline": 0.5,
            "low": 0.3,
            "high": 0.5,
            "verdict": "doubtful",
            "sentence": "Two of five bouts last one or two frames <, nearly as many as by chance.",
        },
    ],
    "advice": ["Fewer motifs (n_motifs) would make bouts longer."],
}


def _chain(rng, chance, frames, fps):
    motif, states, lengths = 0, [], []
    while sum(lengths) < frames:
        states.append(motif)
        lengths.append(max(1, round(rng.gamma(3, 0.15 * fps * (1 + motif % 3)))))
        motif = int(rng.choice(len(chance), p=chance[motif]))
    return np.repeat(states, lengths)[:frames]


def _bouts(table):
    """Return (motif, first row, rows) of each bout of a session."""
    motif = table["motif"].astype(float).fillna(-1).astype(int).to_numpy()
    starts = np.flatnonzero(np.diff(motif, prepend=-2))
    return [
        (int(motif[start]), int(start), int(rows))
        for start, rows in zip(starts, np.diff(starts, append=len(motif)), strict=True)
        if motif[start] >= 0
    ]


def _usage(sessions, group_of, n_motifs, fps):
    rows = []
    for name, table in sessions.items():
        known = int(table["motif"].notna().sum())
        for motif in range(n_motifs):
            seconds = [rows / fps for other, _, rows in _bouts(table) if other == motif]
            frames = int((table["motif"] == motif).sum())
            quartiles = np.percentile(seconds, [25, 50, 75]) if seconds else [np.nan] * 3
            rows.append(
                (
                    name,
                    name,
                    group_of[name],
                    motif,
                    "",
                    frames,
                    frames / known,
                    len(seconds),
                    *quartiles,
                )
            )
    return pd.DataFrame(
        rows,
        columns=[
            *("session", "animal", "group", "motif", "name", "frames", "share", "bouts"),
            *("bout_seconds_q25", "bout_seconds_median", "bout_seconds_q75"),
        ],
    )


def _transitions(sessions, n_motifs):
    rows = []
    pooled = np.zeros((n_motifs, n_motifs), int)
    for name, table in sessions.items():
        counts = np.zeros((n_motifs, n_motifs), int)
        bouts = _bouts(table)
        for (one, first, length), (other, start, _) in pairwise(bouts):
            counts[one, other] += first + length == start
        pooled += counts
        rows += _rows_of_counts(name, counts)
    return pd.DataFrame(
        rows + _rows_of_counts("all", pooled),
        columns=["session", "from_motif", "to_motif", "count", "probability"],
    )


def _rows_of_counts(name, counts):
    leaving = counts.sum(axis=1, keepdims=True)
    probability = np.divide(counts, leaving, out=np.zeros(counts.shape), where=leaving > 0)
    return [
        (name, one, other, counts[one, other], probability[one, other])
        for one, other in np.ndindex(counts.shape)
        if one != other
    ]


def _profile(rng, n_motifs, used):
    rows = []
    for motif in range(n_motifs):
        known = motif < used
        for feature in FEATURES:
            name, axis = feature.rsplit("_", 1)
            mean = KEYPOINTS[name]["xy".index(axis)] + rng.normal(0, 3)
            rows.append((motif, feature, "px", mean if known else np.nan, 3.0 if known else np.nan))
        speed, turning = rng.gamma(1, 60), rng.normal(0, 90)
        rows.append((motif, "speed", "px/s", speed if known else np.nan, 10.0))
        rows.append((motif, "turning", "deg/s", turning if known else np.nan, 20.0))
    return pd.DataFrame(rows, columns=["motif", "feature", "unit", "mean", "sd"])


def _examples(sessions, n_motifs):
    rows = []
    for motif in range(n_motifs):
        bouts = [
            (length, name, first)
            for name, table in sessions.items()
            for other, first, length in _bouts(table)
            if other == motif
        ]
        for rank, (length, name, first) in enumerate(sorted(bouts, reverse=True)[:3], 1):
            rows.append((motif, rank, name, first, first + length - 1, length / 30))
    return pd.DataFrame(
        rows, columns=["motif", "rank", "session", "first_frame", "last_frame", "seconds"]
    )


def _latent_map(rng, sessions, used):
    middle = rng.normal(0, 6, size=(used, 2))
    parts = []
    for name, table in sessions.items():
        known = table.dropna(subset=["motif"])
        place = middle[known["motif"].astype(int)] + rng.normal(0, 0.8, size=(len(known), 2))
        parts.append(known.assign(session=name, x=place[:, 0], y=place[:, 1]))
    return pd.concat(parts, ignore_index=True)[["session", "frame", "motif", "x", "y"]]


def _groups(usage, groups, n_motifs):
    columns = [
        *("motif", "group_a", "group_b", "animals_a", "animals_b", "share_a", "share_b"),
        *("difference", "hedges_g", "hedges_g_low", "hedges_g_high", "p_value", "q_value", "note"),
    ]
    if len(groups) < 2:
        return pd.DataFrame(columns=columns)
    first, second = groups[:2]
    rows = []
    for motif in range(n_motifs):
        own = usage[usage["motif"] == motif]
        one, other = (own.loc[own["group"] == group, "share"] for group in (first, second))
        g = 3.0 if motif == 0 else 0.2
        q = 0.004 if motif == 0 else 0.03 if motif == 1 else 0.6
        rows.append(
            (motif, first, second, len(one), len(other), one.mean(), other.mean(),
             other.mean() - one.mean(), g, g - 1, g + 1, q / 2, q, None)
        )  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _comparisons(n_motifs):
    """Return comparisons in which motif 0 is more frequent with the drug and in later time bins."""
    parts = [
        ("condition", "baseline", "drug"),
        ("time bin", "0-5 min", "5-10 min"),
        ("time bin", "0-5 min", "10-15 min"),
    ]
    rows = [
        (by, a, b, motif, "", 8, 0.1, 0.2, 0.1, 1.5, 0.5, 2.5, q / 2, q, None, "")
        for by, a, b in parts
        for motif, q in enumerate([0.004, *[0.6] * (n_motifs - 1)])
    ]
    columns = [
        *("by", "part_a", "part_b", "motif", "name", "animals", "share_a", "share_b", "difference"),
        *("hedges_g", "hedges_g_low", "hedges_g_high", "p_value", "q_value", "note", "left_out"),
    ]
    return pd.DataFrame(rows, columns=columns)
