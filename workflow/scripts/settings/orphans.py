"""Results of models, seeds and sessions that are no longer in config and sessions table."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

WILDCARD = re.compile(r"\{(\w+)(?:,([^{}]+))?\}")
"""Name of a wildcard, and its constraint if Snakemake has added it to the path."""


def patterns_of(files: Iterable[str]) -> list[str]:
    """Cut output paths after the last wildcard: such as results/models/{model}/seed{seed}.

    Records of jobs, which correspond to logs, are included; paths without wildcard stay complete.

    Parameters
    ----------
    files
        Outputs, logs and benchmarks of all rules.
    """
    patterns = set()
    for file in files:
        path = re.sub(r"^logs/(.*)\.log$", r"results/provenance/\1.json", file)
        if path.startswith("results/"):
            cut = re.match(r".*\}[^/]*", path)
            patterns.add(cut.group(0) if cut else path)
    return sorted(patterns)


def find_orphans(
    root: Path, patterns: Sequence[str], known: Mapping[str, Collection[str]]
) -> list[str]:
    """Find files and folders of rules for values that are no longer set; links are not followed.

    Parameters
    ----------
    root
        The folder that patterns are relative to.
    known
        Values that are set, by wildcard.
    """
    kept, orphans = set(), set()
    for pattern in patterns:
        regex = re.compile(_regex_of(pattern))
        for path in root.glob(WILDCARD.sub("*", pattern)):
            own = path.relative_to(root)
            match = regex.fullmatch(own.as_posix())
            if not match or any((root / each).is_symlink() for each in own.parents[:-2]):
                continue
            current = all(
                value in known.get(name, [value]) for name, value in match.groupdict().items()
            )
            (kept if current else orphans).add(PurePosixPath(own))
    orphans -= kept
    return sorted(str(path) for path in orphans if orphans.isdisjoint(path.parents))


def _regex_of(pattern: str) -> str:
    """Turn a pattern into a regular expression; a repeated wildcard has the same value."""
    parts, seen, end = [], set(), 0
    for wildcard in WILDCARD.finditer(pattern):
        name, constraint = wildcard.groups()
        parts.append(re.escape(pattern[end : wildcard.start()]))
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{constraint or '[^/]+'})")
        seen.add(name)
        end = wildcard.end()
    return "".join([*parts, re.escape(pattern[end:])])
