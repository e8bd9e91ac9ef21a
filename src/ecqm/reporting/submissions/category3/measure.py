"""A measure in QRDA Category III: its identity, and for each population of each rate the counts overall, by stratum,
and by sex, race, ethnicity and payer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from uuid import NAMESPACE_OID, uuid5

from lxml import etree

from ecqm.data.qdm.qrda.xml import XSI_TYPE, Element, Template, add, add_code, add_text, ensure, name
from ecqm.measures.definition import PopulationCode, Scoring
from ecqm.measures.evaluation.cms_supplements import SupplementalElement
from ecqm.reporting.results.counts import GroupCount, MeasureCount, Observed, PopulationCount, StratumCount
from ecqm.reporting.submissions.category3 import templates
from ecqm.reporting.submissions.category3.identifiers import Identifiers
from ecqm.reporting.submissions.category3.supplements import Coded, SupplementForm, count_categories, supplement_form
from ecqm.reporting.submissions.category3.templates import Guide
from ecqm.reporting.submissions.errors import SubmissionError
from ecqm.reporting.submissions.programs import listed
from ecqm.values.units import ucum_code

_OBSERVATION = "observation[classCode=OBS][moodCode=EVN]"
_PART, _CONTENT = "entryRelationship[typeCode=COMP]", "entryRelationship[typeCode=SUBJ][inversionInd=true]"
_CRITERION = "true"
_DIGITS = Decimal("0.000001")


@dataclass(frozen=True)
class _Rate:
    """A group of a measure, which CMS calls a rate: its `number` from 0, and the identifiers of the measure."""

    identifiers: Identifiers
    number: int
    group: GroupCount

    @property
    def measure(self) -> MeasureCount:
        return self.identifiers.measure

    def of_population(self, population: PopulationCount) -> str:
        """The identifier of a population."""
        return self.identifiers.of_population(self.number, population)


@dataclass
class MeasureWriter:
    """Writes measures into a document; `problems` lists what it cannot express. `document` is the document's UUID,
    `guide` the one of CMS that it follows, if it is for CMS."""

    guide: Guide | None
    document: str
    problems: list[str] = field(default_factory=list)

    def identity(self, what: str) -> str:
        """The UUID of something in this document."""
        return str(uuid5(NAMESPACE_OID, f"{self.document} {what}"))

    def write(self, entry: Element, measure: MeasureCount) -> None:
        """The organizer of a measure. Raises SubmissionError."""
        identifiers = Identifiers(measure, None if self.guide is None else listed(measure))
        organizer = add(entry, "organizer[classCode=CLUSTER][moodCode=EVN]")
        templates.MEASURE_REFERENCE.write(organizer)
        templates.REFERENCE_AND_RESULTS.write(organizer)
        if self.guide is not None:
            self.guide.reference_and_results.write(organizer)
        etree.SubElement(organizer, name("id"), root=self.identity(measure.canonical))
        etree.SubElement(organizer, name("statusCode"), code="completed")
        document = add(organizer, "reference[typeCode=REFR]/externalDocument[classCode=DOC][moodCode=EVN]")
        etree.SubElement(document, name("id"), root=templates.MEASURES, extension=identifiers.version)
        add_code(document, "code", *templates.MEASURE_DOCUMENT)
        add_text(document, "text", measure.title or measure.name)
        if identifiers.all_versions is not None:
            etree.SubElement(document, name("setId"), root=identifiers.all_versions)
        for number, group in enumerate(measure.groups):
            rate = _Rate(identifiers, number, group)
            if group.scoring is Scoring.PROPORTION:
                self._write_rate(organizer, rate)
            for population in group.populations:
                self._write_population(organizer, rate, population)

    def _write_rate(self, organizer: Element, rate: _Rate) -> None:
        numerators = rate.group.having(PopulationCode.NUMERATOR)
        if not numerators:
            raise SubmissionError(f"{rate.measure.name} has no numerator, which its rate refers to")
        own = [templates.PERFORMANCE_RATE, templates.RATE_OF_PROPORTION]
        if self.guide is not None:
            own.append(self.guide.rate_of_proportion)
        observation = _observation(organizer, "component", own, templates.RATE)
        _write_number(observation, performance_rate(rate.group))
        _refer(observation, rate.of_population(numerators[0]), ("NUMER", templates.ACT_CODE))

    def _write_population(self, organizer: Element, rate: _Rate, population: PopulationCount) -> None:
        own = [templates.MEASURE_DATA] if self.guide is None else [templates.MEASURE_DATA, self.guide.measure_data]
        data = _observation(organizer, "component", own, templates.ASSERTION)
        value = add_code(data, "value", templates.POPULATIONS[population.code], templates.ACT_CODE)
        value.set(XSI_TYPE, "CD")
        _write_count(data, population.count)
        strata = [stratum for stratum in rate.group.strata if stratum.label == _CRITERION]
        for place, stratum in enumerate(strata):
            self._write_stratum(data, rate, population, place, stratum)
        self._write_supplements(data, rate, population)
        self._write_observed(data, rate, _observed_of(rate.group, population, rate.group.observations))
        _refer(data, rate.of_population(population))

    def _write_stratum(
        self, data: Element, rate: _Rate, population: PopulationCount, place: int, stratum: StratumCount
    ) -> None:
        """Write the members of a population in a stratum, the `place`-th of the rate."""
        observation = _observation(data, _PART, [templates.REPORTING_STRATUM], templates.ASSERTION)
        value = etree.SubElement(observation, name("value"), nullFlavor="OTH")
        value.set(XSI_TYPE, "CD")
        add_text(value, "originalText", "Stratum")
        _write_count(observation, stratum.populations[population.id])
        self._write_observed(observation, rate, _observed_of(rate.group, population, stratum.observations))
        _refer(observation, rate.identifiers.of_stratum(rate.number, place, stratum))

    def _write_observed(self, parent: Element, rate: _Rate, observations: list[Observed]) -> None:
        """Write the observations of a population, each aggregated to one number."""
        for observed in observations:
            observation = add(parent, f"{_PART}/{_OBSERVATION}")
            templates.CONTINUOUS_VARIABLE.write(observation)
            add_text(etree.SubElement(observation, name("code"), nullFlavor="OTH"), "originalText", observed.id)
            etree.SubElement(observation, name("statusCode"), code="completed")
            unit = None if observed.unit is None else ucum_code(observed.unit)
            if observed.unit is not None and unit is None:
                problem = f"{rate.measure.name} {observed.id}: {observed.unit!r} is no unit of UCUM, and is left out"
                self.problems.extend({problem}.difference(self.problems))
            _write_number(observation, None if observed.value is None else Decimal(str(observed.value)), unit)
            method = templates.METHODS[observed.method]
            add_code(observation, "methodCode", method, templates.OBSERVATION_METHOD)
            _refer(observation, rate.identifiers.of_observation(rate.number, observed))

    def _write_supplements(self, data: Element, rate: _Rate, population: PopulationCount) -> None:
        measure, group = rate.measure, rate.group
        counts = group.supplements.get(population.id, {})
        lacking = [element.value for element in SupplementalElement if element not in counts]
        if self.guide is not None and not group.supplements:
            raise SubmissionError(
                f"{measure.name} was run without its supplemental data: run it again with --supplemental-data"
            )
        if self.guide is not None and lacking:
            raise SubmissionError(
                f"{measure.name} has no supplemental data of {', '.join(lacking)}, which CMS asks for"
            )
        for element, of_element in counts.items():
            form = supplement_form(element, self.guide)
            categories, unknown = count_categories(form, of_element)
            for category, patients in categories.items():
                _write_supplement(data, form, category, patients)
            if unknown and form.tells_unknown:
                _write_supplement(data, form, None, unknown)
            elif unknown:
                self.problems.append(
                    f"{measure.name} {population.id}: CMS has no form for the unknown {element} of {unknown} patients"
                )


def performance_rate(group: GroupCount) -> Decimal | None:
    """The rate of a proportion, to six digits; None if the denominator is empty after exclusions and exceptions."""

    def count(code: PopulationCode) -> int:
        return group.count(code) or 0

    above = count(PopulationCode.NUMERATOR) - count(PopulationCode.NUMERATOR_EXCLUSION)
    removed = count(PopulationCode.DENOMINATOR_EXCLUSION) + count(PopulationCode.DENOMINATOR_EXCEPTION)
    below = count(PopulationCode.DENOMINATOR) - removed
    return (Decimal(above) / below).quantize(_DIGITS, ROUND_HALF_UP) if below > 0 else None


def _observation(parent: Element, relation: str, of: Sequence[Template], code: Coded) -> Element:
    """A new observation in some relation to its parent, that conforms to templates."""
    observation = add(parent, f"{relation}/{_OBSERVATION}")
    for each in of:
        each.write(observation)
    add_code(observation, "code", *code)
    etree.SubElement(observation, name("statusCode"), code="completed")
    return observation


def _write_count(parent: Element, count: int) -> None:
    observation = _observation(parent, _CONTENT, [templates.AGGREGATE_COUNT], templates.AGGREGATION)
    value = etree.SubElement(observation, name("value"), value=str(count))
    value.set(XSI_TYPE, "INT")
    add_code(observation, "methodCode", *templates.COUNT)


def _write_supplement(data: Element, form: SupplementForm, category: Coded | None, patients: int) -> None:
    observation = _observation(data, _PART, form.templates, form.code)
    value = etree.SubElement(observation, name("value"))
    value.set(XSI_TYPE, "CD")
    if category is None:
        value.set("nullFlavor", "UNK")
    elif form.translated:
        value.set("nullFlavor", "OTH")
        add_code(value, "translation", *category)
    else:
        value.set("code", category[0])
        value.set("codeSystem", category[1])
    _write_count(observation, patients)


def _observed_of(group: GroupCount, population: PopulationCount, observations: list[Observed]) -> list[Observed]:
    """The observations of a population; in a continuous variable measure, those of the measure population."""
    if group.scoring is Scoring.CONTINUOUS_VARIABLE:
        return observations if population.code is PopulationCode.MEASURE_POPULATION else []
    return [observed for observed in observations if observed.population == population.id]


def _write_number(parent: Element, number: Decimal | None, unit: str | None = None) -> None:
    """Write a number, or a quantity in a unit of UCUM."""
    value = etree.SubElement(parent, name("value"))
    value.set(XSI_TYPE, "REAL" if number is None or unit is None else "PQ")
    if number is None:
        value.set("nullFlavor", "NA")
        return
    value.set("value", f"{number.normalize():f}")
    if unit is not None:
        value.set("unit", unit)


def _refer(parent: Element, identifier: str, code: Coded | None = None) -> None:
    """A reference to a part of the measure's specification."""
    path = "reference[typeCode=REFR]/externalObservation[classCode=OBS][moodCode=EVN]"
    observation = ensure(parent, path)
    etree.SubElement(observation, name("id"), root=identifier)
    if code is not None:
        add_code(observation, "code", *code)
