"""HQMF documents: the definition of a measure, which authoring tools export beside the logic.

Population criteria refer to definitions of a CQL library (`Library."Initial Population"`); every section of population
criteria is one group. A document does not say whether patients or episodes are counted: that follows from the type of
the definitions (Using CQL with HQMF, "Population Criteria" and "Measure Observations").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.terms import POPULATIONS, UNSTATED, aggregate_called, instant
from ecqm.data.qdm.qrda.xml import Element, find, find_all, local, name
from ecqm.measures.definition import (
    Aggregate,
    Group,
    Identifiers,
    Measure,
    Population,
    PopulationCode,
    Scoring,
    Stratifier,
    StratifierComponent,
    SupplementalData,
)
from ecqm.xml_parsing import UnsafeDocument, parse

ROOT = "QualityMeasureDocument"
_CRITERIA = {
    "initialPopulationCriteria": "IPP",
    "denominatorCriteria": "DENOM",
    "denominatorExclusionCriteria": "DENEX",
    "numeratorCriteria": "NUMER",
    "numeratorExclusionCriteria": "NUMEX",
    "denominatorExceptionCriteria": "DENEXCEP",
    "measurePopulationCriteria": "MSRPOPL",
    "measurePopulationExclusionCriteria": "MSRPOPLEX",
}
_STRATIFIER = "stratifierCriteria"
# An element of the extension for CQL.
_SUPPLEMENT = "supplementalDataElement"
_SCORINGS = {
    "PROPOR": Scoring.PROPORTION,
    "PROPORTION": Scoring.PROPORTION,
    "RATIO": Scoring.RATIO,
    "CONTVAR": Scoring.CONTINUOUS_VARIABLE,
    "COHORT": Scoring.COHORT,
}
_REFERENCE = re.compile(r'"?([^".]+)"?\."([^"]+)"')


@dataclass(frozen=True)
class Hqmf:
    """A document's measure, and the name of the library of its criteria."""

    measure: Measure
    library: str


def read_hqmf(data: bytes, origin: str) -> Hqmf:
    """The measure of an HQMF document (release 2.1). Raises ContentError."""
    try:
        root = parse(data)
    except UnsafeDocument as error:
        raise ContentError(f"{origin}: {error}") from error
    if root.tag != name(ROOT):
        raise ContentError(f"{origin} is not an HQMF document")
    reading = _Reading(root, origin)
    groups = reading.groups()
    if not groups or reading.library is None:
        raise ContentError(f"{origin} has no population criteria that refer to a library")
    identifier = _attribute(root, "id", "root") or origin
    title = _attribute(root, "title", "value")
    short = next(
        (value for label, value in _labelled(root) if "eCQM Identifier" in label or "eMeasure Id" in label), None
    )
    version, all_versions = _attribute(root, "versionNumber", "value"), _attribute(root, "setId", "root")
    cms = f"CMS{short}v{version.partition('.')[0]}" if short and short.isdigit() and version else None
    measure = Measure(
        name=f"CMS{short}" if short and short.isdigit() else reading.library,
        url=f"urn:uuid:{all_versions or identifier}",
        version=version,
        id=identifier,
        title=title,
        library=reading.library,
        groups=groups,
        supplemental_data=tuple(SupplementalData(each, each, frozenset()) for each in reading.supplements),
        period=_period(root),
        identifiers=Identifiers(identifier, all_versions, cms),
    )
    return Hqmf(measure, reading.library)


@dataclass
class _PopulationSet:
    """A section of population criteria, number `number` from 1, as it is read."""

    id: str
    number: int
    populations: list[Population] = field(default_factory=list)
    stratifiers: list[Stratifier] = field(default_factory=list)

    def add_population(self, abbreviation: str, expression: str, identifier: str | None) -> Population:
        """Add the population with an abbreviation of HQMF; a second one of its code is numbered."""
        code = POPULATIONS[abbreviation]
        taken = self._count(code)
        added = Population(
            code, f"{abbreviation}_{taken}" if taken else abbreviation, expression, identifier=identifier
        )
        self.populations.append(added)
        return added

    def add_stratifier(self, expression: str, identifier: str | None) -> None:
        own = f"PopulationSet_{self.number}_Stratification_{len(self.stratifiers) + 1}"
        self.stratifiers.append(Stratifier(own, (StratifierComponent(own, expression),), identifier=identifier))

    def add_observation(
        self, function: str, observed: str, aggregate: Aggregate | None, identifier: str | None
    ) -> None:
        """Add the observation of a population, by its id."""
        code = PopulationCode.MEASURE_OBSERVATION
        own = f"OBSERV_{self._count(code) + 1}"
        self.populations.append(Population(code, own, function, observed, aggregate, identifier=identifier))

    def _count(self, code: PopulationCode) -> int:
        return sum(population.code is code for population in self.populations)

    def group(self, scoring: Scoring) -> Group:
        """The section as a group."""
        return Group(self.id, scoring, UNSTATED, tuple(self.populations), tuple(self.stratifiers))


