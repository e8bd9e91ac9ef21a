"""Resources made up from a measure's vocabulary: the types and profiles that it retrieves, the elements it looks at."""

from __future__ import annotations

from datetime import date
from random import Random
from typing import Any

from made_times import Resource, TimeMaker
from made_values import FHIR, NOT_MADE, ValueMaker, coding, json_name
from vocabulary import Asked, Vocabulary

from ecqm.types import NamedType

SEX = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-sex"
SUBJECTS = {"subject", "patient", "beneficiary"}
# Elements that most resources have.
COMMON = {"status", "intent", "clinicalStatus", "verificationStatus", "period", "effective", "onset", "authoredOn",
          "performed", "occurrence", "type", "code", "class", "medication", "issued", "recordedDate", "category",
          "relevantPeriod", "doNotPerform", "encounter"}  # fmt: skip
# By QICoreCommon a Timing in place of a date is an error, which the engines show differently; cql-execution cannot tell
# whether something is a string, nor does a date told in words come to anything here.
NO_DATES = {NamedType("FHIR", "Timing"), NamedType("FHIR", "string")}


class ResourceMaker:
    """Makes resources for one measure; `random` decides everything, so that a seed gives the same patients again."""

    def __init__(self, words: Vocabulary, period: tuple[date, date], random: Random) -> None:
        self.words = words
        self.random = random
        self.times = TimeMaker(words, period, random)
        self.values = ValueMaker(words, self.times, random)
        self._made = 0

    def patient(self, name: str) -> Resource:
        # US Core tells the sex as a code in an extension, which logic compares with codes written out.
        codes = sorted(text for text in self.words.strings["value"] if text.isdigit())
        sex = [{"url": SEX, "valueCode": self.random.choice(codes)}] if codes and self.random.random() < 0.9 else []
        return {
            "resourceType": "Patient",
            "id": name,
            "meta": {"profile": ["http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-patient"]},
            "birthDate": self.times.birth_date(),
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
            resource.pop(json_name(name, type_, bool(element.choices)), None)
        allowed = [each for each in types if each not in NO_DATES or name == "value"]
        taken = [each for each in allowed if isinstance(each, NamedType) and each.name in self.words.types[name]]
        type_ = self.random.choice(taken if taken and self.random.random() < 0.8 else allowed)
        if name in SUBJECTS:
            value: Any = {"reference": f"Patient/{record[0]['id']}"}
        else:
            value = self.values.value(type_, name, record)
        if value is not None:
            several = element.is_list
            resource[json_name(name, type_, bool(element.choices))] = [value] if several else value

    def set_code(self, resource: Resource, path: str, codes: tuple[tuple[str, str], ...]) -> None:
        """Gives the element that a retrieve looks at one of its codes."""
        element = FHIR.element(NamedType("FHIR", resource["resourceType"]), path)
        if element is None:
            return
        if element.choices and f"{path}Reference" in resource:
            return
        concept = {"coding": [coding(self.random.choice(codes))]}
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
                made.append({"url": url, "valueCodeableConcept": self.values.concept("value")})
            elif "recorded" in last or "date" in last:
                made.append({"url": url, "valueDateTime": self.times.moment([])})
            else:
                made.append({"url": url, "valueBoolean": self.random.random() < 0.8})
        return made
