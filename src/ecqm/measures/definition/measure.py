"""What a measure asks for: groups, populations, stratifiers, observations and supplemental data.

The terms are those of the FHIR Measure resource and the Quality Measure IG (cqfmeasures). `parsing` reads them from a
resource; `ecqm.measures.scoring` evaluates them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class MeasureError(ValueError):
    """A Measure resource that cannot be evaluated, with the reason."""


class Scoring(StrEnum):
    """http://terminology.hl7.org/CodeSystem/measure-scoring"""

    PROPORTION = "proportion"
    RATIO = "ratio"
    CONTINUOUS_VARIABLE = "continuous-variable"
    COHORT = "cohort"
    COMPOSITE = "composite"


class PopulationCode(StrEnum):
    """http://terminology.hl7.org/CodeSystem/measure-population"""

    INITIAL_POPULATION = "initial-population"
    DENOMINATOR = "denominator"
    DENOMINATOR_EXCLUSION = "denominator-exclusion"
    DENOMINATOR_EXCEPTION = "denominator-exception"
    NUMERATOR = "numerator"
    NUMERATOR_EXCLUSION = "numerator-exclusion"
    MEASURE_POPULATION = "measure-population"
    MEASURE_POPULATION_EXCLUSION = "measure-population-exclusion"
    MEASURE_OBSERVATION = "measure-observation"


class Aggregate(StrEnum):
    """How the observations of all members become one number (cqfm-aggregateMethod)."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"
    MEDIAN = "median"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"


class CompositeScoring(StrEnum):
    """http://terminology.hl7.org/CodeSystem/composite-measure-scoring"""

    OPPORTUNITY = "opportunity"
    ALL_OR_NOTHING = "all-or-nothing"
    LINEAR = "linear"
    WEIGHTED = "weighted"


SUPPLEMENTAL_DATA = "supplemental-data"
PATIENT_BASIS = "boolean"


@dataclass(frozen=True)
class Population:
    """One population criterion of a group.

    `criteria_reference` is the id of the population that an observation observes, or of the initial population that a
    denominator or numerator is drawn from; only observations have an `aggregate`. `identifier` is the UUID of the
    population in HQMF.
    """

    code: PopulationCode
    id: str
    expression: str
    criteria_reference: str | None = None
    aggregate: Aggregate | None = None
    description: str | None = None
    identifier: str | None = None


@dataclass(frozen=True)
class StratifierComponent:
    """One criterion of a stratifier: the definition whose values divide the populations."""

    id: str
    expression: str
    code: str | None = None


@dataclass(frozen=True)
class Stratifier:
    """A criterion (one component) or a combination of criteria that divides a group's populations.

    `applies_to` names the populations that are counted in its strata; empty means all of them. `identifier` is the
    UUID that HQMF gives it.
    """

    id: str
    components: tuple[StratifierComponent, ...]
    applies_to: frozenset[str] = frozenset()
    code: str | None = None
    description: str | None = None
    identifier: str | None = None

    def counts(self, population: Population) -> bool:
        """Whether a population is counted in the strata."""
        return not self.applies_to or population.code.value in self.applies_to or population.id in self.applies_to


@dataclass(frozen=True)
class Group:
    """One score of a measure, with its populations. `basis` is what it counts (Quality Measure IG, "Population Basis"):
    `boolean` for patients, otherwise the type of the episodes."""

    id: str
    scoring: Scoring
    basis: str
    populations: tuple[Population, ...]
    stratifiers: tuple[Stratifier, ...] = ()
    improvement_notation: str | None = None
    code: str | None = None
    description: str | None = None

    @property
    def patient_based(self) -> bool:
        """True if patients are counted, False if episodes (resources of the type `basis`) are."""
        return self.basis == PATIENT_BASIS

    def having(self, code: PopulationCode) -> tuple[Population, ...]:
        """The populations with this code, in their order."""
        return tuple(population for population in self.populations if population.code is code)

    def population(self, population_id: str) -> Population:
        """The population with an id. Raises KeyError."""
        for population in self.populations:
            if population.id == population_id:
                return population
        raise KeyError(f"group {self.id} has no population {population_id}")

    @property
    def criteria(self) -> tuple[Population, ...]:
        """The populations that have members: all but the observations."""
        return tuple(p for p in self.populations if p.code is not PopulationCode.MEASURE_OBSERVATION)

    @property
    def observations(self) -> tuple[Population, ...]:
        return self.having(PopulationCode.MEASURE_OBSERVATION)


