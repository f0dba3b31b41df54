"""Pack a finished run as a Workflow Run RO-Crate: its files, its workflow, and every job.

Profile: https://w3id.org/ro/wfrun/workflow/0.5 (Leo et al. 2024, PLoS ONE 19:e0309210).
"""

import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from rocrate.model.contextentity import ContextEntity
from rocrate.model.entity import Entity
from rocrate.rocrate import ROCrate

PROFILES = {
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0": "Workflow RO-Crate",
}
TERMS = "https://w3id.org/ro/terms/workflow-run/context"
COMPLETED = {"@id": "http://schema.org/CompletedActionStatus"}
LEFT_OUT = {".nc", ".npy", ".npz"}
"""Arrays, which are large and can be made again from the recordings: only checksums go in."""


def build_crate(
    manifest: Mapping[str, Any],
    root: Path,
    *,
    manifest_path: str,
    settings: list[str],
    sources: Mapping[str, Path],
    citation: Mapping[str, Any],
    snakemake_version: str,
) -> ROCrate:
    """Describe and collect the files of a run.

    Recordings, which may not be ours to give away, and arrays of poses are described by name and
    checksum and not copied.

    Parameters
    ----------
    manifest
        Content of the run's `manifest.json`.
    root
        The folder that the paths in it are relative to.
    settings
        Config files and the sessions table, relative to `root` or absolute.
    sources
        Files of the workflow by their place in it, `Snakefile` among them.
    citation
        Content of `CITATION.cff`.
    """
    crate = _empty_crate(citation["license"])
    workflow = _add_workflow(crate, sources, citation, snakemake_version)
    jobs = manifest["jobs"]
    files = _add_files(crate, root, (manifest_path, *settings), jobs)
    actions = [_add_job(crate, job, files) for job in jobs]
    made = {path for job in jobs for path in job["outputs"]}
    recordings = {path for job in jobs for path in job["inputs"]} - made
    run = crate.add_action(
        workflow,
        "#run",
        object=[files[path] for path in (*settings, *sorted(recordings))],
        result=[files[path] for path in (manifest_path, *sorted(made))],
        properties={
            "name": "The run of the workflow",
            "startTime": min(job["started"] for job in jobs),
            "endTime": max(job["finished"] for job in jobs),
            "actionStatus": COMPLETED,
        },
    )
    crate.root_dataset["mentions"] = [run, *actions]
    return crate


def _empty_crate(license_of_workflow: str) -> ROCrate:
    crate = ROCrate(version="1.1")
    crate.metadata.extra_contexts.append(TERMS)
    crate.name = "A run of the VAME pipeline"
    crate.description = (
        "VAME models trained on animal pose tracks: the exported models, their held-out metrics "
        "and figures, the workflow that made them, and a record of every job."
    )
    crate.root_dataset["conformsTo"] = [
        _mention(crate, url, name, version=url.rsplit("/", 1)[1]) for url, name in PROFILES.items()
    ]
    crate.license = _mention(
        crate,
        "#license-of-results",
        "No licence chosen",
        description="Who publishes this crate chooses the licence of the results. The workflow in "
        f"it is under {license_of_workflow}.",
    )
    return crate


def _mention(crate: ROCrate, identifier: str, name: str, **properties: str) -> Entity:
    """Add a work that is no file of the crate."""
    content = {"@type": "CreativeWork", "name": name, **properties}
    return crate.add(ContextEntity(crate, identifier, content))


def _add_files(
    crate: ROCrate, root: Path, own: Sequence[str], jobs: Sequence[Mapping[str, Any]]
) -> dict[str, Entity]:
    """Add the files `own` and all that jobs read or wrote; arrays and recordings by name only."""
    files = {path: _add_file(crate, root, path) for path in own}
    made = {path for job in jobs for path in job["outputs"]}
    for job in jobs:
        for path, sha256 in (job["inputs"] | job["outputs"]).items():
            if path in files:
                continue
            if path in made and PurePath(path).suffix not in LEFT_OUT:
                files[path] = _add_file(crate, root, path, sha256)
            else:
                files[path] = _mention_file(crate, path, sha256, own=path not in made)
    return files


