"""HQMF documents: the definition of a measure, which authoring tools export beside the logic.

Population criteria refer to definitions of a CQL library (`Library."Initial Population"`); every section of population
criteria is one group. A document does not say whether patients or episodes are counted: that follows from the type of
the definitions (Using CQL with HQMF, "Population Criteria" and "Measure Observations").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ecqm.bundles.content.documents import ContentError
from ecqm.bundles.packages.terms import POPULATIONS, UNSTATED, aggregate_called, instant
from ecqm.data.qdm.qrda.xml import Element, find, find_all, local, name
from ecqm.measures.definition import (
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


class _Reading:
    def __init__(self, root: Element, origin: str) -> None:
        self.root = root
        self.origin = origin
        self.library: str | None = None
        # Definitions, each once, though every section of populations names them.
        self.supplements: dict[str, None] = {}
        # Where each population is, by the identifier that observations refer to.
        self._places: dict[str, tuple[int, str]] = {}

    def groups(self) -> tuple[Group, ...]:
        scoring = self._scoring()
        found: list[tuple[str, list[Population], list[Stratifier]]] = []
        for number, section in enumerate(self.root.iter(name("populationCriteriaSection"))):
            populations, stratifiers = self._section(section, number)
            group = _attribute(section, "id", "extension") or f"PopulationSet_{number + 1}"
            found.append((group, populations, stratifiers))
        self._observe([populations for _, populations, _ in found])
        return tuple(Group(group, scoring, UNSTATED, tuple(p), tuple(s)) for group, p, s in found)

    def _scoring(self) -> Scoring:
        for attribute in self.root.iter(name("measureAttribute")):
            if _attribute(attribute, "code", "code") == "MSRSCORE":
                stated = (_attribute(attribute, "value", "code") or "").upper()
                if stated in _SCORINGS:
                    return _SCORINGS[stated]
        raise ContentError(f"{self.origin} does not say how the measure is scored")

    def _section(self, section: Element, number: int) -> tuple[list[Population], list[Stratifier]]:
        populations: list[Population] = []
        stratifiers: list[Stratifier] = []
        for component in find_all(section, "component"):
            for criteria in component.iterchildren():
                tag = local(criteria)
                expression = self._expression(criteria)
                root = (_attribute(criteria, "id", "root") or "").strip() or None
                if tag == _SUPPLEMENT and expression is not None:
                    self.supplements[expression] = None
                elif tag == _STRATIFIER and expression is not None:
                    own = f"PopulationSet_{number + 1}_Stratification_{len(stratifiers) + 1}"
                    stratifiers.append(Stratifier(own, (StratifierComponent(own, expression),), identifier=root))
                elif tag in _CRITERIA and expression is not None:
                    short = _CRITERIA[tag]
                    code = POPULATIONS[short]
                    taken = sum(population.code is code for population in populations)
                    own = f"{short}_{taken}" if taken else short
                    population = Population(code, own, expression, identifier=root)
                    populations.append(population)
                    if root is not None:
                        self._places[root.upper()] = (number, population.id)
        return populations, stratifiers

    def _expression(self, criteria: Element) -> str | None:
        for reference in criteria.iter(name("criteriaReference")):
            named = self._named(_attribute(reference, "id", "extension"))
            if named is not None:
                return named
        return None

    def _named(self, text: str | None) -> str | None:
        """The definition that `Library."Definition"` names; the first library named is the measure's."""
        match = _REFERENCE.fullmatch(text or "")
        if match is None:
            return None
        self.library = self.library or match[1]
        return match[2]

    def _observe(self, groups: list[list[Population]]) -> None:
        """Add each observation to the group of the population that it observes."""
        for definition in self.root.iter(name("measureObservationDefinition")):
            function = self._named(_attribute(definition, "value/expression", "value"))
            observed = (_attribute(definition, "component/criteriaReference/id", "root") or "").strip().upper()
            if function is None or not groups:
                continue
            place, population = self._places.get(observed, (0, groups[0][-1].id))
            aggregate = aggregate_called(_attribute(definition, "methodCode/item", "code"))
            observations = sum(p.code is PopulationCode.MEASURE_OBSERVATION for p in groups[place])
            identifier = f"OBSERV_{observations + 1}"
            code = PopulationCode.MEASURE_OBSERVATION
            root = _attribute(definition, "id", "root")
            groups[place].append(Population(code, identifier, function, population, aggregate, identifier=root))


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