@dataclass(frozen=True)
class LeftOut:
    """A group that cannot be evaluated, the one at `position` from 0, and the reason."""

    group: Group
    position: int
    reason: str


@dataclass(frozen=True)
class SupplementalData:
    id: str
    expression: str
    usage: frozenset[str]
    description: str | None = None


@dataclass(frozen=True)
class ComponentMeasure:
    """A group of a measure that a composite is composed of (relatedArtifact of type composed-of).

    `measure` is its canonical; without `group_id` the measure has one group only.
    """

    measure: str
    group_id: str | None = None
    weight: float = 1.0


@dataclass(frozen=True)
class Composite:
    """A score computed from the results of other groups, see `ecqm.measures.scoring.composite`."""

    id: str
    scoring: CompositeScoring
    components: tuple[ComponentMeasure, ...]
    basis: str = PATIENT_BASIS
    improvement_notation: str | None = None

    @property
    def patient_based(self) -> bool:
        """True if patients are scored, False if episodes (resources of the type `basis`) are."""
        return self.basis == PATIENT_BASIS

    def reverses(self, group: Group) -> bool:
        """Whether a component's group is improved in the opposite direction; False if either states no direction."""
        ours, theirs = self.improvement_notation, group.improvement_notation
        return ours is not None and theirs is not None and ours != theirs


@dataclass(frozen=True)
class Identifiers:
    """The published identifiers of a measure: the UUIDs of this version and of all versions together, and the number
    that CMS assigned (`122FHIR`, `CMS122v14`)."""

    version_specific: str | None = None
    version_independent: str | None = None
    cms: str | None = None


@dataclass(frozen=True)
class Measure:
    """A measure as published. `library` is the canonical of its primary library; `period` its effective period.

    `composites` are scores made of groups, mostly of other measures; a measure that has only these has no logic.
    `in_cql` are the criteria that the resource marks as CQL expressions, which may also be names of definitions.
    `left_out` are groups that are not among `groups`, because they cannot be evaluated.
    """

    name: str
    url: str
    version: str | None
    id: str
    title: str | None
    library: str | None
    groups: tuple[Group, ...]
    supplemental_data: tuple[SupplementalData, ...] = ()
    period: tuple[str | None, str | None] = (None, None)
    short_names: tuple[str, ...] = ()
    composites: tuple[Composite, ...] = ()
    problems: tuple[str, ...] = ()
    identifiers: Identifiers = Identifiers()
    in_cql: frozenset[str] = frozenset()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    @property
    def published_groups(self) -> tuple[Group, ...]:
        """All groups in their order, with those that cannot be evaluated."""
        groups = list(self.groups)
        for each in self.left_out:
            groups.insert(each.position, each.group)
        return tuple(groups)

    def without_groups(self, reasons: Mapping[str, str]) -> Measure:
        """The measure without the groups that cannot be evaluated: by id, the reasons."""
        published = self.published_groups
        more = (
            LeftOut(group, position, reasons[group.id])
            for position, group in enumerate(published)
            if group.id in reasons and group in self.groups
        )
        return replace(
            self,
            groups=tuple(group for group in self.groups if group.id not in reasons),
            left_out=tuple(sorted((*self.left_out, *more), key=lambda each: each.position)),
        )

    def name_of_group(self, group_id: str) -> str:
        """The name of a group among those of measures."""
        return f"{self.name}, group {group_id}"

    def name_of_supplement(self, supplement_id: str) -> str:
        """The name of supplemental data among those of measures."""
        return f"{self.name}, supplemental data {supplement_id}"

    @property
    def expressions(self) -> tuple[str, ...]:
        """Every define of the primary library that an evaluation needs, observation functions included."""
        named: list[str] = []
        for group in self.groups:
            named += [population.expression for population in group.populations]
            named += [part.expression for stratifier in group.stratifiers for part in stratifier.components]
        named += [supplement.expression for supplement in self.supplemental_data]
        return tuple(dict.fromkeys(named))

    @property
    def criteria(self) -> frozenset[str]:
        """The defines that populations and strata are made of."""
        populations = {population.expression for group in self.groups for population in group.criteria}
        parts = (part for group in self.groups for stratifier in group.stratifiers for part in stratifier.components)
        return frozenset(populations | {part.expression for part in parts})

    @property
    def reporting_year(self) -> int | None:
        """The year in which the effective period begins."""
        start = self.period[0]
        return int(start[:4]) if start and start[:4].isdigit() else None
