"""Small changes to a patient's record, one at a time: what a rule of the measure may or may not notice."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from made_resources import ResourceMaker
from made_times import Resource, dates_in
from made_values import FHIR, NOT_MADE
from random_changes import RandomChanges

from ecqm.types import NamedType

Record = list[Resource]
"""A patient's resources; the first is the Patient."""

LINKS = {"encounter", "context", "medication", "location"}
# A patient who has as many is not joined with another.
_MOST_RESOURCES = 30
_SHIFTS = (1 / 86_400_000, 1 / 86_400, 1 / 24, 1.0, 7.0, 30.4375, 365.25)


class Mutator(RandomChanges[Resource]):
    """Changes records of patients; resources that are added come from a maker, or from another patient."""

    def __init__(self, maker: ResourceMaker) -> None:
        self.maker = maker
        super().__init__(maker.random, [
            (5, self._add), (2, self._drop), (2, self._repeat), (5, self._move_date), (4, self._bring_near),
            (2, self._rewrite_date), (6, self._change_element), (3, self._change_code), (2, self._remove_element),
            (2, self._remove_part), (2, self._relink), (1, self._extend), (2, self._be_born), (2, self._borrow),
            (2, self._join), (1, self._change_profile),
        ])  # fmt: skip

    def made(self, name: str) -> Record:
        """A patient out of nothing: a resource for some of what the measure asks for."""
        record = [self.maker.patient(name)]
        asked = [each for each in self.maker.words.asked if each.resource_type != "Patient"]
        for each in self.random.sample(asked, min(len(asked), self.random.choice([1, 2, 3, 5, 8, 12]))):
            record.append(self.maker.resource(each, record))
        return record

    def _clinical(self, record: Record) -> Resource | None:
        return self.random.choice(record[1:]) if len(record) > 1 else None

    def _add(self, record: Record, other: Record) -> None:
        asked = [each for each in self.maker.words.asked if each.resource_type != "Patient"]
        if asked:
            record.append(self.maker.resource(self.random.choice(asked), record))

    def _drop(self, record: Record, other: Record) -> None:
        if len(record) > 1:
            del record[self.random.randrange(1, len(record))]

    def _repeat(self, record: Record, other: Record) -> None:
        chosen = self._clinical(record)
        if chosen is not None:
            twin = copy.deepcopy(chosen)
            twin["id"] = f"{chosen['id']}-{self.random.randrange(1_000_000)}"
            record.append(twin)
            self._move_date([record[0], twin], other)

    def _move_date(self, record: Record, other: Record) -> None:
        """By a unit of time, or to where the logic may draw a line."""

        def moved(text: str) -> str:
            if self.random.random() < 0.4:
                return self.maker.times.moment(record)
            at = _read(text)
            if at is None:
                return self.maker.times.moment(record)
            return self.maker.times.written(
                at + timedelta(days=self.random.choice(_SHIFTS) * self.random.choice([-1, 1]))
            )

        self._change_a_date(record, moved)

    def _bring_near(self, record: Record, other: Record) -> None:
        """One resource with all its dates to where another is, or a little beside."""
        chosen = self._clinical(record)
        places = [(holder, key, at) for holder, key in _dates(chosen) if (at := _read(holder[key])) is not None]
        known = [at for each in record[1:] if each is not chosen for at in dates_in(each)]
        if places and known:
            nudge = self.random.choice([0, 0, 0.01, -0.01, 1, -1, *self.maker.times.spans])
            moved = self.random.choice(known) - min(at for _, _, at in places) + timedelta(days=nudge)
            for holder, key, at in places:
                holder[key] = self.maker.times.written(at + moved)

    def _rewrite_date(self, record: Record, other: Record) -> None:
        """The same date to another precision, or by another clock."""

        def rewritten(text: str) -> str:
            at = _read(text)
            return text if at is None else self.maker.times.written(at)

        self._change_a_date(record, rewritten)

    def _change_a_date(self, record: Record, change: Callable[[str], str]) -> None:
        chosen = self._clinical(record)
        places = list(_dates(chosen)) if chosen is not None else []
        if places:
            holder, key = self.random.choice(places)
            holder[key] = change(holder[key])

    def _change_element(self, record: Record, other: Record) -> None:
        chosen = self._clinical(record)
        if chosen is not None:
            names = self._elements(chosen)
            if names:
                self.maker.set_element(chosen, self.random.choice(names), record)

    def _change_code(self, record: Record, other: Record) -> None:
        chosen = self._clinical(record)
        if chosen is None:
            return
        asked = [each for each in self.maker.words.by_type(chosen["resourceType"]) if each.codes and each.code_path]
        if asked:
            each = self.random.choice(asked)
            self.maker.set_code(chosen, each.code_path or "", each.codes)

    def _remove_element(self, record: Record, other: Record) -> None:
        chosen = self._clinical(record)
        if chosen is not None:
            keys = [key for key in chosen if key not in ("resourceType", "id", "meta", "subject", "patient")]
            if keys:
                del chosen[self.random.choice(keys)]

    def _remove_part(self, record: Record, other: Record) -> None:
        """The end of a period, the system of a code, the unit of a quantity, an extension."""
        chosen = self._clinical(record)
        parts = list(_parts(chosen)) if chosen is not None else []
        if parts:
            holder, key = self.random.choice(parts)
            del holder[key]

    def _extend(self, record: Record, other: Record) -> None:
        chosen = self._clinical(record)
        if chosen is not None and (extensions := self.maker.extensions()):
            chosen["extension"] = extensions

    def _relink(self, record: Record, other: Record) -> None:
        chosen = self._clinical(record)
        if chosen is not None:
            names = [name for name in self._elements(chosen) if name in LINKS]
            if names:
                self.maker.set_element(chosen, self.random.choice(names), record)

    def _be_born(self, record: Record, other: Record) -> None:
        record[0]["birthDate"] = self.maker.times.birth_date()

    def _borrow(self, record: Record, other: Record) -> None:
        borrowed = self._clinical(other)
        if borrowed is not None:
            self._take(record, borrowed)

    def _join(self, record: Record, other: Record) -> None:
        """Both patients in one: who meets one criterion may then meet another too."""
        if len(record) + len(other) < _MOST_RESOURCES:
            for each in other[1:]:
                self._take(record, each)

    def _take(self, record: Record, resource: Resource) -> None:
        twin = copy.deepcopy(resource)
        twin["id"] = f"{resource['id']}-{self.random.randrange(1_000_000)}"
        record.append(of_patient(twin, record[0]["id"]))

    def _change_profile(self, record: Record, other: Record) -> None:
        chosen = self._clinical(record)
        if chosen is not None:
            profiles = sorted({each.profile for each in self.maker.words.by_type(chosen["resourceType"])})
            if profiles:
                chosen["meta"] = {"profile": [self.random.choice(profiles)]}

    def _elements(self, resource: Resource) -> list[str]:
        known = FHIR.elements(NamedType("FHIR", resource["resourceType"]))
        return [name for name in known if name in self.maker.words.elements and name not in NOT_MADE]


def of_patient(resource: Resource, patient: str) -> Resource:
    """A resource that is about another patient from now on."""
    for key in ("subject", "patient", "beneficiary"):
        if key in resource and isinstance(resource[key], dict):
            resource[key] = {"reference": f"Patient/{patient}"}
    return resource


def instant(text: str) -> datetime:
    """When a date begins, whatever its precision."""
    return _read(text) or datetime(int(text[:4]), int(text[5:7] or 1), 1, tzinfo=UTC)


def _read(text: str) -> datetime | None:
    """A date with a day, at midnight where it has no time; None for less."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """The elements that elements of a resource have: what holds each, and under which key."""
    for name, element in value.items():
        several = isinstance(element, list)
        for each in () if name in ("meta", "subject", "patient") else element if several else [element]:
            if isinstance(each, dict):
                # FHIR has no elements without anything in them.
                yield from ((each, key) for key in each if len(each) > 1)
                yield from _parts(each)


def _dates(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where dates are in a resource: what holds each, and under which key."""
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        if isinstance(each, str) and len(each) > 6 and each[:4].isdigit() and each[4] == "-":
            yield value, key
        else:
            yield from _dates(each)
