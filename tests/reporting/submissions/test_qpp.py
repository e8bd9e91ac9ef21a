"""Submissions to the Quality Payment Program: what becomes of counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ecqm.measures.definition import PopulationCode, Scoring
from ecqm.reporting.results.counts import Counts, GroupCount, MeasureCount, PopulationCount, StratumCount
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.qpp import measurement, qpp_submission
from ecqm.reporting.submissions.results import read_results
from ecqm.reporting.submissions.submitter import Submitter
from tests.reporting.submissions.sample import results_of

CODES = {
    "ip": PopulationCode.INITIAL_POPULATION,
    "d": PopulationCode.DENOMINATOR,
    "dx": PopulationCode.DENOMINATOR_EXCLUSION,
    "de": PopulationCode.DENOMINATOR_EXCEPTION,
    "n": PopulationCode.NUMERATOR,
    "nx": PopulationCode.NUMERATOR_EXCLUSION,
}
INDIVIDUAL = Submitter("MIPS_INDIV", "123456789", "1234567893")


def rate(*strata: dict[str, int], **counts: int) -> GroupCount:
    return GroupCount(
        "g",
        Scoring.PROPORTION,
        "boolean",
        None,
        [PopulationCount(name, CODES[name], None, count) for name, count in counts.items()],
        [],
        [
            StratumCount(f"s{number}", None, label, members if label == "true" else dict.fromkeys(counts, 0), [])
            for number, members in enumerate(strata)
            for label in ("true", "false")
        ],
        {},
    )


def measure(cms: str, *groups: GroupCount, end: str = "2026-12-31T23:59:59.999") -> MeasureCount:
    return MeasureCount(
        cms, f"urn:{cms}|1", None, cms, None, None, ("2026-01-01", None), ("2026-01-01T00:00", end), 0, [*groups]
    )


def value(cms: str, *groups: GroupCount) -> Any:
    return measurement(measure(cms, *groups))["value"]


def test_the_sample_counted_by_hand(tmp_path: Path) -> None:
    counts = read_results(results_of(tmp_path))
    assert qpp_submission(counts, INDIVIDUAL) == {
        "performanceYear": 2026,
        "entityType": "individual",
        "taxpayerIdentificationNumber": "123456789",
        "nationalProviderIdentifier": "1234567893",
        "measurementSets": [
            {
                "category": "quality",
                "submissionMethod": "electronicHealthRecord",
                "programName": "mips",
                "performanceStart": "2026-01-01",
                "performanceEnd": "2026-12-31",
                "measurements": [
                    {
                        "measureId": "475",
                        "value": {
                            "isEndToEndReported": True,
                            "performanceMet": 3,  # both, period, tested
                            "performanceNotMet": 4,  # not-tested, no-result, before, eighteen
                            "eligiblePopulationExclusion": 1,  # dialysis
                            "eligiblePopulationException": 1,  # declined
                            "eligiblePopulation": 9,
                        },
                    }
                ],
            }
        ],
    }


def test_what_a_measure_does_not_have_is_not_told() -> None:
    assert value("CMS165v14", rate(ip=9, d=8, dx=2, n=5)) == {
        "isEndToEndReported": True,
        "performanceMet": 5,
        "performanceNotMet": 1,
        "eligiblePopulationExclusion": 2,
        "eligiblePopulation": 8,
    }


def test_numerator_exclusions_did_not_meet_the_performance() -> None:
    found = value("CMS177v14", rate(ip=9, d=8, n=5, nx=2))
    assert (found["performanceMet"], found["performanceNotMet"]) == (3, 5)


def test_rates_are_strata_by_the_names_of_the_program() -> None:
    first, second = rate(ip=9, d=9, dx=1, n=4), rate(ip=9, d=9, dx=1, n=2)
    assert value("CMS128v14", first, second)["strata"] == [
        {
            "performanceMet": 4,
            "performanceNotMet": 4,
            "eligiblePopulationExclusion": 1,
            "eligiblePopulation": 9,
            "stratum": "84Days",
        },
        {
            "performanceMet": 2,
            "performanceNotMet": 6,
            "eligiblePopulationExclusion": 1,
            "eligiblePopulation": 9,
            "stratum": "180Days",
        },
    ]


def test_rates_that_the_program_takes_as_one_are_summed() -> None:
    assert value("CMS145v14", rate(ip=5, d=5, de=1, n=2), rate(ip=4, d=3, de=0, n=3)) == {
        "isEndToEndReported": True,
        "performanceMet": 5,
        "performanceNotMet": 2,
        "eligiblePopulationException": 1,
        "eligiblePopulation": 8,
    }


def test_strata_instead_of_the_rate() -> None:
    young, old = {"ip": 3, "d": 3, "dx": 1, "n": 1}, {"ip": 6, "d": 6, "dx": 0, "n": 5}
    strata = value("CMS159v14", rate(young, old, ip=9, d=9, dx=1, n=6))["strata"]
    assert [(each["stratum"], each["eligiblePopulation"], each["performanceNotMet"]) for each in strata] == [
        ("adolescents", 3, 1),
        ("adults", 6, 1),
    ]


@pytest.mark.parametrize(
    ("cms", "groups", "reason"),
    [
        ("CMS128v14", [rate(d=1, n=1)] * 3, "has 3 rates, CMS128v14 in the program has 2"),
        ("CMS159v14", [rate(d=1, n=1)], "has 0 strata, the program asks for adolescents, adults"),
        ("CMS165v14", [rate(d=1)], "has no numerator"),
        ("CMS165v14", [rate(n=1)], "has no denominator"),
        ("CMS165v14", [rate(d=1, n=1)] * 2, "has 2 rates, CMS165v14 in the program has 1"),
    ],
)
def test_a_measure_that_is_not_that_of_the_program(cms: str, groups: list[GroupCount], reason: str) -> None:
    with pytest.raises(SubmissionError, match=reason):
        value(cms, *groups)


def test_one_submission_is_of_one_period() -> None:
    year, half = measure("CMS165v14", rate(d=1, n=1)), measure("CMS122v14", rate(d=1, n=1), end="2026-06-30")
    with pytest.raises(SubmissionError, match="2026-01-01 to 2026-06-30, 2026-01-01 to 2026-12-31"):
        qpp_submission(Counts("2027-01-15", [year, half]), INDIVIDUAL)


@pytest.mark.parametrize(
    ("submitter", "expected"),
    [
        (Submitter("MIPS_GROUP", "123456789"), {"entityType": "group", "taxpayerIdentificationNumber": "123456789"}),
        (Submitter("APP_PLUS_APMENTITY", entity_id="A1234"), {"entityType": "apm", "entityId": "A1234"}),
        (Submitter("MIPS_VIRTUALGROUP", entity_id="v1"), {"entityType": "virtualGroup", "entityId": "v1"}),
        (Submitter("MIPS_SUBGROUP", entity_id="s1"), {"entityType": "subgroup", "entityId": "s1"}),
    ],
)
def test_the_submitter_is_identified_by_its_kind(submitter: Submitter, expected: dict[str, str]) -> None:
    counts = Counts("2027-01-15", [measure("CMS165v14", rate(d=1, n=1))])
    submission = qpp_submission(counts, submitter)
    assert {k: v for k, v in submission.items() if k not in ("performanceYear", "measurementSets")} == expected


@pytest.mark.parametrize(
    ("program", "mvp", "name"),
    [("MIPS_GROUP", None, "mips"), ("MIPS_APP1_GROUP", None, "app1"), ("APP_PLUS_GROUP", None, "appPlus"),
     ("MIPS_GROUP", "G0053", "G0053")],
)  # fmt: skip
def test_the_program_by_its_name(program: str, mvp: str | None, name: str) -> None:
    counts = Counts("2027-01-15", [measure("CMS165v14", rate(d=1, n=1))])
    (found,) = qpp_submission(counts, Submitter(program, "123456789", mvp=mvp))["measurementSets"]
    assert found["programName"] == name
