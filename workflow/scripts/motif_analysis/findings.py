"""Quality metrics of a segmentation: numbers with a verdict and a sentence each, and advice."""

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from formats.aligned import AlignedPoses
from formats.labels import labels_of_sessions
from formats.statistics import AUTOENCODER, FALSE_DISCOVERY_RATE, unfamiliar_limit
from formats.words import NAMED, listed

from motif_analysis.baselines import compare_with_surrogates
from motif_analysis.n_motifs import describe_choice
from motif_analysis.reference import judge_numbering
from motif_analysis.scores import score_sessions, score_windows
from motif_analysis.segmentation import Segmenter
from motif_analysis.verdicts import (
    ADVICE,
    BAD,
    DOUBTFUL,
    GOOD,
    OF_LABELS,
    UNKNOWN,
    VERDICTS,
)


def finding(
    name: str,
    value: float | None,
    sentence: str,
    verdict: str | None = None,
    **compared: float | None,
) -> dict[str, Any]:
    """Judge one number by `VERDICTS`, unless a verdict is passed.

    `baseline` is another method's value, `low` and `high` are an interval (or surrogates), and
    `chance` and `chance_high` are the mean and 95th percentile under shifted labels.
    """
    numbers = {"value": value, "baseline": None, "low": None, "high": None} | compared
    if verdict is None:
        good, doubtful = VERDICTS[name]
        to = SimpleNamespace(**numbers)
        verdict = GOOD if good(value, to) else DOUBTFUL if doubtful(value, to) else BAD
    plain = {
        key: round(float(number), 6) if number is not None and np.isfinite(number) else None
        for key, number in numbers.items()
    }
    return {"name": name, **plain, "verdict": verdict, "sentence": sentence}


