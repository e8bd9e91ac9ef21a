"""Measures by the names that people use for them: name, id, URL, short name, CMS id."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import TypeVar

from ecqm.measures.definition.measure import Measure

_M = TypeVar("_M")

# CMS122FHIR…, CMS0334FHIR…, CMSFHIR844…, CMS_122v12: the number tells the measure, whatever stands around it.
_CMS_ID = re.compile(r"^CMS[_\- ]?(?:FHIR|eCQM)?[_\- ]?0*([1-9]\d*)", re.IGNORECASE)


class MeasureNotFound(LookupError):
    """No measure, or more than one, has the name asked for; the message lists candidates."""


def cms_id(name: str) -> str | None:
    """The CMS id that a name begins with, without leading zeros (CMS334 of CMS0334FHIRPCCesareanBirth)."""
    match = _CMS_ID.match(name)
    return f"CMS{match[1]}" if match else None


def names_of(measure: Measure) -> tuple[str, ...]:
    """What a measure may be called by: its name, id, URL with and without version, the end of it, short names."""
    end_of_url = measure.url.rsplit("/", 1)[-1]
    return measure.name, measure.id, measure.url, measure.canonical, end_of_url, *measure.short_names


def named(name: str, measures: Iterable[_M], names_of: Callable[[_M], Iterable[str]]) -> list[_M]:
    """The measures that a name may mean: those with exactly this name, otherwise with this CMS id, otherwise with
    names that begin so. Upper and lower case are the same."""
    names = [(measure, frozenset(each.lower() for each in names_of(measure) if each)) for measure in measures]
    wanted = name.lower()
    exact = [measure for measure, own in names if wanted in own]
    if exact:
        return exact
    number = cms_id(name)
    rest = _CMS_ID.sub("", wanted)
    of_id = [(measure, own) for measure, own in names if number is not None and number in map(cms_id, own)]
    if rest and of_id:
        # More than the id was given: it has to be how the measure's name goes on (CMS122FHIRDiabetes).
        return [m for m, own in of_id if any(_CMS_ID.sub("", n).startswith(rest) or rest.endswith(n) for n in own)]
    if of_id or (number is not None and not rest):
        return [measure for measure, _ in of_id]
    return [m for m, own in names if any(n.startswith(wanted) for n in own if not n.startswith("http"))]


def not_found(name: str, known: Iterable[str]) -> MeasureNotFound:
    """What to raise for a name that none of the known measures has: it says which ones may have been meant."""
    names = sorted(set(known), key=in_order_of_numbers)
    number = cms_id(name)
    likely = [each for each in names if number is not None and cms_id(each) == number]
    likely = likely or get_close_matches(name, names, n=3, cutoff=0.6)
    return MeasureNotFound(f"there is no measure {name!r}; {_hint(likely, names)}")


def _hint(likely: Sequence[str], names: Sequence[str]) -> str:
    if likely:
        return f"did you mean {' or '.join(likely)}?"
    if not names:
        return "the content has no measures"
    return f"the content has {', '.join(cms_id(each) or each for each in names)}"


def in_order_of_numbers(name: str) -> tuple[int, str]:
    """A key that sorts names by their CMS ids, as numbers; names without one come first."""
    number = cms_id(name)
    return int(number[3:]) if number else 0, name
