"""The groups of MeasureReports: populations, scores, strata, and improvement notations."""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.measures.definition import Composite, Group, Measure, Population, PopulationCode, Stratifier
from ecqm.measures.results.fhir_elements import Json, concept, unit_of_quantity
from ecqm.measures.scoring.tally import GroupTally, StratifierTally, Tally

POPULATION_SYSTEM = "http://terminology.hl7.org/CodeSystem/measure-population"
NOTATION_SYSTEM = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
GROUP_NOTATION = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-groupImprovementNotation"


def group_of_report(tally: GroupTally) -> Json:
    """A group with its populations, score and strata."""
    group: Json = {"id": tally.group.id, "population": _populations(tally.group.criteria, tally.overall)}
    if tally.group.code:
        group["code"] = {"text": tally.group.code}
    _add_score(group, tally.group, tally.overall)
    stratifiers = [_stratifier(tally.group, stratifier) for stratifier in tally.stratifiers]
    if stratifiers:
        group["stratifier"] = stratifiers
    return group


def composite_of_report(composite: Composite, score: float | None) -> Json:
    """A composite has a score, but no populations."""
    return {"id": composite.id, **({} if score is None else {"measureScore": {"value": score}})}


def _populations(populations: Sequence[Population], tally: Tally) -> list[Json]:
    return [
        {
            "id": population.id,
            "code": concept(POPULATION_SYSTEM, population.code.value),
            "count": tally.members[population.id],
        }
        for population in populations
    ]


def _add_score(target: Json, group: Group, tally: Tally) -> None:
    score = tally.score(group)
    if score is not None:
        unit = tally.score_unit(group)
        target["measureScore"] = {"value": score, **({} if unit is None else unit_of_quantity(unit))}


def _stratifier(group: Group, tallies: StratifierTally) -> Json:
    stratifier = tallies.stratifier
    entry: Json = {"id": stratifier.id, "code": [{"text": stratifier.code or stratifier.id}]}
    strata = [_stratum(group, stratifier, values, tally) for values, tally in tallies.strata.items()]
    if strata:
        entry["stratum"] = strata
    return entry


def _stratum(group: Group, stratifier: Stratifier, values: Sequence[str], tally: Tally) -> Json:
    counted = [population for population in group.criteria if stratifier.counts(population)]
    entry: Json = {"population": _populations(counted, tally)}
    components = stratifier.components
    if len(components) == 1:
        entry["value"] = {"text": values[0]}
    else:
        entry["component"] = [
            {"code": {"text": component.code or component.expression}, "value": {"text": value}}
            for component, value in zip(components, values, strict=True)
        ]
    if {PopulationCode.DENOMINATOR, PopulationCode.MEASURE_POPULATION} & {p.code for p in counted}:
        _add_score(entry, group, tally)
    return entry


def notations(measure: Measure) -> list[str | None]:
    """The improvement notations of all groups and composites."""
    of_groups = [group.improvement_notation for group in measure.groups]
    return of_groups + [composite.improvement_notation for composite in measure.composites]


def with_notations(measure: Measure, groups: Sequence[Json]) -> list[Json]:
    """The groups of a report, with their improvement notations if these differ.

    DEQM, extension-groupImprovementNotation: it is stated of the report, or of all groups.
    """
    known = notations(measure)
    stated = [notation for notation in known if notation is not None]
    if len(stated) < len(known) or len(set(stated)) < 2:
        return list(groups)
    return [
        group | {"extension": [{"url": GROUP_NOTATION, "valueCodeableConcept": concept(NOTATION_SYSTEM, notation)}]}
        # Lists of subjects are without the composites, which come last.
        for group, notation in zip(groups, stated, strict=False)
    ]
