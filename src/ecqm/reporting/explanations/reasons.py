"""Why a patient is not in a population, or is in one that takes patients out of the score."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecqm.elm import IndexedLibrary
from ecqm.measures.definition import Population, PopulationCode
from ecqm.measures.explanation.clauses import Clause, ClauseReader
from ecqm.measures.scoring.groups import GroupResult
from ecqm.measures.scoring.populations import drawn_from

_TAKING_OUT = frozenset(
    (
        PopulationCode.DENOMINATOR_EXCLUSION,
        PopulationCode.DENOMINATOR_EXCEPTION,
        PopulationCode.NUMERATOR_EXCLUSION,
        PopulationCode.MEASURE_POPULATION_EXCLUSION,
    )
)


@dataclass(frozen=True)
class Reason:
    """Why a patient is not in a population, or (`member`) is.

    `clause` has the clauses of the criterion that decided; None if the criterion is met but the patient is not in the
    population for what `instead` says.
    """

    group: str
    population: Population
    member: bool
    clause: Clause | None
    instead: str = ""

    @property
    def heading(self) -> str:
        """`not in numerator (numerator-1)`."""
        return f"{'in' if self.member else 'not in'} {self.population.code.value} ({self.population.id})"

    @property
    def met_elsewhere(self) -> str:
        """What there is to say if the criterion is met."""
        return f'"{self.population.expression}" is met, but {self.instead}'


def reasons(library: IndexedLibrary, groups: Sequence[GroupResult], reader: ClauseReader) -> Iterator[Reason]:
    """The reasons for the populations of a patient's groups: of those that the patient is not in, and of exclusions and
    exceptions that the patient is in. `library` has the criteria."""
    for group in groups:
        for population in group.group.criteria:
            member = group.total(population.id) > 0
            if member and population.code not in _TAKING_OUT:
                continue
            clause = reader.why(library, population.expression, wanted=not member)
            met = clause.value is True or (isinstance(clause.value, tuple) and clause.value != ())
            if met and not member:
                yield Reason(group.group.id, population, member, None, _instead(group, population))
            else:
                yield Reason(group.group.id, population, member, clause)


def _instead(group: GroupResult, population: Population) -> str:
    """Why a patient who meets the criterion of a population is not in it."""
    sources, before = drawn_from(group.group, population)
    if sources and not any(group.total(source.id) for source in sources):
        return f"the patient is not in {_named(sources)}"
    if taken := [other for other in before if group.total(other.id)]:
        return f"the patient is in {_named(taken)}"
    if sources and not group.group.patient_based:
        return f"by other episodes than those in {_named(sources)}"
    return "the evaluation failed" if not sources else f"not what is counted of {_named(sources)}"


def _named(populations: Sequence[Population]) -> str:
    return " or ".join(dict.fromkeys(population.code.value for population in populations))
