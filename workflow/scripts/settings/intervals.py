"""The file of intervals, checked before any job where it lies on this machine."""

from collections.abc import Collection
from pathlib import Path

from formats.intervals import find_intervals

from settings.schema import SettingsError


def check_intervals(path: str | None, sessions: Collection[str]) -> None:
    """Refuse a file of intervals and name all its errors; jobs check files on other machines.

    Raises
    ------
    SettingsError
        Naming each line that is wrong.
    """
    if not path or not Path(path).is_file():
        return
    _, errors = find_intervals(path, sessions)
    if errors:
        raise SettingsError(path, errors)
