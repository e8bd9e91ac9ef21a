"""Records of patients as engines get them: under names of their own, without what would hide everything else."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from inputs import with_new_ids
from mutations import Record, instant


def to_compare(records: Sequence[Record], kind: str) -> list[Record]:
    """The records as engines get them: evened out, with ids of their own that tell the `kind` of patient."""
    return [list(with_new_ids(comparable_record(each), f"{kind}{number}")) for number, each in enumerate(records)]


_WITHOUT_MILLISECONDS = re.compile(r'(T\d\d:\d\d:\d\d)(?=[Z+-][^"]{0,6}")')


def comparable_record(record: Record) -> Record:
    """The record without what the engines are known to see differently, and which would hide everything else.

    Times with seconds get .000: CQL compares seconds and milliseconds as one decimal ("Comparing Dates and Times"), so
    that it makes no difference, but cql-execution takes milliseconds that are not there for unknown. Periods and ranges
    that end before they start are turned: they are no intervals in CQL, and cql-execution reckons with them.
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
