"""Is it any good, and which knob does one turn? Numbers with a verdict and a sentence each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

GOOD, DOUBTFUL, BAD, UNKNOWN = "good", "doubtful", "bad", "unknown"

# Bounds of the verdicts. They are rules of thumb, and the report says so; what is sure is how a
# number lies to the one that it is compared with.
FUTURE_GAIN = 0.05  # of R² over holding the last frame
COMPONENTS_LOSS = 0.2  # of R² behind principal components: a prior costs something
FEWEST_LATENTS = 3
AGREEMENT = (0.3, 0.6)  # adjusted Rand: below is bad, from the second on good
SHORT_BOUTS = (0.25, 0.5)  # share of one- and two-frame bouts: up to the first is good
KNOWN_BEHAVIOUR = 0.6  # normalised mutual information


def finding(
    name: str, value: float | None, verdict: str, sentence: str, **compared: float | None
) -> dict[str, Any]:
    """One number, what it is compared with, a verdict and a sentence.

    `baseline` is another method's number, `low` and `high` bound an interval (or surrogates), and
    `chance` and `chance_high` are the mean and 95th percentile where labels were shifted.
    """
    numbers = {"value": value, "baseline": None, "low": None, "high": None} | compared
    plain = {key: _plain(number) for key, number in numbers.items()}
    return {"name": name, **plain, "verdict": verdict, "sentence": sentence}


def _plain(number):
    known = number is not None and np.isfinite(number)
    return round(float(number), 6) if known else None


def of_training(metrics: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What the held-out windows of the training say, repeated from its metrics.json."""
    if metrics is None:
        sentence = "The model was trained elsewhere: its metrics.json is there."
        return [finding("r2_reconstruction", None, UNKNOWN, sentence)]
    findings = []
    value, linear = metrics["r2_reconstruction"], metrics["r2_pca_reconstruction"]
    verdict = GOOD if value >= linear - COMPONENTS_LOSS and value > 0.5 else DOUBTFUL
    verdict = BAD if value < 0.2 else verdict
    findings.append(
        finding(
            "r2_reconstruction",
            value,
            verdict,
            f"From its {metrics['zdims']} latents the model draws {max(value, 0):.0%} of the "
            f"variance of held-out windows again; as many principal components, the best that is "
            f"linear, {linear:.0%}.",
            baseline=linear,
        )
    )
    if metrics["r2_future"] is None:
        sentence = "This model predicts no future (prediction_decoder: false)."
        findings.append(finding("r2_future", None, UNKNOWN, sentence))
    else:
        value, hold = metrics["r2_future"], metrics["r2_hold_last_frame"]
        linear = metrics["r2_pca_future"]
        gain = value - hold
        verdict = GOOD if gain > FUTURE_GAIN else DOUBTFUL if gain > 0 else BAD
        findings.append(
            finding(
                "r2_future",
                value,
                verdict,
                f"It predicts {max(value, 0):.0%} of the variance of the frames that follow; "
                f"holding the last frame predicts {max(hold, 0):.0%}, principal components of "
                f"the window {max(linear, 0):.0%}.",
                baseline=hold,
            )
        )
    active, zdims = metrics["active_latents"], metrics["zdims"]
    verdict = GOOD if active >= FEWEST_LATENTS else DOUBTFUL if active > 1 else BAD
    sentence = f"{active} of {zdims} latents carry something."
    findings.append(finding("active_latents", active, verdict, sentence, baseline=zdims))
    variance = metrics["posterior_variance"]
    verdict = GOOD if variance < 0.5 else DOUBTFUL if variance < 0.9 else BAD
    findings.append(
        finding(
            "posterior_variance",
            variance,
            verdict,
            f"The posterior's mean variance is {variance:.2f}: near 0 where latents are sure, 1 "
            "where they say no more than the prior.",
            baseline=1,
        )
    )
    return findings


