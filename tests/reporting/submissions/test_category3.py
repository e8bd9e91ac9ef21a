"""QRDA Category III: what is written is what was counted, in the form that the templates ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from ecqm.data.qdm.qrda.xml import XSI_TYPE, name
from ecqm.measures.definition import Aggregate, PopulationCode, Scoring
from ecqm.measures.evaluation.cms_supplements import SupplementalElement
from ecqm.reporting.results.counts import (
    CodesCount,
    Counts,
    GroupCount,
    MeasureCount,
    Observed,
    PopulationCount,
    StratumCount,
)
from ecqm.reporting.submissions.category3.document import Sender, write_qrda3
from ecqm.reporting.submissions.category3.measure import performance_rate
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.programs import listed_measures
from ecqm.reporting.submissions.results import read_results
from ecqm.reporting.submissions.submitter import PROGRAMS, Submitter
from ecqm.xml_parsing import parse
from tests.reporting.submissions.category3_rules import CMS, HL7, Measure, Population, read, violations
from tests.reporting.submissions.sample import results_of

SENDER = Sender("Clinic", "0015ABCDEFGHIJK")
INDIVIDUAL = Submitter("MIPS_INDIV", "123456789", "1234567893")
NOW = datetime(2027, 1, 15, 10, 30, tzinfo=UTC)
SNOMED, CDC = "http://snomed.info/sct", "urn:oid:2.16.840.1.113883.6.238"
SOP = "https://nahdo.org/sopt"

ZERO = {
    **dict.fromkeys(("248152002", "248153007"), 0),
    **dict.fromkeys(("1002-5", "2028-9", "2054-5", "2076-8", "2106-3", "2131-1"), 0),
    **dict.fromkeys(("2135-2", "2186-5"), 0),
    **dict.fromkeys("ABCD", 0),
}
"""All categories that CMS asks for."""


@pytest.fixture(scope="module")
def with_exceptions(tmp_path_factory: pytest.TempPathFactory) -> Counts:
    return read_results(results_of(tmp_path_factory.mktemp("exceptions"), "--supplemental-data"))


@pytest.fixture(scope="module")
def with_strata(tmp_path_factory: pytest.TempPathFactory) -> Counts:
    folder = tmp_path_factory.mktemp("strata")
    return read_results(results_of(folder, "--supplemental-data", cms="125FHIR", strata=True))


def written(counts: Counts, submitter: Submitter | None = INDIVIDUAL) -> bytes:
    """The document of counts, which has the form that it has to have."""
    document = write_qrda3(counts, SENDER, submitter, NOW)
    assert violations(document.xml, *HL7, *(CMS if submitter else ())) == []
    return document.xml


def one(document: bytes) -> tuple[Measure, dict[str, Population]]:
    """The one measure of a document, and its populations by their codes."""
    (measure,) = read(document)
    return measure, {population.code: population for population in measure.populations}


# -- the sample, counted by hand --------------------------------------------------------------------------------------


def test_the_sample_for_cms(with_exceptions: Counts) -> None:
    measure, populations = one(written(with_exceptions))
    assert {code: each.count for code, each in populations.items()} == {
        "IPOP": 9,
        "DENOM": 9,
        "DENEX": 1,
        "NUMER": 3,
        "DENEXCEP": 1,
    }
    assert populations["IPOP"].supplements == ZERO | {
        "248152002": 5,  # both, no-result, period, before, tested
        "248153007": 4,  # declined, not-tested, dialysis, eighteen
        "2106-3": 9,
        "2028-9": 5,  # women are of two races
        "2135-2": 3,  # declined, dialysis, period; their detailed ethnicity has no category of its own
        "UNK": 6,
        "C": 5,  # women have two payers of one group, and count once
        "D": 4,
    }
    assert populations["NUMER"].supplements == ZERO | {
        "248152002": 3,  # both, period, tested
        "2106-3": 3,
        "2028-9": 3,
        "2135-2": 1,
        "UNK": 2,
        "C": 3,
    }
    assert populations["DENEX"].supplements == ZERO | {"248153007": 1, "2106-3": 1, "2135-2": 1, "D": 1}
    assert list(measure.rates.values()) == ["0.428571"]  # 3 of 9 - 1 - 1


def test_what_is_referred_to_is_what_cms_has_it_by(with_exceptions: Counts) -> None:
    program = listed_measures(2026)[349]
    measure, populations = one(written(with_exceptions))
    assert (measure.version, measure.set_id) == (program.specification, None)
    known = program.rates[0].populations
    assert {each.identifier for each in populations.values()} == set(known.values())
    assert populations["NUMER"].identifier == known[PopulationCode.NUMERATOR]
    assert list(measure.rates) == [known[PopulationCode.NUMERATOR]]


def test_strata_within_every_population(with_strata: Counts) -> None:
    younger, older = listed_measures(2026)[125].rates[0].strata
    populations = one(written(with_strata))[1]
    assert {code: each.strata for code, each in populations.items()} == {
        "IPOP": {younger: 6, older: 3},
        "DENOM": {younger: 6, older: 3},
        "DENEX": {younger: 0, older: 1},
        "NUMER": {younger: 2, older: 1},
    }


def test_the_sample_for_nobody_of_cms(with_strata: Counts) -> None:
    measure, populations = one(written(with_strata, None))
    assert {code: each.count for code, each in populations.items()} == {"IPOP": 9, "DENOM": 9, "DENEX": 1, "NUMER": 3}
    supplements = populations["IPOP"].supplements
    assert (supplements["F"], supplements["M"], supplements["51"], supplements["61"]) == (5, 4, 5, 5)
    identifiers = [each.identifier for each in populations.values()] + list(populations["IPOP"].strata)
    assert len({UUID(each) for each in identifiers}) == 6
    assert read(written(with_strata, None)) == [measure]


def test_the_same_counts_at_the_same_time_give_the_same_document(with_exceptions: Counts) -> None:
    assert written(with_exceptions) == written(with_exceptions)


# -- made of counts ---------------------------------------------------------------------------------------------------

IDS = {
    PopulationCode.INITIAL_POPULATION: "11111111-0000-0000-0000-000000000001",
    PopulationCode.MEASURE_POPULATION: "11111111-0000-0000-0000-000000000002",
    PopulationCode.MEASURE_POPULATION_EXCLUSION: "11111111-0000-0000-0000-000000000003",
}
OBSERVED = "11111111-0000-0000-0000-000000000004"
STRATUM = "11111111-0000-0000-0000-000000000005"


def proportion(supplements: dict[SupplementalElement, list[CodesCount]] | None, **counts: int) -> GroupCount:
    populations = [PopulationCount(name, PopulationCode(name), None, count) for name, count in counts.items()]
    within = {} if supplements is None else {each.id: supplements for each in populations}
    return GroupCount("g", Scoring.PROPORTION, "boolean", None, populations, [], [], within)


def measure(cms: str | None, *groups: GroupCount, version: str | None = None, of_all: str | None = None) -> Counts:
    period = ("2026-01-01", "2026-12-31")
    return Counts("", [MeasureCount("M", "urn:m|1", "A title", cms, version, of_all, period, period, 0, [*groups])])


ALL: dict[SupplementalElement, list[CodesCount]] = {element: [] for element in SupplementalElement}
COUNTS = {"initial-population": 4, "denominator": 4, "numerator": 1}


def test_a_continuous_variable_by_the_identifiers_of_its_content() -> None:
    def observed(values: int, value: float | None) -> Observed:
        return Observed("OBSERV_1", OBSERVED, "measure-population", "median", values, value)

    group = GroupCount(
        "g",
        Scoring.CONTINUOUS_VARIABLE,
        "Encounter",
        15.5,
        [PopulationCount(code.value, code, uuid, 7 - place) for place, (code, uuid) in enumerate(IDS.items())],
        [observed(4, 15.5)],
        [
            StratumCount("s", STRATUM, "true", dict.fromkeys(IDS, 2), [observed(0, None)]),
            StratumCount("s", STRATUM, "false", dict.fromkeys(IDS, 5), [observed(4, 15.5)]),
        ],
        {},
    )
    version, of_all = "40280382667FECC30167190FAE723AAE", "4DC3E7AA-8777-4749-A1E4-37E942036076"
    found, populations = one(written(measure("CMS32v0", group, version=version, of_all=of_all), None))
    assert (found.version, found.set_id, found.rates) == (version, of_all, {})
    assert {code: (each.identifier, each.count) for code, each in populations.items()} == {
        "IPOP": (IDS[PopulationCode.INITIAL_POPULATION], 7),
        "MSRPOPL": (IDS[PopulationCode.MEASURE_POPULATION], 6),
        "MSRPOPLEX": (IDS[PopulationCode.MEASURE_POPULATION_EXCLUSION], 5),
    }
    assert populations["MSRPOPL"].observed == {OBSERVED: "15.5"}
    assert populations["IPOP"].observed == {}
    assert all(each.strata == {STRATUM: 2} for each in populations.values())


def variable(unit: str | None) -> GroupCount:
    """A continuous variable whose value is 15.5 in a unit."""
    populations = [PopulationCount(code.value, code, uuid, 1) for code, uuid in IDS.items()]
    observed = Observed("OBSERV_1", OBSERVED, "measure-population", Aggregate.MEDIAN, 4, 15.5, unit)
    return GroupCount("g", Scoring.CONTINUOUS_VARIABLE, "Encounter", 15.5, populations, [observed], [], {})


@pytest.mark.parametrize(
    ("unit", "xsi", "written_unit"), [(None, "REAL", None), ("min", "PQ", "min"), ("minutes", "PQ", "min")]
)
def test_observed_values_have_their_unit(unit: str | None, xsi: str, written_unit: str | None) -> None:
    """QRDA III, Continuous Variable Measure Value: a value of any type; of CDA's types, a PQ has a unit of UCUM."""
    document = written(measure("CMS32v0", variable(unit)), None)
    (value,) = (each for each in parse(document).iter(name("value")) if each.get("value") == "15.5")
    assert (value.get(XSI_TYPE), value.get("unit")) == (xsi, written_unit)


