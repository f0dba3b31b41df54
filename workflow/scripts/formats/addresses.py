"""Addresses of files as seen from files that we write."""

import os
from pathlib import Path


def address_of(file: str, page: str | Path) -> str:
    """Address of a file as seen from a page: relative, unless it is on the web; '' of no file."""
    if not file or "://" in file:
        return file
    relative = os.path.relpath(file, Path(page).parent)
    return "/".join(relative.split(os.sep))
