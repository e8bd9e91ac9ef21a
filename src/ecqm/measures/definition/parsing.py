"""Reading a measure from its FHIR R4 Measure resource.

The extensions of the Quality Measure IG (cqfmeasures) put scoring, population basis and improvement notation on the
group; where a group does not have them, the measure's own elements count. What a resource leaves unclear is decided
here and listed in `Measure.problems`; what makes it unusable raises `MeasureError`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ecqm.measures.definition.composite_parsing import composites_of
from ecqm.measures.definition.extensions import code_of
from ecqm.measures.definition.group_parsing import GroupParser
from ecqm.measures.definition.measure import SUPPLEMENTAL_DATA, Identifiers, Measure, MeasureError, SupplementalData
from ecqm.measures.definition.resource import (
    ComponentResource,
    Expression,
    MeasureResource,
    PopulationResource,
    StratifierResource,
    SupplementalDataResource,
    decode_measure,
)

# The codes of CQL as FHIR R4, CQFM and R5's value set of expression languages have them.
_CQL = frozenset(("text/cql", "text/cql-expression", "text/cql.expression"))
# Suffixes of the systems of identifiers that serve as short names.
_SHORT_NAMES = ("/shortName", "/cmsId")


def parse_measure(data: bytes) -> Measure:
    """The measure in a FHIR Measure resource (JSON). Raises MeasureError if it is none or cannot be evaluated."""
    resource, name = _resource(data)
    composites = tuple(composites_of(resource, name))
    parser = GroupParser(resource, name)
    groups = tuple(
        parser.group(group, position)
        for position, group in enumerate(resource.group or (), 1)
        if group.population or not composites
    )
    if len({group.id for group in groups}) != len(groups):
        raise MeasureError(f"measure {name}: two groups have one id")
    if not groups and not composites:
        raise MeasureError(f"measure {name} has no group")
    period = resource.effectivePeriod
    identifiers = resource.identifier or ()
    return Measure(
        name=name,
        url=resource.url or name,
        version=resource.version,
        id=resource.id or name,
        title=resource.title,
        library=resource.library[0] if resource.library else None,
        groups=groups,
        supplemental_data=_supplemental_data(resource),
        period=(period.start, period.end) if period else (None, None),
        short_names=tuple(i.value for i in identifiers if i.value and (i.system or "").endswith(_SHORT_NAMES)),
        composites=composites,
        problems=tuple(parser.problems),
        identifiers=_identifiers(resource),
        in_cql=frozenset(each.expression for each in _criteria(resource) if each.expression and each.language in _CQL),
    )


def _resource(data: bytes) -> tuple[MeasureResource, str]:
    """A Measure resource about patients, and its name. Raises MeasureError."""
    try:
        resource = decode_measure(data)
    except msgspec.DecodeError as error:
        raise MeasureError(f"not a readable Measure resource: {error}") from error
    if resource.resourceType != "Measure":
        raise MeasureError(f"a {resource.resourceType or 'nameless'} resource where a Measure was expected")
    name = resource.name or resource.id
    if not name:
        raise MeasureError("a Measure with neither name nor id")
    subject = code_of(resource.subjectCodeableConcept)
    if subject not in (None, "Patient"):
        raise MeasureError(f"measure {name} is about {subject}; only measures about patients can be evaluated")
    return resource, name


def _criteria(resource: MeasureResource) -> Iterator[Expression]:
    """All criteria, whether they name a definition or are expressions."""
    parts: list[PopulationResource | StratifierResource | ComponentResource | SupplementalDataResource] = []
    for group in resource.group or ():
        parts += group.population or ()
        for stratifier in group.stratifier or ():
            parts += [stratifier, *(stratifier.component or ())]
    parts += resource.supplementalData or ()
    return (part.criteria for part in parts if part.criteria is not None)


def _identifiers(resource: MeasureResource) -> Identifiers:
    """Identifiers by their type in CRMI's artifact-identifier-type; the publisher's is that of CMS if it is in CMS's
    system."""

    def value(kind: str, system: str = "") -> str | None:
        found = (each for each in resource.identifier or () if code_of(each.type) == kind and each.value)
        return next((each.value for each in found if (each.system or "").endswith(system)), None)

    def uuid(kind: str) -> str | None:
        return (value(kind) or "").removeprefix("urn:uuid:") or None

    return Identifiers(uuid("version-specific"), uuid("version-independent"), value("publisher", "/cmsId"))


def _supplemental_data(measure: MeasureResource) -> tuple[SupplementalData, ...]:
    return tuple(
        SupplementalData(
            id=supplement.id or f"supplemental-data-{position}",
            expression=supplement.criteria.expression,
            usage=frozenset(code for usage in supplement.usage or () if (code := code_of(usage)))
            or frozenset({SUPPLEMENTAL_DATA}),
            description=supplement.description,
        )
        for position, supplement in enumerate(measure.supplementalData or (), 1)
        if supplement.criteria and supplement.criteria.expression
    )