def of_agreement(agreement: pd.DataFrame, segmentation: str, seed: int) -> list[dict[str, Any]]:
    """How far the motifs are those of the same model with other seeds."""
    own = agreement[agreement["segmentation"] == segmentation]
    own = own[(own["seed_a"] == seed) | (own["seed_b"] == seed)]
    if not len(own):
        sentence = (
            "Whether another seed finds the same motifs is unknown: train with seeds: [0, 1, 2]."
        )
        return [finding("seed_agreement", None, UNKNOWN, sentence, baseline=0)]
    rand, nmi, matched = (own[name].mean() for name in ("adjusted_rand", "nmi", "matched_share"))
    bad, good = AGREEMENT
    verdict = GOOD if rand >= good else DOUBTFUL if rand >= bad else BAD
    seeds = "another seed" if len(own) == 1 else f"{len(own)} other seeds"
    low, high = own["adjusted_rand_low"].min(), own["adjusted_rand_high"].max()
    return [
        finding(
            "seed_agreement",
            rand,
            verdict,
            f"With {seeds}, {matched:.0%} of the frames have the same motif once motifs are "
            f"matched (adjusted Rand index {rand:.2f}, {low:.2f} to {high:.2f}; 0 is chance, 1 the "
            "same).",
            baseline=0,
            low=low,
            high=high,
        ),
        finding(
            "seed_agreement_nmi",
            nmi,
            verdict,
            f"The normalised mutual information of the motifs of both is {nmi:.2f}.",
            baseline=0,
            low=own["nmi_low"].min(),
            high=own["nmi_high"].max(),
        ),
    ]


def of_bouts(statistics: Mapping[str, Mapping[str, float]], fps: float) -> list[dict[str, Any]]:
    """Bouts beside those of surrogate latents, of `baselines.compare_with_surrogates`."""
    mean, short = statistics["mean_frames"], statistics["short_share"]
    verdict = (
        GOOD if mean["value"] > mean["chance_high"]
        else DOUBTFUL if mean["value"] > mean["chance_low"]
        else BAD
    )  # fmt: skip
    good, bad = SHORT_BOUTS
    of_short = GOOD if short["value"] <= good else DOUBTFUL if short["value"] <= bad else BAD
    return [
        finding(
            "bout_seconds",
            mean["value"] / fps,
            verdict,
            f"A bout lasts {mean['value'] / fps:.2f} s on average; in random latents that are as "
            f"smooth, but have no states, {mean['chance'] / fps:.2f} s.",
            baseline=mean["chance"] / fps,
            low=mean["chance_low"] / fps,
            high=mean["chance_high"] / fps,
        ),
        finding(
            "short_bouts",
            short["value"],
            of_short,
            f"{short['value']:.0%} of all bouts last one or two frames, and "
            f"{short['chance']:.0%} of those in such random latents.",
            baseline=short["chance"],
            low=short["chance_low"],
            high=short["chance_high"],
        ),
    ]


def of_use(usage: pd.DataFrame) -> list[dict[str, Any]]:
    """How many motifs are used at all."""
    frames = usage.groupby("motif")["frames"].sum()
    used, largest = int((frames > 0).sum()), frames.max() / max(frames.sum(), 1)
    verdict = GOOD if used == len(frames) and largest < 0.5 else DOUBTFUL
    sentence = (
        f"{used} of {len(frames)} motifs are used; the most frequent one fills {largest:.0%} of "
        "the frames."
    )
    return [finding("used_motifs", used, verdict, sentence, baseline=len(frames))]


NAMES = {
    "nmi": "normalised mutual information",
    "ami": "adjusted mutual information",
    "homogeneity": "homogeneity",
    "purity": "purity",
}


def of_labels(
    scores: Mapping[str, Mapping[str, float]] | None,
    components: Mapping[str, Mapping[str, float]] | None,
    probes: Sequence[Mapping[str, float] | None],
) -> list[dict[str, Any]]:
    """Motifs beside true behaviours; where the sheet names none, that they are not known.

    The baseline is that of principal components of the same windows.

    Parameters
    ----------
    scores, components
        `labels.score_motifs` of the motifs, and of those of principal components.
    probes
        `labels.probe` of the latents, and of the components.
    """
    if scores is None:
        sentence = "How well motifs go with behaviours is unknown: the sheet names no labels."
        return [finding("nmi", None, UNKNOWN, sentence)]
    findings = []
    for name, own in scores.items():
        other = components[name]["value"]
        above_chance = own["value"] > own["chance_high"]
        if name == "nmi":
            good = own["value"] >= KNOWN_BEHAVIOUR and own["value"] > other
        else:
            good = own["value"] > other
        verdict = BAD if not above_chance else GOOD if good else DOUBTFUL
        findings.append(
            finding(
                name,
                own["value"],
                verdict,
                f"The {NAMES[name]} of motifs and labelled behaviours is {own['value']:.2f}; that "
                f"of principal components of the same windows {other:.2f}, under shifted labels "
                f"{own['chance']:.2f}.",
                baseline=other,
                chance=own["chance"],
                chance_high=own["chance_high"],
            )
        )
    own, other = probes
    if own is None:
        sentence = (
            "A linear probe needs two sessions with labels: one to learn from, one to be told."
        )
        findings.append(finding("probe_f1", None, UNKNOWN, sentence))
    else:
        above_chance = own["value"] > own["chance_high"]
        good = own["value"] >= other["value"]
        findings.append(
            finding(
                "probe_f1",
                own["value"],
                BAD if not above_chance else GOOD if good else DOUBTFUL,
                f"From the latents, a linear probe tells the behaviours of sessions that it has "
                f"not seen with a macro-F1 of {own['value']:.2f}; from principal components "
                f"{other['value']:.2f}, with shifted labels {own['chance']:.2f}.",
                baseline=other["value"],
                chance=own["chance"],
                chance_high=own["chance_high"],
            )
        )
    return findings


