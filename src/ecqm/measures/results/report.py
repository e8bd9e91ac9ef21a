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
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from ecqm.kernels.arrays import Mask
from ecqm.measures.definition import Group, Measure, Population, SupplementalData
from ecqm.measures.evaluation.supplements import Supplement, TupleSupplement
from ecqm.measures.results.fhir_elements import Json, concept
from ecqm.measures.results.report_groups import (
    NOTATION_SYSTEM,
    composite_of_report,
    group_of_report,
    notations,
    with_notations,
)
from ecqm.measures.results.report_observations import code_of_value, counted_observation, observation, with_observations
from ecqm.measures.scoring.composite import CompositeResult, CompositeScores
from ecqm.measures.scoring.groups import GroupResult
from ecqm.measures.scoring.tally import GroupTally


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
    groups = [*map(group_of_report, tallies), *(composite_of_report(*each) for each in scores)]
    report["group"] = with_notations(reporting.measure, groups)
    observations = []
    for supplement in reporting.measure.supplemental_data:
        for code, count in supplements.get(supplement.id, {}).items():
            observations.append(counted_observation(reporting.measure, supplement, json.loads(code), count))
    return with_observations(report, observations)


def tallied_supplements(reporting: Reporting, failed: Mask) -> dict[str, Counter[str]]:
    """By id of the supplemental data, how often each value occurs among the patients that have a report of their own;
    values are JSON of `Observation.code`. Tuples are not counted: they tell of single encounters and results."""
    return {
        name: Counter(
            code_of_value(value)
            for patient, of_one in enumerate(values)
            if not failed[patient]
            for value in of_one
            if not isinstance(value, TupleSupplement)
        )
        for name, values in reporting.supplements.items()
    }


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
        group = group_of_report(tally)
        for number, entry in enumerate(group["population"], 1):
            list_id = f"members-{position}-{number}"
            lists.append({"resourceType": "List", "id": list_id, "status": "current", "mode": "snapshot"})
            entry["subjectResults"] = {"reference": f"#{list_id}"}
        groups.append(group)
    return report | {"group": with_notations(reporting.measure, groups), "contained": lists}


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
            own = [composite_of_report(each.composite, each.score_of(patient)) for each in composites]
            groups = [group_of_report(result.of_patient(patient).tally()) for result in results] + own
            report["group"] = with_notations(reporting.measure, groups)
            observations = [
                observation(reporting.measure, supplement, value)
                for supplement in reporting.measure.supplemental_data
                for value in _of_patient(reporting, supplement, patient)
            ]
            yield with_observations(report, observations)


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
    stated = set(notations(reporting.measure))
    if len(stated) == 1 and (notation := stated.pop()) is not None:
        report["improvementNotation"] = concept(NOTATION_SYSTEM, notation)
    return report


def _members(reporting: Reporting, result: GroupResult, population: Population) -> list[str]:
    if _lists_patients(result.group, reporting):
        rows = np.flatnonzero(result.counts(population.id))
        return [f"Patient/{reporting.patient_ids[row]}" for row in rows.tolist()]
    assert reporting.episode_reference is not None
    keys = result.episodes(population.id).key.tolist()
    return [reporting.episode_reference(result.group.basis, key) for key in keys]


def _lists_patients(group: Group, reporting: Reporting) -> bool:
    return group.patient_based or reporting.episode_reference is None