def test_a_unit_that_is_not_of_ucum_is_told() -> None:
    document = write_qrda3(measure("CMS32v0", variable("boxes")), SENDER, None, NOW)
    (problem,) = (each for each in document.problems if "unit" in each)
    assert "'boxes' is no unit of UCUM" in problem and b"boxes" not in document.xml


@pytest.mark.parametrize(
    ("counts", "rate"),
    [
        ({"denominator": 3, "numerator": 1}, Decimal("0.333333")),
        ({"denominator": 3, "numerator": 2}, Decimal("0.666667")),
        ({"denominator": 9, "denominator-exclusion": 2, "denominator-exception": 1, "numerator": 3}, Decimal("0.5")),
        ({"denominator": 4, "numerator": 3, "numerator-exclusion": 1}, Decimal("0.5")),
        ({"denominator": 4, "denominator-exclusion": 4, "numerator": 0}, None),
        ({"denominator": 0, "numerator": 0}, None),
    ],
)
def test_the_performance_rate(counts: dict[str, int], rate: Decimal | None) -> None:
    assert performance_rate(proportion(None, **counts)) == rate


def test_nobody_to_divide_by_and_nobody_at_all() -> None:
    empty = measure("165FHIR", proportion(ALL, **dict.fromkeys(COUNTS, 0)))
    found, populations = one(written(empty))
    assert list(found.rates.values()) == [None]
    assert all(each.supplements == ZERO for each in populations.values())