def of_groups(groups: pd.DataFrame) -> list[dict[str, Any]]:
    """How many motifs differ between groups, and whether there are animals enough to tell."""
    if not len(groups):
        return []
    fewest = int(groups[["animals_a", "animals_b"]].to_numpy().min())
    different = int((groups["q_value"] <= 0.05).sum())
    known = groups["p_value"].notna().any()
    enough = fewest >= 4  # 4 against 4: 2 of 70 ways are as extreme, p is 0.03 at least
    sentence = (
        f"{different} of {len(groups)} comparisons of motif use between groups have a false "
        f"discovery rate of at most 5%; animals in the smallest group: {fewest}."
    )
    if not enough:
        sentence += " With fewer than four animals in each, no difference can be called one."
    verdict = UNKNOWN if not enough or not known else GOOD
    return [finding("different_motifs", different, verdict, sentence, baseline=0)]


ADVICE = {
    ("r2_reconstruction", BAD): "The model draws little again: train longer (max_epochs, "
    "model_convergence), or lower beta.",
    ("r2_reconstruction", DOUBTFUL): "Principal components draw clearly more again: train longer "
    "(max_epochs), raise zdims, or lower beta.",
    ("r2_future", BAD): "The future is not learnt: train longer, or lengthen time_window.",
    ("r2_future", DOUBTFUL): "The future is hardly better than the last frame held: train longer.",
    ("active_latents", BAD): "The latents have collapsed: lower beta, or raise annealtime.",
    ("active_latents", DOUBTFUL): "Few latents are in use: lower beta, or raise annealtime.",
    ("posterior_variance", BAD): "Latents say no more than the prior: lower beta; softplus: false.",
    ("posterior_variance", DOUBTFUL): "Latents are unsure: lower beta.",
    ("seed_agreement", UNKNOWN): "Train with seeds: [0, 1, 2], to see which motifs come back.",
    (
        "seed_agreement",
        BAD,
    ): "Other seeds find other motifs: lower n_motifs, train longer, or bring "
    "more recordings, and believe only motifs that come back.",
    (
        "seed_agreement",
        DOUBTFUL,
    ): "Part of the motifs do not come back with other seeds: try a lower "
    "n_motifs, and longer training.",
    (
        "bout_seconds",
        BAD,
    ): "Bouts are no longer than chance makes them: behaviour is cut, not found. "
    "Look at the quality of the poses first, then try a longer time_window or motifs: [hmm].",
    (
        "bout_seconds",
        DOUBTFUL,
    ): "Bouts are hardly longer than chance makes them: try motifs: [hmm].",
    ("short_bouts", BAD): "Motifs flicker: use motifs: [hmm], or lower n_motifs.",
    (
        "short_bouts",
        DOUBTFUL,
    ): "Many bouts last a frame or two: try motifs: [hmm], or lower n_motifs.",
    ("used_motifs", DOUBTFUL): "Motifs are used very unevenly: another n_motifs may fit better.",
    (
        "nmi",
        BAD,
    ): "Motifs have nothing to do with the labels: check that the labels belong to these "
    "recordings and begin with their first frame.",
    (
        "nmi",
        DOUBTFUL,
    ): "Motifs and labels agree in part: raise n_motifs, train longer, or lower beta; "
    "that a motif is finer than a label is no fault (see homogeneity).",
    ("different_motifs", UNKNOWN): "Groups need at least four animals each, better more.",
}


def advice_of(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which knob to turn, one sentence for each finding that asks for it."""
    return [
        ADVICE[key]
        for key in ((each["name"], each["verdict"]) for each in findings)
        if key in ADVICE
    ]
