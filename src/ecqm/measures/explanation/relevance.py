"""Which statements of a measure's logic were relevant to a patient's outcome, and their results.

The certification tools show one of four results for every statement of the logic:

- NA: no population of the population set refers to it, directly or indirectly;
- UNHIT: no population that refers to it was considered, because the patient (or episode) was not in the population
  before it: without an initial population no denominator, without a denominator no numerator, and so on; or nothing in
  its library is called for the patient (`ecqm.measures.explanation.entrance`);
- TRUE or FALSE: a population that was considered refers to it. TRUE if the value is true, a list that is not empty, or
  any other value that is not null. A function has no value of its own and is FALSE.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import StrEnum

import numpy as np

from ecqm.columns import BooleanColumn, Column, ListColumn, Mask
from ecqm.elm import IndexedLibrary, ResolvedLibraries
from ecqm.elm import nodes as elm
from ecqm.elm.nodes.base import walk
from ecqm.measures.definition import Scoring

STRATUM, OBSERVATIONS = "STRAT", "observation_values"

Statement = tuple[str, str]
"""A statement by the names of its library and its own."""


class Outcome(StrEnum):
    """The result of a statement, as the certification tools show it."""

    NOT_APPLICABLE = "NA"
    UNHIT = "UNHIT"
    TRUE = "TRUE"
    FALSE = "FALSE"


def _name(library: IndexedLibrary) -> str:
    return library.identifier.name


def references(
    libraries: ResolvedLibraries, name_of: Callable[[IndexedLibrary], str] = _name
) -> dict[Statement, frozenset[Statement]]:
    """The statements (expressions and functions) that each statement of some libraries refers to.

    `name_of` gives the key of a library; by default its name, under which two versions are the same library.
    """
    found: dict[Statement, frozenset[Statement]] = {}
    for library in libraries.libraries:
        definitions = [*library.expressions.values(), *(f for each in library.functions.values() for f in each)]
        for definition in definitions:
            if definition.expression is None:
                continue
            named = {
                (name_of(libraries.included(library, node.libraryName)), node.name)
                for node in walk(definition.expression)
                if isinstance(node, elm.ExpressionRef)
            }
            statement = (name_of(library), definition.name)
            found[statement] = found.get(statement, frozenset()) | named
    return found


def considered(counts: Mapping[str, float], scoring: Scoring) -> dict[str, bool]:
    """Whether each population of a patient (or episode) was considered, from the counts of all of them.

    Names are those of the packages (IPP, DENOM, …); `STRAT` and `observation_values` take part where they are given.
    """
    asked = dict.fromkeys(counts, True)

    def drop(*names: str) -> None:
        asked.update((name, False) for name in names if name in asked)

    of_denominator = ("DENEX", "DENEXCEP") if scoring is Scoring.RATIO else ("DENEX", "DENEXCEP", "NUMER", "NUMEX")
    if counts.get(STRATUM) == 0:
        drop(*(name for name in asked if name != STRATUM))
    if counts.get("IPP") == 0:
        drop(*(name for name in asked if name not in (STRATUM, "IPP")))
    if counts.get("DENOM") == 0:
        drop(*of_denominator)
    if "DENEX" in counts and counts["DENEX"] >= counts.get("DENOM", 0):
        drop(*(name for name in of_denominator if name != "DENEX"))
    if counts.get("NUMER") == 0:
        drop("NUMEX")
    if counts.get("NUMER", 0) >= 1:
        drop("DENEXCEP")
    if counts.get("MSRPOPL") == 0:
        drop(OBSERVATIONS, "MSRPOPLEX")
    if "MSRPOPLEX" in counts and counts["MSRPOPLEX"] >= counts.get("MSRPOPL", 0):
        drop(OBSERVATIONS)
    return asked


def reached(starts: Iterable[Statement], references: Mapping[Statement, Collection[Statement]]) -> set[Statement]:
    """The statements in `starts` and all that they refer to, directly or indirectly."""
    found = set(starts)
    waiting = deque(found)
    while waiting:
        for statement in references.get(waiting.popleft(), ()):
            if statement not in found:
                found.add(statement)
                waiting.append(statement)
    return found


def passes(column: Column, n: int) -> Mask:
    """Whether the value of a statement is TRUE in the sense of the certification tools, for n patients."""
    column = column.broadcast(n)
    if isinstance(column, BooleanColumn):
        return column.is_true
    if isinstance(column, ListColumn):
        lengths = column.lengths
        nulls = np.zeros(n, np.bool_)
        single = np.flatnonzero(lengths == 1)
        nulls[single] = ~column.values.valid[column.offsets[:-1][single]]
        return column.valid & (lengths > 0) & ~nulls
    return column.valid
