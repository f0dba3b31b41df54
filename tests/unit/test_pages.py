"""Links within README.md, config/README.md and docs/ are valid."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = {"start", "configuration", "settings"}  # pages that `make docs` generates
WRITTEN = [page for page in (ROOT / "docs").glob("*.md") if page.stem not in MADE]
PAGES = sorted([ROOT / "README.md", ROOT / "config/README.md", *WRITTEN])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors_of(page):
    """Return the anchors that GitHub and MyST give to the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_project_are_valid(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    links = [link for link in LINK.findall(text) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_linked_in_the_readme_and_in_the_site():
    pages = {page.stem for page in WRITTEN} - {"index"}
    linked = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {f"docs/{page}.md" for page in pages} <= linked
    listed = set((ROOT / "docs/index.md").read_text().split())
    assert pages | MADE <= listed
