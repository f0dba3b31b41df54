"""Choose a training by the config's rule, and report the certainty of the choice."""

from typing import Any

import pandas as pd


def choose(trainings: pd.DataFrame, pairs: pd.DataFrame, choose_by: str) -> dict[str, Any]:
    """Choose the model with the highest R² on held-out windows, averaged over seeds.

    The seed with the highest R² is chosen. R² ranks models of the same window as their errors do,
    and also allows a comparison where windows differ; `because` reports the certainty of the
    choice.

    Parameters
    ----------
    trainings, pairs
        Content of `comparison.csv` and `comparison_pairs.csv`.
    choose_by
        reconstruction or future

    Raises
    ------
    ValueError
        If no model has the number to choose by.
    """
    score = f"r2_{choose_by}"
    measured = trainings.dropna(subset=[score])
    if measured.empty:
        raise ValueError(
            f"choose_by: {choose_by}, but no model has this; set prediction_decoder: true for a "
            "model, or choose_by: reconstruction"
        )
    means = measured.groupby("model", sort=False)[score].mean()
    model = means.idxmax()
    best = measured.loc[measured[measured["model"] == model][score].idxmax()]
    return {
        "model": model,
        "seed": int(best["seed"]),
        "choose_by": choose_by,
        score: float(best[score]),
        "because": _because(model, means, pairs[pairs["measure"] == choose_by], choose_by),
        "mean_of_seeds": {name: float(value) for name, value in means.items()},
    }


def _because(model: str, means: pd.Series, pairs: pd.DataFrame, choose_by: str) -> str:
    if len(means) == 1:
        return "it is the only model" + (" that predicts a future" if choose_by == "future" else "")
    rivals = means.drop(model)
    rival = rivals.idxmax()
    sentence = (
        f"its {choose_by} has the highest R² on held-out windows, {means[model]:.4f} ({rival}: "
        f"{rivals[rival]:.4f})"
    )
    own = pairs[(pairs["model"] == model) | (pairs["other"] == model)]
    unsure = own[own["better"] != model]
    if unsure.empty:
        return f"{sentence}; the interval of its difference to every other model excludes zero"
    doubts = "; ".join(
        f"{row.other if row.model == model else row.model}: "
        + (row.note if isinstance(row.note, str) else f"{row.better} has the lower error")
        for row in unsure.itertuples()
    )
    return f"{sentence}; this difference is not certain ({doubts})"
