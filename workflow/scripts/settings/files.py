"""Check whether jobs can read a file that the user names."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from formats.files import LINKS

DEMO = "results/demo/"
"""Files that the rule simulate_demo writes need not exist yet."""

SIGNS = re.compile("[{}<>]")
"""Snakemake treats text between them as a wildcard or a path variable."""


@dataclass(frozen=True)
class Access:
    """Which files jobs can read.

    Attributes
    ----------
    shared_disk
        True if jobs can read the disks of this machine.
    can_fetch
        True if a storage plugin fetches files from this address.
    """

    shared_disk: bool
    can_fetch: Callable[[str], bool]


def is_url(path: str) -> bool:
    """True for a remote file: https://…, s3://…"""
    return re.match(r"[a-z][a-z0-9+.-]+://", path) is not None


def path_errors(path: str, absent: str, where: str, access: Access) -> list[str]:
    """Return why no job could read a user's file: `absent`, or an error in its address."""
    if is_url(path):
        if SIGNS.search(path):
            return [
                f"{where}{path} contains braces or angle brackets, which Snakemake treats as a "
                "wildcard; rename the file, or in a web address write %7B, %7D, %3C, %3E for them"
            ]
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
            f"{where}{path} is on this machine, whose disks the jobs cannot read; put it where "
            "they can fetch it, and use its address (s3://…, https://…)"
        ]
    return [] if Path(path).is_file() else [absent]


def plain_name(path: str) -> str:
    """Return a path that Snakemake can use: that of a link, if the file's own contains braces.

    Snakemake looks for wildcards in everything that an input function returns, and braces cannot be
    escaped there. To report to Snakemake: a flag for inputs that are not patterns.
    """
    if not SIGNS.search(path):
        return path
    *folders, name = Path(path).parts
    link = Path(LINKS, *(_without_signs(each) + "%2F" for each in folders), _without_signs(name))
    target = os.path.abspath(path)
    if not (link.is_symlink() and os.readlink(link) == target):
        try:
            _make_link(link, target)
        except OSError as error:
            raise ValueError(
                f"{path}: Snakemake treats text in braces as a wildcard, and a link without "
                f"braces cannot be created ({error}); rename the file"
            ) from error
    return str(link)


def _make_link(link, target):
    link.parent.mkdir(parents=True, exist_ok=True)
    aside = link.with_name(f"{os.getpid()}.link")
    aside.unlink(missing_ok=True)
    aside.symlink_to(target)
    if os.utime in os.supports_follow_symlinks:
        os.utime(aside, (0, 0), follow_symlinks=False)  # a new link must not make outputs stale
    os.replace(aside, link)


def _without_signs(part):
    """Encode special characters in a part of a path with percent codes, which can be decoded."""
    special = "[.]" if part == ".." else "[{}<>%]"
    return re.sub(special, lambda sign: f"%{ord(sign[0]):02X}", part.strip("/"))
