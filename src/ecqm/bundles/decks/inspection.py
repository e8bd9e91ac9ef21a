"""Inspecting the evaluation of a deck while its data are in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from ecqm.data import Demand
from ecqm.elm import IndexedLibrary
from ecqm.engine import Executor
from ecqm.measures.decks.agreement import CaseResult
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.scoring.groups import GroupResult


@dataclass(frozen=True)
class Inspected:
    """Cases of a measure that were evaluated together; patient i is that of result i.

    `parts`: the plan of the measure, or of each of its components, with the results; `source_of`: the CQL of a library,
    if available.
    """

    measure: str
    parts: Sequence[tuple[MeasurePlan, Sequence[GroupResult]]]
    executor: Executor
    results: Sequence[CaseResult]
    source_of: Callable[[IndexedLibrary], str | None]


class Inspector(Protocol):
    """`demand` is the data to be read in addition to what the plans need; `inspect` is called after evaluation."""

    def demand(self, plans: Sequence[MeasurePlan]) -> Demand: ...

    def inspect(self, inspected: Inspected) -> None: ...
