"""Animals that prefixes of keypoint names tell apart: for readers, and for the check of headers.

Snakemake's own environment reads headers with this, so it needs no library.
"""

from collections.abc import Iterable


def prefix_of(name: str, prefixes: Iterable[str]) -> str | None:
    """The longest prefix that a keypoint's name begins with, or None.

    >>> prefix_of("m10nose", ["m1", "m10"])
    'm10'
    """
    fitting = [prefix for prefix in prefixes if name.startswith(prefix) and name != prefix]
    return max(fitting, key=len, default=None)


def animal_of_prefix(prefix: str) -> str:
    """The individual whose keypoints have the prefix: m1 for m1_."""
    return prefix.rstrip("_-. ") or prefix
