"""Plans in words: trees, JSON, and the canonical form."""

from __future__ import annotations

import pytest

from ecqm.elm import nodes as elm
from ecqm.plan.explain import execution, form, plan_json, plan_text
from ecqm.plan.nodes import Call
from tests.engine.logic import Logic
from tests.plan.test_lowering import lowering_of

FINISHED = "define Finished: [Encounter] E where E.status = 'finished' and start of E.period before Today()"


def test_a_tree_says_what_and_how_often() -> None:
    text = plan_text({"Finished": Logic(FINISHED).plan("Finished")})
    assert text.splitlines()[0] == '"Finished"'
    (retrieve,) = [line for line in text.splitlines() if "Retrieve" in line]
    assert "resource_type=FHIR.Encounter" in retrieve and retrieve.endswith("[patient]")
    (compared,) = [line for line in text.splitlines() if "Equal" in line]
    assert "[row, kernel]" in compared
    (today,) = [line for line in text.splitlines() if "Today" in line]
    assert "[once" in today


def test_what_is_shared_is_shown_once() -> None:
    logic = Logic(
        "define Starts: [Encounter] E return all start of E.period\ndefine Two: Tuple { a: Starts, b: Starts }"
    )
    text = plan_text({"Two": logic.plan("Two")})
    assert text.count("Retrieve") == 1
    assert "b: → #1 CollectWithin" in text


def test_several_plans_share_their_numbers() -> None:
    logic = Logic("define All: [Encounter]\ndefine Some: exists (All)\ndefine Number: Count(All)")
    text = plan_text({name: logic.plan(name) for name in ("Some", "Number")})
    assert "#1 Retrieve" in text and "→ #1 Retrieve" in text


def test_a_plan_says_where_in_the_source_it_comes_from() -> None:
    today = elm.Today(locator="3:5-3:11")
    lowering, library = lowering_of(elm.ExpressionDef(name="X", context="Patient", expression=today))
    roots, places = {"X": lowering.define(library, "X")}, lowering.lowered.places
    assert plan_text(roots, places).splitlines()[1].endswith("]  Hand 3:5-3:11")
    assert "Hand" not in plan_text(roots)
    (shown,) = plan_json(roots, places)["nodes"]
    assert shown["place"] == {"library": "Hand 1", "locator": "3:5-3:11", "path": ['Hand."X"']}


def test_json_names_children_before_parents() -> None:
    told = plan_json({"Finished": Logic(FINISHED).plan("Finished")})
    seen: set[int] = set()
    for node in told["nodes"]:
        assert all(child["id"] in seen for child in node.get("children", ()))
        seen.add(node["id"])
    assert told["roots"]["Finished"] == len(told["nodes"])
    assert {node["grain"] for node in told["nodes"]} == {"once", "patient", "row"}
    assert all(node["execution"] in ("kernel", "lifted") for node in told["nodes"] if node["node"] == "Call")


def test_the_form_of_equal_plans_is_equal() -> None:
    other = FINISHED.replace(" E ", " Visit ").replace("E.", "Visit.")
    plan, again = Logic(FINISHED).plan("Finished"), Logic("define Before: 1 + 2\n" + other).plan("Finished")
    assert form(plan) == form(again)
    assert form(plan) != form(Logic(FINISHED.replace("finished", "planned")).plan("Finished"))


def test_the_form_tells_types_and_settings_apart() -> None:
    sources = ("1", "1.0", "1L", "'1'", "{ 1 }", "Today()", "day from Today()", "month from Today()", "null", "false")
    assert len({form(Logic(f"define X: {source}").plan("X")) for source in sources}) == len(sources)


def test_the_form_of_aggregates_does_not_count_them() -> None:
    total = "({ 1, 2 }) N aggregate T starting 0: T + N"
    twice = Logic(f"define Other: {total.replace('0', '5')}\ndefine X: {total}\ndefine Y: Other + X")
    twice.plan("Y")
    assert form(twice.plan("X")) == form(Logic(f"define X: {total}").plan("X"))


def test_calls_without_a_kernel_are_marked() -> None:
    lifted = Logic("define X: Message(1, false, 'c', 'Trace', 't')").plan("X")
    assert isinstance(lifted, Call) and execution(lifted) == "lifted"
    assert "lifted" in plan_text({"X": lifted}) and "may raise" in plan_text({"X": lifted})


@pytest.mark.parametrize(
    ("instance", "how"),
    [
        ("System.Code { code: 'c' }", "lifted"),
        ("System.Quantity { value: 1.0 }", "kernel"),
        ("FHIR.Coding { id: null }", None),
        ("Tuple { a: 1 }", None),
    ],
)
def test_instances_without_a_layout_are_marked(instance: str, how: str | None) -> None:
    assert execution(Logic(f"define X: {instance}").plan("X")) == how
