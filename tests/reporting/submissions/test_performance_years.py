"""Each performance year has its list of measures and CMS's guide for it, with templates of its own."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from ecqm.reporting.results.counts import Counts
from ecqm.reporting.submissions.category3.document import Sender, write_qrda3
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.qpp import qpp_submission
from ecqm.reporting.submissions.results import read_results
from ecqm.reporting.submissions.submitter import Submitter
from tests.reporting.submissions.category3_rules import CMS, HL7, of, read, violations
from tests.reporting.submissions.sample import results_of

SENDER = Sender("Clinic", "0015ABCDEFGHIJK")
GROUP = Submitter("MIPS_GROUP", "123456789")
NOW = datetime(2026, 1, 15, 10, 30, tzinfo=UTC)
# Templates of the guide for 2026, and of that for 2025 in their place.
EARLIER = {
    "27.1.2:2025-05-01": "27.1.2:2024-07-01",
    "27.2.3:2025-05-01": "27.2.3:2022-05-01",
    "27.3.16:2025-05-01": "27.3.16:2019-05-01",
    "27.3.17:2025-05-01": "27.3.17:2022-05-01",
    "27.3.21:2025-05-01": "27.3.6:2016-09-01",
}


def rules_of_2025() -> list[tuple[str, str, str]]:
    """CMS's constraints, by the templates of 2025; sex has no form of CMS in it."""
    return [(context, in_2025(test), number) for context, test, number in CMS if number not in ("CMS_144", "CMS_150")]


def in_2025(test: str) -> str:
    for template, earlier in EARLIER.items():
        test = test.replace(of(template), of(earlier))
    return test


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Counts:
    return read_results(results_of(tmp_path_factory.mktemp("results"), "--supplemental-data"))


def in_year(counts: Counts, year: int) -> Counts:
    """The counts as those of a measure for another year."""
    period = f"{year}-01-01", f"{year}-12-31"
    (measure,) = counts.measures
    return Counts(counts.date, [msgspec.structs.replace(measure, period=period, effective_period=period)])


def test_a_document_for_2025(counts: Counts) -> None:
    document = write_qrda3(in_year(counts, 2025), SENDER, GROUP, NOW)
    assert violations(document.xml, *HL7, *rules_of_2025()) == []
    assert not document.problems
    (measure,) = read(document.xml)
    assert measure.version == "2c928083-8907-ce68-0189-0da36cc00327"
    # Sex as HL7 has it: ONC Administrative Sex.
    patients = measure.populations[0].supplements
    assert (patients["F"], patients["M"]) == (5, 4) and "248152002" not in patients


def test_the_guide_of_2026_has_templates_of_its_own(counts: Counts) -> None:
    document = write_qrda3(counts, SENDER, GROUP, NOW).xml
    assert violations(document, *HL7, *CMS) == []
    assert violations(document, *rules_of_2025()) != []


def test_a_submission_for_2025(counts: Counts) -> None:
    submission = qpp_submission(in_year(counts, 2025), GROUP)
    assert submission["performanceYear"] == 2025
    assert [each["measureId"] for each in submission["measurementSets"][0]["measurements"]] == ["475"]


def test_a_year_without_a_guide_is_refused(counts: Counts) -> None:
    with pytest.raises(SubmissionError, match="guide for QRDA III of 2024 is not known"):
        write_qrda3(in_year(counts, 2024), SENDER, GROUP, NOW)