def _add_workflow(
    crate: ROCrate,
    sources: Mapping[str, Path],
    citation: Mapping[str, Any],
    snakemake_version: str,
) -> Entity:
    """Add the Snakefile as the main entity, with its authors and licence, and all other sources."""
    workflow = crate.add_workflow(
        sources["Snakefile"],
        "workflow/Snakefile",
        main=True,
        lang="snakemake",
        lang_version=snakemake_version,
        properties={"name": citation["title"], "version": str(citation["version"])},
    )
    licence = citation["license"]
    workflow["license"] = _mention(crate, f"https://spdx.org/licenses/{licence}", licence)
    workflow["creator"] = [
        crate.add(ContextEntity(crate, f"#author-{number}", _author(author)))
        for number, author in enumerate(citation["authors"], 1)
    ]
    workflow["citation"] = [
        crate.add(
            ContextEntity(
                crate,
                f"https://doi.org/{reference['doi']}",
                {"@type": "ScholarlyArticle", "name": reference["title"]},
            )
        )
        for reference in citation.get("references", [])
    ]
    code = []
    for name, path in sources.items():
        if PurePath(name).suffix in (".py", ".smk"):
            kind = {"@type": ["File", "SoftwareSourceCode"]}
            code.append(crate.add_file(path, f"workflow/{name}", properties=kind))
        elif name != "Snakefile":
            crate.add_file(path, f"workflow/{name}")
    if code:
        workflow["hasPart"] = code
    return workflow


def _author(author: Mapping[str, str]) -> dict[str, str]:
    if "name" in author:
        return {"@type": "Organization", "name": author["name"]}
    name = f"{author.get('given-names', '')} {author.get('family-names', '')}".strip()
    return {"@type": "Person", "name": name}


def _add_file(crate: ROCrate, root: Path, path: str, sha256: str | None = None) -> Entity:
    properties = {"name": PurePath(path).name, "encodingFormat": _format(path)}
    if sha256:
        properties["sha256"] = sha256
    source = root / path
    inside = not PurePath(path).is_absolute() and ".." not in PurePath(path).parts
    return crate.add_file(
        source,
        path if inside else f"settings/{source.name}",
        properties=properties,
        record_size=True,
    )


def _mention_file(crate: ROCrate, path: str, sha256: str, own: bool) -> Entity:
    """Describe a file that is not in the crate; of the user's own, tell the name alone."""
    name = PurePath(path).name
    why = "A recording" if own else "An intermediate file"
    properties = {
        "@type": "CreativeWork",
        "name": name,
        "description": f"{why} that is not part of this crate.",
        "encodingFormat": _format(path),
        "sha256": sha256,
    }
    identifier = f"{sha256[:12]}-{name}" if own else path
    return crate.add(ContextEntity(crate, f"#{quote(identifier)}", properties))


def _add_job(crate: ROCrate, job: Mapping[str, Any], files: Mapping[str, Entity]) -> Entity:
    """Add one job as an action of its script."""
    name = " ".join([job["rule"], *job["wildcards"].values()])
    tool = crate.get(f"workflow/workflow/scripts/{job['rule']}.py") or crate.mainEntity
    return crate.add_action(
        tool,
        f"#job/{name.replace(' ', '/')}",
        object=[files[path] for path in job["inputs"]],
        result=[files[path] for path in job["outputs"]],
        properties={
            "name": name,
            "startTime": job["started"],
            "endTime": job["finished"],
            "actionStatus": COMPLETED,
        },
    )


def _format(path: str) -> str:
    known = {".csv": "text/csv", ".json": "application/json", ".yaml": "application/yaml"}
    suffix = PurePath(path).suffix
    return known.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
