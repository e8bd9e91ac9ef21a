"""The populations of CMS122 as a handwritten numpy query, by somebody who knows the measure and the data.

The query is for cohorts of tools/synthetic_cohort.py. It assumes the forms of their data, and raises `Unforeseen` for
forms that would change the result. It evaluates only what decides the result. Of three-valued logic, it needs only the
question whether a value that is imprecise to the day certainly lies within a period.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ecqm.columns import (
    POOL,
    ChoiceColumn,
    Column,
    ConceptColumn,
    DateColumn,
    DateTimeColumn,
    DecimalColumn,
    ListColumn,
    Mask,
    RecordColumn,
    Rows,
    StringColumn,
)
from ecqm.data import Cohort
from ecqm.engine.code_index import code_rows
from ecqm.models.profiles import derived_from
from ecqm.terminology import Membership
from ecqm.values import Interval
from ecqm.values.units import measure

MS_PER_DAY = 86_400_000
TO_THE_DAY = 2
FOREVER = np.iinfo(np.int64).max
FHIR = "http://hl7.org/fhir/us/qicore/StructureDefinition/qicore-"
VALUE_SET = "http://cts.nlm.nih.gov/fhir/ValueSet/2.16.840.1.113883.3."
LOINC, SNOMED, CPT = "http://loinc.org", "http://snomed.info/sct", "http://www.ama-assn.org/go/cpt"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CLINICAL_STATUS = "http://terminology.hl7.org/CodeSystem/condition-clinical"

VISITS = (
    *("464.1003.101.12.1001", "464.1003.101.12.1025", "464.1003.101.12.1023", "464.1003.101.12.1016"),
    *("464.1003.1006", "464.1003.101.12.1080", "526.3.1240"),
)
NUTRITION_THERAPY = ((CPT, "97802"), (CPT, "97803"), (CPT, "97804"), (HCPCS, "G0270"), (HCPCS, "G0271"))
DIABETES, HBA1C, GLUCOSE_MANAGEMENT = "464.1003.103.12.1001", "464.1003.198.12.1013", (LOINC, "97506-0")
INPATIENT, HOSPICE_ENCOUNTER, HOSPICE_CARE = "666.5.307", "464.1003.1003", "526.3.1584"
HOSPICE_DIAGNOSIS, HOSPICE_ASSESSMENT = "464.1003.1165", (LOINC, "45755-6")
DISCHARGED_TO_HOSPICE, YES = ((SNOMED, "428361000124107"), (SNOMED, "428371000124100")), (SNOMED, "373066001")
PALLIATIVE_ENCOUNTER, PALLIATIVE_CARE = "464.1003.101.12.1090", "464.1003.198.12.1135"
PALLIATIVE_DIAGNOSIS, PALLIATIVE_ASSESSMENT = "464.1003.1167", (LOINC, "71007-9")
HOUSING, NURSING_HOME = (LOINC, "71802-3"), (SNOMED, "160734000")
FRAILTY_DEVICE, FRAILTY_DIAGNOSIS = "464.1003.118.12.1300", "464.1003.113.12.1074"
FRAILTY_ENCOUNTER, FRAILTY_SYMPTOM = "464.1003.101.12.1088", "464.1003.113.12.1075"
EQUIPMENT_USED, ADVANCED_ILLNESS, DEMENTIA_DRUGS = (LOINC, "98181-1"), "464.1003.110.12.1082", "464.1003.196.12.1510"

LAB, ASSESSMENT, SYMPTOM = "observation-lab", "observation-screening-assessment", "simple-observation"
DIAGNOSIS, PROBLEM = "condition-encounter-diagnosis", "condition-problems-health-concerns"
FINAL = ("final", "amended", "corrected")

CodeSet = str | tuple[str, str]
Layout = TypeVar("Layout", bound=Column)


class Unforeseen(Exception):
    """The data have a form for which the query was not written."""


def known(column: Column, layout: type[Layout]) -> Layout:
    """The column, checked to have the layout that the query assumes."""
    if not isinstance(column, layout):
        raise Unforeseen(f"a {type(column).__name__} where a {layout.__name__} was expected")
    return column


class Days(NamedTuple):
    """Points in time as days, at their own offset.

    A point is certainly on day d or later if `first` >= d, and on day d or earlier if `last` <= d. A point that is not
    known to the day lies strictly between `first` and `last`.
    """

    first: Rows
    last: Rows

    def within(self, start: int, end: int) -> Mask:
        return (self.first >= start) & (self.last <= end)


def days(column: Column, rows: Rows) -> Days:
    points = known(column, DateTimeColumn).take(rows)
    if not points.valid.all():
        raise Unforeseen("a date is missing")
    to_local = points.offset.astype(np.int64) * 60_000
    first = (points.low + to_local) // MS_PER_DAY
    if points.exact:
        return Days(first, first)
    vague = points.precision < TO_THE_DAY
    return Days(first - vague, (points.high + to_local) // MS_PER_DAY + vague)


class Query:
    """The populations of the measure in a cohort, for a measurement period."""

    def __init__(self, cohort: Cohort, terminology: Membership, period: Interval) -> None:
        self.cohort = cohort
        self.terminology = terminology
        self.start, self.end = (point.ordinal() // MS_PER_DAY - 719_163 for point in (period.low, period.high))
        self.year = period.high.fields[0]
        self.year_before = self.start - 365

    def populations(self) -> dict[str, Mask]:
        """Masks over the patients, by population code."""
        initial = self.initial_population()
        excluded = initial & self.exclusions(initial)
        numerator = initial & ~excluded & self.numerator()
        return {
            "initial-population": initial,
            "denominator": initial,
            "denominator-exclusion": excluded,
            "numerator": numerator,
        }

    # -- rows of tables -----------------------------------------------------------------------------------------------

    def members(self, *sets: CodeSet) -> Mask:
        """A mask over code ids, of the members of value sets and of single codes."""
        found = np.zeros(len(self.cohort.codes), np.bool_)
        for one in sets:
            if isinstance(one, str):
                found |= self.terminology.table(VALUE_SET + one)
            elif (number := self.cohort.codes.find(*one)) >= 0:
                found[number] = True
        return found

    def rows(self, resource_type: str, path: str, profiles: tuple[str, ...], *sets: CodeSet) -> Rows:
        """The rows of a table with one of the codes and one of the declared profiles."""
        table = self.cohort.table(resource_type)
        index = code_rows(table, path, partial(table.element, path))
        if index is None:
            raise Unforeseen(f"{path} holds no codes")
        rows = index.having(self.members(*sets))
        declared = table.profiles
        if len(declared.values) != len(table):
            raise Unforeseen("a resource does not declare exactly one profile")
        names = set[str]().union(*(derived_from(FHIR + profile) for profile in profiles))
        return rows[self.is_one_of(declared.values, rows, names)]

    def is_one_of(self, column: Column, rows: Rows, texts: Iterable[str]) -> Mask:
        """Whether a string is one of the given values, row by row."""
        strings = known(column, StringColumn)
        ids = [POOL.id_of(text) for text in texts]
        found: Mask = np.isin(strings.ids[rows], ids, kind="table")
        return found

    def element(self, resource_type: str, name: str, layout: type[Layout]) -> Layout:
        return known(self.cohort.table(resource_type).element(name), layout)

    def having(self, resource_type: str, rows: Rows, **elements: tuple[str, ...]) -> Rows:
        """The rows whose string elements have one of the given values."""
        for name, texts in elements.items():
            rows = rows[self.is_one_of(self.cohort.table(resource_type).element(name), rows, texts)]
        return rows

    def patients(self, resource_type: str, rows: Rows) -> Mask:
        """The patients of the rows."""
        found = np.zeros(self.cohort.n, np.bool_)
        found[self.cohort.table(resource_type).patient[rows]] = True
        return found

    def coded(self, concepts: Column, rows: Rows, *sets: CodeSet) -> Mask:
        """Whether concepts have one of the codes, row by row."""
        taken = known(concepts, ConceptColumn).take(rows)
        ids = taken.codes.ids
        found = np.zeros(len(rows), np.bool_)
        found[taken.parents[(ids >= 0) & self.members(*sets)[ids]]] = True
        return found & taken.valid

    # -- what several criteria ask ------------------------------------------------------------------------------------

    def encounters(self, *sets: CodeSet) -> tuple[Rows, Days, Days]:
        """Finished encounters of given types, with the days of their start and end."""
        rows = self.having("Encounter", self.rows("Encounter", "type", ("encounter",), *sets), status=("finished",))
        period = self.element("Encounter", "period", RecordColumn)
        return rows, days(period.field("start"), rows), days(period.field("end"), rows)

    def had_encounter(self, *sets: CodeSet) -> Mask:
        """Patients with an encounter that overlaps the period."""
        rows, starts, ends = self.encounters(*sets)
        return self.patients("Encounter", rows[(starts.last <= self.end) & (ends.first >= self.start)])

    def conditions(self, profiles: tuple[str, ...], *sets: CodeSet) -> tuple[Rows, Days]:
        """Conditions that are not refuted, with the days of their onset."""
        table = self.cohort.table("Condition")
        if len(table) and table.element("verificationStatus").valid.any():
            raise Unforeseen("a condition has a verification status")
        rows = self.rows("Condition", "code", profiles, *sets)
        return rows, days(table.element("onset"), rows)

    def had_condition(self, profiles: tuple[str, ...], *sets: CodeSet) -> Mask:
        """Patients with a condition whose prevalence period overlaps the period."""
        rows, onset = self.conditions(profiles, *sets)
        table = self.cohort.table("Condition")
        is_active = self.coded(
            table.element("clinicalStatus"), rows, *((CLINICAL_STATUS, c) for c in ("active", "recurrence", "relapse"))
        )
        # Without an abatement, an active condition continues, and an inactive one may have ended when it began.
        at_least_to = np.where(is_active, FOREVER, onset.first)
        ended = np.flatnonzero(table.element("abatement").valid[rows])
        at_least_to[ended] = days(table.element("abatement"), rows[ended]).first
        return self.patients("Condition", rows[(onset.last <= self.end) & (at_least_to >= self.start)])

    def observations(self, profile: str, status: tuple[str, ...], *sets: CodeSet) -> tuple[Rows, Days]:
        rows = self.having("Observation", self.rows("Observation", "code", (profile,), *sets), status=status)
        return rows, days(self.cohort.table("Observation").element("effective"), rows)

    def observed(self, profile: str, status: tuple[str, ...], code: CodeSet, *values: CodeSet) -> Mask:
        """Patients with an observation in the period, with one of the values if values are given."""
        rows, when = self.observations(profile, status, code)
        rows = rows[when.within(self.start, self.end)]
        return self.patients("Observation", rows[self.with_value(rows, *values)] if values else rows)

    def with_value(self, rows: Rows, *sets: CodeSet) -> Mask:
        """The observations whose value is a concept with one of the codes."""
        value = self.element("Observation", "value", ChoiceColumn)
        concepts = next(part for part in value.alternatives if isinstance(part, ConceptColumn))
        return self.coded(concepts, rows, *sets)

    def had_procedure(self, *sets: CodeSet) -> Mask:
        rows = self.having("Procedure", self.rows("Procedure", "code", ("procedure",), *sets), status=("completed",))
        when = days(self.cohort.table("Procedure").element("performed"), rows)
        return self.patients("Procedure", rows[when.within(self.start, self.end)])

    def ordered(self, resource_type: str, profile: str, *sets: CodeSet) -> Mask:
        """Patients with an order in the period."""
        rows = self.rows(resource_type, "code", (profile,), *sets)
        rows = self.having(resource_type, rows, status=("active", "completed"), intent=("order",))
        when = days(self.cohort.table(resource_type).element("authoredOn"), rows)
        return self.patients(resource_type, rows[when.within(self.start, self.end)])

    # -- the populations ----------------------------------------------------------------------------------------------

    def ages(self) -> Rows:
        """Ages at the end of the period, -1 if unknown. The period ends with a year: only the year of birth matters."""
        births = self.element("Patient", "birthDate", DateColumn)
        if not np.array_equal(self.cohort.table("Patient").patient, np.arange(self.cohort.n)):
            raise Unforeseen("not one Patient for each patient")
        years: Rows = births.low.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
        return np.where(births.valid, self.year - years, -1)

    def initial_population(self) -> Mask:
        ages = self.ages()
        rows, starts, ends = self.encounters(*VISITS, *NUTRITION_THERAPY)
        visited = self.patients("Encounter", rows[(starts.first >= self.start) & (ends.last <= self.end)])
        return (ages >= 18) & (ages <= 75) & visited & self.had_condition((DIAGNOSIS,), DIABETES)

    def exclusions(self, among: Mask) -> Mask:
        """Hospice or palliative care; from 66 years, a nursing home, or frailty with advanced illness."""
        excluded = self.in_hospice() | self.in_palliative_care()
        old = among & ~excluded & (self.ages() >= 66)
        return excluded | (old & (self.in_nursing_home() | (self.is_frail() & self.is_ill())))

    def in_hospice(self) -> Mask:
        rows, _, ends = self.encounters(INPATIENT)
        rows = rows[ends.within(self.start, self.end)]
        stays = self.element("Encounter", "hospitalization", RecordColumn)
        inside = np.flatnonzero(stays.valid[rows])
        discharged = self.coded(stays.fields["dischargeDisposition"], stays.rows[rows[inside]], *DISCHARGED_TO_HOSPICE)
        return (
            self.patients("Encounter", rows[inside][discharged])
            | self.had_encounter(HOSPICE_ENCOUNTER)
            | self.observed(ASSESSMENT, FINAL, HOSPICE_ASSESSMENT, YES)
            | self.ordered("ServiceRequest", "servicerequest", HOSPICE_CARE)
            | self.had_procedure(HOSPICE_CARE)
            | self.had_condition((DIAGNOSIS, PROBLEM), HOSPICE_DIAGNOSIS)
        )

    def in_palliative_care(self) -> Mask:
        return (
            self.observed(ASSESSMENT, FINAL, PALLIATIVE_ASSESSMENT)
            | self.had_condition((DIAGNOSIS, PROBLEM), PALLIATIVE_DIAGNOSIS)
            | self.had_encounter(PALLIATIVE_ENCOUNTER)
            | self.had_procedure(PALLIATIVE_CARE)
        )

    def in_nursing_home(self) -> Mask:
        """Patients whose last known housing status by the end of the period is a nursing home."""
        rows, when = self.observations(ASSESSMENT, FINAL, HOUSING)
        rows = rows[when.last <= self.end]
        effective = self.element("Observation", "effective", DateTimeColumn)
        order = np.lexsort((effective.precision[rows], effective.low[rows]))
        last = np.full(self.cohort.n, -1)
        last[self.cohort.table("Observation").patient[rows[order]]] = rows[order]
        last = last[last >= 0]
        return self.patients("Observation", last[self.with_value(last, NURSING_HOME)])

    def is_frail(self) -> Mask:
        return (
            self.ordered("DeviceRequest", "devicerequest", FRAILTY_DEVICE)
            | self.observed(ASSESSMENT, FINAL, EQUIPMENT_USED, FRAILTY_DEVICE)
            | self.had_condition((DIAGNOSIS, PROBLEM), FRAILTY_DIAGNOSIS)
            | self.had_encounter(FRAILTY_ENCOUNTER)
            | self.observed(SYMPTOM, ("preliminary", *FINAL), FRAILTY_SYMPTOM)
        )

    def is_ill(self) -> Mask:
        """Patients with an advanced illness that began in the two years, or dementia medications in them."""
        rows, onset = self.conditions((DIAGNOSIS, PROBLEM), ADVANCED_ILLNESS)
        ill = self.patients("Condition", rows[onset.within(self.year_before, self.end)])
        rows = self.rows("MedicationRequest", "medication", ("medicationrequest",), DEMENTIA_DRUGS)
        rows = self.having("MedicationRequest", rows, status=("active",), intent=("order",))
        dosages = self.element("MedicationRequest", "dosageInstruction", ListColumn)
        if not (dosages.lengths[rows] == 1).all():
            raise Unforeseen("a request has no dosage, or several")
        bounds = known(dosages.values, RecordColumn)
        for name in ("timing", "repeat", "bounds"):
            bounds = known(bounds.field(name), RecordColumn)
        starts, ends = (days(bounds.field(name), dosages.offsets[rows]) for name in ("start", "end"))
        return ill | self.patients(
            "MedicationRequest", rows[(starts.last <= self.end) & (ends.first >= self.year_before)]
        )

    def numerator(self) -> Mask:
        """Patients whose lowest value on the most recent day is above 9 % or missing, and patients without values."""
        rows, when = self.observations(LAB, FINAL, HBA1C, GLUCOSE_MANAGEMENT)
        inside = when.within(self.start, self.end)
        rows, vague = rows[inside], (when.first != when.last)[inside]
        patient = self.cohort.table("Observation").patient[rows]
        # Of two dates with the same start, the less precise one sorts first; an unknown day is not the same as any day.
        effective = self.element("Observation", "effective", DateTimeColumn)
        rank = (when.first[inside] + vague) * 4 + np.minimum(effective.precision[rows], TO_THE_DAY)
        latest = np.full(self.cohort.n, -1)
        np.maximum.at(latest, patient, rank)
        found = np.flatnonzero((latest[patient] == rank) & ~vague)
        kind, percentage, counts = self.values(rows[found])
        order = np.lexsort((percentage, kind, patient[found]))
        lowest = np.full(self.cohort.n, -1)
        lowest[patient[found][order[::-1]]] = order[::-1]
        found_high: Mask = (lowest >= 0) & counts[lowest]
        return (latest < 0) | found_high

    def values(self, rows: Rows) -> tuple[Rows, npt.NDArray[np.float64], Mask]:
        """Sort keys of the values of observations, and whether a value is above 9 % or missing.

        Values sort by dimension (values that are not quantities are null and come first), then by percentage.
        """
        value = self.element("Observation", "value", ChoiceColumn)
        number, quantities = next(
            (number, part) for number, part in enumerate(value.alternatives) if isinstance(part, RecordColumn)
        )
        is_quantity = value.tag[rows] == number
        places = quantities.rows[rows[is_quantity]]
        amounts = known(quantities.fields["value"], DecimalColumn)
        units = known(quantities.fields["code"], StringColumn)
        if quantities.field("comparator").valid.any() or not (units.ids[places] >= 0).all():
            raise Unforeseen("a quantity has a comparator, or no unit")
        ids, which = np.unique(units.ids[places], return_inverse=True)
        meanings = [measure(POOL.strings[one]) for one in ids]
        dimensions = [meaning.dimension for meaning in meanings if meaning is not None]
        if len(dimensions) != len(ids):
            raise Unforeseen("a unit is not known")
        kind = np.zeros(len(rows), np.int64)
        kind[is_quantity] = np.array([1 + sorted(dimensions).index(one) for one in dimensions], np.int64)[which]
        in_percent = np.array([float(meaning.factor * 100) for meaning in meanings if meaning is not None])
        percentage = np.zeros(len(rows))
        percentage[is_quantity] = amounts.unscaled[places] * in_percent[which] / 10**amounts.scale
        is_ratio = np.array([dimension == () for dimension in dimensions], np.bool_)
        counts = value.tag[rows] < 0
        counts[is_quantity] = is_ratio[which] & (percentage[is_quantity] > 9)
        return kind, percentage, counts
