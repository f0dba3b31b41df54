"""Describe a run in sentences, based on its tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from formats.statistics import FALSE_DISCOVERY_RATE, FEWEST_ANIMALS
from formats.tables import community_name

NAMED = 5
"""How many motifs are named in a sentence; the others are counted."""


def training_sentences(dataset: Mapping[str, Any], trainings: pd.DataFrame) -> list[str]:
    """Describe the training data and each model.

    Parameters
    ----------
    dataset
        Content of `dataset.json`.
    trainings
        Content of `comparison.csv`.
    """
    minutes = dict.fromkeys(("train", "test"), 0.0)
    for segment in dataset["segments"]:
        seconds = (segment["stop"] - segment["start"]) / dataset["fps"][segment["session"]]
        minutes[segment["side"]] += seconds / 60
    rates = sorted(set(dataset["fps"].values()))
    keypoints = keypoints_of(dataset)
    return [
        f"The data are {_count(len(dataset['sessions']), 'recording')} at "
        f"{_listed(f'{r:g}' for r in rates)} frames per second, with {minutes['train']:.1f} "
        f"minutes for training and {minutes['test']:.1f} minutes held out for evaluation.",
        f"Each frame has {_count(len(dataset['features']), 'feature')}: coordinates of "
        f"{_count(len(keypoints), 'keypoint')} ({_listed(keypoints, 12)})"
        + (f" and {_listed(dataset['scalars'])}." if dataset["scalars"] else "."),
        *(
            _model_sentence(model, own, rates[0])
            for model, own in trainings.groupby("model", sort=False)
        ),
    ]


def _model_sentence(model: str, trainings: pd.DataFrame, fps: float) -> str:
    first = trainings.iloc[0]
    steps, window = first["prediction_steps"], first["time_window"]
    future = f"predicts the next {steps:.0f} frames" if steps > 0 else "does not predict the future"
    return (
        f"Model {model} reads {window:.0f} frames ({window / fps:.2g} s), encodes them as "
        f"{first['zdims']:.0f} latents and {future} "
        f"({_count(trainings['seed'].nunique(), 'seed')}, {_count(int(first['epochs']), 'epoch')}, "
        f"{_duration(trainings['training_seconds'].mean())} per training)."
    )


def keypoints_of(dataset: Mapping[str, Any]) -> list[str]:
    """Return the keypoints with a coordinate among the features; the one at the origin has none."""
    coordinates = [name for name in dataset["features"] if name not in dataset["scalars"]]
    return list(dict.fromkeys(name.rpartition("_")[0] or name for name in coordinates))


def motif_sentences(
    usage: pd.DataFrame, communities: pd.DataFrame, groups: pd.DataFrame
) -> list[str]:
    """Describe what a segmentation found: motif usage, communities, differences of groups."""
    frames = usage.groupby("motif")["frames"].sum()
    used = frames[frames > 0].sort_values(ascending=False, kind="stable")
    if used.empty:
        return ["No frame has a motif, because no window has only usable frames."]
    shares = used / used.sum()
    called = names_of(usage)
    first = [f"{called[motif]} ({share:.0%})" for motif, share in shares.head(3).items()]
    half = int((shares.cumsum() < 0.5).sum()) + 1
    sentences = [
        f"{len(used)} of {len(frames)} motifs are used. The most frequent are {_listed(first)}; "
        f"half of all frames belong to {_count(half, 'motif')}.",
    ]
    unused = [motif for motif in frames.index if frames[motif] == 0]
    if unused:
        sentences.append(f"Unused motifs: {_listed(unused, NAMED)}.")
    known = communities.dropna(subset=["community"])
    members = known.groupby("community")["motif"].apply(list)
    if len(members):
        listed = [
            f"{community_name(int(name))} ({_listed([called[m] for m in sorted(own)], 12)})"
            for name, own in members.items()
        ]
        sentences.append(
            f"Motifs that follow one another form "
            f"{_count(len(members), 'community', 'communities')}: {_listed(listed, 12)}."
        )
    return sentences + group_sentences(usage, groups)


def names_of(usage: pd.DataFrame) -> dict[int, str]:
    """Each motif's number, with its name if it has one."""
    named = usage[["motif", "name"]].drop_duplicates().itertuples(index=False, name=None)
    return {int(motif): f"{motif} “{name}”" if name else str(motif) for motif, name in named}