def test_each_code_falls_into_its_category() -> None:
    told = {
        SupplementalElement.SEX: [CodesCount([("urn:oid:2.16.840.1.113883.5.1", "F")], 3), CodesCount([], 1)],
        SupplementalElement.RACE: [CodesCount([(CDC, "1586-7")], 1), CodesCount([(CDC, "1586-7"), (CDC, "1002-5")], 3)],
        SupplementalElement.ETHNICITY: [CodesCount([(CDC, "2186-5")], 4)],
        SupplementalElement.PAYER: [
            CodesCount([(SOP, "1")], 1),
            CodesCount([(SOP, "2"), (SOP, "62")], 1),
            CodesCount([(SOP, "349")], 1),
            CodesCount([("http://other.example", "1")], 1),
        ],
    }
    document = write_qrda3(measure("165FHIR", proportion(told, **COUNTS)), SENDER, INDIVIDUAL, NOW)
    found = one(document.xml)[1]["DENOM"].supplements
    assert {code: count for code, count in found.items() if count} == {
        "248152002": 3,
        "1002-5": 3,
        "UNK": 1,
        "2186-5": 4,
        "A": 1,
        "B": 1,
        "C": 1,
        "D": 2,
    }
    assert document.problems[0] == "M initial-population: CMS has no form for the unknown sex of 1 patients"


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        (measure("334FHIR", proportion(ALL, **COUNTS)), "not among the eCQMs for clinicians of 2026"),
        (measure("165FHIR", proportion(None, **COUNTS)), "run it again with --supplemental-data"),
        (measure("165FHIR", proportion({}, **COUNTS)), "no supplemental data of sex, race, ethnicity, payer"),
        (
            measure("165FHIR", proportion({SupplementalElement.SEX: [], SupplementalElement.RACE: []}, **COUNTS)),
            "no supplemental data of ethnicity, payer",
        ),
        (
            measure("165FHIR", proportion(ALL, **COUNTS, **{"denominator-exception": 1})),
            "the UUID of denominator-exception in CMS165v14, which is not known here",
        ),
        (
            measure("145FHIR", *[proportion(ALL, **COUNTS)] * 2),
            "the UUID of numerator in CMS145v14, which is not known here",
        ),
    ],
)
def test_what_cms_would_not_take_is_refused(counts: Counts, reason: str) -> None:
    with pytest.raises(SubmissionError, match=reason):
        write_qrda3(counts, SENDER, INDIVIDUAL, NOW)