def of_training(metrics: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Judge a model by its `metrics.json`, whose numbers are of held-out windows."""
    if metrics is None:
        sentence = "The model was trained in another run, which has its metrics.json."
        return [finding("r2_reconstruction", None, sentence, UNKNOWN)]
    zdims, active = metrics["zdims"], metrics["active_latents"]
    value, linear = metrics["r2_reconstruction"], metrics["r2_pca_reconstruction"]
    variance = metrics["posterior_variance"]
    of_variance = (
        f"The mean variance of the posterior is {variance:.2f} (near 0 for precise latents, 1 for "
        "latents that carry no information beyond the prior)."
    )
    if variance < AUTOENCODER:
        of_variance = (
            f"The mean variance of the posterior is {variance:.1g}: the model acts as a "
            "deterministic autoencoder, and its prior does not regularise the latents."
        )
    return [
        finding(
            "r2_reconstruction",
            value,
            f"The reconstruction explains {max(value, 0):.0%} of the variance of held-out windows "
            f"(PCA with {zdims} components: {linear:.0%}).",
            baseline=linear,
        ),
        _of_future(metrics["r2_future"], metrics["r2_hold_last_frame"], metrics["r2_pca_future"]),
        finding(
            "active_latents", active, f"{active} of {zdims} latents are active.", baseline=zdims
        ),
        finding(
            "posterior_variance",
            variance,
            of_variance,
            UNKNOWN if variance < AUTOENCODER else None,
            baseline=1,
        ),
    ]


def _of_future(value, hold, linear):
    if value is None:
        sentence = "The model does not predict the future (prediction_decoder: false)."
        return finding("r2_future", None, sentence, UNKNOWN)
    shares = [f"{max(share, 0):.0%}" for share in (value, hold, linear)]
    sentence = (
        "The prediction explains {} of the variance of the frames after the window (repeating the "
        "last frame: {}; PCA of the window: {})."
    )
    return finding("r2_future", value, sentence.format(*shares), baseline=hold)


def of_familiarity(measured: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Judge whether each recording is like those of the training.

    Parameters
    ----------
    measured
        Of each session, what `embed_session` measured: the share of its windows whose
        reconstruction error is beyond a percentile of the training windows' errors.
    """
    name, own = "unfamiliar_windows", next(iter(measured.values()))
    shares = {key: each["share_beyond"] for key, each in measured.items() if each["windows"]}
    if not shares:
        sentence = (
            "It is not known whether the model fits these recordings: no window has only usable "
            "frames."
            if own["percentile"]
            else "It is not known whether the model fits these recordings: it was exported by an "
            "earlier version, which did not keep the reconstruction errors of the training. Export "
            "it again."
        )
        return [finding(name, None, sentence, UNKNOWN)]
    held_out, largest = own["held_out_share"], max(shares, key=shares.get)
    limit = unfamiliar_limit(held_out)
    unfamiliar = [key for key in sorted(shares, key=shares.get)[::-1] if shares[key] > limit]
    beyond = f"a reconstruction error beyond the {own['percentile']}th percentile of the training"
    usual = f"expected: {1 - own['percentile'] / 100:.0%}; held-out windows of the training: "
    usual += f"{held_out:.1%}"
    sentence = (
        f"No recording has more than {limit:.0%} of its windows with {beyond} ({usual}; most: "
        f"{shares[largest]:.1%}, {largest})."
    )
    if unfamiliar:
        shown = [f"{key} ({shares[key]:.0%} of its windows)" for key in unfamiliar]
        sentence = (
            f"Unlike the recordings of the training are {listed(shown, NAMED)}, which have "
            f"{beyond} ({usual})."
        )
    verdict = BAD if unfamiliar else GOOD
    judged = finding(name, shares[largest], sentence, verdict, baseline=held_out)
    return [judged | {"sessions": listed(unfamiliar, NAMED)}]


def of_agreement(agreement: pd.DataFrame, segmentation: str, seed: int) -> list[dict[str, Any]]:
    """Evaluate how well motifs agree with those of the same model trained with other seeds."""
    own = agreement[agreement["segmentation"] == segmentation]
    own = own[(own["seed_a"] == seed) | (own["seed_b"] == seed)]
    if not len(own):
        sentence = "The agreement with other seeds is unknown: there is one seed."
        return [finding("seed_agreement", None, sentence, UNKNOWN, baseline=0)]
    rand, nmi, matched = (own[name].mean() for name in ("adjusted_rand", "nmi", "matched_share"))
    low, high = own["adjusted_rand_low"].min(), own["adjusted_rand_high"].max()
    seeds = "another seed" if len(own) == 1 else f"{len(own)} other seeds"
    sentence = (
        f"With {seeds}, {matched:.0%} of the frames have the same motif after one-to-one matching "
        f"(adjusted Rand index {rand:.2f}, {low:.2f} to {high:.2f}; 0 by chance, 1 if identical)."
    )
    of_rand = finding("seed_agreement", rand, sentence, baseline=0, low=low, high=high)
    sentence = f"The normalised mutual information with the motifs of {seeds} is {nmi:.2f}."
    low, high = own["nmi_low"].min(), own["nmi_high"].max()
    verdict = of_rand["verdict"]
    of_nmi = finding("seed_agreement_nmi", nmi, sentence, verdict, baseline=0, low=low, high=high)
    return [of_rand, of_nmi]


def of_bouts(
    statistics: Mapping[str, Mapping[str, float]], fps: float, change_cost: float
) -> list[dict[str, Any]]:
    """Evaluate bouts relative to those of surrogates, from `baselines.compare_with_surrogates`.

    If changes have a cost, bouts of surrogates are long as well: the cost fits the distances
    between real motifs, and surrogates have none. Only the mean duration is reported then.
    """
    seconds = {key: frames / fps for key, frames in statistics["mean_frames"].items()}
    short = statistics["short_share"]
    sentences = {
        "bout_seconds": f"The mean duration of a bout is {seconds['value']:.2f} s (surrogate "
        f"latents, equally smooth but without states: {seconds['chance']:.2f} s).",
        "short_bouts": f"{short['value']:.0%} of the bouts last one or two frames (surrogate "
        f"latents: {short['chance']:.0%}).",
    }
    return [
        finding(
            name,
            own["value"],
            sentence,
            UNKNOWN if change_cost and name == "bout_seconds" else None,
            baseline=own["chance"],
            low=own["chance_low"],
            high=own["chance_high"],
        )
        for (name, sentence), own in zip(sentences.items(), (seconds, short), strict=True)
    ]


def of_n_motifs(segmenter: Segmenter) -> list[dict[str, Any]]:
    """Report how the number of motifs was chosen; nothing if it was set."""
    if not len(segmenter.tried):
        return []
    number, way, sentence = describe_choice(segmenter.tried)
    verdicts = {"gap": GOOD, "agreement": DOUBTFUL, "largest": DOUBTFUL, "none": BAD}
    return [finding("n_motifs", number, sentence, verdicts[way])]


def of_usage(usage: pd.DataFrame) -> list[dict[str, Any]]:
    """Evaluate how many motifs are used, and how evenly."""
    frames = usage.groupby("motif")["frames"].sum()
    used, largest = int((frames > 0).sum()), frames.max() / max(frames.sum(), 1)
    sentence = (
        f"{used} of {len(frames)} motifs are used; the most frequent one covers {largest:.0%} of "
        "the frames."
    )
    verdict = GOOD if used == len(frames) and largest < 0.5 else DOUBTFUL
    return [finding("used_motifs", used, sentence, verdict, baseline=len(frames))]


def of_labels(scores: Mapping[str, tuple[Any, Any]]) -> list[dict[str, Any]]:
    """Evaluate motifs and latents by labels, compared with PCA of the same windows.

    Parameters
    ----------
    scores
        The result of `labels.score_windows`.
    """
    if not scores:
        sentence = (
            "The agreement with labels is unknown: no window has a label (column labels of the "
            "sessions table)."
        )
        return [finding("nmi", None, sentence, UNKNOWN)]
    findings = []
    for name, (own, other) in scores.items():
        if own is None:
            sentence = "A linear probe needs two sessions with labels, for training and testing."
            findings.append(finding(name, None, sentence, UNKNOWN))
            continue
        sentence = (
            f"The {OF_LABELS[name]} is {own['value']:.2f} (PCA of the same windows: "
            f"{other['value']:.2f}; shifted labels: {own['chance']:.2f}){_relation(own)}."
        )
        compared = {"baseline": other["value"]} | own
        findings.append(finding(name, compared.pop("value"), sentence, **compared))
    return findings


def _relation(own):
    """Describe how the model compares with PCA, by the interval of the difference."""
    if "lead_low" not in own:
        return ""
    low, high = own["lead_low"], own["lead_high"]
    interval = f"difference {low:+.2f} to {high:+.2f}"
    if low > 0:
        return f"; the model is better than PCA ({interval})"
    if high < 0:
        return f"; the model is worse than PCA ({interval})"
    return f"; the model is on a par with PCA ({interval})"


def of_sessions(scores: Mapping[str, Mapping[str, float]]) -> list[dict[str, Any]]:
    """Evaluate how much motifs differ between sessions, animals and groups.

    Parameters
    ----------
    scores
        The result of `scores.score_sessions`.
    """
    findings = []
    for name, own in scores.items():
        sentence = (
            f"The normalised mutual information of motifs and {name}s is {own['value']:.2f} "
            f"(motifs shifted in time: {own['chance']:.2f}). "
        )
        sentence += (
            f"A difference between groups may only be a difference between {name}s."
            if name != "group"
            else "This includes all differences between animals of the groups."
        )
        verdict = None if name == "session" else UNKNOWN
        compared = dict(own)
        value = compared.pop("value")
        findings.append(finding(f"{name}_nmi", value, sentence, verdict, **compared))
    return findings


def of_groups(groups: pd.DataFrame) -> list[dict[str, Any]]:
    """Count the differences between groups, among the comparisons with enough animals."""
    if not len(groups):
        return []
    judged = groups[groups["note"].isna()]
    small = groups.dropna(subset="note").drop_duplicates(["group_a", "group_b"])
    not_judged = [
        f"Groups {r.group_a} and {r.group_b} are not compared: {r.note}."
        for r in small.itertuples()
    ]
    if not len(judged):
        return [finding("different_motifs", None, " ".join(not_judged), UNKNOWN, baseline=0)]
    different = int((judged["q_value"] <= FALSE_DISCOVERY_RATE).sum())
    sentence = (
        f"{different} of {len(judged)} comparisons of motif usage between groups have a false "
        f"discovery rate of at most {FALSE_DISCOVERY_RATE:.0%}."
    )
    sentence = " ".join([sentence, *not_judged])
    return [finding("different_motifs", different, sentence, GOOD, baseline=0)]


def advice_of(findings: list[dict[str, Any]]) -> list[str]:
    """Advise on settings, one sentence for each finding that requires a change."""
    advice = [(ADVICE.get(each["name"], {}).get(each["verdict"]), each) for each in findings]
    return [sentence.format_map(each) for sentence, each in advice if sentence]


def evaluate_motifs(
    names: Mapping[str, str],
    sessions: Sequence[Mapping[str, Any]],
    segmenter: Segmenter,
    latents: Iterable[np.ndarray],
    familiarity: Iterable[Mapping[str, Any]],
    aligned: Iterable[AlignedPoses],
    label_files: Sequence[str],
    metrics: Mapping[str, Any] | None,
    tables: Mapping[str, pd.DataFrame],
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """Evaluate a segmentation: the content of `quality.json`.

    Parameters
    ----------
    names
        model, seed and segmentation
    sessions, label_files
        As in `formats.labels.labels_of_sessions`.
    latents, familiarity, aligned
        By session.
    metrics
        Content of the model's `metrics.json`; None if it was trained in another run.
    tables
        agreement (of seeds), usage and groups
    settings
        motif_seed and surrogates
    """
    ids = [row["session"] for row in sessions]
    latents = dict(zip(ids, latents, strict=True))
    aligned = dict(zip(ids, aligned, strict=True))
    measured = dict(zip(ids, familiarity, strict=True))
    labels = labels_of_sessions(sessions, label_files, aligned)
    animals = {row["session"]: row["animal"] for row in sessions}
    rng = np.random.default_rng(settings["motif_seed"])
    bouts = compare_with_surrogates(latents, segmenter, settings["surrogates"], rng)
    findings = [
        *of_training(metrics),
        *of_familiarity(measured),
        *of_agreement(tables["agreement"], names["segmentation"], int(names["seed"])),
        *of_bouts(bouts, aligned[ids[0]].fps, segmenter.change_cost),
        *of_n_motifs(segmenter),
        *of_usage(tables["usage"]),
        *(finding("kept_motifs", *each) for each in judge_numbering(segmenter.numbering)),
        *of_sessions(score_sessions(latents, segmenter, sessions, rng)),
        *of_labels(score_windows(latents, aligned, labels, animals, segmenter, rng)),
        *of_groups(tables["groups"]),
    ]
    return {
        "model": names["model"],
        "seed": int(names["seed"]),
        "segmentation": names["segmentation"],
        "findings": findings,
        "advice": advice_of(findings),
    }
