import subprocess
import zipfile

import pytest
from parity import peer as published


@pytest.fixture(scope="session")
def peer(request, tmp_path_factory):
    """Load the modules of the published VAME; skip tests if it cannot be downloaded."""
    folder = f"vame-py-{published.VERSION}"
    cache = getattr(request.config, "cache", None)
    folder = cache.mkdir(folder) if cache else tmp_path_factory.mktemp(folder)
    try:
        return published.load(published.fetch(folder))
    except (OSError, ImportError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
        pytest.skip(f"vame-py {published.VERSION} cannot be fetched or imported: {error}")
