"""Reading the composites of a Measure resource (Quality Measure IG, "Composite Measures")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecqm.measures.definition.extensions import (
    basis_of,
    code_of,
    extension,
    extensions,
    improvement_notation_of,
    text_of,
)
from ecqm.measures.definition.measure import ComponentMeasure, Composite, CompositeScoring, MeasureError, Scoring
from ecqm.measures.definition.resource import (
    CodeableConcept,
    Extension,
    GroupResource,
    MeasureResource,
    RelatedArtifact,
)


def composites_of(measure: MeasureResource, name: str) -> Iterator[Composite]:
    """The composites of a measure: some of its groups, or the measure as a whole. Raises MeasureError."""
    of_groups = [
        (group, scoring)
        for group in measure.group or ()
        if (scoring := _scoring(group.extension, None, name)) is not None
    ]
    for group, scoring in of_groups:
        artifacts = [each.valueRelatedArtifact for each in extensions(group.extension, "cqfm-component")]
        components = _components([each for each in artifacts if each is not None] or measure.relatedArtifact)
        yield _composite(measure, group, scoring, components)
    whole = _scoring(measure.extension, measure.compositeScoring, name)
    if not of_groups and whole is not None:
        own = next((group for group in measure.group or () if not group.population), GroupResource())
        yield _composite(measure, own, whole, _components(measure.relatedArtifact))
    elif not of_groups and code_of(measure.scoring) == Scoring.COMPOSITE:
        raise MeasureError(f"measure {name}: a composite that does not say how it is scored")


def _scoring(given: Iterable[Extension] | None, element: CodeableConcept | None, name: str) -> CompositeScoring | None:
    code = code_of(element) or text_of(extension(given, "cqfm-compositeScoring"))
    if code is None:
        return None
    try:
        return CompositeScoring(code)
    except ValueError:
        raise MeasureError(f"measure {name}: unknown composite scoring {code!r}") from None


def _composite(
    measure: MeasureResource, group: GroupResource, scoring: CompositeScoring, components: tuple[ComponentMeasure, ...]
) -> Composite:
    return Composite(
        id=group.id or "composite",
        scoring=scoring,
        components=components,
        basis=basis_of(group, measure),
        improvement_notation=improvement_notation_of(group, measure),
    )


def _components(artifacts: Iterable[RelatedArtifact] | None) -> tuple[ComponentMeasure, ...]:
    return tuple(
        ComponentMeasure(
            measure=artifact.resource,
            group_id=text_of(extension(artifact.extension, "cqfm-groupId")),
            weight=weight.valueDecimal if weight and weight.valueDecimal is not None else 1.0,
        )
        for artifact in artifacts or ()
        if artifact.type == "composed-of" and artifact.resource
        for weight in [extension(artifact.extension, "cqfm-weight")]
    )
