"""Small changes to a QDM patient, one at a time: what a rule of the measure may or may not notice."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from qdm_elements import BIRTHDATE, Element, ElementMaker, Record, data_type_of, moved, read_time, written
from random_changes import RandomChanges

from ecqm.data.qdm.schema import CODES, NEGATION

_SHIFTS = (1 / 86_400_000, 1 / 86_400, 1 / 24, 1.0, 7.0, 30.4375, 365.25)
# What no element is without. Of the time of birth nobody is: no age could be told.
_KEPT = ("_type", "id", "qdmVersion", CODES, "birthDatetime")


class Mutator(RandomChanges[Element]):
    """Changes patients; elements that are added come from a maker, or from another patient."""

    def __init__(self, maker: ElementMaker) -> None:
        self.maker = maker
        super().__init__(maker.random, [
            (5, self._add), (2, self._drop), (2, self._repeat), (6, self._move_time), (1, self._swap_times),
            (5, self._set_attribute), (3, self._recode), (1, self._add_code), (2, self._remove_attribute),
            (2, self._end_openly), (2, self._negate), (2, self._be_born), (2, self._borrow),
        ])  # fmt: skip

    def made(self) -> Record:
        """A patient out of nothing: an element for some of what the measure asks for."""
        record = [self.maker.patient()]
        asked = self.maker.asked
        record += [self.maker.element(each, record) for each in asked if each.resource_type == BIRTHDATE][:1]
        for each in self.random.sample(asked, min(len(asked), self.random.choice([1, 2, 3, 5, 8, 12]))):
            record.append(self.maker.element(each, record))
        return record

    def _any(self, record: Record) -> Element | None:
        return self.random.choice(record[1:]) if len(record) > 1 else None

    def _add(self, record: Record, other: Record) -> None:
        if self.maker.asked:
            record.append(self.maker.element(self.random.choice(self.maker.asked), record))

    def _drop(self, record: Record, other: Record) -> None:
        places = [place for place, each in enumerate(record) if place and data_type_of(each) != BIRTHDATE]
        if places:
            del record[self.random.choice(places)]

    def _twin(self, element: Element) -> Element:
        return copy.deepcopy(element) | {"id": self.maker.new_id()}

    def _repeat(self, record: Record, other: Record) -> None:
        chosen = self._any(record)
        if chosen is not None:
            record.append(self._twin(chosen))
            if self.random.random() < 0.6:
                self._move_time([record[0], record[-1]], other)

    def _borrow(self, record: Record, other: Record) -> None:
        chosen = self._any(other)
        if chosen is not None:
            record.append(self._twin(chosen))

    def _move_time(self, record: Record, other: Record) -> None:
        """By a unit of time, or to where the logic may draw a line."""
        chosen = self._any(record)
        places = list(_times(chosen))
        if places:
            holder, key = self.random.choice(places)
            at = read_time(holder[key])
            assert at is not None
            if self.random.random() < 0.4:
                holder[key] = self.maker.moment(record)
            else:
                days = self.random.choice(_SHIFTS) * self.random.choice([-1, 1])
                holder[key] = written(moved(at, days), self.random)

    def _swap_times(self, record: Record, other: Record) -> None:
        """Two times of an element in each other's place: a period that is over before it begins."""
        places = list(_times(self._any(record)))
        if len(places) > 1:
            (one, key), (another, other_key) = self.random.sample(places, 2)
            one[key], another[other_key] = another[other_key], one[key]

    def _set_attribute(self, record: Record, other: Record) -> None:
        chosen = self._any(record)
        if chosen is not None:
            known = self.maker.attributes(data_type_of(chosen))
            names = [name for name in known if name in self.maker.words.elements] or list(known)
            names = [name for name in names if name != "birthDatetime"]
            if names:
                self.maker.set_attribute(chosen, self.random.choice(names), record)

    def _recode(self, record: Record, other: Record) -> None:
        chosen = self._any(record)
        if chosen is not None:
            self.maker.recode(chosen)

    def _add_code(self, record: Record, other: Record) -> None:
        """A second code for the same thing, before the first or behind it."""
        chosen = self._any(record)
        if chosen is not None:
            codes = chosen[CODES] = list(chosen.get(CODES) or [])
            codes.insert(self.random.choice([0, len(codes)]), self.maker.code(""))

    def _remove_attribute(self, record: Record, other: Record) -> None:
        chosen = self._any(record)
        if chosen is not None:
            names = [name for name in chosen if name not in _KEPT]
            if names:
                del chosen[self.random.choice(names)]

    def _end_openly(self, record: Record, other: Record) -> None:
        """A period without a start or an end, or without both."""
        chosen = self._any(record)
        periods = [value for value in (chosen or {}).values() if isinstance(value, dict) and "low" in value]
        if periods:
            period = self.random.choice(periods)
            for bound in self.random.choice([["low"], ["high"], ["high"], ["low", "high"]]):
                period[bound] = None

    def _negate(self, record: Record, other: Record) -> None:
        chosen = self._any(record)
        if chosen is not None and NEGATION in self.maker.attributes(data_type_of(chosen)):
            chosen[NEGATION] = None if chosen.get(NEGATION) else self.maker.code(NEGATION)

    def _be_born(self, record: Record, other: Record) -> None:
        record[0]["birthDatetime"] = self.maker.birth_time()
        for element in record[1:]:
            if data_type_of(element) == BIRTHDATE:
                element["birthDatetime"] = record[0]["birthDatetime"]


def _times(value: Any) -> Iterator[tuple[Any, Any]]:
    """Where times are in an element: what holds each, and under which key."""
    pairs: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        if read_time(each) is not None:
            yield value, key
        else:
            yield from _times(each)
