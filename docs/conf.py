"""Sphinx configuration of the documentation site: `make docs`."""

from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
project = "VAME pipeline"
copyright = "the VAME pipeline authors"
extensions = ["myst_parser", "sphinxcontrib.mermaid"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": False,
    "navbar_center": [],  # there are too many pages for the header: the sidebar lists them
}
html_sidebars = {"**": ["globaltoc.html"]}
html_static_path = []
suppress_warnings = ["myst.header", "myst.xref_missing"]  # links to files outside of the site
# Pages of the site whose source is elsewhere in the project, and how their links are replaced.
ELSEWHERE = {
    "start.md": ("README.md", {"](docs/": "](", "](config/README.md": "](configuration.md"}),
    "configuration.md": ("config/README.md", {"](../docs/": "](", "](../README.md": "](start.md"}),
}

HEAD = """# Settings

All settings of `config/config.yaml`, from the schema that checks it. A setting that is misspelt or
out of range is refused before anything runs. [Configuration](configuration.md) explains how they
work together.

"""


def write_pages(app) -> None:
    """Write the pages of the site that are generated from other files of the project."""
    for name, (source, links) in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        for link, here in links.items():
            text = text.replace(link, here)
        write_page(name, text)
    path = ROOT / "workflow/schemas/config.schema.yaml"
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))["properties"]
    parts = [describe(*setting) for setting in entries.items()]
    write_page("settings.md", HEAD + "\n".join(parts))


def write_page(name: str, text: str) -> None:
    """Write a page only if it has changed, so that Sphinx does not read it again."""
    page = ROOT / "docs" / name
    if not page.is_file() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


def describe(name: str, entry: dict) -> str:
    """Return a section on one setting: its meaning, values, default, and the rules that use it."""
    kind = entry.get("type", "")
    facts = [" or ".join(kind) if isinstance(kind, list) else kind]
    if "enum" in entry:
        facts = [", ".join(f"`{value}`" for value in entry["enum"])]
    for key, word in (
        *(("minimum", "at least"), ("exclusiveMinimum", "above")),
        *(("maximum", "at most"), ("exclusiveMaximum", "below")),
    ):
        if key in entry:
            facts.append(f"{word} {entry[key]}")
    if "default" in entry:
        facts.append(f"default `{entry['default']}`")
    used = ", ".join(f"`{rule}`" for rule in entry.get("used_by", []))
    lines = [f"## {name}", "", entry.get("description", "").strip(), ""]
    lines += [f"*{'; '.join(fact for fact in facts if fact)}*", ""]
    return "\n".join([*lines, f"An edit reruns {used} and what follows.\n" if used else ""])


def setup(app) -> None:
    app.connect("builder-inited", write_pages)
