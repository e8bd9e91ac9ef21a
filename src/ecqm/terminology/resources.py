"""FHIR ValueSet and CodeSystem, with the elements that are needed for membership."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from ecqm.json_decoding import json_decoder


class ResourceHeader(msgspec.Struct, frozen=True):
    """The elements that identify a value set or code system; decoding skips all others."""

    id: str | None = None
    url: str | None = None
    version: str | None = None


class ExpansionParameter(msgspec.Struct, frozen=True):
    name: str = ""
    valueInteger: int | None = None
    valueBoolean: bool | None = None
    valueString: str | None = None


class Contains(msgspec.Struct, frozen=True):
    """One entry of an expansion; entries nest (FHIR R4, ValueSet.expansion.contains)."""

    system: str | None = None
    code: str | None = None
    abstract: bool | None = None
    contains: list[Contains] | None = None


class StoredExpansion(msgspec.Struct, frozen=True):
    total: int | None = None
    parameter: list[ExpansionParameter] | None = None
    contains: list[Contains] | None = None


class ComposeConcept(msgspec.Struct, frozen=True):
    code: str


class ComposeFilter(msgspec.Struct, frozen=True):
    property: str = ""
    op: str = ""
    value: str = ""

    def __str__(self) -> str:
        return f"{self.property} {self.op} {self.value}"


class ComposePart(msgspec.Struct, frozen=True):
    """One include or exclude (FHIR R4, ValueSet.compose.include)."""

    system: str | None = None
    version: str | None = None
    concept: list[ComposeConcept] | None = None
    filter: list[ComposeFilter] | None = None
    valueSet: list[str] | None = None


class Compose(msgspec.Struct, frozen=True):
    include: list[ComposePart] | None = None
    exclude: list[ComposePart] | None = None


class ValueSetResource(msgspec.Struct, frozen=True):
    url: str | None = None
    id: str | None = None
    version: str | None = None
    name: str | None = None
    title: str | None = None
    compose: Compose | None = None
    expansion: StoredExpansion | None = None


class _PropertyCoding(msgspec.Struct, frozen=True):
    code: str | None = None


class ConceptProperty(msgspec.Struct, frozen=True):
    """A value of a concept's property, of any type (FHIR R4, CodeSystem.concept.property)."""

    code: str = ""
    valueCode: str | None = None
    valueString: str | None = None
    valueDateTime: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueDecimal: Decimal | None = None
    valueCoding: _PropertyCoding | None = None

    @property
    def text(self) -> str | None:
        """The value as it is written in filters."""
        if self.valueBoolean is not None:
            return "true" if self.valueBoolean else "false"
        if self.valueCoding is not None:
            return self.valueCoding.code
        for number in (self.valueInteger, self.valueDecimal):
            if number is not None:
                return str(number)
        return self.valueCode or self.valueString or self.valueDateTime


class CodeSystemConcept(msgspec.Struct, frozen=True):
    code: str
    display: str | None = None
    property: list[ConceptProperty] | None = None
    concept: list[CodeSystemConcept] | None = None


class CodeSystemResource(msgspec.Struct, frozen=True):
    url: str | None = None
    version: str | None = None
    content: str | None = None
    concept: list[CodeSystemConcept] | None = None


class _Kind(msgspec.Struct, frozen=True):
    resourceType: str = ""


_decode_kind = json_decoder(_Kind)


def resource_type(data: bytes) -> str:
    """The type of a FHIR resource in JSON; empty for other JSON objects. Raises msgspec.DecodeError."""
    return _decode_kind(data).resourceType


decode_header = json_decoder(ResourceHeader)
decode_value_set = json_decoder(ValueSetResource)
decode_code_system = json_decoder(CodeSystemResource)
