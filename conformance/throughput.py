"""Measure how many patients per CPU second the engine evaluates.

The patients are the cases of a deck, repeated to a large cohort, or those of files (tools/synthetic_cohort.py).

    python conformance/throughput.py CONTENT --libraries DIR --valuesets DIR [--patients 20000 | --data DIR]
        [--measure NAME]… [--profile] [--json FILE]

Only the evaluation of each measure's plan is timed. Reading, planning, and making the columns of the elements in the
plan (once per cohort, for any number of measures) are done before. `--profile` shows where the time goes: plan nodes by
their own time, pairs of elements, and the operators that were lifted over distinct rows.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path
from statistics import median
from time import process_time
from weakref import WeakSet

from content_arguments import content_parser, opened
from reports import write_results

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import MeasureCases, match_deck
from ecqm.bundles.decks.runner import CannotRun
from ecqm.bundles.evaluation.planning import plan_of
from ecqm.columns import Column
from ecqm.data import Cohort, read_cases, read_files
from ecqm.engine import Executor, FhirProfiles
from ecqm.engine.frame import Frame
from ecqm.measures.definition import Measure
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.defines import evaluate_defines
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.scoring.groups import evaluate_measure
from ecqm.plan.nodes import Call, Constant, ExistsWithin, FunctionKernel, PlanNode, Property, Retrieve, WithinNode
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext

TOP_NODES = 15


@dataclass
class Throughput:
    """The figures of one measure: CPU `seconds` for `patients`, and lifted operators."""

    measure: str
    patients: int
    resources: int
    seconds: float
    errors: int
    lifted: dict[str, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.patients / self.seconds


class ProfilingExecutor(Executor):
    """An executor that adds up the time of each plan node, without the nodes below it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.own: dict[PlanNode, float] = {}
        self.rows: dict[PlanNode, int] = {}
        self.seconds_on_pairs = 0.0
        self.seconds_on_relations = 0.0
        self.products: WeakSet[Frame] = WeakSet()
        self.pairs = 0
        self._below = [0.0]

    def value(self, node: PlanNode, frame: Frame) -> Column:
        if node in frame.memo:
            return frame.memo[node]
        started = process_time()
        self._below.append(0.0)
        try:
            return super().value(node, frame)
        finally:
            elapsed = process_time() - started
            own = elapsed - self._below.pop()
            self.own[node] = self.own.get(node, 0.0) + own
            self._note_pairs(frame, own)
            self.rows[node] = self.rows.get(node, 0) + frame.n
            self._below[-1] += elapsed

    def _note_pairs(self, frame: Frame, seconds: float) -> None:
        """Count the pairs of a frame, and the time spent on them."""
        product: Frame | None = frame
        while product is not None and product.base is None:
            product = product.parent
        if product is None:
            return
        self.seconds_on_pairs += seconds
        within = [node for node in self._path if isinstance(node, WithinNode)]
        if within and isinstance(within[-1], ExistsWithin):
            self.seconds_on_relations += seconds
        if product not in self.products:
            self.products.add(product)
            self.pairs += product.n


def described(node: PlanNode, depth: int = 2) -> str:
    """A short description of a plan node and its children, down to `depth`."""
    name = type(node).__name__
    if isinstance(node, Call):
        name = node.operator
    elif isinstance(node, (Property, FunctionKernel)):
        name = f".{node.path}" if isinstance(node, Property) else f"{node.name}()"
    elif isinstance(node, Retrieve):
        return f"Retrieve {node.resource_type}"
    elif isinstance(node, Constant):
        return repr(node.value)[:40]
    children = [child for child in node.children if isinstance(child, PlanNode)]
    if not children or depth == 0:
        return name
    return f"{name}({', '.join(described(child, depth - 1) for child in children)})"


Period = tuple[str | None, str | None]


def run_once(plan: MeasurePlan, content: Content, cohort: Cohort, period: Period,
             executor_class: type[Executor]) -> tuple[float, Executor]:  # fmt: skip
    executor = executor_class(
        cohort,
        Membership(cohort.codes, content.value_sets),
        FhirProfiles(),
        EvaluationContext.of_this_moment(),
        {"Measurement Period": measurement_period(plan.measure, period)},
    )
    started = process_time()
    evaluate_measure(plan.measure, evaluate_defines(plan, executor))
    return process_time() - started, executor


