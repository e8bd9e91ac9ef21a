"""The logic of measures as people read it."""

from __future__ import annotations

from ecqm.bundles.content import Content
from ecqm.bundles.evaluation.planning import Planner
from ecqm.measures.explanation.logic import MeasureLogic, together
from tests.cli.samples import KIDNEY, SAMPLE, STAY


def logic_of(*names: str) -> list[MeasureLogic]:
    content = Content.open(SAMPLE)
    planner = Planner(content)
    return [MeasureLogic(planner.plan(content.measure(name))) for name in names]


def test_definitions_with_those_they_refer_to() -> None:
    (logic,) = logic_of(KIDNEY)
    defines = {define.definition.name: define for define in logic.defines}
    assert next(iter(defines)) == "Age At End"
    population = defines["Initial Population"]
    assert {name for _, name in population.uses.values()} >= {"Age At End", "Outpatient Visits"}
    assert population.counted
    assert all(len(nodes) == 1 for nodes in population.clauses.values())


def test_the_definition_of_the_context_is_left_out() -> None:
    (logic,) = logic_of(KIDNEY)
    assert "Patient" not in {define.definition.name for define in logic.defines}


def test_functions_have_a_node_per_call() -> None:
    (logic,) = logic_of(STAY)
    (observation,) = [define for define in logic.defines if define.definition.name == "Measure Observation"]
    assert observation.node is None and observation.clauses and not observation.counted


def test_what_measures_share_is_there_once() -> None:
    one, other = logic_of(KIDNEY, STAY)
    statements = [define.statement for define in together([one, other, one])]
    assert len(statements) == len(set(statements))
    assert set(statements) == {define.statement for logic in (one, other) for define in logic.defines}
    assert together([one, one]) == one.defines
