"""The published measures that have no cases of their own, on patients of other decks: every definition has a value."""

from __future__ import annotations

from dataclasses import replace

from ecqm.bundles.content import Content
from ecqm.bundles.decks.matching import match_deck
from ecqm.bundles.evaluation.planning import plan_of
from ecqm.data import read_cases
from ecqm.engine import Executor, FhirProfiles
from ecqm.measures.definition.period import measurement_period
from ecqm.measures.evaluation.planning import demand_of
from ecqm.plan.nodes import reachable
from ecqm.terminology import CodeIndex, Membership
from ecqm.values import EvaluationContext
from tests.content import CONTENT, needs_content

OF_EVERY_DECK = 8


@needs_content
def test_every_definition_evaluates() -> None:
    content = Content.open(
        CONTENT / "ecqm-content-qicore-2025", (CONTENT / "libraries-2025",), (CONTENT / "valuesets-2025",)
    )
    decks = match_deck(content).measures
    folders = [case.folder for deck in decks for case in deck.cases[:OF_EVERY_DECK]]
    with_cases = {deck.measure.canonical for deck in decks}
    plans = [plan_of(content, measure) for measure in content.select(()) if measure.canonical not in with_cases]
    assert len(plans) == 14
    context = replace(EvaluationContext.of_this_moment(), terminology=content.value_sets)
    for plan in plans:
        main = plan.libraries.main
        nodes = {name: plan.lowering.define(main, name) for name in main.expressions}
        nodes |= {str(key): observation.value for key, observation in plan.observations.items()}
        codes = CodeIndex()
        cohort = read_cases(folders, demand_of(reachable(nodes.values())), codes)
        period = measurement_period(plan.measure, (None, None))
        executor = Executor(
            cohort, Membership(codes, content.value_sets), FhirProfiles(), context, {"Measurement Period": period}
        )
        for name, node in nodes.items():
            executor.evaluate(node, name)
        # Patients whose data contradict themselves may fail, and no others.
        assert len({error.patient for error in executor.errors}) <= 1, (plan.measure.name, executor.errors)