def group_sentences(usage: pd.DataFrame, groups: pd.DataFrame) -> list[str]:
    """Say of every two groups whether they can be compared, and which motifs differ."""
    names = [name for name in dict.fromkeys(usage["group"]) if name]
    if len(names) < 2:
        named = f"only one group, {names[0]}" if names else "no group"
        return [f"Groups are not compared: the sessions table names {named}."]
    return [
        _pair_sentence(*pair, own, names_of(usage))
        for pair, own in groups.groupby(["group_a", "group_b"], sort=False)
    ]


def _pair_sentence(one: str, other: str, motifs: pd.DataFrame, called: dict[int, str]) -> str:
    animals = [int(motifs[name].iloc[0]) for name in ("animals_a", "animals_b")]
    both = _listed(
        f"{name} ({_count(number, 'animal')})"
        for name, number in zip((one, other), animals, strict=True)
    )
    if min(animals) < FEWEST_ANIMALS:
        return f"Groups {both} cannot be compared: each needs at least {FEWEST_ANIMALS} animals."
    different = motifs[motifs["q_value"] <= FALSE_DISCOVERY_RATE].sort_values("q_value")
    if different.empty:
        least = motifs["q_value"].min()
        return (
            f"No difference in motif usage was found between groups {both}"
            + (f"; the smallest q-value is {least:.2g}" if math.isfinite(least) else "")
            + ". This does not show that they are equal."
        )
    named = [
        f"motif {called[int(row['motif'])]} is "
        f"{'more' if row['share_b'] > row['share_a'] else 'less'}"
        f" frequent in {other} ({row['share_b']:.1%}; {one}: {row['share_a']:.1%}; "
        f"q = {row['q_value']:.2g}, Hedges' g {_signed(row['hedges_g'])})"
        for _, row in different.head(NAMED).iterrows()
    ]
    more = f", and {len(different) - NAMED} more" if len(different) > NAMED else ""
    return (
        f"Usage of {_count(len(different), 'motif')} differs between groups {both}: "
        f"{_listed(named)}{more}."
    )


def cautions(
    recordings: pd.DataFrame,
    usage: pd.DataFrame,
    findings: Sequence[Mapping[str, Any]],
    seeds: int,
) -> list[str]:
    """List what limits the conclusions from a run.

    Parameters
    ----------
    recordings
        Content of `results/quality.csv`.
    seeds
        Number of trainings of each model.
    """
    sentences = [
        f"Consider excluding recording {row['session']}: {row['leave_out_because']}."
        for _, row in recordings.iterrows()
        if row["leave_out_because"]
    ]
    sentences += [finding["sentence"] for finding in findings if finding["verdict"] == "bad"]
    grouped = usage[usage["group"] != ""]
    counted = grouped["animal"].where(grouped["frames"] > 0).groupby(grouped["group"]).nunique()
    few = [
        f"{name} ({_count(number, 'animal')})"
        for name, number in counted.items()
        if number < FEWEST_ANIMALS
    ]
    if few and len(counted) > 1:
        sentences.append(
            f"Too few animals for a comparison of groups, which needs {FEWEST_ANIMALS} per group: "
            f"{_listed(few)}. Frames of one animal are not replicates."
        )
    if seeds == 1:
        sentences.append(
            "Each model was trained with one seed, so it is unknown which motifs would be "
            "found again with another seed."
        )
    return sentences


def shown(number: Any) -> str:
    """Format a number of `quality.json`; empty if there is none.

    >>> shown(0.9123), shown(None), shown(12345.6), shown(3)
    ('0.912', '', '12,346', '3')
    """
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        return "" if number is None or isinstance(number, float) else str(number)
    if isinstance(number, int) or abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def _count(number: int, noun: str, plural: str = "") -> str:
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def _listed(names, most: int | None = None) -> str:
    """Join names as in a sentence; with more than `most`, say how many are left out."""
    names = [str(name) for name in names]
    if most and len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _duration(seconds: float) -> str:
    unit, name = next(
        (unit, name)
        for start, unit, name in ((5400, 3600, "hours"), (90, 60, "minutes"), (0, 1, "seconds"))
        if seconds >= start
    )
    return f"{seconds / unit:.2g} {name}" if seconds / unit < 10 else f"{seconds / unit:.0f} {name}"


def _signed(number: float) -> str:
    return f"{number:+.1f}".replace("-", "−") if math.isfinite(number) else "unknown"
