"""Compare every file that a manifest lists with the existing file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from formats.files import read_json, sha256
from formats.records import digest_of

ERRORS = {
    "altered": "is not the file that the run wrote",
    "missing": "does not exist",
    "broken chain": "was read with other content than was written",
    "edited": "has been edited",
}
NOTES = {
    "not here": "is an input that does not exist on this machine, and was not checked",
    "outdated": "has been made again since it was used here",
    "no record": "is a result without a record, and was not checked",
}


class Finding(NamedTuple):
    """The finding about a file: one of `ERRORS`, or one of `NOTES`, which are not errors."""

    kind: str
    path: str
    claim: str  # the manifest, and its job, with the expected checksum
    expected: str
    actual: str

    def __str__(self) -> str:
        lines = [f"{self.kind}: {self.path} {(ERRORS | NOTES)[self.kind]} ({self.claim})"]
        lines += [f"    expected sha256 {self.expected}"] if self.expected else []
        lines += [f"    actual sha256   {self.actual}"] if self.actual else []
        return "\n".join(lines)


class Report(NamedTuple):
    errors: list[Finding]
    notes: list[Finding]
    manifests: int
    files: int

    def __str__(self) -> str:
        count = "1 error" if len(self.errors) == 1 else f"{len(self.errors)} errors"
        found = count if self.errors else "all files are unchanged"
        compared = f"{self.files} files of {self.manifests} manifests compared: {found}"
        return "\n".join(map(str, (*self.notes, *self.errors, compared)))


def verify(results: Path, root: Path) -> Report:
    """Compare a folder of results with all manifests in it.

    A file is read once, however many manifests list it. Manifests of models that the last run did
    not include may list files that were made again since, which is a note and not an error.

    Parameters
    ----------
    results
        The folder with the manifests.
    Folder that the paths in them are relative to.
        The folder that the paths in them are relative to.

    Raises
    ------
    ValueError
        If there is no manifest, or a file of that name is not a manifest.
    """
    manifests = {path: _read(path) for path in sorted(results.rglob("manifest.json"))}
    if not manifests:
        raise ValueError(f"{results}: it contains no manifest.json; run the workflow first")
    last_run = manifests.get(results / "manifest.json", {"jobs": []})
    made_last = {path: value for job in last_run["jobs"] for path, value in job["outputs"].items()}
    actual: dict[Path, str] = {}

    def sha256_of(path: Path) -> str:
        if path not in actual:
            actual[path] = sha256(path) if path.is_file() else ""
        return actual[path]

    found = {
        finding
        for path, manifest in manifests.items()
        for finding in _check(path, manifest, root, sha256_of, made_last)
    }
    # Once per file, however many manifests list it.
    first = {(finding.kind, finding.path): finding for finding in sorted(found, reverse=True)}
    findings = sorted(first.values())
    return Report(
        errors=[finding for finding in findings if finding.kind in ERRORS],
        notes=[finding for finding in findings if finding.kind in NOTES],
        manifests=len(manifests),
        files=len(actual),
    )


def _check(path, manifest, root, sha256_of, made_last) -> Iterator[Finding]:
    content = {key: value for key, value in manifest.items() if key != "digest"}
    if digest_of(content) != manifest["digest"]:
        yield Finding("edited", str(path), "by its own digest", "", "")
    for name in manifest.get("without_record", []):
        yield Finding("no record", name, str(path), "", "")
    for name, expected in manifest.get("outputs", {}).items():  # of an export, next to it
        beside = path.with_name(name)
        if sha256_of(beside) != expected:
            kind = "altered" if beside.is_file() else "missing"
            yield Finding(kind, _relative(beside, root), str(path), expected, sha256_of(beside))
    made = {name: value for job in manifest["jobs"] for name, value in job["outputs"].items()}
    for job in manifest["jobs"]:
        claim = f"{path}: {' '.join([job['rule'], *job['wildcards'].values()])}"
        for name, expected in job["outputs"].items():
            kind = _kind(root / name, expected, sha256_of, made_last.get(name), "missing")
            if kind:
                yield Finding(kind, name, claim, expected, sha256_of(root / name))
        for name, expected in job["inputs"].items():
            if name not in made:
                kind = _kind(root / name, expected, sha256_of, made_last.get(name), "not here")
                if kind:
                    yield Finding(kind, name, claim, expected, sha256_of(root / name))
            elif made[name] != expected:
                yield Finding("broken chain", name, claim, made[name], expected)


def _kind(path, expected, sha256_of, made_last, absent) -> str | None:
    actual = sha256_of(path)
    if actual == expected:
        return None
    if not actual:
        return absent
    return "outdated" if actual == made_last else "altered"


def _read(path: Path) -> dict[str, Any]:
    try:
        manifest = read_json(path)
        if {"jobs", "digest"} <= manifest.keys():
            return manifest
    except (ValueError, AttributeError):
        pass
    raise ValueError(
        f"{path}: not a manifest of this workflow (jobs and digest); to make it again, remove it "
        "and run the workflow"
    )


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
