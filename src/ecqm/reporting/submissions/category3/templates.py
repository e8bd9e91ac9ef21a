"""The templates of QRDA Category III (HL7 R1 STU 2.1) and of CMS's guides for eligible clinicians, by name, and the
codes that they fix."""

from __future__ import annotations

from dataclasses import dataclass

from ecqm.data.qdm.qrda.entry_template import LOINC, SNOMED_CT
from ecqm.data.qdm.qrda.xml import Template, template
from ecqm.measures.definition import Aggregate, PopulationCode

REPORT = template("27.1.1:2020-12-01")
SECTION_OF_MEASURES = template("24.2.2")
MEASURE_SECTION = template("27.2.1:2020-12-01")
REPORTING_PARAMETERS = template("17.3.8:2020-12-01")
MEASURE_REFERENCE = template("24.3.98")
REFERENCE_AND_RESULTS = template("27.3.1:2020-12-01")
MEASURE_DATA = template("27.3.5:2016-09-01")
AGGREGATE_COUNT = template("27.3.3")
REPORTING_STRATUM = template("27.3.4")
CONTINUOUS_VARIABLE = template("27.3.2")
PERFORMANCE_RATE = template("27.3.30:2016-09-01")
RATE_OF_PROPORTION = template("27.3.14:2020-12-01")
SEX = template("27.3.6:2016-09-01")
RACE = template("27.3.8:2016-09-01")
ETHNICITY = template("27.3.7:2016-09-01")
PAYER = template("27.3.9:2016-02-01")
PAYER_CMS = template("27.3.18:2018-05-01")


@dataclass(frozen=True)
class Guide:
    """The templates of CMS's guide for a performance year, each beside that of HL7. `sex` is None if HL7's alone is
    asked for."""

    report: Template
    section: Template
    reference_and_results: Template
    measure_data: Template
    rate_of_proportion: Template
    sex: Template | None


GUIDES = {
    2025: Guide(
        template("27.1.2:2024-07-01"),
        template("27.2.3:2022-05-01"),
        template("27.3.17:2022-05-01"),
        template("27.3.16:2019-05-01"),
        template("27.3.25:2022-05-01"),
        None,
    ),
    2026: Guide(
        template("27.1.2:2025-05-01"),
        template("27.2.3:2025-05-01"),
        template("27.3.17:2025-05-01"),
        template("27.3.16:2025-05-01"),
        template("27.3.25:2022-05-01"),
        template("27.3.21:2025-05-01"),
    ),
}

ACT_CODE = "2.16.840.1.113883.5.4"
OBSERVATION_METHOD = "2.16.840.1.113883.5.84"
CONFIDENTIALITY = "2.16.840.1.113883.5.25"

# Roots of identifiers.
MEASURES = "2.16.840.1.113883.4.738"
TIN = "2.16.840.1.113883.4.2"
NPI = "2.16.840.1.113883.4.6"
PROGRAM = "2.16.840.1.113883.3.249.7"
VIRTUAL_GROUP = "2.16.840.1.113883.3.249.5.2"
APM_ENTITY = "2.16.840.1.113883.3.249.5.4"
SUBGROUP = "2.16.840.1.113883.3.249.5.5"
VALUE_PATHWAY = "2.16.840.1.113883.3.249.5.6"
EHR_CERTIFICATION = "2.16.840.1.113883.3.2074.1"

# Codes that stand for themselves: (code, code system).
DOCUMENT = ("55184-6", LOINC)
SECTION = ("55186-1", LOINC)
MEASURE_DOCUMENT = ("57024-2", LOINC)
RATE = ("72510-1", LOINC)
ASSERTION = ("ASSERTION", ACT_CODE)
AGGREGATION = ("MSRAGG", ACT_CODE)
COUNT = ("COUNT", OBSERVATION_METHOD)
PARAMETERS = ("252116004", SNOMED_CT)
MEDICAL_RECORD_DEVICE = ("129465004", SNOMED_CT)

POPULATIONS = {
    PopulationCode.INITIAL_POPULATION: "IPOP",
    PopulationCode.DENOMINATOR: "DENOM",
    PopulationCode.DENOMINATOR_EXCLUSION: "DENEX",
    PopulationCode.NUMERATOR: "NUMER",
    PopulationCode.NUMERATOR_EXCLUSION: "NUMEX",
    PopulationCode.DENOMINATOR_EXCEPTION: "DENEXCEP",
    PopulationCode.MEASURE_POPULATION: "MSRPOPL",
    PopulationCode.MEASURE_POPULATION_EXCLUSION: "MSRPOPLEX",
}
METHODS = {
    Aggregate.COUNT: "COUNT",
    Aggregate.SUM: "SUM",
    Aggregate.AVERAGE: "AVERAGE",
    Aggregate.MEDIAN: "MEDIAN",
    Aggregate.MINIMUM: "MIN",
    Aggregate.MAXIMUM: "MAX",
}
