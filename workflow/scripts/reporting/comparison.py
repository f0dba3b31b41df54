"""Compare trainings: tables of a row per training, per held-out session, per pair of models."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from formats.files import read_json
from formats.statistics import FEWEST_SESSIONS
from formats.tables import read_table

from reporting.intervals import difference_interval

MEASURES = ("reconstruction", "future")
COLUMNS = [
    *("model", "seed", "time_window", "prediction_steps", "zdims"),
    *("held_out_sessions", "held_out_windows"),
    *("reconstruction_over", "reconstruction", "r2_reconstruction"),
    *("pca_reconstruction", "r2_pca_reconstruction"),
    *("future_over", "future", "r2_future"),
    *("hold_last_frame", "r2_hold_last_frame", "pca_future", "r2_pca_future"),
    *("kl_nats_per_window", "active_latents", "posterior_variance"),
    *("motifs", "seed_agreement", "seed_agreement_low", "seed_agreement_high"),
    *("bout_seconds", "short_bouts", "motif_nmi", "pca_motif_nmi", "probe_f1", "pca_probe_f1"),
    *("epoch", "epochs", "training_seconds"),
    "best_of_all_in",
]
PAIR_COLUMNS = [
    *("measure", "over", "model", "other", "sessions", "resampled"),
    *("error", "other_error", "difference", "low", "high", "better", "note"),
]


OF_MOTIFS = {
    "seed_agreement": ("seed_agreement", "value"),
    "seed_agreement_low": ("seed_agreement", "low"),
    "seed_agreement_high": ("seed_agreement", "high"),
    "bout_seconds": ("bout_seconds", "value"),
    "short_bouts": ("short_bouts", "value"),
    "motif_nmi": ("nmi", "value"),
    "pca_motif_nmi": ("nmi", "baseline"),
    "probe_f1": ("probe_f1", "value"),
    "pca_probe_f1": ("probe_f1", "baseline"),
}
"""By column, the finding of `quality.json` and which of its numbers is used."""


def compare_trainings(
    metrics: Sequence[str], histories: Sequence[str], sessions: Sequence[str], motifs: Sequence[str]
) -> dict[str, pd.DataFrame]:
    """Build the tables `comparison`, `sessions` and `pairs` of all trainings, from their files.

    Parameters
    ----------
    metrics, histories, sessions
        In the same order, each training's `metrics.json`, `history.csv` and `sessions.csv`.
    motifs
        `quality.json` of one segmentation of each training that was embedded.
    """
    qualities = {(each["model"], each["seed"]): each for each in map(read_json, motifs)}
    rows, tables = [], []
    for path, history, own in zip(metrics, histories, sessions, strict=True):
        measured = read_json(path)
        model, seed = measured["model"], measured["seed"]
        rows.append(training_row(measured, read_table(history), qualities.get((model, seed))))
        tables.append(read_table(own).assign(model=model, seed=seed))
    trainings = pd.DataFrame(rows, columns=COLUMNS)
    by_session = pd.concat(tables).set_index(["model", "seed"]).reset_index()
    pairs = compare_pairs(trainings, by_session, np.random.default_rng(0))
    best = winners(pairs)
    trainings["best_of_all_in"] = [
        ", ".join(measure for measure, winner in best.items() if winner == model)
        for model in trainings["model"]
    ]
    return {"comparison": trainings, "sessions": by_session, "pairs": pairs}


def training_row(
    metrics: Mapping[str, Any], history: pd.DataFrame, quality: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Build one training's row of `comparison.csv`.

    From its `metrics.json`, its `history.csv`, and the `quality.json` of one segmentation, if any.
    """
    window, steps = metrics["time_window"], metrics["prediction_steps"]
    row = dict(metrics) | {
        "reconstruction_over": f"frames 1-{window}",
        "future_over": steps and f"frames {window + 1}-{window + steps}",
        "epochs": len(history),
        "training_seconds": history["seconds"].max(),
    }
    quality = quality or {"segmentation": None, "findings": []}
    findings = {each["name"]: each for each in quality["findings"]}
    row |= {"motifs": quality["segmentation"]} | {
        column: findings.get(name, {}).get(number) for column, (name, number) in OF_MOTIFS.items()
    }
    return {name: row.get(name) for name in COLUMNS}


def compare_pairs(
    trainings: pd.DataFrame, sessions: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    """Compare every two models in each measure, with an interval if enough sessions are held out.

    Errors are means over sessions (with equal weights) and over seeds.
    `better` names a model only if the interval excludes zero; otherwise `note` gives the reason.

    Parameters
    ----------
    trainings
        Rows of `training_row`.
    sessions
        A row per model, seed and session, with errors.
    """
    rows = []
    models = trainings.groupby("model", sort=False).first()
    for measure in MEASURES:
        tables = _errors_by_model(sessions, measure)
        over = models[f"{measure}_over"]
        for model, other in combinations([name for name in models.index if name in tables], 2):
            row = {"measure": measure, "model": model, "other": other}
            if over[model] == over[other]:
                row |= {"over": over[model]}
                row |= _compare(tables[model], tables[other], (model, other), rng)
            else:
                row |= {"note": f"not compared: {over[model]} and {over[other]} of the window"}
            rows.append(row)
    return pd.DataFrame(rows, columns=PAIR_COLUMNS)


def _errors_by_model(sessions: pd.DataFrame, measure: str) -> dict[str, pd.DataFrame]:
    """Return errors of each model that has the measure: a row per seed, a column per session."""
    return {
        model: own.pivot(index="seed", columns="session", values=measure)
        for model, own in sessions.dropna(subset=[measure]).groupby("model", sort=False)
    }


def _compare(
    table: pd.DataFrame, others: pd.DataFrame, names: Sequence[str], rng: np.random.Generator
) -> dict[str, Any]:
    both = table.columns.intersection(others.columns)
    errors, other_errors = table[both].to_numpy(), others[both].to_numpy()
    row = {
        "sessions": len(both),
        "error": errors.mean(),
        "other_error": other_errors.mean(),
        "difference": errors.mean() - other_errors.mean(),
    }
    if len(both) < FEWEST_SESSIONS:
        note = f"no interval: {len(both)} held-out sessions, at least {FEWEST_SESSIONS} are needed"
        return row | {"note": note}
    low, high = difference_interval(errors, other_errors, rng)
    row |= {
        "low": low,
        "high": high,
        "resampled": "sessions and seeds" if max(len(table), len(others)) > 1 else "sessions",
    }
    if low <= 0 <= high:
        return row | {"note": "the interval includes zero"}
    return row | {"better": names[0] if high < 0 else names[1]}


def winners(pairs: pd.DataFrame) -> dict[str, str]:
    """Find, for each measure, the model that is better than every other one, if there is one."""
    found = {}
    for measure, own in pairs.groupby("measure", sort=False):
        for model in pd.unique(own[["model", "other"]].to_numpy().ravel()):
            mine = own[(own["model"] == model) | (own["other"] == model)]
            if (mine["better"] == model).all():
                found[measure] = model
    return found
