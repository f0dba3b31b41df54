"""Addresses of files as seen from files that we write."""

import os
from pathlib import Path


def address_of(file: str, page: str | Path) -> str:
    """A file's address as seen from a page: relative, unless it lies elsewhere on the web."""
    if "://" in file:
        return file
    relative = os.path.relpath(file, Path(page).parent)
    return "/".join(relative.split(os.sep))
