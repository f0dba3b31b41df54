"""Motif names given by a user, and merged motifs: the file of `motif_names`.

Tab-separated rows `model seed segmentation motif name merged_into note color` for any number of
segmentations; `color`, as #rrggbb, is optional. Motifs of another fit have other numbers, so a line
per segmentation records which segmenter its rows belong to: `# segmenter`, model, seed,
segmentation, and the first 12 digits of the segmenter's sha256. The motif browser writes the file.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from formats.files import sha256
from formats.segmenters import read_numbers

COLUMNS = ("model", "seed", "segmentation", "motif", "name", "merged_into", "note")
OPTIONAL = ("color",)
Key = tuple[str, str, str]


@dataclass(frozen=True)
class MotifNames:
    """Of one segmentation: names and colours of motifs, and the motif each is merged into.

    A colour is `#rrggbb`.
    """

    names: Mapping[int, str] = field(default_factory=dict)
    merged: Mapping[int, int] = field(default_factory=dict)
    colours: Mapping[int, str] = field(default_factory=dict)

    @property
    def shown(self) -> dict[str, Mapping[int, str]]:
        """What tables show of motifs."""
        return {"names": self.names, "colours": self.colours}


def digest_of(segmenter: str | Path) -> str:
    return sha256(segmenter)[:12]


def read_rows(path: str | Path) -> tuple[dict[Key, str], list[dict[str, str]]]:
    """Read digests of segmenters by model, seed and segmentation, and all rows, if a file is given.

    Raises
    ------
    ValueError
        If a column is missing.
    """
    if not path:
        return {}, []
    lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    parts = [line.removeprefix("#").split("\t") for line in lines if line.startswith("#")]
    digests = {
        (model, seed, segmentation): digest.strip()
        for kind, model, seed, segmentation, digest in (part for part in parts if len(part) == 5)
        if kind.strip() == "segmenter"
    }
    table = csv.DictReader((line for line in lines if not line.startswith("#")), delimiter="\t")
    missing = [name for name in COLUMNS if name not in (table.fieldnames or ())]
    if missing:
        raise ValueError(
            f"{path}: these columns are missing: {', '.join(missing)}; the columns are "
            f"{', '.join(COLUMNS)}, separated by tabs"
        )
    columns = (*COLUMNS, *OPTIONAL)
    return digests, [{name: (row.get(name) or "").strip() for name in columns} for row in table]


def read_motif_names(
    path: str | Path, segmenter: str | Path, model: str, seed: str, segmentation: str
) -> MotifNames:
    """Read names, merges and colours of one segmentation; none without a file.

    Raises
    ------
    ValueError
        If the file belongs to another segmenter, or a row names an unknown motif.
    """
    key, numbers = (model, str(seed), segmentation), read_numbers(segmenter)
    digests, rows = read_rows(path)
    own = [row for row in rows if (row["model"], row["seed"], row["segmentation"]) == key]
    if not own:
        return MotifNames()
    shown = f"{segmentation} of model {model}, seed {seed}"
    if digests.get(key) != digest_of(segmenter):
        raise ValueError(
            f"{path}: the names of {shown} belong to another segmenter "
            f"({digests.get(key, 'none')}, not {digest_of(segmenter)}): motifs were fitted again "
            "and have other numbers. Set motif_names: null, and name motifs in the browser"
        )
    by_motif = {}
    for row in own:
        motif = _number(row["motif"], numbers, path, shown)
        if motif in by_motif:
            raise ValueError(f"{path}: motif {motif} of {shown} has two rows")
        by_motif[motif] = row
    into = {motif: row["merged_into"] for motif, row in by_motif.items() if row["merged_into"]}
    merged = {motif: _number(other, numbers, path, shown) for motif, other in into.items()}
    own = {motif: row for motif, row in by_motif.items() if motif not in merged}
    names = {motif: row["name"] for motif, row in own.items() if row["name"]}
    colours = {
        motif: _colour(row["color"], f"{path}: the color of motif {motif} of {shown}")
        for motif, row in own.items()
        if row["color"]
    }
    merged = {motif: _end_of(motif, merged, path, shown) for motif in merged}
    twice = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
    if twice:
        raise ValueError(
            f"{path}: two motifs of {shown} are called {', '.join(twice)}: merge them, or give "
            "each its own name"
        )
    return MotifNames(names, merged, colours)


def _number(text: str, numbers: Iterable[int], path: str | Path, shown: str) -> int:
    if not text.isdigit() or int(text) not in numbers:
        listed = ", ".join(map(str, numbers))
        raise ValueError(f"{path}: {shown} has no motif {text or '(empty)'}; they are {listed}")
    return int(text)


def _colour(text: str, of: str) -> str:
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        raise ValueError(
            f"{of} is {text}; write it like #d55e00, with six digits of 0-9 and a-f, or leave it "
            "empty"
        )
    return text.lower()


def _end_of(motif: int, merged: Mapping[int, int], path: str | Path, shown: str) -> int:
    """Return the final motif, where one is merged into another that is also merged."""
    passed = [motif]
    while passed[-1] in merged:
        passed.append(merged[passed[-1]])
        if passed[-1] in passed[:-1]:
            circle = " into ".join(map(str, passed))
            raise ValueError(f"{path}: motifs of {shown} are merged in a circle: {circle}")
    return passed[-1]
