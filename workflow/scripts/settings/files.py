"""Whether jobs can read a file that the user names."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DEMO = "results/demo/"
"""What the rule simulate_demo writes need not be there yet."""


@dataclass(frozen=True)
class Access:
    """What jobs can read.

    Attributes
    ----------
    shared_disk
        True if jobs see the disks of this machine.
    can_fetch
        True if a storage plugin fetches files from this address.
    """

    shared_disk: bool
    can_fetch: Callable[[str], bool]


def is_url(path: str) -> bool:
    """True for a file that lies elsewhere: https://…, s3://…"""
    return re.match(r"[a-z][a-z0-9+.-]+://", path) is not None


def path_errors(path: str, absent: str, where: str, access: Access) -> list[str]:
    """Why no job could read a file of the user's: `absent`, or what is wrong with its address."""
    if is_url(path):
        if access.can_fetch(path):
            return []
        scheme = path.split(":", maxsplit=1)[0]
        plugin = "http" if scheme == "https" else scheme
        return [
            f"{where}{path} cannot be fetched; install snakemake-storage-plugin-{plugin} in "
            "Snakemake's own environment, or correct the address"
        ]
    if not access.shared_disk:
        return [
            f"{where}{path} lies on this machine, whose disks the jobs do not see; put it where "
            "they can fetch it from, and name its address (s3://…, https://…)"
        ]
    return [] if Path(path).is_file() else [absent]
