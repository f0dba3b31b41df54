"""Records of jobs, one JSON file each, and manifests, which hold many of them.

The record of a job is `results/provenance/{rule}/{wildcards}.json`, as its log is
`logs/{rule}/{wildcards}.log`. Snakemake does not know of it: the job writes it before it renames
its outputs, so that every output has a record.
"""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

from formats.files import own_name, write_json

STORAGE = ".snakemake/storage/"
"""Folder of Snakemake's local copies of files from a bucket or a server."""

TO_A_MODEL = ("simulate_demo", "import_poses", "align_poses", "split_dataset", "train_model")
"""Rules that contribute to a trained model. A run may have a hundred thousand other records."""


def record_of(log: str | Path, rule: str) -> Path:
    """Return the path of the record of the job of this rule that writes this log.

    In a workflow that uses this one as a module, the rule's name has a prefix, its log has none.
    """
    parts = Path(log).parts
    start = next(
        i for i, name in enumerate(parts[:-1]) if name == "logs" and rule.endswith(parts[i + 1])
    )
    return Path(*parts[:start], "results/provenance", *parts[start + 1 :]).with_suffix(".json")


def name_in_record(path: str, record: Path) -> str:
    """Return a file's name in a record: its path, or its address if Snakemake fetched it.

    Results in a bucket get the names that they have once the bucket's folder is fetched, so that
    records and files still match. Other files get their address; since a plugin serves one scheme,
    `https` becomes `http`.

    Parameters
    ----------
    path
        The job's path, such as `.snakemake/storage/s3/bucket/folder/results/poses/mouse1.nc`.
    record
        The job's record, which lies in `results/provenance` next to all other results.
    """
    results = record.as_posix().rpartition("results/provenance/")[0]
    if STORAGE in results and path.startswith(results):
        return path.removeprefix(results)
    return path.partition(STORAGE)[2].replace("/", "://", 1) or own_name(path)


def lineage(
    files: Iterable[str],
    record: Path,
    last: dict[str, Any] | None = None,
    rules: Iterable[str] = ("*",),
) -> dict[str, Any]:
    """Collect the records of all jobs that led to these files, as a part of a manifest.

    Machines and versions of software, which most jobs share, are listed once; each job names its
    own. `without_record` lists results whose record is gone.

    Parameters
    ----------
    files
        Paths in the job that calls this.
    record
        The record of the job that calls this: those of other jobs are in the same folder.
    last
        That record, if it is to be included.
    rules
        The rules that can have contributed, where they are known: only their records are read.
    """
    folder = next(parent for parent in record.parents if parent.name == "provenance")
    makers: dict[str, dict[str, Any]] = {}
    for path in (path for rule in rules for path in folder.glob(f"{rule}/**/*.json")):
        made = json.loads(path.read_text(encoding="utf-8"))
        for name in made["outputs"]:
            if name not in makers or makers[name]["finished"] <= made["finished"]:
                makers[name] = made
    results = name_in_record(f"{folder.parent.as_posix()}/", record)
    jobs: dict[int, dict[str, Any]] = {}
    ahead, unknown = [name_in_record(path, record) for path in files], set()
    while ahead:
        name = ahead.pop()
        job = makers.get(name)
        if job is None and name.startswith(results):
            unknown.add(name)
        elif job is not None and id(job) not in jobs:
            jobs[id(job)] = job
            ahead += job["inputs"]
    found = gather([*jobs.values(), *([last] if last else [])])
    return found | {"without_record": sorted(unknown)}


def gather(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """Jobs in the order in which they ran, with machines and software in tables of their own."""
    jobs = sorted(
        jobs, key=lambda job: (job["started"], job["finished"], job["rule"], str(job["wildcards"]))
    )
    tables: dict[str, dict[str, Any]] = {"machine": {}, "software": {}}
    shared = []
    for job in jobs:
        names = {key: digest_of(job[key])[:12] for key in tables}
        for key, name in names.items():
            tables[key][name] = job[key]
        shared.append(job | names)
    return {"jobs": shared, "machines": tables["machine"], "software": tables["software"]}


def write_manifest(path: str | Path, content: dict[str, Any]) -> None:
    """Write a manifest with the digest of its content, so that edits of it are detected as well."""
    write_json(path, content | {"digest": digest_of(content)})


def digest_of(content: dict[str, Any]) -> str:
    """Compute the sha256 of a JSON object, independent of its layout."""
    plain = json.dumps(json.loads(json.dumps(content)), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def describe_machine() -> dict[str, Any]:
    return {
        "host": platform.node(),
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
    }


def imported_versions() -> dict[str, str]:
    """Return the versions of all packages that the job has imported, by import name."""
    versions = {
        name: _version_of(name, module)
        for name, module in sorted(sys.modules.items())
        if "." not in name and name not in sys.stdlib_module_names
    }
    return {name: str(version) for name, version in versions.items() if version}


def _version_of(name: str, module: ModuleType) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # installed under another name, or not a package
        return vars(module).get("__version__")
