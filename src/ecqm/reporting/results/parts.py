"""The results of some patients, without the patients: parts are made in any process, written as JSON, and added up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import TypeVar

from ecqm.bundles.evaluation.batches import Stated
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.evaluation.cms_supplements import Counted
from ecqm.measures.results.fhir_elements import Json
from ecqm.measures.scoring.composite import CompositeScores, CompositeTally, composite_scores
from ecqm.measures.scoring.tally import GroupTally, merged_tallies
from ecqm.operators.message import Told

# How many are listed for a run; all of them are counted.
PROBLEMS_LISTED = 10_000
ERRORS_LISTED = 100_000

_C = TypeVar("_C")

Message = tuple[str, str | None, str | None]
"""Severity, code and text of what logic gave off."""


@dataclass
class MeasurePart:
    """The results of a measure: tallies of its groups, number of patients whose evaluation failed, processor seconds,
    tallied supplements, tallies of its composites, and, on request, supplemental data counted `within` the populations
    of groups, by id."""

    groups: tuple[GroupTally, ...]
    failed: int
    seconds: float
    supplements: dict[str, Counter[str]] = field(default_factory=dict)
    composites: tuple[CompositeTally, ...] = ()
    within: dict[str, Counter[Counted]] = field(default_factory=dict)


@dataclass
class Part:
    """The results for some patients. `measures` by canonical; `not_run` says why measures, groups or supplemental data
    could not be evaluated, by names that begin with that of the measure or its canonical. `n_failed` counts pairs of a
    measure and a patient whose evaluation raised an error. `seconds` are the processor seconds to load the data,
    evaluate and write the results."""

    patients: int = 0
    measures: dict[str, MeasurePart] = field(default_factory=dict)
    not_run: dict[str, str] = field(default_factory=dict)
    errors: list[Json] = field(default_factory=list)
    n_failed: int = 0
    problems: list[Json] = field(default_factory=list)
    n_problems: int = 0
    lifted: Counter[str] = field(default_factory=Counter)
    messages: Counter[Message] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=dict)

    def add(self, other: Part) -> None:
        """Add the results for more patients, who come after these."""
        self.patients += other.patients
        self.not_run |= other.not_run
        self.errors += other.errors[: max(ERRORS_LISTED - len(self.errors), 0)]
        self.n_failed += other.n_failed
        self.problems += other.problems[: max(PROBLEMS_LISTED - len(self.problems), 0)]
        self.n_problems += other.n_problems
        self.lifted.update(other.lifted)
        self.messages.update(other.messages)
        self.seconds = {
            step: self.seconds.get(step, 0.0) + other.seconds.get(step, 0.0)
            for step in dict.fromkeys((*self.seconds, *other.seconds))
        }
        for canonical, more in other.measures.items():
            known = self.measures.get(canonical)
            self.measures[canonical] = more if known is None else self._sum(canonical, known, more)

    def _sum(self, canonical: str, first: MeasurePart, second: MeasurePart) -> MeasurePart:
        """The sum of two parts of a measure. A group, supplemental datum or composite that could not be evaluated is
        missing from a part, and then from the sum."""
        others = {tally.group.id: tally for tally in second.groups}
        groups = []
        for tally in first.groups:
            if tally.group.id in others:
                try:
                    groups.append(merged_tallies((tally, others[tally.group.id])))
                except MeasureError as error:
                    self.not_run[f"{canonical}, group {tally.group.id}"] = str(error)
        return MeasurePart(
            tuple(groups),
            first.failed + second.failed,
            first.seconds + second.seconds,
            _common(first.supplements, second.supplements),
            tuple(one + other for one, other in zip(first.composites, second.composites, strict=False)),
            _common(first.within, second.within),
        )

    def results_of(self, measures: Mapping[str, Measure]) -> Iterator[tuple[Measure, MeasurePart]]:
        """The measures that could be evaluated, out of `measures` by canonical, each with its results.

        The measures are without the groups and supplemental data that could not be evaluated for some patients.
        """
        for canonical, measure in measures.items():
            part = self.measures.get(canonical)
            if part is None or {measure.name, canonical} & self.not_run.keys():
                continue
            counted = {tally.group.id for tally in part.groups}
            groups = tuple(group for group in measure.groups if group.id in counted)
            if groups or not measure.groups:
                found = (s for s in measure.supplemental_data if measure.name_of_supplement(s.id) not in self.not_run)
                yield replace(measure, groups=groups, supplemental_data=tuple(found)), part

    def scores(self, measure: Measure) -> CompositeScores:
        """The scores of a measure's composites, all of whose components have results."""
        groups = {canonical: part.groups for canonical, part in self.measures.items() if canonical not in self.not_run}
        return composite_scores(measure, [self.measures[measure.canonical].composites], groups)

    def to_json(self) -> bytes:
        """The part as JSON, to be read by `from_json`."""
        content = {name: value for name, value in vars(self).items() if name not in ("measures", "messages")}
        content["messages"] = list(self.messages.items())
        content["measures"] = {
            canonical: vars(part)
            | {
                "groups": {tally.group.id: tally.to_json() for tally in part.groups},
                "composites": [asdict(composite) for composite in part.composites],
                "within": {group: list(counter.items()) for group, counter in part.within.items()},
            }
            for canonical, part in self.measures.items()
        }
        return json.dumps(content, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes, measures: Mapping[str, Measure]) -> Part:
        """Read a part; `measures` by canonical."""
        fields = json.loads(content)
        fields["lifted"] = Counter(fields["lifted"])
        fields["messages"] = Counter({tuple(message): times for message, times in fields["messages"]})
        fields["measures"] = {
            canonical: _measure_part(measures[canonical], part) for canonical, part in fields["measures"].items()
        }
        return cls(**fields)


def _measure_part(measure: Measure, fields: Json) -> MeasurePart:
    tallies = fields.pop("groups")
    groups = tuple(GroupTally.from_json(each, tallies[each.id]) for each in measure.groups if each.id in tallies)
    supplements = {name: Counter(values) for name, values in fields.pop("supplements").items()}
    composites = tuple(CompositeTally(**tally) for tally in fields.pop("composites"))
    within = {
        group: Counter({(p, e, codes): n for (p, e, codes), n in counted})
        for group, counted in fields.pop("within").items()
    }
    return MeasurePart(groups, supplements=supplements, composites=composites, within=within, **fields)


def _common(first: Mapping[str, Counter[_C]], second: Mapping[str, Counter[_C]]) -> dict[str, Counter[_C]]:
    """The counters that both have, added up."""
    return {name: counter + second[name] for name, counter in first.items() if name in second}


def stated_period(stated: Stated, measure: Measure) -> tuple[str, str]:
    """The measurement period of a measure in a run, as written in reports."""
    start, end = (own or effective for own, effective in zip(stated, measure.period, strict=True))
    return str(start), str(end)


def message_of(told: Told) -> Message:
    """What is counted of a message: not its source, which may be data of a patient."""
    return told.severity.value, told.code, told.text
