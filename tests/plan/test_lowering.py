"""From ELM to plan nodes: what is planned as one, what moves where, and what cannot be planned."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ecqm.elm import IndexedLibrary, LibraryCollection
from ecqm.elm import nodes as elm
from ecqm.operators import registry
from ecqm.plan.lowering import Lowering, PlanError, operators
from ecqm.plan.lowering.core import lowerer_of
from ecqm.plan.nodes import Call, CollectWithin, ExistsWithin, Filter, Retrieve, Scan
from tests.data.resources import patient
from tests.engine.logic import Logic, cohort_of


def lowering_of(*definitions: elm.ExpressionDef) -> tuple[Lowering, IndexedLibrary]:
    """Of a library written as ELM."""
    identifier = elm.VersionedIdentifier(id="Hand", version="1")
    library = IndexedLibrary(elm.Library(identifier=identifier, statements=list(definitions)))
    return Lowering(LibraryCollection([library]).resolve(library)), library


def test_equal_expressions_are_one_node() -> None:
    logic = Logic(
        """
        define One: [Encounter] E where E.status = 'finished'
        define Other: [Encounter] F where F.status = 'finished'
        """
    )
    assert logic.plan("One") is logic.plan("Other")


def test_what_a_function_says_twice_means_what_names_mean_there(tmp_path: Path) -> None:
    logic = Logic(
        """
        define function Sums(a Integer, b Integer): { (a - b) * 2, (a - b) * 3 }
        define function Nested(a Integer): { First(({ a }) x return x + 1), First(({ a + 1 }) x return x + 1) }
        define One: Sums(3, 2)
        define Other: Sums(2, 3)
        define Aliases: Nested(1)
        """
    )
    cohort = cohort_of(tmp_path, [patient()])
    values = [logic.values(name, cohort)[0] for name in ("One", "Other", "Aliases")]
    assert values == [(2, 3), (-2, -3), (2, 3)]


def test_conditions_on_the_element_alone_go_into_the_scan() -> None:
    logic = Logic(
        """
        define Related: [Encounter] E
          with [Observation] O such that O.status = 'final' and O.effective during E.period
          where E.status = 'finished'
        """
    )
    plan = logic.plan("Related")
    assert isinstance(plan, CollectWithin) and isinstance(plan.rows, Scan)
    related, finished = plan.rows.keep
    assert isinstance(related, ExistsWithin) and isinstance(finished, Call)
    # Of the related element, what is about it alone goes into its scan; what is about both does not.
    assert isinstance(related.rows, Filter) and isinstance(related.rows.rows, Scan)
    assert [len(related.rows.conditions), len(related.rows.rows.keep)] == [1, 1]


@pytest.mark.parametrize(
    "condition",
    [
        "Message(true, true, 'a', 'Error', 'b')",
        "Ln(ToDecimal(E.id)) > 1",
        "Matches('a', E.id)",
        "singleton from (E.reasonCode) is null",
    ],
)
def test_what_may_raise_stays_behind_the_conditions_before_it(condition: str) -> None:
    plan = Logic(f"define X: [Encounter] E where {condition} and E.status = 'finished'").plan("X")
    assert isinstance(plan, CollectWithin) and isinstance(plan.rows, Filter)
    (late,) = plan.rows.conditions
    assert late.may_raise
    assert isinstance(plan.rows.rows, Scan) and len(plan.rows.rows.keep) == 1


def test_exists_of_a_query_needs_no_list() -> None:
    assert isinstance(Logic("define X: exists ([Encounter] E where E.status = 'planned')").plan("X"), ExistsWithin)


def test_a_query_that_does_nothing_is_its_source() -> None:
    assert isinstance(Logic("define X: [Encounter] E").plan("X"), Retrieve)


def test_what_depends_on_no_patient_is_evaluated_once() -> None:
    logic = Logic("define Once: 1 + 1\ndefine Each: Count([Encounter])\ndefine Both: Once + Each")
    assert [logic.plan(name).grain for name in ("Once", "Each", "Both")] == ["once", "patient", "patient"]


def test_a_plan_prints_itself_and_not_all_that_it_is_made_of() -> None:
    assert repr(Logic("define X: Count([Encounter]) + 1").plan("X")) == "<Call Add per patient>"


def test_places_tell_where_a_node_came_from() -> None:
    added = elm.Add(localId="7", locator="3:5-3:9", operand=[literal("1"), literal("2")])
    lowering, library = lowering_of(elm.ExpressionDef(name="Sum", context="Patient", expression=added))
    plan = lowering.define(library, "Sum")
    assert isinstance(plan, Call)
    place = lowering.lowered.places[plan]
    assert (str(place.library), place.locator, place.path) == ("Hand 1", "3:5-3:9", ('Hand."Sum"',))
    assert lowering.origins[place.library, "7"] is plan


def literal(value: str) -> elm.Literal:
    return elm.Literal(valueType="{urn:hl7-org:elm-types:r1}Integer", value=value)


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        ("Boolean", "maybe"),
        ("Integer", "2147483649"),
        ("Integer", "9" * 400),
        ("Integer", "1.5"),
        ("Long", "9223372036854775809"),
        ("Decimal", "1e999999999"),
        ("Decimal", "1e-999999999"),
        ("Decimal", "NaN"),
        ("Decimal", "100000000000000000000.0"),
        ("DateTime", "2026"),
    ],
)
def test_literals_beyond_their_types_are_refused(type_: str, value: str) -> None:
    loose = elm.Literal(valueType=f"{{urn:hl7-org:elm-types:r1}}{type_}", value=value, locator="1:2-1:3")
    lowering, library = lowering_of(elm.ExpressionDef(name="Loose", context="Patient", expression=loose))
    with pytest.raises(PlanError, match=rf'Hand\."Loose" at 1:2-1:3: .*{type_}'):
        lowering.define(library, "Loose")


@pytest.mark.parametrize("value", ["1e999999999", "-1e-999999999", "100000000000000000000", "Infinity"])
def test_quantities_beyond_the_range_of_decimal_are_refused(value: str) -> None:
    quantity = elm.Quantity(value=Decimal(value), locator="1:2-1:3")
    whole = elm.Ratio(numerator=elm.Quantity(value=Decimal(1)), denominator=quantity, locator="1:2-1:3")
    for loose in (quantity, whole):
        lowering, library = lowering_of(elm.ExpressionDef(name="Loose", context="Patient", expression=loose))
        with pytest.raises(PlanError, match=r'Hand\."Loose" at 1:2-1:3: .* is not the value of a Quantity'):
            lowering.define(library, "Loose")


def test_the_smallest_integer_is_the_negation_of_a_literal(tmp_path: Path) -> None:
    logic = Logic("define Smallest: -2147483648")
    assert logic.values("Smallest", cohort_of(tmp_path, [patient()])) == [-(2**31)]


def test_a_query_without_a_source_is_refused() -> None:
    loose = elm.Query(source=[], locator="1:2-1:3")
    lowering, library = lowering_of(elm.ExpressionDef(name="Loose", context="Patient", expression=loose))
    with pytest.raises(PlanError, match=r'Hand\."Loose" at 1:2-1:3: the query has no source'):
        lowering.define(library, "Loose")


def refers_to(name: str) -> elm.ExpressionDef:
    other = {"A": "B", "B": "A"}.get(name, "nothing")
    return elm.ExpressionDef(name=name, context="Patient", expression=elm.ExpressionRef(name=other))


def test_a_definition_that_refers_to_itself_is_refused() -> None:
    lowering, library = lowering_of(refers_to("A"), refers_to("B"))
    with pytest.raises(PlanError, match=r'Hand\."A" → Hand\."B" → Hand\."A"'):
        lowering.define(library, "A")


def test_what_is_not_defined_is_named() -> None:
    lowering, library = lowering_of(refers_to("C"))
    with pytest.raises(PlanError, match='no definition "nothing"'):
        lowering.define(library, "C")


def test_an_alias_that_nothing_has_is_named_with_its_place() -> None:
    loose = elm.AliasRef(name="E", locator="1:2-1:3")
    lowering, library = lowering_of(elm.ExpressionDef(name="Loose", context="Patient", expression=loose))
    with pytest.raises(PlanError, match=r'Hand\."Loose" at 1:2-1:3.*\'E\''):
        lowering.define(library, "Loose")


@pytest.mark.parametrize("loose", [elm.Current(locator="1:2-1:3"), elm.Total(locator="1:2-1:3")])
def test_the_element_of_no_operator_is_refused_with_its_place(loose: elm.Expression) -> None:
    lowering, library = lowering_of(elm.ExpressionDef(name="Loose", context="Patient", expression=loose))
    with pytest.raises(PlanError, match=r'Hand\."Loose" at 1:2-1:3'):
        lowering.define(library, "Loose")


# Types of ELM that are no expressions themselves, but what others are derived from.
ABSTRACT = {
    "AggregateExpression",
    "BinaryExpression",
    "Expression",
    "NaryExpression",
    "OperatorExpression",
    "TernaryExpression",
    "UnaryExpression",
}


def test_every_type_of_elm_expression_is_evaluated_except_search() -> None:
    missing = set()
    for name, node_class in vars(elm).items():
        if not isinstance(node_class, type) or not issubclass(node_class, elm.Expression) or name in ABSTRACT:
            continue
        lowerer = lowerer_of(node_class)
        if lowerer is None or (lowerer is operators.operator and registry.find(name) is None):
            missing.add(name)
    assert missing == {"Search"}


def test_an_unsupported_type_of_expression_is_named_with_its_place() -> None:
    search = elm.Search(path="name", locator="1:2-1:3")
    lowering, library = lowering_of(elm.ExpressionDef(name="Found", context="Patient", expression=search))
    with pytest.raises(PlanError, match=r'Hand\."Found" at 1:2-1:3: ELM node Search is not supported'):
        lowering.define(library, "Found")