def test_cms_asks_for_the_certification_id_of_the_sender() -> None:
    counts = measure("165FHIR", proportion(ALL, **COUNTS))
    with pytest.raises(SubmissionError, match="MIPS_INDIV asks for the CMS EHR Certification ID"):
        write_qrda3(counts, Sender("Clinic"), INDIVIDUAL, NOW)
    with pytest.raises(SubmissionError, match="15 letters and digits"):
        Sender("Clinic", "0015-ABCDEF")
    assert violations(write_qrda3(counts, Sender("Clinic"), None, NOW).xml, *HL7) == []


def test_one_document_is_of_one_period() -> None:
    (year,) = measure("165FHIR", proportion(ALL, **COUNTS)).measures
    half = msgspec.structs.replace(year, period=("2026-01-01", "2026-06-30"))
    with pytest.raises(SubmissionError, match="different periods"):
        write_qrda3(Counts("", [year, half]), SENDER, INDIVIDUAL, NOW)


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_takes_a_document(program: str) -> None:
    entity = program.rpartition("_")[2]
    submitter = (
        Submitter(program, "123456789", "1234567893" if entity == "INDIV" else None, mvp="G0053")
        if entity in ("INDIV", "GROUP")
        else Submitter(program, entity_id="A1234", mvp="G0053")
    )
    document = written(measure("165FHIR", proportion(ALL, **COUNTS)), submitter).decode()
    assert f'extension="{program}"' in document and 'extension="G0053"' in document


def test_the_rules_find_what_is_wrong(with_exceptions: Counts) -> None:
    document = written(with_exceptions).decode()
    broken = document.replace('<value value="9" xsi:type="INT"/>', "").replace('extension="2025-05-01"', "")
    numbers = {each.partition(":")[0] for each in violations(broken.encode(), *HL7, *CMS)}
    assert {"77-17568", "CMS_1", "CMS_41", "CMS_54", "CMS_64"} <= numbers