class _Reading:
    """Reads the groups of a document. `library` is the library of the criteria, `supplements` the definitions of
    supplemental data: both are known when the groups are read."""

    def __init__(self, root: Element, origin: str) -> None:
        self.root = root
        self.origin = origin
        self.library: str | None = None
        # Definitions, each once, though every section of populations names them.
        self.supplements: dict[str, None] = {}
        # Where each population is, by the identifier that observations refer to.
        self._places: dict[str, tuple[_PopulationSet, str]] = {}

    def groups(self) -> tuple[Group, ...]:
        """The sections of population criteria, with the observations of their populations. Raises ContentError."""
        scoring = self._scoring()
        sections = enumerate(self.root.iter(name("populationCriteriaSection")), 1)
        sets = [self._population_set(section, number) for number, section in sections]
        if sets:
            self._observe(sets[0])
        return tuple(each.group(scoring) for each in sets)

    def _scoring(self) -> Scoring:
        for attribute in self.root.iter(name("measureAttribute")):
            if _attribute(attribute, "code", "code") == "MSRSCORE":
                stated = (_attribute(attribute, "value", "code") or "").upper()
                if stated in _SCORINGS:
                    return _SCORINGS[stated]
        raise ContentError(f"{self.origin} does not say how the measure is scored")

    def _population_set(self, section: Element, number: int) -> _PopulationSet:
        found = _PopulationSet(_attribute(section, "id", "extension") or f"PopulationSet_{number}", number)
        for criteria in (each for component in find_all(section, "component") for each in component.iterchildren()):
            expression = self._expression(criteria)
            if expression is not None:
                self._add(found, criteria, expression)
        return found

    def _add(self, to: _PopulationSet, criteria: Element, expression: str) -> None:
        """Add what a criterion is of; other elements than criteria are ignored."""
        tag = local(criteria)
        identifier = (_attribute(criteria, "id", "root") or "").strip() or None
        if tag == _SUPPLEMENT:
            self.supplements[expression] = None
        elif tag == _STRATIFIER:
            to.add_stratifier(expression, identifier)
        elif tag in _CRITERIA:
            population = to.add_population(_CRITERIA[tag], expression, identifier)
            if identifier is not None:
                self._places[identifier.upper()] = (to, population.id)

    def _expression(self, criteria: Element) -> str | None:
        named = (self._named(_attribute(each, "id", "extension")) for each in criteria.iter(name("criteriaReference")))
        return next((each for each in named if each is not None), None)

    def _named(self, text: str | None) -> str | None:
        """The definition that `Library."Definition"` names; the first library named is the measure's."""
        match = _REFERENCE.fullmatch(text or "")
        if match is None:
            return None
        self.library = self.library or match[1]
        return match[2]

    def _observe(self, first: _PopulationSet) -> None:
        """Add each observation to the group of the population that it observes; one that observes no known population
        observes the last of the first group."""
        otherwise = (first, first.populations[-1].id if first.populations else "")
        for definition in self.root.iter(name("measureObservationDefinition")):
            function = self._named(_attribute(definition, "value/expression", "value"))
            if function is None:
                continue
            observed = (_attribute(definition, "component/criteriaReference/id", "root") or "").strip().upper()
            group, population = self._places.get(observed, otherwise)
            aggregate = aggregate_called(_attribute(definition, "methodCode/item", "code"))
            group.add_observation(function, population, aggregate, _attribute(definition, "id", "root"))


def _attribute(element: Element, path: str, attribute: str) -> str | None:
    found = find(element, path)
    return None if found is None else found.get(attribute)


def _labelled(root: Element) -> Iterator[tuple[str, str]]:
    """The attributes of a measure that have a label of their own, and their values."""
    for attribute in root.iter(name("measureAttribute")):
        label = _attribute(attribute, "code/originalText", "value") or ""
        value = _attribute(attribute, "value", "value")
        if value is not None:
            yield label, value


def _period(root: Element) -> tuple[str | None, str | None]:
    """The measurement period: stated by its ends, or by its start and one year."""
    phase = next((each for period in root.iter(name("measurePeriod")) for each in period.iter(name("phase"))), None)
    if phase is None:
        return None, None
    low, high = _attribute(phase, "low", "value"), _attribute(phase, "high", "value")
    start, end = instant(low), instant(high)
    if start is not None and end is None and _attribute(phase, "width", "unit") == "a":
        end = f"{start[:4]}-12-31" if start[5:10] == "01-01" else None
    return start, end