def measured(plan: MeasurePlan, content: Content, cohort: Cohort, period: Period, profile: bool) -> Throughput:
    run_once(plan, content, cohort, period, Executor)  # makes the columns of the elements
    runs = [run_once(plan, content, cohort, period, Executor) for _ in range(3)]
    executor = runs[0][1]
    if profile:
        _, profiler = run_once(plan, content, cohort, period, ProfilingExecutor)
        assert isinstance(profiler, ProfilingExecutor)
        print(plan.measure.name)
        show_profile(profiler)
    resources = sum(len(table) for table in cohort.tables.values())
    seconds = median(seconds for seconds, _ in runs)
    return Throughput(plan.measure.name, cohort.n, resources, seconds, len(executor.errors), dict(executor.lifted))


def on_deck(content: Content, part: MeasureCases, patients: int, profile: bool) -> Throughput:
    """The figures of a measure on its cases, repeated to the number of `patients`."""
    plan = plan_of(content, part.measure)
    periods = [expectation.period for case in part.cases if (expectation := case.expectation(part.measure.url))]
    period = max(set(periods), key=periods.count) if periods else (None, None)
    times = -(-patients // len(part.cases))
    cohort = read_cases([case.folder for case in part.cases], plan.demand, CodeIndex(), keep_raw=False, times=times)
    return measured(plan, content, cohort, period, profile)


def on_files(content: Content, measures: Sequence[Measure], files: Path, profile: bool) -> Iterator[Throughput]:
    """The figures of measures on the patients of files, which are read once for all measures."""
    plans = []
    for measure in measures:
        try:
            plans.append(plan_of(content, measure))
        except CannotRun as error:
            print(f"{measure.name}: {error}")
    demand = reduce(or_, (plan.demand for plan in plans))
    cohort = read_files([files], demand, CodeIndex(), keep_raw=False)
    for plan in plans:
        yield measured(plan, content, cohort, (None, None), profile)


def show_profile(executor: ProfilingExecutor) -> None:
    total = sum(executor.own.values())
    for node, seconds in sorted(executor.own.items(), key=lambda item: -item[1])[:TOP_NODES]:
        print(f"  {seconds:7.3f} s {seconds / total:5.1%} {executor.rows[node]:>9} rows  {described(node)}")
    on_pairs, on_relations = executor.seconds_on_pairs / total, executor.seconds_on_relations / total
    print(f"  {executor.pairs:,} pairs of elements, {on_pairs:.1%} of the time on them,", end=" ")
    print(f"{on_relations:.1%} on whether there are any")


def report(results: list[Throughput]) -> Iterator[str]:
    results = sorted(results, key=lambda result: result.per_second)
    yield f"{'patients/CPU s':>14}  {'seconds':>8}  {'resources':>9}  measure"
    for result in results:
        lifted = " ".join(f"{name}:{count}" for name, count in result.lifted.items())
        yield (
            f"{result.per_second:>14,.0f}  {result.seconds:>8.3f}  {result.resources:>9}  {result.measure}"
            f"{f'  ({result.errors} errors)' if result.errors else ''}  {f'lifted: {lifted}' if lifted else ''}"
        )
    yield f"median of {len(results)} measures: {median(result.per_second for result in results):,.0f} patients/CPU s"
    yield f"peak memory of all: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def main() -> None:
    parser = content_parser(__doc__)
    parser.add_argument("--measure", action="append", default=[], dest="measures")
    parser.add_argument("--patients", type=int, default=20_000)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--json", type=Path, dest="output")
    arguments = parser.parse_args()
    content = opened(arguments)
    results = []
    if arguments.data:
        throughputs = on_files(content, content.select(arguments.measures), arguments.data, arguments.profile)
    else:
        deck = match_deck(content, None, arguments.measures).measures
        throughputs = (on_deck(content, part, arguments.patients, arguments.profile) for part in deck)
    for result in throughputs:
        results.append(result)
        if arguments.profile:
            print("\n".join(report([result])), flush=True)
    print("\n".join(report(results)))
    write_results(arguments.output, results)


if __name__ == "__main__":
    main()
