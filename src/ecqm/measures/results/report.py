"""Results as FHIR R4 MeasureReports: individual, subject-list and summary.

Reports are plain dictionaries in the shape of the resource, to be written as JSON. Supplemental data and
risk-adjustment variables are contained Observations with a cqf-measureInfo extension, referred to as evaluated
resources (FHIR R4, "Quality Reporting", supplemental data).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Composite, Group, Measure, Population, PopulationCode, Stratifier, SupplementalData
from ecqm.measures.evaluation.supplements import SingleSupplement, Supplement, TupleSupplement
from ecqm.measures.scoring.composite import CompositeResult, CompositeScores
from ecqm.measures.scoring.groups import GroupResult
from ecqm.measures.scoring.tally import GroupTally, StratifierTally, Tally
from ecqm.values import Code, DateTime, Quantity
from ecqm.values.temporal import SECOND
from ecqm.values.text import iso_text, to_cql
from ecqm.values.units import ucum_code

POPULATION_SYSTEM = "http://terminology.hl7.org/CodeSystem/measure-population"
NOTATION_SYSTEM = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
UCUM = "http://unitsofmeasure.org"
GROUP_NOTATION = "http://hl7.org/fhir/us/davinci-deqm/StructureDefinition/extension-groupImprovementNotation"
USAGE_SYSTEM = "http://terminology.hl7.org/CodeSystem/measure-data-usage"
MEASURE_INFO = "http://hl7.org/fhir/StructureDefinition/cqf-measureInfo"

Json = dict[str, Any]


@dataclass(frozen=True)
class Reporting:
    """What all reports of a run have in common.

    `patient_ids` in the order of the batch; `period` and `date` as FHIR writes them. `supplements` holds, by id
    of the supplemental data, the values of each patient. `episode_reference` turns an episode, by the basis and its
    key, into a reference (`Encounter/1`) for subject lists; without it those of episode-based groups list patients.
    """

    measure: Measure
    period: tuple[str, str]
    patient_ids: Sequence[str]
    date: str | None = None
    reporter: str | None = None
    supplements: Mapping[str, Sequence[Sequence[Supplement]]] = field(default_factory=dict)
    episode_reference: Callable[[str, int], str] | None = None


def report_of_tallies(
    reporting: Reporting,
    tallies: Sequence[GroupTally],
    supplements: Mapping[str, Mapping[str, int]],
    scores: CompositeScores = (),
) -> Json:
    """A summary report of tallies; `supplements` as returned by `tallied_supplements`, `scores` those of composites."""
    report = _head(reporting, "summary")
    groups = [*map(_group, tallies), *(_composite(*each) for each in scores)]
    report["group"] = _with_notations(reporting.measure, groups)
    observations = []
    for supplement in reporting.measure.supplemental_data:
        for code, count in supplements.get(supplement.id, {}).items():
            observations.append(_tally(reporting.measure, supplement, json.loads(code), count))
    return _with_observations(report, observations)


def tallied_supplements(reporting: Reporting, failed: Mask) -> dict[str, Counter[str]]:
    """By id of the supplemental data, how often each value occurs among the patients that have a report of their own;
    values are JSON of `Observation.code`. Tuples are not counted: they tell of single encounters and results."""
    return {
        name: Counter(
            json.dumps({"coding": [_coding(value)]} if isinstance(value, Code) else {"text": _text(value)})
            for patient, of_one in enumerate(values)
            if not failed[patient]
            for value in of_one
            if not isinstance(value, TupleSupplement)
        )
        for name, values in reporting.supplements.items()
    }


def _text(value: SingleSupplement) -> str:
    if isinstance(value, (Quantity, DateTime)):
        return to_cql(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def members_of_populations(reporting: Reporting, results: Sequence[GroupResult]) -> dict[str, list[list[str]]]:
    """By group, references to the members of every population: episodes if they have names, otherwise patients."""
    return {
        result.group.id: [_members(reporting, result, population) for population in result.group.criteria]
        for result in results
    }


def subject_list_report(reporting: Reporting, tallies: Sequence[GroupTally]) -> Json:
    """A subject-list report of tallies. It contains an empty List for each population, to be filled (`entry`) in the
    order of `members_of_populations`."""
    report = _head(reporting, "subject-list")
    lists: list[Json] = []
    groups = []
    for position, tally in enumerate(tallies, 1):
        group = _group(tally)
        for number, entry in enumerate(group["population"], 1):
            list_id = f"members-{position}-{number}"
            lists.append({"resourceType": "List", "id": list_id, "status": "current", "mode": "snapshot"})
            entry["subjectResults"] = {"reference": f"#{list_id}"}
        groups.append(group)
    return report | {"group": _with_notations(reporting.measure, groups), "contained": lists}


def bundle_entry(report: Json) -> Json:
    """A report as an entry of a Bundle; its URL is derived from its content."""
    return {"fullUrl": f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(report, sort_keys=True))}", "resource": report}


def individual_reports(
    reporting: Reporting,
    results: Sequence[GroupResult],
    failed: Mask | None = None,
    composites: Sequence[CompositeResult] = (),
) -> Iterator[Json]:
    """One report per patient, except for patients whose evaluation failed."""
    for patient, patient_id in enumerate(reporting.patient_ids):
        if failed is None or not failed[patient]:
            report = _head(reporting, "individual")
            report["subject"] = {"reference": f"Patient/{patient_id}"}
            own = [_composite(each.composite, each.score_of(patient)) for each in composites]
            groups = [_group(result.of_patient(patient).tally()) for result in results] + own
            report["group"] = _with_notations(reporting.measure, groups)
            observations = [
                _observation(reporting.measure, supplement, value)
                for supplement in reporting.measure.supplemental_data
                for value in _of_patient(reporting, supplement, patient)
            ]
            yield _with_observations(report, observations)


def _of_patient(reporting: Reporting, supplement: SupplementalData, patient: int) -> Sequence[Supplement]:
    values = reporting.supplements.get(supplement.id)
    return values[patient] if values is not None else ()


def _head(reporting: Reporting, kind: str) -> Json:
    report: Json = {
        "resourceType": "MeasureReport",
        "status": "complete",
        "type": kind,
        "measure": reporting.measure.canonical,
        "period": {"start": reporting.period[0], "end": reporting.period[1]},
    }
    if reporting.date is not None:
        report["date"] = reporting.date
    if reporting.reporter is not None:
        report["reporter"] = {"reference": reporting.reporter}
    notations = set(_notations(reporting.measure))
    if len(notations) == 1 and (notation := notations.pop()) is not None:
        report["improvementNotation"] = _concept(NOTATION_SYSTEM, notation)
    return report


def _notations(measure: Measure) -> list[str | None]:
    """The improvement notations of all groups and composites."""
    of_groups = [group.improvement_notation for group in measure.groups]
    return of_groups + [composite.improvement_notation for composite in measure.composites]


def _with_notations(measure: Measure, groups: Sequence[Json]) -> list[Json]:
    """The groups of a report, with their improvement notations if these differ.

    DEQM, extension-groupImprovementNotation: it is stated of the report, or of all groups.
    """
    notations = _notations(measure)
    stated = [notation for notation in notations if notation is not None]
    if len(stated) < len(notations) or len(set(stated)) < 2:
        return list(groups)
    return [
        group | {"extension": [{"url": GROUP_NOTATION, "valueCodeableConcept": _concept(NOTATION_SYSTEM, notation)}]}
        # Lists of subjects are without the composites, which come last.
        for group, notation in zip(groups, stated, strict=False)
    ]


def _concept(system: str, code: str) -> Json:
    return {"coding": [{"system": system, "code": code}]}


def _group(tally: GroupTally) -> Json:
    group: Json = {"id": tally.group.id, "population": _populations(tally.group.criteria, tally.overall)}
    if tally.group.code:
        group["code"] = {"text": tally.group.code}
    _add_score(group, tally.group, tally.overall)
    stratifiers = [_stratifier(tally.group, stratifier) for stratifier in tally.stratifiers]
    if stratifiers:
        group["stratifier"] = stratifiers
    return group


def _composite(composite: Composite, score: float | None) -> Json:
    """A composite has a score, but no populations."""
    return {"id": composite.id, **({} if score is None else {"measureScore": {"value": score}})}


def _populations(populations: Sequence[Population], tally: Tally) -> list[Json]:
    return [
        {
            "id": population.id,
            "code": _concept(POPULATION_SYSTEM, population.code.value),
            "count": tally.members[population.id],
        }
        for population in populations
    ]


def _add_score(target: Json, group: Group, tally: Tally) -> None:
    score = tally.score(group)
    if score is not None:
        unit = tally.score_unit(group)
        target["measureScore"] = {"value": score, **({} if unit is None else _unit(unit))}


def _unit(unit: str) -> Json:
    """The elements of a Quantity for a unit: with its code, if it is UCUM's or a calendar duration that has one."""
    code = ucum_code(unit)
    return {"unit": unit, **({} if code is None else {"system": UCUM, "code": code})}


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


