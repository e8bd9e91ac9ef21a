"""The order of versions of libraries, measures and value sets: `4.1.000`, `1.0.0-ballot`, `20240101`, `2025-01-01`."""

from __future__ import annotations

import re

VersionKey = tuple[tuple[int, int, str], ...]

_WORD, _END, _NUMBER = range(3)


def version_key(version: str | None) -> VersionKey:
    """A sort key: versions are compared part by part, numbers as numbers. A word comes before the end of a version,
    so that a draft (`1.0.0-ballot`) precedes its release, and a number after it. No version comes first."""
    return (*map(_part, re.split(r"[.\-+ ]", version or "")), (_END, 0, ""))


def _part(part: str) -> tuple[int, int, str]:
    if not (part.isascii() and part.isdigit()):
        return _WORD, 0, part
    digits = part.lstrip("0")  # compared as text: there may be more of them than Python converts
    return _NUMBER, len(digits), digits
