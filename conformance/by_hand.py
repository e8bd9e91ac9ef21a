"""Compare the engine on CMS122 with a handwritten query on the same columns.

    python conformance/by_hand.py CONTENT --libraries DIR --valuesets DIR --data DIR [--runs 9] [--json FILE]

The data are a cohort of tools/synthetic_cohort.py. Its columns, and its indexes by code, are made before. Then engine
and query (by_hand_cms122.py) alternate. Figures are medians of the CPU time of one thread. Fails if a patient is in
different populations.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import process_time

import numpy as np
from by_hand_cms122 import Query
from content_arguments import content_parser, opened
from reports import write_results

from ecqm.bundles.evaluation.planning import plan_of
from ecqm.columns import Mask
from ecqm.data import Cohort, read_files
from ecqm.engine import Executor, FhirProfiles
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.defines import evaluate_defines
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.measures.scoring.groups import evaluate_measure
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext, Interval

MEASURE = "CMS122"


def by_engine(plan: MeasurePlan, cohort: Cohort, terminology: Membership, period: Interval) -> dict[str, Mask]:
    """Masks over the patients, by population code."""
    context = EvaluationContext.of_this_moment()
    executor = Executor(cohort, terminology, FhirProfiles(), context, {"Measurement Period": period})
    (group,) = evaluate_measure(plan.measure, evaluate_defines(plan, executor))
    return {population.code.value: group.members[population.id] for population in group.group.criteria}


def by_hand(plan: MeasurePlan, cohort: Cohort, terminology: Membership, period: Interval) -> dict[str, Mask]:
    return Query(cohort, terminology, period).populations()


def main() -> None:
    parser = content_parser(__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--json", type=Path, dest="output")
    arguments = parser.parse_args()
    content = opened(arguments)
    (measure,) = content.select([MEASURE])
    plan = plan_of(content, measure)
    cohort = read_files([arguments.data], plan.demand, CodeIndex(), keep_raw=False)
    period = measurement_period(measure, (None, None))
    assert period is not None
    seconds: dict[str, list[float]] = {"engine": [], "hand": []}
    for run in range(arguments.runs + 1):
        found = {}
        for name, evaluate in (("engine", by_engine), ("hand", by_hand)):
            terminology = Membership(cohort.codes, content.value_sets)
            started = process_time()
            found[name] = evaluate(plan, cohort, terminology, period)
            if run:  # the first makes the columns
                seconds[name].append(process_time() - started)
    engine, hand = median(seconds["engine"]), median(seconds["hand"])
    for code, members in found["engine"].items():
        different = np.flatnonzero(members != found["hand"][code])
        print(f"{code:<24} {np.count_nonzero(members):>9} of {cohort.n} patients, {len(different)} differ")
        if len(different):
            raise SystemExit(f"not the same, for instance: {', '.join(cohort.ids[i] for i in different[:5])}")
    print(f"engine {engine * 1000:.1f} ms, by hand {hand * 1000:.1f} ms: {engine / hand:.1f} times")
    result = {"measure": measure.name, "patients": cohort.n, "engine": engine, "hand": hand, "ratio": engine / hand}
    write_results(arguments.output, result)


if __name__ == "__main__":
    main()
