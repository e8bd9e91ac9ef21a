"""QDM data elements made up from a measure's vocabulary: the data types that it retrieves, the attributes it looks at.

Which attributes a data type has, and of which types these are, the model of the measure's version of QDM says. The
reference engine takes every date-time to be exact to the millisecond, so that none is made with a lower precision.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from made_times import UNIT_DAYS
from vocabulary import Asked, Vocabulary

from ecqm.data.qdm.schema import CODES, NEGATION, Attribute, QdmSchema, qdm_schema
from ecqm.terminology.systems import system_oid
from ecqm.types import QUANTITY, ChoiceType, CqlType, IntervalType, ListType, NamedType

Element = dict[str, Any]
Record = list[Element]
"""A patient: what is said of the person first (`_id`, `birthDatetime`), then the data elements."""

PATIENT, BIRTHDATE = "Patient", "PatientCharacteristicBirthdate"
STRINGS = ("text", "other")
_ID = NamedType("QDM", "Id")


class ElementMaker:
    """Makes data elements for one measure; `random` decides everything: a seed gives the same patients again."""

    def __init__(self, words: Vocabulary, version: str, period: tuple[datetime, datetime], random: Random) -> None:
        self.words = words
        self.version = version
        self.random = random
        self.start, self.end = period
        self.schema: QdmSchema = qdm_schema(version)
        self._attributes = {
            name: {
                key: attribute
                for key, attribute in self.schema.attributes(name).items()
                if key not in ("id", "code", CODES) and attribute.single_type != _ID
            }
            for name in self.schema.data_types
        }
        self.asked = [each for each in words.asked if self.schema.base(each.resource_type) in self._attributes]
        self._spans = sorted(
            float(number) * UNIT_DAYS[unit.rstrip("s")]
            for number, unit in words.quantities[""]
            if unit.rstrip("s") in UNIT_DAYS and abs(number) < 1000
        )
        self._ages = sorted({int(n) for n, unit in words.quantities[""] if unit == "1" and 0 < n < 121}) or [18]
        self._made = 0

    def knows(self, data_type: str) -> bool:
        """Whether it is a data type of the measure's version."""
        return data_type in self._attributes

    def attributes(self, data_type: str) -> dict[str, Attribute]:
        """What can be set of an element of a data type."""
        return self._attributes[data_type]

    # -- elements -------------------------------------------------------------------------------------------------

    def patient(self) -> Element:
        return {"_id": "", "birthDatetime": self.birth_time()}

    def new_id(self) -> str:
        self._made += 1
        return f"{self._made:024x}"

    def element(self, asked: Asked, record: Record) -> Element:
        """An element that a retrieve takes (mostly), for the patient who has `record`."""
        data_type = self.schema.base(asked.resource_type)
        made: Element = {"_type": f"QDM::{data_type}", "id": self.new_id(), "qdmVersion": self.version, CODES: []}
        if asked.codes:
            made[CODES] = [self._coded(self.random.choice(asked.codes))]
        negated = {f"Positive{data_type}": 0.0, f"Negative{data_type}": 0.95}.get(asked.resource_type, 0.1)
        for name, attribute in self.attributes(data_type).items():
            if name == NEGATION:
                odds = negated
            else:
                odds = 0.9 if name in self.words.elements else 0.5 if "Datetime" in name or "Period" in name else 0.1
            if self.random.random() < odds:
                made[name] = self.value(attribute.type, name, record)
        if data_type == BIRTHDATE:
            made["birthDatetime"] = record[0]["birthDatetime"]
        return made

    def set_attribute(self, element: Element, name: str, record: Record) -> None:
        """Gives an element a new value of an attribute."""
        attribute = self.attributes(data_type_of(element)).get(name)
        if attribute is not None:
            element[name] = self.value(attribute.type, name, record)

    # -- values ---------------------------------------------------------------------------------------------------

    def value(self, type_: CqlType, name: str, record: Record) -> Any:
        """A value of a type for an attribute of that name."""
        if isinstance(type_, ListType):
            return [self.value(type_.element, name, record) for _ in range(self.random.choice([0, 1, 1, 1, 2, 3]))]
        if isinstance(type_, ChoiceType):
            return self.value(self.random.choice(type_.choices), name, record)
        if isinstance(type_, IntervalType):
            return self._range(name) if type_.point == QUANTITY else self.period(record)
        assert isinstance(type_, NamedType)
        if type_.model == "QDM":
            return self._part(type_.name, record)
        match type_.name:
            case "Code":
                return self.code(name)
            case "Quantity":
                return self._quantity(name)
            case "Ratio":
                return {"numerator": self._quantity(name), "denominator": self._quantity(name)}
            case "DateTime":
                return self.moment(record)
            case "Date":
                return self.moment(record)[:10]
            case "Time":
                return f"{self.random.randrange(24):02}:30:00"
            case "Integer":
                return int(self._number(name))
            case "Decimal":
                return float(self._number(name)) + 0.5
            case "Boolean":
                return self.random.random() < 0.5
        if name == "relatedTo":
            return self.random.choice(record[1:])["id"] if len(record) > 1 else "nothing"
        return self.random.choice(sorted(self.words.strings[name]) or STRINGS)

    def _part(self, name: str, record: Record) -> Element:
        made: Element = {"_type": f"QDM::{name}", "qdmVersion": self.version}
        for key, attribute in self.schema.attributes(name).items():
            if key == "id":
                made[key] = self.new_id()
            elif self.random.random() < 0.85:
                made[key] = self.value(attribute.type, key, record)
        return made

    def code(self, name: str) -> Element:
        """One of the codes that an attribute is compared with, or (seldom) any that the logic knows."""
        own = sorted(self.words.codes[name])
        known = own if own and self.random.random() < 0.85 else sorted(self.words.codes[""])
        return self._coded(self.random.choice(known or [("urn:oid:2.16.840.1.113883.6.96", "other")]))

    def recode(self, element: Element) -> None:
        """Gives an element another code, of those that retrieves of its data type ask for."""
        asked = [a for a in self.asked if self.schema.base(a.resource_type) == data_type_of(element) and a.codes]
        if asked:
            element[CODES] = [self._coded(self.random.choice(self.random.choice(asked).codes))]

    def _coded(self, code: tuple[str, str]) -> Element:
        return {"code": code[1], "system": system_oid(code[0]) or code[0], "version": None, "display": None}

    def _number(self, name: str) -> Decimal:
        near = self.words.quantities[name] or self.words.quantities[""] or {(Decimal(1), "1")}
        base = self.random.choice(sorted(number for number, _ in near))
        return abs(base + self.random.choice([Decimal(0), Decimal(0), Decimal(1), Decimal(-1), Decimal("0.1")]))

    def _quantity(self, name: str) -> Element:
        pairs = sorted(self.words.quantities[name] or self.words.quantities[""]) or [(Decimal(1), "1")]
        value = float(self._number(name))
        return {"value": int(value) if value.is_integer() else value, "unit": self.random.choice(pairs)[1]}

    def _range(self, name: str) -> Element:
        unit = self._quantity(name)["unit"]
        low, high = sorted(float(self._number(name)) for _ in range(2))
        return {"low": {"value": low, "unit": unit}, "high": {"value": high + 1, "unit": unit}} | _CLOSED

    # -- time -----------------------------------------------------------------------------------------------------

    def instant(self, record: Record) -> datetime:
        """A point in time that the logic may well draw a line at, or near one, or any in the period."""
        choice = self.random.random()
        if choice < 0.4:
            return self.start + (self.end - self.start) * self.random.random()
        known = [found for each in record for found in times_in(each)]
        anchor = self.random.choice([self.start, self.end] if not known or choice < 0.55 else known)
        span = self.random.choice([0.0, 0.0, *self._spans]) * self.random.choice([-1, 1])
        nudge = self.random.choice([0.0, 0.0, 0.0, 1.0, -1.0, 1 / 24, -1 / 24, 1 / 86_400, -1 / 86_400, 1 / 86_400_000])
        return moved(anchor, span + nudge)

    def moment(self, record: Record) -> str:
        return written(self.instant(record), self.random)

    def period(self, record: Record) -> Element:
        start = self.instant(record)
        span = self.random.choice([0.0, 0.01, 0.01, 0.04, 0.5, 1.0, 3.0, 8.0, *self._spans])
        made: Element = {
            "low": written(start, self.random),
            "high": written(moved(start, abs(span)), self.random),
        }
        if self.random.random() < 0.15:
            made[self.random.choice(["low", "high"])] = None
        return made | _CLOSED

    def birth_time(self) -> str:
        """When somebody of an age that the logic names was born, or the day beside it, or any time."""
        if self.random.random() < 0.3:
            return written(self.start - timedelta(days=self.random.randrange(0, 36_000)), self.random)
        anchor = self.random.choice([self.start, self.end])
        age = self.random.choice(self._ages) + self.random.choice([0, 0, 1, 3, 10])
        day = 28 if (anchor.month, anchor.day) == (2, 29) else anchor.day
        born = anchor.replace(year=anchor.year - age, day=day)
        return written(born + timedelta(days=self.random.choice([0, 0, 1, -1, 40])), self.random)


