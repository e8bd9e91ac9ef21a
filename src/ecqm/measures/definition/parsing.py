"""Reading a measure from its FHIR R4 Measure resource.

The extensions of the Quality Measure IG (cqfmeasures) put scoring, population basis and improvement notation on the
group; where a group says nothing, the measure's own elements count. What a resource leaves unclear is decided here and
listed in `Measure.problems`; what makes it unusable raises `MeasureError`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from ecqm.measures.definition import (
    PATIENT_BASIS,
    SUPPLEMENTAL_DATA,
    Aggregate,
    ComponentMeasure,
    Composite,
    CompositeScoring,
    Group,
    Identifiers,
    Measure,
    MeasureError,
    Population,
    PopulationCode,
    Scoring,
    Stratifier,
    StratifierComponent,
    SupplementalData,
)
from ecqm.measures.definition.resource import (
    CodeableConcept,
    ComponentResource,
    Expression,
    Extension,
    GroupResource,
    MeasureResource,
    PopulationResource,
    RelatedArtifact,
    StratifierResource,
    SupplementalDataResource,
    decode_measure,
)

# The codes of CQL as FHIR R4, CQFM and R5's value set of expression languages have them.
_CQL = frozenset(("text/cql", "text/cql-expression", "text/cql.expression"))
_AGGREGATES = {
    **{method.value: method for method in Aggregate},
    "avg": Aggregate.AVERAGE,
    "mean": Aggregate.AVERAGE,
    "min": Aggregate.MINIMUM,
    "max": Aggregate.MAXIMUM,
}


def parse_measure(data: bytes) -> Measure:
    """The measure in a FHIR Measure resource (JSON); `MeasureError` if it is none or cannot be evaluated."""
    try:
        resource = decode_measure(data)
    except msgspec.DecodeError as error:
        raise MeasureError(f"not a readable Measure resource: {error}") from error
    if resource.resourceType != "Measure":
        raise MeasureError(f"a {resource.resourceType or 'nameless'} resource where a Measure was expected")
    name = resource.name or resource.id
    if not name:
        raise MeasureError("a Measure with neither name nor id")
    problems: list[str] = []
    numbered = list(enumerate(resource.group or (), 1))
    composites = tuple(_composites(resource, name))
    groups = tuple(
        _group(group, position, resource, name, problems)
        for position, group in numbered
        if group.population or not composites
    )
    if not groups and not composites:
        raise MeasureError(f"measure {name} has no group")
    period = resource.effectivePeriod
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
        short_names=tuple(
            i.value
            for i in resource.identifier or ()
            if i.value and (i.system or "").endswith(("/shortName", "/cmsId"))
        ),
        composites=composites,
        problems=tuple(problems),
        identifiers=_identifiers(resource),
        in_cql=frozenset(each.expression for each in _criteria(resource) if each.expression and each.language in _CQL),
    )


def _criteria(resource: MeasureResource) -> Iterator[Expression]:
    """Everything that names or is an expression."""
    parts: list[PopulationResource | StratifierResource | ComponentResource | SupplementalDataResource] = []
    for group in resource.group or ():
        parts += group.population or ()
        for stratifier in group.stratifier or ():
            parts += [stratifier, *(stratifier.component or ())]
    parts += resource.supplementalData or ()
    return (part.criteria for part in parts if part.criteria is not None)


def _identifiers(resource: MeasureResource) -> Identifiers:
    """By their types in CRMI's artifact-identifier-type; that of the publisher is CMS's in the system of CMS."""

    def value(kind: str, system: str = "") -> str | None:
        found = (each for each in resource.identifier or () if _code(each.type) == kind and each.value)
        return next((each.value for each in found if (each.system or "").endswith(system)), None)

    def uuid(kind: str) -> str | None:
        return (value(kind) or "").removeprefix("urn:uuid:") or None

    return Identifiers(uuid("version-specific"), uuid("version-independent"), value("publisher", "/cmsId"))


def _extension(extensions: Iterable[Extension] | None, name: str) -> Extension | None:
    return next(_extensions(extensions, name), None)


def _extensions(extensions: Iterable[Extension] | None, name: str) -> Iterator[Extension]:
    """Extensions by their name in the US Quality Measure IG, `cqfm-…`: its base changed between versions, the
    international guide names the same `cqm-…`, and FHIR itself `cqf-…` what it took over."""
    same = {name, name.replace("cqfm-", "cqm-", 1), name.replace("cqfm-", "cqf-", 1)}
    return (extension for extension in extensions or () if extension.url.rsplit("/", 1)[-1] in same)


def _text(extension: Extension | None) -> str | None:
    if extension is None:
        return None
    return (
        extension.valueCode or extension.valueString or extension.valueMarkdown or _code(extension.valueCodeableConcept)
    )


def _code(concept: CodeableConcept | None) -> str | None:
    for coding in (concept.coding if concept else None) or ():
        if coding.code:
            return coding.code
    return None


def _label(concept: CodeableConcept | None) -> str | None:
    return (concept.text if concept else None) or _code(concept)


def _group(resource: GroupResource, position: int, measure: MeasureResource, name: str, problems: list[str]) -> Group:
    group_id = resource.id or f"Group_{position}"
    where = f"measure {name}, group {group_id}"
    scoring_code = _text(_extension(resource.extension, "cqfm-scoring")) or _code(measure.scoring)
    try:
        scoring = Scoring((scoring_code or "").lower())
    except ValueError:
        raise MeasureError(f"{where}: unknown scoring {scoring_code!r}") from None
    basis = _text(_extension(resource.extension, "cqfm-populationBasis"))
    if basis is None:
        basis = _text(_extension(measure.extension, "cqfm-populationBasis")) or PATIENT_BASIS
    read = [_population(p, n, where) for n, p in enumerate(resource.population or (), 1)]
    populations = tuple(population for population in read if population is not None)
    if not any(p.code is PopulationCode.INITIAL_POPULATION for p in populations):
        raise MeasureError(f"{where}: no initial population")
    notation = _extension(resource.extension, "cqfm-improvementNotation")
    return Group(
        id=group_id,
        scoring=scoring,
        basis=basis.rsplit("/", 1)[-1],
        populations=_references_resolved(populations, scoring, where, problems),
        stratifiers=tuple(_stratifier(s, group_id, n) for n, s in enumerate(resource.stratifier or (), 1)),
        improvement_notation=_text(notation) or _code(measure.improvementNotation),
        code=_label(resource.code),
        description=resource.description,
    )


def _population(resource: PopulationResource, position: int, where: str) -> Population | None:
    code = _code(resource.code)
    try:
        known = PopulationCode(code or "")
    except ValueError:
        raise MeasureError(f"{where}: unknown population code {code!r}") from None
    expression = resource.criteria.expression if resource.criteria else None
    if not expression:
        # Authoring tools leave optional populations in the resource without a criterion.
        return None
    method = _text(_extension(resource.extension, "cqfm-aggregateMethod"))
    aggregate = _AGGREGATES.get(method.lower()) if method else None
    if method and aggregate is None:
        raise MeasureError(f"{where}: unknown aggregate method {method!r}")
    return Population(
        code=known,
        id=resource.id or f"{known.value}-{position}",
        expression=expression,
        criteria_reference=_text(_extension(resource.extension, "cqfm-criteriaReference")),
        aggregate=aggregate,
        description=resource.description,
    )


def _references_resolved(
    populations: tuple[Population, ...], scoring: Scoring, where: str, problems: list[str]
) -> tuple[Population, ...]:
    """Every observation with the id of a population of its group, every id in the group used once.

    An observation whose reference is missing or dangling observes the measure population; in a ratio, the
    denominator if it is the first and the numerator if it is the second, which is the order authoring tools keep.
    """
    ids = {population.id for population in populations}
    if len(ids) != len(populations):
        raise MeasureError(f"{where}: two populations have one id")
    observed = (
        (PopulationCode.DENOMINATOR, PopulationCode.NUMERATOR)
        if scoring is Scoring.RATIO
        else (PopulationCode.MEASURE_POPULATION,) * 2
    )
    resolved: list[Population] = []
    seen = 0
    for population in populations:
        reference = _referred(population.criteria_reference, populations)
        if population.code is PopulationCode.MEASURE_OBSERVATION:
            seen += 1
            if reference not in ids:
                targets = [p for p in populations if p.code is observed[min(seen, 2) - 1]]
                if not targets:
                    raise MeasureError(
                        f"{where}: observation {population.id} observes {reference!r}, which is not there"
                    )
                if reference is not None:
                    problems.append(
                        f"{where}: observation {population.id} refers to {reference!r}, which is no population; "
                        f"taken as {targets[0].id}"
                    )
                reference = targets[0].id
        elif reference is not None and reference not in ids:
            problems.append(f"{where}: {population.id} refers to {reference!r}, which is no population")
            reference = None
        resolved.append(replace(population, criteria_reference=reference))
    return tuple(resolved)


def _referred(reference: str | None, populations: tuple[Population, ...]) -> str | None:
    """The id of the population that has that id, or alone that code, criterion or description."""
    if reference is None or any(population.id == reference for population in populations):
        return reference
    called = [p.id for p in populations if reference in (p.code.value, p.expression, p.description)]
    return called[0] if len(called) == 1 else reference


def _stratifier(resource: StratifierResource, group_id: str, position: int) -> Stratifier:
    stratifier_id = resource.id or f"{group_id}-stratifier-{position}"
    applies = frozenset(
        code for extension in _extensions(resource.extension, "cqfm-appliesTo") if (code := _text(extension))
    )
    parts: Sequence[StratifierComponent]
    if resource.criteria and resource.criteria.expression:
        parts = [StratifierComponent(stratifier_id, resource.criteria.expression, _label(resource.code))]
    else:
        parts = [
            StratifierComponent(c.id or f"{stratifier_id}-{n}", c.criteria.expression, _label(c.code))
            for n, c in enumerate(resource.component or (), 1)
            if c.criteria and c.criteria.expression
        ]
    return Stratifier(stratifier_id, tuple(parts), applies, _label(resource.code), resource.description)


def _supplemental_data(measure: MeasureResource) -> tuple[SupplementalData, ...]:
    return tuple(
        SupplementalData(
            id=supplement.id or f"supplemental-data-{position}",
            expression=supplement.criteria.expression,
            usage=frozenset(code for usage in supplement.usage or () if (code := _code(usage)))
            or frozenset({SUPPLEMENTAL_DATA}),
            description=supplement.description,
        )
        for position, supplement in enumerate(measure.supplementalData or (), 1)
        if supplement.criteria and supplement.criteria.expression
    )


def _composites(measure: MeasureResource, name: str) -> Iterator[Composite]:
    """The composites of a measure: it is one itself, or some of its groups are, or it is none."""
    of_groups = [
        (group, method)
        for group in measure.group or ()
        if (method := _composite_scoring(group.extension, None, name)) is not None
    ]
    for group, method in of_groups:
        artifacts = [e.valueRelatedArtifact for e in _extensions(group.extension, "cqfm-component")]
        components = _components([a for a in artifacts if a is not None] or measure.relatedArtifact)
        yield _composite(measure, group, method, components)
    whole = _composite_scoring(measure.extension, measure.compositeScoring, name)
    if not of_groups and whole is not None:
        own = next((group for group in measure.group or () if not group.population), GroupResource())
        yield _composite(measure, own, whole, _components(measure.relatedArtifact))
    elif not of_groups and _code(measure.scoring) == Scoring.COMPOSITE:
        raise MeasureError(f"measure {name}: a composite that does not say how it is scored")


def _composite_scoring(
    extensions: Iterable[Extension] | None, element: CodeableConcept | None, name: str
) -> CompositeScoring | None:
    code = _code(element) or _text(_extension(extensions, "cqfm-compositeScoring"))
    if code is None:
        return None
    try:
        return CompositeScoring(code)
    except ValueError:
        raise MeasureError(f"measure {name}: unknown composite scoring {code!r}") from None


def _composite(
    measure: MeasureResource, group: GroupResource, method: CompositeScoring, components: tuple[ComponentMeasure, ...]
) -> Composite:
    basis = _extension(group.extension, "cqfm-populationBasis") or _extension(measure.extension, "cqfm-populationBasis")
    notation = _text(_extension(group.extension, "cqfm-improvementNotation")) or _code(measure.improvementNotation)
    return Composite(
        id=group.id or "composite",
        scoring=method,
        components=components,
        basis=(_text(basis) or PATIENT_BASIS).rsplit("/", 1)[-1],
        improvement_notation=notation,
    )


def _components(artifacts: Iterable[RelatedArtifact] | None) -> tuple[ComponentMeasure, ...]:
    return tuple(
        ComponentMeasure(
            measure=artifact.resource,
            group_id=_text(_extension(artifact.extension, "cqfm-groupId")),
            weight=weight.valueDecimal if weight and weight.valueDecimal is not None else 1.0,
        )
        for artifact in artifacts or ()
        if artifact.type == "composed-of" and artifact.resource
        for weight in [_extension(artifact.extension, "cqfm-weight")]
    )