def _members(reporting: Reporting, result: GroupResult, population: Population) -> list[str]:
    if _lists_patients(result.group, reporting):
        rows = np.flatnonzero(result.counts(population.id))
        return [f"Patient/{reporting.patient_ids[row]}" for row in rows.tolist()]
    assert reporting.episode_reference is not None
    keys = result.episodes(population.id).key.tolist()
    return [reporting.episode_reference(result.group.basis, key) for key in keys]


def _lists_patients(group: Group, reporting: Reporting) -> bool:
    return group.patient_based or reporting.episode_reference is None


def _with_observations(report: Json, observations: Sequence[Json]) -> Json:
    if not observations:
        return report
    numbered = [observation | {"id": f"supplement-{n}"} for n, observation in enumerate(observations, 1)]
    references = [{"reference": f"#{observation['id']}"} for observation in numbered]
    return report | {"contained": numbered, "evaluatedResource": references}


def _measure_info(measure: Measure, supplement: SupplementalData) -> list[Json]:
    parts = [
        {"url": "measure", "valueCanonical": measure.canonical},
        {"url": "populationId", "valueString": supplement.id},
    ]
    return [{"url": MEASURE_INFO, "extension": parts}]


def _observation(measure: Measure, supplement: SupplementalData, value: Supplement) -> Json:
    """One value of one patient."""
    observation: Json = {
        "resourceType": "Observation",
        "extension": _measure_info(measure, supplement),
        "status": "final",
        "code": {"coding": _usage(supplement), "text": supplement.expression},
    }
    if isinstance(value, TupleSupplement):
        components = [{"code": {"text": name}} | _value(element) for name, element in value.elements]
        return observation | {"component": components}
    return observation | _value(value)


