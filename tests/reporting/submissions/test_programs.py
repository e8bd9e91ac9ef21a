"""The lists of measures that CMS takes, and which of them a measure is."""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import pytest

from ecqm.measures.definition import PopulationCode
from ecqm.reporting.results.counts import MeasureCount
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.programs import listed, listed_measures

REQUIRED = {PopulationCode.INITIAL_POPULATION, PopulationCode.DENOMINATOR, PopulationCode.NUMERATOR}


def measure(cms: str | None, period: str = "2026", effective: str | None = "2026") -> MeasureCount:
    start = None if effective is None else f"{effective}-01-01"
    return MeasureCount(
        "M", "urn:m|1", None, cms, None, None, (start, None), (f"{period}-01-01", f"{period}-12-31"), 0, []
    )


@pytest.mark.parametrize(("year", "number_of_measures"), [(2025, 47), (2026, 49)])
def test_a_list_is_whole(year: int, number_of_measures: int) -> None:
    measures = listed_measures(year)
    assert len(measures) == number_of_measures
    assert all(each.ecqm.startswith(f"CMS{number}v") for number, each in measures.items())
    numbers = [each.quality_id for each in measures.values()]
    assert len(set(numbers)) == len(numbers) and all(len(number) == 3 and number.isdigit() for number in numbers)
    rates = [rate for each in measures.values() for rate in each.rates]
    uuids = [each.specification for each in measures.values()]
    uuids += [uuid for rate in rates for uuid in (*rate.populations.values(), *rate.strata)]
    assert [uuid for uuid, times in Counter(uuid.lower() for uuid in uuids).items() if times > 1] == []
    assert all(UUID(uuid) for uuid in uuids)
    assert all(set(rate.populations) >= REQUIRED for rate in rates if rate.populations)


@pytest.mark.parametrize("year", [2025, 2026])
def test_several_rates_have_names_or_are_summed(year: int) -> None:
    for each in listed_measures(year).values():
        assert each.rates
        assert len(each.rates) == 1 or each.summed or all(rate.name for rate in each.rates), each.ecqm
        assert len(each.stratum_names) in (0, len(each.rates[0].strata))


@pytest.mark.parametrize("cms", ["122FHIR", "CMS122v14", "CMS0122FHIR"])
def test_a_measure_is_known_by_its_number(cms: str) -> None:
    found = listed(measure(cms))
    assert (found.ecqm, found.quality_id) == ("CMS122v14", "001")


def test_a_measure_is_that_of_its_year() -> None:
    found = listed(measure("CMS122v13", "2025", "2025"))
    assert (found.ecqm, found.quality_id) == ("CMS122v13", "001")


@pytest.mark.parametrize(
    ("unlisted", "reason"),
    [
        (measure("334FHIR"), "M is not among the eCQMs for clinicians of 2026"),
        (measure(None), "M is not among the eCQMs for clinicians of 2026"),
        (measure("CMS122v13"), "M is CMS122v13, and 2026 asks for CMS122v14"),
        (measure("122FHIR", effective="2025"), "M is the specification for 2025, and the period is of 2026"),
        (measure("122FHIR", "2019", "2019"), "2019 are not known, those of 2025, 2026 are"),
    ],
)
def test_what_the_program_does_not_have_is_refused(unlisted: MeasureCount, reason: str) -> None:
    with pytest.raises(SubmissionError, match=reason):
        listed(unlisted)
