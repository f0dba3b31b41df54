"""Describe a run in sentences, based on its tables."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from formats.statistics import FEWEST_ANIMALS
from formats.tables import community_name
from formats.words import NAMED, counted, listed, names_of

from reporting.differences import group_sentences, over_time_sentences


def training_sentences(dataset: Mapping[str, Any], trainings: pd.DataFrame) -> list[str]:
    """Describe the training data and each model.

    Parameters
    ----------
    dataset
        Content of `dataset.json`.
    trainings
        Content of `comparison.csv`.
    """
    minutes = minutes_of(dataset)
    rates = sorted(set(dataset["fps"].values()))
    keypoints = keypoints_of(dataset)
    return [
        f"The data are {counted(len(dataset['sessions']), 'recording')} at "
        f"{listed(f'{r:g}' for r in rates)} frames per second, with {minutes['train']:.1f} "
        f"minutes for training and {minutes['test']:.1f} minutes held out for evaluation.",
        f"Each frame has {counted(len(dataset['features']), 'feature')}: coordinates of "
        f"{counted(len(keypoints), 'keypoint')} ({listed(keypoints, 12)})"
        + (f" and {listed(dataset['scalars'])}." if dataset["scalars"] else "."),
        *(
            _model_sentence(model, own, rates[0])
            for model, own in trainings.groupby("model", sort=False)
        ),
    ]


def minutes_of(dataset: Mapping[str, Any]) -> dict[str, float]:
    """Return the minutes of the train and test split, from the content of `dataset.json`."""
    minutes = dict.fromkeys(("train", "test"), 0.0)
    for segment in dataset["segments"]:
        seconds = (segment["stop"] - segment["start"]) / dataset["fps"][segment["session"]]
        minutes[segment["side"]] += seconds / 60
    return minutes


def _model_sentence(model: str, trainings: pd.DataFrame, fps: float) -> str:
    first = trainings.iloc[0]
    steps, window = first["prediction_steps"], first["time_window"]
    future = f"predicts the next {steps:.0f} frames" if steps > 0 else "does not predict the future"
    return (
        f"Model {model} reads {window:.0f} frames ({window / fps:.2g} s), encodes them as "
        f"{first['zdims']:.0f} latents and {future} "
        f"({counted(trainings['seed'].nunique(), 'seed')}, "
        f"{counted(int(first['epochs']), 'epoch')}, "
        f"{_duration(trainings['training_seconds'].mean())} per training)."
    )


def keypoints_of(dataset: Mapping[str, Any]) -> list[str]:
    """Return the keypoints with a coordinate among the features; the one at the origin has none."""
    coordinates = [name for name in dataset["features"] if name not in dataset["scalars"]]
    return list(dict.fromkeys(name.rpartition("_")[0] or name for name in coordinates))


def motif_sentences(
    usage: pd.DataFrame,
    communities: pd.DataFrame,
    groups: pd.DataFrame,
    over_time: pd.DataFrame | None = None,
) -> list[str]:
    """Describe what a segmentation found: usage, communities, differences of groups and over time.

    `over_time` is the content of `comparisons_over_time.csv`.
    """
    frames = usage.groupby("motif")["frames"].sum()
    used = frames[frames > 0].sort_values(ascending=False, kind="stable")
    if used.empty:
        return ["No frame has a motif, because no window has only usable frames."]
    shares = used / used.sum()
    called = names_of(usage)
    first = [f"{called[motif]} ({share:.0%})" for motif, share in shares.head(3).items()]
    half = int((shares.cumsum() < 0.5).sum()) + 1
    sentences = [
        f"{len(used)} of {len(frames)} motifs are used. The most frequent are {listed(first)}; "
        f"half of all frames belong to {counted(half, 'motif')}.",
    ]
    unused = [motif for motif in frames.index if frames[motif] == 0]
    if unused:
        sentences.append(f"Unused motifs: {listed(unused, NAMED)}.")
    known = communities.dropna(subset=["community"])
    members = known.groupby("community")["motif"].apply(list)
    if len(members):
        sets = [
            f"{community_name(int(name))} ({listed([called[m] for m in sorted(own)], 12)})"
            for name, own in members.items()
        ]
        sentences.append(
            f"Motifs that follow one another form "
            f"{counted(len(members), 'community', 'communities')}: {listed(sets, 12)}."
        )
    sentences += group_sentences(usage, groups)
    return sentences + (over_time_sentences(over_time, called) if over_time is not None else [])


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
    animals = grouped["animal"].where(grouped["frames"] > 0).groupby(grouped["group"]).nunique()
    few = [
        f"{name} ({counted(number, 'animal')})"
        for name, number in animals.items()
        if number < FEWEST_ANIMALS
    ]
    if few and len(animals) > 1:
        sentences.append(
            f"Too few animals for a comparison of groups, which needs {FEWEST_ANIMALS} per group: "
            f"{listed(few)}. Frames of one animal are not replicates."
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


def _duration(seconds: float) -> str:
    unit, name = next(
        (unit, name)
        for start, unit, name in ((5400, 3600, "hours"), (90, 60, "minutes"), (0, 1, "seconds"))
        if seconds >= start
    )
    return f"{seconds / unit:.2g} {name}" if seconds / unit < 10 else f"{seconds / unit:.0f} {name}"
