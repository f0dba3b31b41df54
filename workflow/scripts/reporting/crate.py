"""Pack a finished run as a Workflow Run RO-Crate: its files, its workflow, and every job.

Profile: https://w3id.org/ro/wfrun/workflow/0.5 (Leo et al. 2024, PLoS ONE 19:e0309210).
"""

import io
import mimetypes
from collections.abc import Iterable, Mapping, Sequence
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
COMPLETED = "http://schema.org/CompletedActionStatus"
LEFT_OUT = {".nc", ".npy", ".npz"}
"""Arrays, which are large and can be made again from the recordings: only checksums go in."""
FORMATS = {
    ".cff": "application/yaml",
    ".csv": "text/csv",
    ".json": "application/json",
    ".md": "text/markdown",
    ".py": "text/x-python",
    ".rst": "text/x-rst",
    ".tsv": "text/tab-separated-values",
    ".yaml": "application/yaml",
    **dict.fromkeys((".bib", ".smk", ".txt", ""), "text/plain"),
}
README = """# A run of the VAME pipeline

The results of a Snakemake workflow that trains VAME models on animal pose tracks and finds motifs
of behaviour in their latents. Open `results/summary.html` first, then `results/explorer/`.

- `results/` has the results, and `results/manifest.json` a record of every job: settings, checksums
  of its inputs and outputs, versions of the workflow and of all packages.
- `config/` or `settings/` has the settings and the sessions table of the run.
- `workflow/` has the workflow. `workflow/LICENSE` is its licence.
- `ro-crate-metadata.json` describes all of it for programs (RO-Crate 1.1, Workflow Run Crate 0.5).

Recordings and arrays of poses and latents are not in this crate, only their names and checksums.
"""


def build_crate(
    manifest: Mapping[str, Any],
    root: Path,
    *,
    manifest_path: str,
    settings: list[str],
    sources: Mapping[str, Path],
    citation: Mapping[str, Any],
    publication: Mapping[str, Any],
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
    publication
        The setting of that name: `authors` of the results, and their `license`.
    """
    crate = _empty_crate(citation["license"], publication["license"])
    who = _add_authors(crate, publication["authors"])
    workflow = _add_workflow(crate, sources, citation, snakemake_version)
    jobs = manifest["jobs"]
    files = _add_files(crate, root, (manifest_path, *settings), jobs)
    versions = manifest.get("workflows", {})
    actions = [_add_job(crate, job, files, versions, who) for job in jobs]
    made = {path for job in jobs for path in job["outputs"]}
    recordings = {path for job in jobs for path in job["inputs"]} - made
    run = crate.add_action(
        workflow,
        "#run",
        object=[files[path] for path in (*settings, *sorted(recordings))],
        result=[files[path] for path in (manifest_path, *sorted(made))],
        properties={
            "name": "The run of the workflow",
            "description": _said_of(versions.values()),
            **who,
            "startTime": min(job["started"] for job in jobs),
            "endTime": max(job["finished"] for job in jobs),
            "actionStatus": COMPLETED,
        },
    )
    crate.root_dataset["mentions"] = [run, *actions]
    return _with_single_values(crate)


def _empty_crate(license_of_workflow: str, license_of_results: str | None) -> ROCrate:
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
    crate.license = _license_of_results(crate, license_of_workflow, license_of_results)
    about = {"name": "README.md", "encodingFormat": "text/markdown", "about": crate.root_dataset}
    crate.add_file(io.StringIO(README), "README.md", properties=about)
    return crate


def _license_of_results(crate: ROCrate, of_workflow: str, chosen: str | None) -> Entity:
    if chosen:
        return _mention(crate, _address_of_license(chosen), chosen)
    return _mention(
        crate,
        "#license-of-results",
        "No licence chosen",
        description="Who publishes this crate chooses the licence of the results (publication in "
        f"config.yaml). The workflow in it is under {of_workflow}.",
    )


def _address_of_license(name: str) -> str:
    return name if "://" in name else f"https://spdx.org/licenses/{name}"


def _add_authors(crate: ROCrate, authors: Sequence[Mapping[str, str]]) -> dict[str, Entity]:
    """Add the authors of the results; the first is who ran the jobs, as their `agent`."""
    people, homes = [], {}
    for number, author in enumerate(authors, 1):
        person: dict[str, Any] = {"@type": "Person", "name": author["name"]}
        if home := author.get("affiliation"):
            organization = {"@type": "Organization", "name": home}
            homes[home] = homes.get(home) or crate.add(
                ContextEntity(crate, f"#affiliation-{number}", organization)
            )
            person["affiliation"] = homes[home]
        orcid = author.get("orcid")
        identifier = f"https://orcid.org/{orcid}" if orcid else f"#author-of-results-{number}"
        people.append(crate.add(ContextEntity(crate, identifier, person)))
    if homes:
        crate.root_dataset["publisher"] = next(iter(homes.values()))
    if people:
        crate.root_dataset["author"] = people
    return {"agent": people[0]} if people else {}


def _with_single_values(crate: ROCrate) -> ROCrate:
    """Write lists of one value as that value, as RO-Crate recommends."""
    for entity in crate.get_entities():
        for key, value in entity.properties().items():
            if isinstance(value, list) and len(value) == 1 and not key.startswith("@"):
                entity[key] = entity[key][0]
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
        properties={
            "name": citation["title"],
            "version": str(citation["version"]),
            "encodingFormat": _format("Snakefile"),
            **({"url": citation["repository-code"]} if "repository-code" in citation else {}),
        },
    )
    licence = citation["license"]
    workflow["license"] = _mention(crate, _address_of_license(licence), licence)
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
        known = {"name": name, "encodingFormat": _format(name)}
        if PurePath(name).suffix in (".py", ".smk"):
            known |= {"@type": ["File", "SoftwareSourceCode"], "version": workflow["version"]}
            code.append(crate.add_file(path, f"workflow/{name}", properties=known))
        elif name != "Snakefile":
            crate.add_file(path, f"workflow/{name}", properties=known)
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


def _add_job(
    crate: ROCrate,
    job: Mapping[str, Any],
    files: Mapping[str, Entity],
    versions: Mapping[str, Mapping[str, Any]],
    who: Mapping[str, Entity],
) -> Entity:
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
            "description": _said_of([versions[job["workflow"]]] if "workflow" in job else []),
            "startTime": job["started"],
            "endTime": job["finished"],
            "actionStatus": COMPLETED,
            **who,
        },
    )


def _said_of(versions: Iterable[Mapping[str, Any]]) -> str:
    """A sentence on the versions of the workflow that jobs ran, as their records have them."""
    how = {True: ", code as committed", False: ", code edited since", None: ""}
    said = [
        f"version {each['version']}"
        + (f", {each['ref']} of {each['source']}" if "source" in each else "")
        + (f", commit {each['commit']}" if each["commit"] else "")
        + how[each.get("clean")]
        for each in versions
    ]
    return f"Run by the workflow in {'; '.join(said) or 'a version that was not recorded'}."


def _format(path: str) -> str:
    suffix = PurePath(path).suffix
    return FORMATS.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
