"""Values of elements, made from a measure's vocabulary: codes, strings and numbers that its logic compares with them.

Which elements a type has, and of which types these are, the model of FHIR says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from made_times import UNIT_DAYS, Resource, TimeMaker
from vocabulary import Vocabulary

from ecqm.models import load_model
from ecqm.types import CqlType, NamedType

FHIR = load_model("FHIR", "4.0.1")
# What an element refers to, where its name is not the type's.
TARGETS = {"context": "Encounter", "partOf": "Encounter", "condition": "Condition", "basedOn": "ServiceRequest"}
# Strings that are no use to compare with: they may be anything.
STATUSES = ("entered-in-error", "cancelled", "in-progress", "active", "completed", "finished", "final", "not-done")
NOT_MADE = {"extension", "modifierExtension", "id", "url", "reference", "meta", "contained", "text", "language"}
_DEEPEST = 4

Make = Callable[["ValueMaker", str, list[Resource]], Any]


class ValueMaker:
    """Makes values for the elements of one measure; `random` decides everything."""

    def __init__(self, words: Vocabulary, times: TimeMaker, random: Random) -> None:
        self.words = words
        self.times = times
        self.random = random

    def value(self, type_: CqlType, name: str, record: list[Resource], depth: int = 0) -> Any:
        """A value of a FHIR type for the element `name` of a patient who has `record`; None for no value."""
        local = type_.name if isinstance(type_, NamedType) else ""
        if local in _MAKE:
            return _MAKE[local](self, name, record)
        if not local or local in _NEVER_MADE:
            return None
        if set(FHIR.elements(type_)) - {"id", "extension"} == {"value"}:
            return self.random.choice([*sorted(self.words.strings[name]) * 3, *STATUSES])
        return self._structure(type_, record, depth + 1) if depth < _DEEPEST else None

    def _structure(self, type_: CqlType, record: list[Resource], depth: int) -> Resource | None:
        made: Resource = {}
        for name, element in FHIR.elements(type_).items():
            if name in NOT_MADE or name not in self.words.elements or self.random.random() < 0.15:
                continue
            inner = self.random.choice(element.choices or (element.single_type,))
            value = self.value(inner, name, record, depth)
            if value is not None:
                made[json_name(name, inner, bool(element.choices))] = [value] if element.is_list else value
        return made or None

    def concept(self, name: str) -> Resource:
        """A CodeableConcept of one or two codes."""
        return {"coding": [coding(self.code(name)) for _ in range(self.random.choice([1, 1, 1, 2]))]}

    def code(self, name: str) -> tuple[str, str]:
        """One of the codes that an element is compared with, or (seldom) any that the logic knows."""
        own = sorted(self.words.codes[name])
        known = own if own and self.random.random() < 0.85 else sorted(self.words.codes[""])
        return self.random.choice(known or [("http://example.org/codes", "other")])

    def number(self, name: str) -> Decimal:
        """One of the numbers that an element is compared with, or one beside it."""
        near = self.words.quantities[name] or self.words.quantities[""] or {(Decimal(1), "1")}
        base = self.random.choice(sorted(number for number, _ in near))
        return abs(base + self.random.choice([Decimal(0), Decimal(0), Decimal(1), Decimal(-1), Decimal("0.1")]))

    def quantity(self, name: str) -> Resource:
        """A number near those that an element is compared with, in one of their units."""
        pairs = sorted(self.words.quantities[name] or self.words.quantities[""]) or [(Decimal(1), "1")]
        unit, value = self.random.choice(pairs)[1], float(self.number(name))
        if unit.rstrip("s") in UNIT_DAYS:
            value = float(round(value))  # of years and days CQL counts whole ones; cql-execution does not
        return _quantity(value, unit)

    def age(self) -> Resource:
        """An age that the logic names, in years."""
        return _quantity(float(self.random.choice(self.times.ages)), "a")

    def integer(self, name: str) -> int:
        """A number of things, at least 1."""
        return int(self.number(name)) or 1

    def text(self, name: str) -> str:
        """One of the strings that an element is compared with."""
        return self.random.choice(sorted(self.words.strings[name]) or ["text"])

    def reference(self, name: str, record: list[Resource]) -> Resource | None:
        """A reference to a resource of the patient's that an element of this name may refer to."""
        type_ = TARGETS.get(name, name[:1].upper() + name[1:])
        of_type = [each for each in record if each["resourceType"] == type_]
        if not of_type:
            return None
        found = self.random.choice(of_type)
        return {"reference": f"{found['resourceType']}/{found['id']}"}


_NEVER_MADE = frozenset(("Extension", "Narrative", "Meta"))

# How values of each type are made; those of other types have a code, or parts.
_MAKE: Mapping[str, Make] = {
    "boolean": lambda maker, name, record: maker.random.random() < 0.3,
    "dateTime": lambda maker, name, record: maker.times.moment(record),
    "instant": lambda maker, name, record: maker.times.moment(record, instant=True),
    "date": lambda maker, name, record: maker.times.moment(record)[:10],
    "time": lambda maker, name, record: "08:30:00",
    "CodeableConcept": lambda maker, name, record: maker.concept(name),
    "Coding": lambda maker, name, record: coding(maker.code(name)),
    "Period": lambda maker, name, record: maker.times.period(record),
    "Age": lambda maker, name, record: maker.age(),
    "Range": lambda maker, name, record: {"low": maker.age(), "high": maker.age()},
    "Reference": lambda maker, name, record: maker.reference(name, record),
    "decimal": lambda maker, name, record: float(maker.number(name)),
    "UnitsOfTime": lambda maker, name, record: maker.random.choice(["h", "d", "d", "wk", "mo"]),
    **dict.fromkeys(("Quantity", "SimpleQuantity", "Duration"), lambda maker, name, record: maker.quantity(name)),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), lambda maker, name, record: maker.integer(name)),
    **dict.fromkeys(("string", "markdown"), lambda maker, name, record: maker.text(name)),
}


def _quantity(value: float, unit: str) -> Resource:
    made: Resource = {"value": int(value) if value.is_integer() else value, "unit": unit}
    return made | {"system": "http://unitsofmeasure.org", "code": unit}


def json_name(name: str, type_: CqlType, choice: bool) -> str:
    """The name that JSON has for an element: of a choice, with the type of its value."""
    if not choice or not isinstance(type_, NamedType):
        return name
    return name + type_.name[:1].upper() + type_.name[1:]


def coding(code: tuple[str, str]) -> Resource:
    """A Coding of a (system, code)."""
    return {"system": code[0], "code": code[1]}
