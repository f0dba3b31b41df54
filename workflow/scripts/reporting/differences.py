"""Report which groups, conditions and time bins were compared, and which motifs differ."""

import math
from collections.abc import Mapping, Sequence

import pandas as pd
from formats.statistics import FALSE_DISCOVERY_RATE
from formats.words import NAMED, counted, listed, names_of, signed


def group_sentences(usage: pd.DataFrame, groups: pd.DataFrame) -> list[str]:
    """Report for every two groups whether they can be compared, and which motifs differ."""
    names = [name for name in dict.fromkeys(usage["group"]) if name]
    if len(names) < 2:
        named = f"only one group, {names[0]}" if names else "no group"
        return [f"Groups are not compared: the sessions table has {named}."]
    called = names_of(usage)
    return [
        _of_groups(*pair, own, called)
        for pair, own in groups.groupby(["group_a", "group_b"], sort=False)
    ]


def over_time_sentences(comparisons: pd.DataFrame, called: Mapping[int, str]) -> list[str]:
    """Report the same for every two conditions, and for all time bins relative to the first one.

    Parameters
    ----------
    comparisons
        Content of `comparisons_over_time.csv`.
    called
        What each motif is called.
    """
    conditions = comparisons[comparisons["by"] == "condition"]
    bins = comparisons[comparisons["by"] == "time bin"]
    return [
        *(
            _of_conditions(*pair, own, called)
            for pair, own in conditions.groupby(["part_a", "part_b"], sort=False)
        ),
        *([_of_bins(bins, called)] if len(bins) else []),
    ]


def kinds_within(groups: pd.DataFrame, comparisons: pd.DataFrame) -> list[str]:
    """List what was compared within animals, in the plural."""
    paired = "design" in groups and (groups["design"] == "paired").any()
    kinds = [f"{name}s" for name in dict.fromkeys(comparisons["by"])]
    return ["groups"] * bool(paired) + kinds


def _of_groups(one: str, other: str, motifs: pd.DataFrame, called: Mapping[int, str]) -> str:
    first = motifs.iloc[0]
    paired = first.get("design") == "paired"
    animals = int(first["animals_a"]), int(first["animals_b"])
    if paired:
        both = f"{one} and {other} (within {counted(animals[0], 'animal')} in both)"
    else:
        both = listed(
            f"{name} ({counted(number, 'animal')})"
            for name, number in zip((one, other), animals, strict=True)
        )
    why = "in one of them" if paired else "in both, or in a block without the other group"
    return _sentence("groups", both, one, other, motifs, called) + _left_out(first, why)


def _of_conditions(one: str, other: str, motifs: pd.DataFrame, called: Mapping[int, str]) -> str:
    first = motifs.iloc[0]
    both = f"{one} and {other} (within {counted(int(first['animals']), 'animal')} that have both)"
    left_out = _left_out(first, "that have one of them")
    return _sentence("conditions", both, one, other, motifs, called) + left_out


def _sentence(
    what: str, both: str, one: str, other: str, motifs: pd.DataFrame, called: Mapping[int, str]
) -> str:
    note = _note(motifs.iloc[0])
    if note:
        return f"{what.capitalize()} {both} cannot be compared: {note}."
    different = _different(motifs)
    if different.empty:
        return _none_found(motifs, f"between {what} {both}", "they are equal")
    named = [
        f"motif {called[int(row['motif'])]} is {_direction(row)} frequent in {other} "
        f"({row['share_b']:.1%}; {one}: {row['share_a']:.1%}; q = {row['q_value']:.2g}, Hedges' g "
        f"{signed(row['hedges_g'])})"
        for _, row in different.head(NAMED).iterrows()
    ]
    return _found(len(different), f"between {what} {both}", named)


def _of_bins(bins: pd.DataFrame, called: Mapping[int, str]) -> str:
    """One sentence for all time bins: of each motif that changes, when it does most clearly."""
    first = bins["part_a"].iloc[0]
    parts = bins.drop_duplicates("part_b")
    judged = parts[[not _note(row) for _, row in parts.iterrows()]]
    if judged.empty:
        return f"Time bins cannot be compared with the first one ({first}): {_note(parts.iloc[0])}."
    fewest, most = int(judged["animals"].min()), int(judged["animals"].max())
    animals = counted(most, "animal") if fewest == most else f"{fewest} to {most} animals"
    compared = f"the first time bin ({first}) and {counted(len(judged), 'later one')}"
    own = bins[bins["part_b"].isin(judged["part_b"])]
    different = _different(own)
    if different.empty:
        return _none_found(own, f"between {compared}, within {animals}", "usage stays the same")
    clearest = different.drop_duplicates("motif")
    named = [
        f"motif {called[int(row['motif'])]} is {_direction(row)} frequent in "
        f"{counted(int((different['motif'] == row['motif']).sum()), 'bin')}, most clearly at "
        f"{row['part_b']} ({row['share_b']:.1%}; first: {row['share_a']:.1%}; "
        f"q = {row['q_value']:.2g})"
        for _, row in clearest.head(NAMED).iterrows()
    ]
    return _found(len(clearest), f"between {compared}, within {animals}", named)


def _found(number: int, where: str, named: Sequence[str]) -> str:
    more = f", and {number - len(named)} more" if number > len(named) else ""
    return f"Usage of {counted(number, 'motif')} differs {where}: {listed(named)}{more}."


def _none_found(motifs: pd.DataFrame, where: str, conclusion: str) -> str:
    least = motifs["q_value"].min()
    known = f"; the smallest q-value is {least:.2g}" if math.isfinite(least) else ""
    return (
        f"No difference in motif usage was found {where}{known}. This does not mean that "
        f"{conclusion}."
    )


def _different(motifs: pd.DataFrame) -> pd.DataFrame:
    """Select the significant differences, the clearest first."""
    found = motifs[motifs["q_value"] <= FALSE_DISCOVERY_RATE]
    return found.sort_values("q_value", kind="stable")


def _direction(row: pd.Series) -> str:
    """By the difference that was tested, which blocks may turn beside that of the means."""
    return "more" if row["difference"] > 0 else "less"


def _note(row: pd.Series) -> str:
    return row["note"] if isinstance(row["note"], str) else ""


def _left_out(row: pd.Series, why: str) -> str:
    names = [name for name in str(row.get("left_out") or "").split("; ") if name]
    if not names:
        return ""
    return f" Not compared: {counted(len(names), 'animal')} {why} ({listed(names, 6)})."
