"""Addresses of files relative to files that we write."""

import os
from pathlib import Path


def address_of(file: str, page: str | Path) -> str:
    """Return the address of a file relative to a page, or its web address; '' without a file."""
    if not file or "://" in file:
        return file
    relative = os.path.relpath(file, Path(page).parent)
    return "/".join(relative.split(os.sep))
