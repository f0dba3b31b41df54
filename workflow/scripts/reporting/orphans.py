"""Delete results of names that are no longer set, as found by `settings.orphans`."""

import shutil
from collections.abc import Iterable
from pathlib import Path


def delete_results(paths: Iterable[str]) -> None:
    """Delete files, folders, links (not what they point to), and folders that become empty."""
    for path in map(Path, paths):
        assert path.parts[0] == "results", path
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)  # which does not follow links
        else:
            path.unlink()
        for parent in path.parents[:-2]:
            if any(parent.iterdir()):
                break
            parent.rmdir()
