"""Sentences about a run, from its tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from formats.statistics import FALSE_DISCOVERY_RATE, FEWEST_ANIMALS
from formats.tables import community_name

NAMED = 5
"""Of motifs, sessions or keypoints, so many are named; the others are counted."""


def training_sentences(dataset: Mapping[str, Any], trainings: pd.DataFrame) -> list[str]:
    """What models were trained on.

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
    sentences = [
        f"{_count(len(dataset['sessions']), 'recording')} at {_listed(f'{r:g}' for r in rates)} "
        f"frames per second: {minutes['train']:.1f} minutes to train on and "
        f"{minutes['test']:.1f} minutes held out, from which all numbers below are.",
        f"{_count(len(dataset['features']), 'number')} per frame, of "
        f"{_count(len(keypoints), 'keypoint')} ({_listed(keypoints, 12)})"
        + (f" and of {_listed(dataset['scalars'])}." if dataset["scalars"] else "."),
    ]
    seeds = trainings.groupby("model", sort=False)["seed"].nunique()
    for model, own in trainings.groupby("model", sort=False):
        first = own.iloc[0]
        rate = rates[0]
        seconds = own["training_seconds"].mean()
        future = (
            f", predicts {first['prediction_steps']:.0f} frames more"
            if first["prediction_steps"] > 0
            else ", predicts no future"
        )
        sentences.append(
            f"Model {model}: reads {first['time_window']:.0f} frames "
            f"({first['time_window'] / rate:.2g} s), sums them up in {first['zdims']:.0f} "
            f"latents{future}; {_count(int(seeds[model]), 'seed')}, {first['epochs']:.0f} epochs, "
            f"{_duration(seconds)} a training."
        )
    return sentences


def keypoints_of(dataset: Mapping[str, Any]) -> list[str]:
    """Keypoints with a coordinate among the features; that at the origin has none."""
    coordinates = [name for name in dataset["features"] if name not in dataset["scalars"]]
    return list(dict.fromkeys(name.rpartition("_")[0] or name for name in coordinates))


def motif_sentences(
    usage: pd.DataFrame, communities: pd.DataFrame, groups: pd.DataFrame
) -> list[str]:
    """What a segmentation found: motifs that are used, communities, differences of groups."""
    frames = usage.groupby("motif")["frames"].sum()
    used = frames[frames > 0].sort_values(ascending=False, kind="stable")
    if used.empty:
        return ["No frame has a motif: there is no window whose frames are all usable."]
    shares = used / used.sum()
    first = [f"{motif} ({share:.0%})" for motif, share in shares.head(3).items()]
    unused = len(frames) - len(used)
    half = int((shares.cumsum() < 0.5).sum()) + 1
    sentences = [
        f"{len(used)} of {len(frames)} motifs are used. Most of all {_listed(first)}; half of all "
        f"frames are of {_count(half, 'motif')}.",
    ]
    if unused:
        names = [motif for motif in frames.index if frames[motif] == 0]
        sentences.append(f"Never used: {_listed(names, NAMED)}.")
    known = communities.dropna(subset=["community"])
    members = known.groupby("community")["motif"].apply(list)
    if len(members):
        listed = [
            f"{community_name(int(name))} ({_listed(sorted(own), 12)})"
            for name, own in members.items()
        ]
        sentences.append(
            f"They form {_count(len(members), 'community', 'communities')} of motifs that follow "
            f"one another: {_listed(listed, 12)}."
        )
    return sentences + group_sentences(usage, groups)


def group_sentences(usage: pd.DataFrame, groups: pd.DataFrame) -> list[str]:
    names = [name for name in dict.fromkeys(usage["group"]) if name]
    if len(names) < 2:
        return [
            "Groups are not compared: the sessions table names "
            + (f"one group only, {names[0]}." if names else "none in its column group.")
        ]
    sentences = []
    for (one, other), own in groups.groupby(["group_a", "group_b"], sort=False):
        row = own.iloc[0]
        animals = f"{one} (animals: {row['animals_a']:.0f}) and {other} ({row['animals_b']:.0f})"
        if min(row["animals_a"], row["animals_b"]) < FEWEST_ANIMALS:
            sentences.append(
                f"The groups {animals} cannot be compared: each needs at least "
                f"{FEWEST_ANIMALS} animals."
            )
            continue
        sure = own[own["q_value"] <= FALSE_DISCOVERY_RATE].sort_values("q_value")
        if sure.empty:
            least = own["q_value"].min()
            sentences.append(
                f"Between {animals} no difference in motif usage was found"
                + (f" (smallest q-value {least:.2g})." if math.isfinite(least) else ".")
            )
            continue
        differences = [
            f"motif {row['motif']:.0f} {'more' if row['share_b'] > row['share_a'] else 'less'} in "
            f"{other} ({row['share_b']:.1%} against {row['share_a']:.1%}, "
            f"q = {row['q_value']:.2g}, Hedges' g {_signed(row['hedges_g'])})"
            for _, row in sure.head(NAMED).iterrows()
        ]
        more = f", and {len(sure) - NAMED} more" if len(sure) > NAMED else ""
        sentences.append(
            f"Between {animals} the usage of {_count(len(sure), 'motif')} differs: "
            f"{_listed(differences)}{more}."
        )
    return sentences


def cautions(
    recordings: pd.DataFrame,
    usage: pd.DataFrame,
    findings: Sequence[Mapping[str, Any]],
    seeds: int,
) -> list[str]:
    """What to watch out for when one reads on.

    Parameters
    ----------
    recordings
        Content of `results/quality.csv`.
    seeds
        How often each model was trained.
    """
    said = [
        f"Recording {row['session']} may be worth leaving out: {row['leave_out_because']}."
        for _, row in recordings.iterrows()
        if row["leave_out_because"]
    ]
    said += [finding["sentence"] for finding in findings if finding["verdict"] == "bad"]
    animals = usage[["animal", "group"]].drop_duplicates().groupby("group")["animal"].nunique()
    few = {name: count for name, count in animals.items() if name and count < FEWEST_ANIMALS}
    if few and len(animals) > 1:
        counts = _listed(f"{count} of {name}" for name, count in few.items())
        said.append(
            f"Some groups have fewer than {FEWEST_ANIMALS} animals ({counts}), so no difference "
            "between groups can be found. Frames are no replicates."
        )
    if seeds == 1:
        said.append(
            "Each model was trained with one seed: nothing says how much of the motifs another "
            "seed would find again."
        )
    return said


def shown(number: Any) -> str:
    """A number of `quality.json` as text, empty where there is none.

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
    """As in a sentence; of very many, some, and how many more."""
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
