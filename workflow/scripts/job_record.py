"""What a job read, wrote and ran with, as one file beside its results."""

import hashlib
import json
import os
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

STARTED = datetime.now(UTC)
"""When this module was imported: as the job began."""

STORAGE = ".snakemake/storage/"
"""Where Snakemake puts a job's copies of files that lie in a bucket or on a server."""


def record_job(snakemake: Any, device: str | None = None) -> None:
    """Write the job's record to its output `record`; the last thing that a script does."""
    write_json(Path(snakemake.output.record), describe_job(snakemake, device))


def describe_job(snakemake: Any, device: str | None = None) -> dict[str, Any]:
    """The job as its record has it: sha256 of each input and output, and what it ran with.

    Of an output that is a folder, its files are. Records are left out, they hold checksums and not
    results; and so is a manifest that is being written. Names are those of `name_in_record`.
    """
    records = {snakemake.output.record, *paths_of(snakemake.input.get("records"))}
    written = [path for path in snakemake.output if Path(path).is_file()]
    for folder in map(Path, snakemake.output):
        written += [str(path) for path in sorted(folder.glob("*")) if path.is_file()]

    def checksums(paths: Iterable[str]) -> dict[str, str]:
        return {
            name_in_record(path, snakemake.output.record): sha256(path)
            for path in paths
            if path not in records
        }

    return {
        "rule": snakemake.rule,
        "wildcards": dict(snakemake.wildcards.items()),
        "inputs": checksums(snakemake.input),
        "outputs": checksums(written),
        "params": dict(snakemake.params.items()),
        "threads": snakemake.threads,
        "device": device,
        "started": STARTED.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "host": platform.node(),
            "platform": platform.platform(),
            "processor": platform.machine(),
            "cpus": os.cpu_count(),
        },
        "software": {"python": platform.python_version(), **imported_versions()},
    }


def name_in_record(path: str, record: str) -> str:
    """A file as a record names it: by its path, or where it lies if Snakemake fetched it.

    Results in a bucket have the names that they have when the bucket's folder is fetched, so that
    records and files still belong together then. Other files have their address; a plugin serves
    one scheme, so `https` reads as `http`.

    Parameters
    ----------
    path
        As the job has it, such as `.snakemake/storage/s3/bucket/folder/results/poses/mouse1.nc`.
    record
        The job's record, which lies in `results/provenance` beside all other results.
    """
    results = record.rpartition("results/provenance/")[0]
    if STORAGE in results and path.startswith(results):
        return path.removeprefix(results)
    return path.partition(STORAGE)[2].replace("/", "://", 1) or path


def chain(records: Iterable[str], *last: dict[str, Any]) -> dict[str, Any]:
    """Records as the part of a manifest that traces it: every job once, and what they ran on.

    Machines and versions of software, which most jobs share, stand once; each job names its own.
    A record may be such a part of a manifest itself.
    """
    jobs = sorted(
        [*(job for path in records for job in _jobs_of(Path(path))), *last],
        key=lambda job: (job["started"], job["finished"], job["rule"], str(job["wildcards"])),
    )
    machines, software = {}, {}
    for job in jobs:
        for key, table in (("machine", machines), ("software", software)):
            content, name = job[key], digest_of(job[key])[:12]
            table[name], job[key] = content, name
    return {"jobs": jobs, "machines": machines, "software": software}


def _jobs_of(record: Path) -> list[dict[str, Any]]:
    content = json.loads(record.read_text())
    if "jobs" not in content:
        return [content]
    tables = {"machine": content["machines"], "software": content["software"]}
    return [
        job | {key: table[job[key]] for key, table in tables.items()} for job in content["jobs"]
    ]


def write_manifest(path: str, content: dict[str, Any]) -> None:
    """Write a manifest with the digest of its content, so that an edit of it shows as well."""
    write_json(Path(path), content | {"digest": digest_of(content)})


def digest_of(content: dict[str, Any]) -> str:
    """sha256 of a JSON object, the same however it is laid out."""
    plain = json.dumps(json.loads(json.dumps(content)), sort_keys=True)
    return hashlib.sha256(plain.encode()).hexdigest()


def sha256(path: str | Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def imported_versions() -> dict[str, str]:
    """Versions of all packages that the job has imported, by the names they are imported by."""
    versions = {
        name: _version_of(name, module)
        for name, module in sorted(sys.modules.items())
        if "." not in name and name not in sys.stdlib_module_names
    }
    return {name: str(version) for name, version in versions.items() if version}


def _version_of(name: str, module: ModuleType) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # installed under another name, or no package
        return vars(module).get("__version__")


def paths_of(value: str | Iterable[str] | None) -> list[str]:
    """A named input of one file or several, as a list."""
    return [value] if isinstance(value, str) else list(value or [])


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
