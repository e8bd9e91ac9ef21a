"""The FHIR Measure resource, decoded as far as evaluation needs (narrative and contained resources are skipped)."""

from __future__ import annotations

import msgspec

from ecqm.json_decoding import json_decoder


class Coding(msgspec.Struct, frozen=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(msgspec.Struct, frozen=True):
    coding: list[Coding] | None = None
    text: str | None = None


class Expression(msgspec.Struct, frozen=True):
    language: str | None = None
    expression: str | None = None
    name: str | None = None


class Period(msgspec.Struct, frozen=True):
    start: str | None = None
    end: str | None = None


class Extension(msgspec.Struct, frozen=True):
    url: str = ""
    valueCode: str | None = None
    valueString: str | None = None
    valueMarkdown: str | None = None
    valueDecimal: float | None = None
    valueBoolean: bool | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueRelatedArtifact: RelatedArtifact | None = None


class RelatedArtifact(msgspec.Struct, frozen=True):
    type: str | None = None
    resource: str | None = None
    display: str | None = None
    extension: list[Extension] | None = None


class PopulationResource(msgspec.Struct, frozen=True):
    id: str | None = None
    extension: list[Extension] | None = None
    code: CodeableConcept | None = None
    description: str | None = None
    criteria: Expression | None = None


class ComponentResource(msgspec.Struct, frozen=True):
    id: str | None = None
    code: CodeableConcept | None = None
    criteria: Expression | None = None


class StratifierResource(msgspec.Struct, frozen=True):
    id: str | None = None
    extension: list[Extension] | None = None
    code: CodeableConcept | None = None
    description: str | None = None
    criteria: Expression | None = None
    component: list[ComponentResource] | None = None


class GroupResource(msgspec.Struct, frozen=True):
    id: str | None = None
    extension: list[Extension] | None = None
    code: CodeableConcept | None = None
    description: str | None = None
    population: list[PopulationResource] | None = None
    stratifier: list[StratifierResource] | None = None


class SupplementalDataResource(msgspec.Struct, frozen=True):
    id: str | None = None
    code: CodeableConcept | None = None
    usage: list[CodeableConcept] | None = None
    description: str | None = None
    criteria: Expression | None = None


class Identifier(msgspec.Struct, frozen=True):
    type: CodeableConcept | None = None
    system: str | None = None
    value: str | None = None


class MeasureResource(msgspec.Struct, frozen=True):
    resourceType: str = ""
    id: str | None = None
    extension: list[Extension] | None = None
    url: str | None = None
    identifier: list[Identifier] | None = None
    version: str | None = None
    name: str | None = None
    title: str | None = None
    status: str | None = None
    subjectCodeableConcept: CodeableConcept | None = None
    effectivePeriod: Period | None = None
    library: list[str] | None = None
    relatedArtifact: list[RelatedArtifact] | None = None
    scoring: CodeableConcept | None = None
    compositeScoring: CodeableConcept | None = None
    improvementNotation: CodeableConcept | None = None
    group: list[GroupResource] | None = None
    supplementalData: list[SupplementalDataResource] | None = None


decode_measure = json_decoder(MeasureResource)
