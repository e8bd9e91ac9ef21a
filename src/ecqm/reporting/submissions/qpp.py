"""Submissions to the Quality Payment Program as JSON (https://cmsgov.github.io/qpp-submissions-docs).

A measure is a performance rate over its eligible population, the denominator: its members are excluded or excepted, met
the performance (the numerator less its exclusions) or did not (the rest). If a measure has several rates, each is a
named stratum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ecqm.measures.definition import PopulationCode
from ecqm.reporting.results.counts import Counts, GroupCount, MeasureCount, StratumCount
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.programs import ListedMeasure, listed
from ecqm.reporting.submissions.submitter import Entity, Submitter

Json = dict[str, Any]
Count = Callable[[PopulationCode], int | None]

_CRITERION = "true"


def qpp_submission(counts: Counts, submitter: Submitter) -> Json:
    """A submission with one set of quality measurements, as accepted by `POST /submissions`.

    Raises SubmissionError for a measure that the program does not have or that was counted differently, and for
    measures of different periods; MeasureError for an invalid period.
    """
    periods = {measure.days for measure in counts.measures}
    if len(periods) > 1:
        told = ", ".join(sorted(f"{start} to {end}" for start, end in periods))
        raise SubmissionError(f"the measures have different periods ({told}): submit them separately")
    start, end = periods.pop()
    return {
        "performanceYear": int(start[:4]),
        "entityType": submitter.entity.value,
        **_submitter(submitter),
        "measurementSets": [
            {
                "category": "quality",
                "submissionMethod": "electronicHealthRecord",
                "programName": submitter.qpp_program,
                "performanceStart": start,
                "performanceEnd": end,
                "measurements": [measurement(measure) for measure in counts.measures],
            }
        ],
    }


def _submitter(submitter: Submitter) -> Json:
    if submitter.entity not in (Entity.INDIVIDUAL, Entity.GROUP):
        return {"entityId": submitter.entity_id}
    numbers = {"taxpayerIdentificationNumber": submitter.tin, "nationalProviderIdentifier": submitter.npi}
    return {name: number for name, number in numbers.items() if number is not None}


def measurement(measure: MeasureCount) -> Json:
    """One measure: a rate, or its strata. Raises SubmissionError."""
    program = listed(measure)
    value: Json = {"isEndToEndReported": True}
    if program.stratum_names:
        value["strata"] = _of_strata(measure, program)
    elif len(measure.groups) == 1 or program.summed:
        value |= _rate(measure, _sum_of(measure.groups))
    else:
        names = [rate.name for rate in program.rates]
        if len(names) != len(measure.groups) or None in names:
            raise SubmissionError(
                f"{measure.name} has {len(measure.groups)} rates, {program.ecqm} in the program has {len(names)}"
            )
        value["strata"] = [
            _rate(measure, group.count) | {"stratum": name} for group, name in zip(measure.groups, names, strict=True)
        ]
    return {"measureId": program.quality_id, "value": value}


def _sum_of(groups: Sequence[GroupCount]) -> Count:
    def count(code: PopulationCode) -> int | None:
        found = [number for group in groups if (number := group.count(code)) is not None]
        return sum(found) if found else None

    return count


def _of_strata(measure: MeasureCount, program: ListedMeasure) -> list[Json]:
    """The strata of the one rate of a measure, in the order in which the program names them."""
    strata = [stratum for group in measure.groups for stratum in group.strata if stratum.label == _CRITERION]
    if len(strata) != len(program.stratum_names) or len(measure.groups) != 1:
        raise SubmissionError(
            f"{measure.name} has {len(strata)} strata, the program asks for {', '.join(program.stratum_names)}"
        )
    (group,) = measure.groups
    return [
        _rate(measure, _members_of(stratum, group)) | {"stratum": name}
        for stratum, name in zip(strata, program.stratum_names, strict=True)
    ]


def _members_of(stratum: StratumCount, group: GroupCount) -> Count:
    def count(code: PopulationCode) -> int | None:
        numbers = [stratum.populations[population.id] for population in group.having(code)]
        return sum(numbers) if numbers else None

    return count


def _rate(measure: MeasureCount, count: Count) -> Json:
    denominator, numerator = count(PopulationCode.DENOMINATOR), count(PopulationCode.NUMERATOR)
    if denominator is None or numerator is None:
        lacking = "numerator" if denominator is not None else "denominator"
        raise SubmissionError(f"{measure.name} has no {lacking}, of which a performance rate is made")
    met = numerator - (count(PopulationCode.NUMERATOR_EXCLUSION) or 0)
    removed = {
        "eligiblePopulationExclusion": count(PopulationCode.DENOMINATOR_EXCLUSION),
        "eligiblePopulationException": count(PopulationCode.DENOMINATOR_EXCEPTION),
    }
    stated = {name: number for name, number in removed.items() if number is not None}
    return {
        "performanceMet": met,
        "performanceNotMet": denominator - met - sum(stated.values()),
        **stated,
        "eligiblePopulation": denominator,
    }
