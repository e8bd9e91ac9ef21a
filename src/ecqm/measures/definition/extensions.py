"""Extensions of the Quality Measure IG, and the codes in them and in other elements of a Measure resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecqm.measures.definition.measure import PATIENT_BASIS
from ecqm.measures.definition.resource import CodeableConcept, Extension, GroupResource, MeasureResource


def extensions(given: Iterable[Extension] | None, name: str) -> Iterator[Extension]:
    """The extensions of a name of the US Quality Measure IG, `cqfm-…`, whatever the base of their URLs.

    The base changed between versions; the international guide names the same extensions `cqm-…`, and FHIR itself
    `cqf-…` those that it took over.
    """
    same = {name, name.replace("cqfm-", "cqm-", 1), name.replace("cqfm-", "cqf-", 1)}
    return (extension for extension in given or () if extension.url.rsplit("/", 1)[-1] in same)


def extension(given: Iterable[Extension] | None, name: str) -> Extension | None:
    """The first extension of a name."""
    return next(extensions(given, name), None)


def text_of(extension: Extension | None) -> str | None:
    """The value of an extension that has a code or a text."""
    if extension is None:
        return None
    written = extension.valueCode or extension.valueString or extension.valueMarkdown
    return written or code_of(extension.valueCodeableConcept)


def code_of(concept: CodeableConcept | None) -> str | None:
    """The first code of a concept; without one, its display name or text in the form of a code: `initial-population`
    for Initial Population."""
    if concept is None:
        return None
    codings = concept.coding or ()
    if code := next((coding.code for coding in codings if coding.code), None):
        return code
    name = next((coding.display for coding in codings if coding.display), concept.text)
    return "-".join(name.lower().split()) if name else None


def label_of(concept: CodeableConcept | None) -> str | None:
    """The text of a concept, otherwise its code."""
    return (concept.text if concept else None) or code_of(concept)


def basis_of(group: GroupResource, measure: MeasureResource) -> str:
    """The population basis of a group or of its measure: `boolean`, or a type without the URL of its model."""
    own = text_of(extension(group.extension, "cqfm-populationBasis"))
    basis = own or text_of(extension(measure.extension, "cqfm-populationBasis")) or PATIENT_BASIS
    return basis.rsplit("/", 1)[-1]


def improvement_notation_of(group: GroupResource, measure: MeasureResource) -> str | None:
    """Whether a higher or a lower score is better (`increase`, `decrease`), for a group or for all of the measure."""
    own = text_of(extension(group.extension, "cqfm-improvementNotation"))
    return own or code_of(measure.improvementNotation)
