"""Resources made up from a measure's vocabulary: the types and profiles that it retrieves, the elements it looks at.

Which elements a type has, and of which types these are, the model of FHIR says. Dates lie in, around and exactly at the
edges of the measurement period, or a stated distance from another date of the patient; codes, strings and numbers are
mostly those that the logic compares an element with.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random
from typing import Any

from vocabulary import Asked, Vocabulary

from ecqm.models import load_model
from ecqm.types import CqlType, NamedType

Resource = dict[str, Any]

FHIR = load_model("FHIR", "4.0.1")
SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex"
UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 30.4375, "year": 365.25, "hour": 1 / 24, "minute": 1 / 1440}
SUBJECTS = {"subject", "patient", "beneficiary"}
# What an element refers to, where its name is not the type's.
TARGETS = {"context": "Encounter", "partOf": "Encounter", "condition": "Condition", "basedOn": "ServiceRequest"}
# Strings that are no use to compare with: they may be anything.
STATUSES = ("entered-in-error", "cancelled", "in-progress", "active", "completed", "finished", "final", "not-done")
# Elements that most resources have.
COMMON = {"status", "intent", "clinicalStatus", "verificationStatus", "period", "effective", "onset", "authoredOn",
          "performed", "occurrence", "type", "code", "class", "medication", "issued", "recordedDate", "category",
          "relevantPeriod", "doNotPerform", "encounter"}  # fmt: skip
# By QICoreCommon a Timing in place of a date is an error, which the engines show differently; cql-execution cannot tell
# whether something is a string, nor does a date told in words come to anything here.
NO_DATES = {NamedType("FHIR", "Timing"), NamedType("FHIR", "string")}
NOT_MADE = {"extension", "modifierExtension", "id", "url", "reference", "meta", "contained", "text", "language"}


class ResourceMaker:
    """Makes resources for one measure; `random` decides everything, so that a seed gives the same patients again."""

    def __init__(self, words: Vocabulary, period: tuple[date, date], random: Random) -> None:
        self.words = words
        self.random = random
        start, end = period
        self.start = datetime(start.year, start.month, start.day, tzinfo=UTC)
        self.end = datetime(end.year, end.month, end.day, 23, 59, 59, 999000, tzinfo=UTC)
        # The stretches of time that the logic names, in days.
        self.spans = sorted(
            float(number) * UNIT_DAYS[unit.rstrip("s")]
            for number, unit in words.quantities[""]
            if unit.rstrip("s") in UNIT_DAYS and abs(number) < 1000
        )
        self._ages = sorted({int(n) for n, unit in words.quantities[""] if unit == "1" and 0 < n < 121}) or [18]
        self._made = 0

    # -- resources ------------------------------------------------------------------------------------------------

    def patient(self, name: str) -> Resource:
        # US Core tells the sex as a code in an extension, which logic compares with codes written out.
        codes = sorted(text for text in self.words.strings["value"] if text.isdigit())
        sex = [{"url": SEX, "valueCode": self.random.choice(codes)}] if codes and self.random.random() < 0.9 else []
        return {
            "resourceType": "Patient",
            "id": name,
            "meta": {"profile": ["http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-patient"]},
            "birthDate": self.birth_date(),
            "gender": self.random.choice(["male", "female", "female", "other"]),
            "extension": sex + self.extensions(),
        }

    def resource(self, asked: Asked, record: list[Resource]) -> Resource:
        """A resource that a retrieve takes (mostly), for the patient who has `record`."""
        self._made += 1
        made: Resource = {
            "resourceType": asked.resource_type,
            "id": f"{asked.resource_type}-{self._made}",
            "meta": {"profile": [asked.profile]},
        }
        negated = "not" in asked.profile.rpartition("-")[2] or "cancelled" in asked.profile
        for name in FHIR.elements(NamedType("FHIR", asked.resource_type)):
            wanted = name in self.words.elements or name == asked.code_path
            odds = 0.92 if wanted and name in COMMON else 0.5 if wanted else 0.6 if name in COMMON else 0.0
            if name in SUBJECTS or self.random.random() < odds:
                self.set_element(made, name, record)
        if asked.code_path and asked.codes:
            self.set_code(made, asked.code_path, asked.codes)
        if negated:
            self._negate(made, asked)
        if (extensions := self.extensions()) and (negated or self.random.random() < 0.3):
            made["extension"] = extensions
        return made

    def set_element(self, resource: Resource, name: str, record: list[Resource]) -> None:
        """Gives a resource a new value of an element, of another of its types perhaps, or none."""
        element = FHIR.element(NamedType("FHIR", resource["resourceType"]), name)
        if element is None or name in NOT_MADE:
            return
        types = element.choices or (element.single_type,)
        for type_ in types:
            resource.pop(_key(name, type_, bool(element.choices)), None)
        allowed = [each for each in types if each not in NO_DATES or name == "value"]
        taken = [each for each in allowed if isinstance(each, NamedType) and each.name in self.words.types[name]]
        type_ = self.random.choice(taken if taken and self.random.random() < 0.8 else allowed)
        if name in SUBJECTS:
            value: Any = {"reference": f"Patient/{record[0]['id']}"}
        else:
            value = self._value(type_, name, record, 0)
        if value is not None:
            several = element.is_list
            resource[_key(name, type_, bool(element.choices))] = [value] if several else value

    def set_code(self, resource: Resource, path: str, codes: tuple[tuple[str, str], ...]) -> None:
        """Gives the element that a retrieve looks at one of its codes."""
        element = FHIR.element(NamedType("FHIR", resource["resourceType"]), path)
        if element is None:
            return
        if element.choices and f"{path}Reference" in resource:
            return
        concept = {"coding": [_coding(self.random.choice(codes))]}
        resource[f"{path}CodeableConcept" if element.choices else path] = [concept] if element.is_list else concept

    def _negate(self, resource: Resource, asked: Asked) -> None:
        name = asked.resource_type
        if FHIR.element(NamedType("FHIR", name), "doNotPerform") is not None and self.random.random() < 0.9:
            resource["doNotPerform"] = True
        elif name == "Observation":
            resource["status"] = "cancelled"
        elif "status" in resource and "Request" not in name:
            resource["status"] = self.random.choice(["not-done", "not-done", resource["status"]])
        if asked.value_set is not None and self.random.random() < 0.4:
            url = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-notDoneValueSet"
            concept = {"extension": [{"url": url, "valueCanonical": asked.value_set}]}
            element = FHIR.element(NamedType("FHIR", name), asked.code_path or "code")
            if element is not None and not element.is_list:
                key = f"{asked.code_path}CodeableConcept" if element.choices else asked.code_path or "code"
                resource[key] = concept

    def extensions(self) -> list[Resource]:
        """Some of the extensions that the logic looks at."""
        made: list[Resource] = []
        for url in sorted(self.words.extensions):
            if "us-core" in url or self.random.random() < 0.5:
                continue
            last = url.rpartition("/")[2].lower()
            if "reason" in last:
                made.append({"url": url, "valueCodeableConcept": self._concept("value")})
            elif "recorded" in last or "date" in last:
                made.append({"url": url, "valueDateTime": self.moment([])})
            else:
                made.append({"url": url, "valueBoolean": self.random.random() < 0.8})
        return made

    # -- values of elements ---------------------------------------------------------------------------------------

    def _value(self, type_: CqlType, name: str, record: list[Resource], depth: int) -> Any:
        local = type_.name if isinstance(type_, NamedType) else ""
        match local:
            case "boolean":
                return self.random.random() < 0.3
            case "dateTime" | "instant":
                return self.moment(record, instant=local == "instant")
            case "date":
                return self.moment(record)[:10]
            case "CodeableConcept":
                return self._concept(name)
            case "Coding":
                return _coding(self._code(name))
            case "Period":
                return self.period(record)
            case "Quantity" | "SimpleQuantity" | "Age" | "Duration":
                return self._quantity(name, local)
            case "Range":
                return {"low": self._quantity(name, "Age"), "high": self._quantity(name, "Age")}
            case "Reference":
                return self.reference(name, record)
            case "integer" | "positiveInt" | "unsignedInt":
                return int(self._number(name)) or 1
            case "decimal":
                return float(self._number(name))
            case "string" | "markdown":
                return self.random.choice(sorted(self.words.strings[name]) or ["text"])
            case "time":
                return "08:30:00"
            case "UnitsOfTime":
                return self.random.choice(["h", "d", "d", "wk", "mo"])
            case "Extension" | "Narrative" | "Meta" | "":
                return None
        elements = FHIR.elements(type_)
        if set(elements) - {"id", "extension"} == {"value"}:
            return self.random.choice([*sorted(self.words.strings[name]) * 3, *STATUSES])
        return self._structure(type_, record, depth + 1) if depth < 4 else None

    def _structure(self, type_: CqlType, record: list[Resource], depth: int) -> Resource | None:
        made: Resource = {}
        for name, element in FHIR.elements(type_).items():
            if name in NOT_MADE or name not in self.words.elements or self.random.random() < 0.15:
                continue
            inner = self.random.choice(element.choices or (element.single_type,))
            value = self._value(inner, name, record, depth)
            if value is not None:
                made[_key(name, inner, bool(element.choices))] = [value] if element.is_list else value
        return made or None

    def _concept(self, name: str) -> Resource:
        return {"coding": [_coding(self._code(name)) for _ in range(self.random.choice([1, 1, 1, 2]))]}

    def _code(self, name: str) -> tuple[str, str]:
        """One of the codes that an element is compared with, or (seldom) any that the logic knows."""
        own = sorted(self.words.codes[name])
        known = own if own and self.random.random() < 0.85 else sorted(self.words.codes[""])
        return self.random.choice(known or [("http://example.org/codes", "other")])

    def _number(self, name: str) -> Decimal:
        near = self.words.quantities[name] or self.words.quantities[""] or {(Decimal(1), "1")}
        base = self.random.choice(sorted(number for number, _ in near))
        return abs(base + self.random.choice([Decimal(0), Decimal(0), Decimal(1), Decimal(-1), Decimal("0.1")]))

    def _quantity(self, name: str, type_: str) -> Resource:
        if type_ == "Age":
            unit, value = "a", float(self.random.choice(self._ages))
        else:
            pairs = sorted(self.words.quantities[name] or self.words.quantities[""]) or [(Decimal(1), "1")]
            unit, value = self.random.choice(pairs)[1], float(self._number(name))
            if unit.rstrip("s") in UNIT_DAYS:
                value = float(round(value))  # of years and days CQL counts whole ones; cql-execution does not
        made: Resource = {"value": int(value) if value.is_integer() else value, "unit": unit}
        return made | {"system": "http://unitsofmeasure.org", "code": unit}

    def reference(self, name: str, record: list[Resource]) -> Resource | None:
        """A reference to a resource of the patient's that an element of this name may refer to."""
        type_ = TARGETS.get(name, name[:1].upper() + name[1:])
        of_type = [each for each in record if each["resourceType"] == type_]
        if not of_type:
            return None
        found = self.random.choice(of_type)
        return {"reference": f"{found['resourceType']}/{found['id']}"}

    # -- time -----------------------------------------------------------------------------------------------------

    def instant(self, record: list[Resource]) -> datetime:
        """A point in time that the logic may well draw a line at, or near one, or any in the period."""
        choice = self.random.random()
        if choice < 0.4:
            return self.start + (self.end - self.start) * self.random.random()
        known = [found for each in record for found in dates_in(each)]
        anchor = self.random.choice([self.start, self.end] if not known or choice < 0.6 else known)
        span = self.random.choice([0.0, 0.0, *self.spans]) * self.random.choice([-1, 1])
        nudge = self.random.choice([0.0, 0.0, 0.0, 1.0, -1.0, 1 / 24, -1 / 24, 1 / 86_400, -1 / 86_400])
        moved = anchor + timedelta(days=span + nudge)
        return min(max(moved, datetime(1905, 1, 1, tzinfo=UTC)), datetime(2090, 1, 1, tzinfo=UTC))

    def moment(self, record: list[Resource], instant: bool = False) -> str:
        return self.written(self.instant(record), instant)

    def written(self, at: datetime, instant: bool = False) -> str:
        """A point in time as FHIR may have it: by some clock, to some precision."""
        form = self.random.random()
        if form < 0.12 and not instant:
            return at.strftime("%Y-%m-%d")
        if form < 0.14 and not instant:
            return at.strftime("%Y-%m")
        if form < 0.15 and not instant:
            return at.strftime("%Y")
        if form < 0.3:
            at = at.astimezone(timezone(timedelta(minutes=self.random.choice([-300, -480, 330, 60]))))
            return at.isoformat(timespec="milliseconds")
        if form < 0.5:
            return at.strftime("%Y-%m-%dT%H:%M:%SZ")
        return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03}Z"

    def period(self, record: list[Resource]) -> Resource:
        start = self.instant(record)
        span = self.random.choice([0.0, 0.01, 0.01, 0.04, 0.5, 1.0, 3.0, 8.0, *self.spans])
        made = {"start": self.written(start), "end": self.written(start + timedelta(days=abs(span)))}
        if self.random.random() < 0.1:
            del made[self.random.choice(["start", "end"])]
        return made

    def birth_date(self) -> str:
        """A day on which somebody of an age that the logic names was born, or the day beside it, or any."""
        if self.random.random() < 0.3:
            return (self.start - timedelta(days=self.random.randrange(0, 36_000))).strftime("%Y-%m-%d")
        anchor = self.random.choice([self.start, self.end])
        age = self.random.choice(self._ages) + self.random.choice([0, 0, 1, 3, 10])
        day = 28 if (anchor.month, anchor.day) == (2, 29) else anchor.day
        born = anchor.replace(year=anchor.year - age, day=day)
        return (born + timedelta(days=self.random.choice([0, 0, 1, -1, 40]))).strftime("%Y-%m-%d")


def _key(name: str, type_: CqlType, choice: bool) -> str:
    if not choice or not isinstance(type_, NamedType):
        return name
    return name + type_.name[:1].upper() + type_.name[1:]


def _coding(code: tuple[str, str]) -> Resource:
    return {"system": code[0], "code": code[1]}


def dates_in(value: Any) -> list[datetime]:
    """The dates with a time that are anywhere in a resource."""
    if isinstance(value, dict):
        return [found for each in value.values() for found in dates_in(each)]
    if isinstance(value, list):
        return [found for each in value for found in dates_in(each)]
    if isinstance(value, str) and len(value) > 18 and value[4:5] == "-" and value[10:11] == "T":
        try:
            return [datetime.fromisoformat(value)]
        except ValueError:
            return []
    return []
