"""Times of HL7 V3 (`20260201103000-0500`) and of ISO 8601 (`2026-02-01T10:30:00-05:00`), with the same precision."""

from __future__ import annotations

import re

from ecqm.data.qdm.qrda.problems import Unreadable, Unwritable

_HL7_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\.\d{1,4})?([+-]\d{4})?")
ISO_TIME = re.compile(
    r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?(?:T(\d\d)(?::(\d\d))?(?::(\d\d))?(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?"
)


def iso_time(text: str) -> str:
    """An HL7 time as ISO 8601 writes it. Raises Unreadable."""
    match = _HL7_TIME.fullmatch(text.strip())
    if match is None:
        raise Unreadable(f"{text!r} is no HL7 time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    date = "-".join(part for part in (year, month, day) if part)
    if hour is None:
        return date
    clock = ":".join(part for part in (hour, minute or "00", second) if part)
    return f"{date}T{clock}{fraction or ''}{zone[:3] + ':' + zone[3:] if zone else ''}"


def hl7_time(text: str) -> str:
    """An ISO 8601 time as HL7 writes it. Raises Unwritable."""
    match = ISO_TIME.fullmatch(text.strip())
    if match is None:
        raise Unwritable(f"{text!r} is no ISO 8601 time")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    zone = "+0000" if zone == "Z" else (zone or "").replace(":", "")
    digits = "".join(part or "" for part in (year, month, day, hour, minute, second))
    return f"{digits}{(fraction or '')[:5]}{zone if hour else ''}"