_CLOSED = {"lowClosed": True, "highClosed": True}


def data_type_of(element: Element) -> str:
    """The data type of an element."""
    return str(element["_type"]).removeprefix("QDM::")


def moved(at: datetime, days: float) -> datetime:
    """A time some days later, within the years that people of today live in."""
    edges = datetime(1905, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)
    return min(max(min(max(at, edges[0]), edges[1]) + timedelta(days=days), edges[0]), edges[1])


def written(at: datetime, random: Random) -> str:
    """A point in time in one of the spellings that patients of the tools have, sometimes by another clock."""
    offset = random.choice(["Z", "Z", "+00:00", "+0000", "-05:00"])
    if offset == "-05:00":
        at = at.astimezone(timezone(timedelta(hours=-5)))
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}{offset}"


def times_in(value: Any) -> list[datetime]:
    """The times that are anywhere in an element."""
    if isinstance(value, dict):
        return [found for each in value.values() for found in times_in(each)]
    if isinstance(value, list):
        return [found for each in value for found in times_in(each)]
    found = read_time(value)
    return [] if found is None else [found]


def read_time(value: Any) -> datetime | None:
    """The time that a text is, if it is one."""
    if not (isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and value[10:11] == "T"):
        return None
    return datetime.fromisoformat(value).astimezone(UTC)
