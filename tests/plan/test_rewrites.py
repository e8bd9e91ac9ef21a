"""What plans are made into (`ecqm.plan.rewrites`): sources that nobody counts, branches that nothing takes."""

from __future__ import annotations

from ecqm.plan.nodes import Call, ExistsWithin, MakeList, Node, PlanNode, Scan
from tests.engine.logic import Logic

STARTS = "define Starts: [Encounter] E return all date from start of E.period\n"


def nodes_of(node: Node) -> set[Node]:
    return {node}.union(*(nodes_of(child) for child in node.children))


def products(plan: PlanNode) -> int:
    return sum(isinstance(node, Scan) and node.of is not None for node in nodes_of(plan))


def test_sources_that_exists_does_not_count_are_conditions() -> None:
    chain = "from Starts A, Starts B, Starts C where A before B and B before C return all"
    logic = Logic(f"{STARTS}define First: exists ({chain} A)\ndefine Last: exists ({chain} C)\ndefine All: {chain} A")
    assert products(logic.plan("All")) == 2
    assert products(logic.plan("Last")) == 2  # what is returned comes last: its sources are still paired
    plan = logic.plan("First")
    assert products(plan) == 0
    assert sum(isinstance(node, ExistsWithin) for node in nodes_of(plan)) == 3


def test_sources_stay_where_conditions_could_raise_an_error() -> None:
    raising = "Message(A before B, A = B, '1', 'Error', 'the same')"
    logic = Logic(f"{STARTS}define X: exists (from Starts A, Starts B where {raising} return all A)")
    assert products(logic.plan("X")) == 1


def test_a_union_of_unions_is_one() -> None:
    plan = Logic("define X: ({ 1 } union { 2 }) union ({ 3 } union { 4 })").plan("X")
    assert isinstance(plan, Call) and [type(operand) for operand in plan.operands] == [MakeList] * 4


def test_branches_that_no_value_can_take_are_left_out() -> None:
    logic = Logic(
        """
        define function Kind(x Choice<DateTime, String, Interval<DateTime>>):
          case
            when x is String then Message('s', true, '1', 'Error', 'no text')
            when x is Interval<DateTime> then 'interval'
            when x is DateTime then 'time'
            else 'none'
          end
        define Known: Kind(Now())
        define Unknown: Kind(if Today() is null then Now() else 'x')
        """
    )
    known, unknown = logic.plan("Known"), logic.plan("Unknown")
    assert unknown.may_raise and not known.may_raise
    assert sum(isinstance(node, Call) and node.operator == "Message" for node in nodes_of(known)) == 0
