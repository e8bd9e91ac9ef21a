"""Looking at the evaluation of a deck while its data are at hand."""

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
    """Cases of a measure that were evaluated together, patient i being that of result i.

    `parts`: the plan of the measure, or of each measure that it is composed of, with its results; `source_of`: the CQL
    of a library, where it is at hand.
    """

    measure: str
    parts: Sequence[tuple[MeasurePlan, Sequence[GroupResult]]]
    executor: Executor
    results: Sequence[CaseResult]
    source_of: Callable[[IndexedLibrary], str | None]


class Inspector(Protocol):
    """Who looks: `demand` is what has to be read beside what the plans need; `inspect` is called after evaluation."""

    def demand(self, plans: Sequence[MeasurePlan]) -> Demand: ...

    def inspect(self, inspected: Inspected) -> None: ...
