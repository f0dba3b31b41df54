"""Links within README.md, config/README.md and docs/ lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MADE = {"start", "configuration", "settings"}  # by `make docs`, from other files
WRITTEN = [page for page in (ROOT / "docs").glob("*.md") if page.stem not in MADE]
PAGES = sorted([ROOT / "README.md", ROOT / "config/README.md", *WRITTEN])
LINK = re.compile(r"\]\(([^)\s]+)\)")


def anchors_of(page):
    """What GitHub and MyST call a page's headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_within_the_project_lead_somewhere(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    links = [link for link in LINK.findall(text) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_reached_from_the_readme_and_from_the_site():
    pages = {page.stem for page in WRITTEN} - {"index"}
    linked = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {f"docs/{page}.md" for page in pages} <= linked
    listed = set((ROOT / "docs/index.md").read_text().split())
    assert pages | MADE <= listed
