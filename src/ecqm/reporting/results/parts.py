"""The results of some patients, without the patients: parts are made in any process, written as JSON, and added up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

from ecqm.bundles.evaluation.batches import Stated
from ecqm.measures.definition import Measure, MeasureError
from ecqm.measures.evaluation.cms_supplements import Counted
from ecqm.measures.results.report import Json
from ecqm.measures.scoring.composite import CompositeScores, CompositeTally, composite_scores
from ecqm.measures.scoring.tally import GroupTally, merged_tallies
from ecqm.operators.message import Told

# How many are listed for a run; all of them are counted.
PROBLEMS_LISTED = 10_000
ERRORS_LISTED = 100_000

Message = tuple[str, str | None, str | None]
"""Severity, code and text of what logic gave off."""


@dataclass
class MeasurePart:
    """The results of a measure: tallies of its groups, number of patients whose evaluation failed, processor seconds,
    tallied supplements, tallies of its composites, and, on request, supplemental data counted `within` populations."""

    groups: tuple[GroupTally, ...]
    failed: int
    seconds: float
    supplements: dict[str, Counter[str]] = field(default_factory=dict)
    composites: tuple[CompositeTally, ...] = ()
    within: list[Counter[Counted]] = field(default_factory=list)


@dataclass
class Part:
    """The results for some patients. `measures` by canonical; `not_run` says, by name or canonical, why a measure could
    not be evaluated. `n_failed` counts pairs of a measure and a patient whose evaluation raised an error. `seconds` are
    the processor seconds to load the data, evaluate and write the results."""

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
            try:
                self.measures[canonical] = more if known is None else _sum(known, more)
            except MeasureError as error:
                self.not_run[canonical] = str(error)

    def results_of(self, measures: Mapping[str, Measure]) -> Iterator[tuple[Measure, MeasurePart]]:
        """The measures that could be evaluated, out of `measures` by canonical, each with its results."""
        for canonical, measure in measures.items():
            part = self.measures.get(canonical)
            if part is not None and not {measure.name, canonical} & self.not_run.keys():
                yield measure, part

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
                "groups": [group.to_json() for group in part.groups],
                "composites": [asdict(composite) for composite in part.composites],
                "within": [list(of_group.items()) for of_group in part.within],
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
    tallies = zip(measure.groups, fields.pop("groups"), strict=True)
    groups = tuple(GroupTally.from_json(group, tally) for group, tally in tallies)
    supplements = {name: Counter(values) for name, values in fields.pop("supplements").items()}
    composites = tuple(CompositeTally(**tally) for tally in fields.pop("composites"))
    within = [Counter({(p, e, codes): n for (p, e, codes), n in of_group}) for of_group in fields.pop("within")]
    return MeasurePart(groups, supplements=supplements, composites=composites, within=within, **fields)


def _sum(first: MeasurePart, second: MeasurePart) -> MeasurePart:
    names = dict.fromkeys((*first.supplements, *second.supplements))
    return MeasurePart(
        merged_tallies((first.groups, second.groups)),
        first.failed + second.failed,
        first.seconds + second.seconds,
        {name: first.supplements.get(name, Counter()) + second.supplements.get(name, Counter()) for name in names},
        tuple(one + other for one, other in zip(first.composites, second.composites, strict=True)),
        [one + other for one, other in zip(first.within, second.within, strict=True)],
    )


def stated_period(stated: Stated, measure: Measure) -> tuple[str, str]:
    """The measurement period of a measure in a run, as written in reports."""
    start, end = (own or effective for own, effective in zip(stated, measure.period, strict=True))
    return str(start), str(end)


def message_of(told: Told) -> Message:
    """What is counted of a message: not its source, which may be data of a patient."""
    return told.severity.value, told.code, told.text
