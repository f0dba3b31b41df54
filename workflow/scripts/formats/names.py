"""Animals that are distinguished by prefixes of keypoint names, for readers and header checks.

It is used in Snakemake's own environment to read headers, so it needs no library.
"""

from collections.abc import Iterable


def prefix_of(name: str, prefixes: Iterable[str]) -> str | None:
    """Return the longest prefix with which a keypoint's name starts, or None.

    >>> prefix_of("m10nose", ["m1", "m10"])
    'm10'
    """
    fitting = [prefix for prefix in prefixes if name.startswith(prefix) and name != prefix]
    return max(fitting, key=len, default=None)


def animal_of_prefix(prefix: str) -> str:
    """Return the individual whose keypoints have the prefix: m1 for m1_."""
    return prefix.rstrip("_-. ") or prefix