def _value(value: SingleSupplement) -> Json:
    """The element `value[x]` of an Observation or its component."""
    if isinstance(value, Code):
        return {"valueCodeableConcept": {"coding": [_coding(value)]}}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": int(value)}
    if isinstance(value, Decimal):
        return {"valueQuantity": {"value": float(value)}}
    if isinstance(value, Quantity):
        unit = {} if value.unit == "1" else _unit(value.unit)
        return {"valueQuantity": {"value": float(value.value), **unit}}
    if isinstance(value, DateTime):
        return _time(value)
    return {"valueString": value}


def _time(value: DateTime) -> Json:
    """FHIR R4, dateTime: a time of day has seconds and an offset."""
    text = iso_text(value)
    is_complete = "T" not in text or (value.rank >= SECOND and value.offset is not None)
    return {"valueDateTime" if is_complete else "valueString": text}


def _tally(measure: Measure, supplement: SupplementalData, code: Json, count: int) -> Json:
    """How many patients have one value."""
    return {
        "resourceType": "Observation",
        "extension": _measure_info(measure, supplement),
        "status": "final",
        "code": code,
        "valueInteger": count,
    }


def _usage(supplement: SupplementalData) -> list[Json]:
    return [{"system": USAGE_SYSTEM, "code": usage} for usage in sorted(supplement.usage)]


def _coding(code: Code) -> Json:
    parts = {"system": code.system, "version": code.version, "code": code.code, "display": code.display}
    return {name: part for name, part in parts.items() if part is not None}
