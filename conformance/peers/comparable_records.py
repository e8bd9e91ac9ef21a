"""Patient records for several engines: with new ids, and without known differences that would hide others."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from inputs import with_new_ids
from mutations import Record, instant


def to_compare(records: Sequence[Record], kind: str) -> list[Record]:
    """The records to compare, made comparable, with new ids that name the `kind` of patient."""
    return [list(with_new_ids(comparable_record(each), f"{kind}{number}")) for number, each in enumerate(records)]


_DAY = len("2026-01-01")
_WITHOUT_MILLISECONDS = re.compile(r'(T\d\d:\d\d:\d\d)(?=[Z+-][^"]{0,6}")')


def comparable_record(record: Record) -> Record:
    """The record without what the engines are known to treat differently, which would hide other differences.

    Times with seconds get .000. This makes no difference in CQL, which compares seconds and milliseconds as one decimal
    ("Comparing Dates and Times"), but cql-execution treats missing milliseconds as unknown. The bounds of periods and
    ranges that end before they start are swapped: they are not intervals in CQL, but cql-execution evaluates them.
    """
    made: Record = json.loads(_WITHOUT_MILLISECONDS.sub(r"\1.000", json.dumps(record)))
    for resource in made:
        _turn(resource)
    return made


def _turn(value: Any) -> None:
    if isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
        if isinstance(start, str) and isinstance(end, str) and instant(start) > instant(end):
            value["start"], value["end"] = end, start
        low, high = value.get("low"), value.get("high")
        numbers = [each["value"] for each in (low, high) if isinstance(each, dict) and "value" in each]
        if len(numbers) == 2 and numbers[0] > numbers[1]:
            value["low"], value["high"] = high, low
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _turn(each)


def of_one_precision(record: Record) -> Record:
    """The record with periods whose start and end have the precision of the less precise one.

    If they are equal as far as they are known, CQL leaves their order open; the Java engine refuses such an interval.
    """
    made: Record = json.loads(json.dumps(record))
    for resource in made:
        _cut(resource)
        _turn(resource)
    return made


def _cut(value: Any) -> None:
    if isinstance(value, dict):
        start, end = value.get("start"), value.get("end")
        if isinstance(start, str) and isinstance(end, str) and len(shorter := min(start, end, key=len)) <= _DAY:
            value["start"], value["end"] = start[: len(shorter)], end[: len(shorter)]
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _cut(each)
