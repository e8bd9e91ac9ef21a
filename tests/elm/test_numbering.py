"""Numbers of expressions (`ecqm.elm.numbering`) are equal for equal expressions."""

from __future__ import annotations

from decimal import Decimal

from ecqm.elm import nodes as elm
from ecqm.elm.numbering import ExpressionNumbers

INTEGER = "{urn:hl7-org:elm-types:r1}Integer"


def one(local_id: str | None = None) -> elm.Literal:
    return elm.Literal(valueType=INTEGER, value="1", localId=local_id, locator=local_id)


def test_positions_and_annotations_do_not_count() -> None:
    numbers = ExpressionNumbers()
    first, again = elm.Negate(operand=one("3")), elm.Negate(operand=one("7"), annotation=["said again"])
    assert numbers.add(first) == numbers.add(again)
    assert numbers.of(first.operand) == numbers.of(again.operand) is not None


def test_operators_attributes_and_order_do_count() -> None:
    numbers = ExpressionNumbers()
    two = elm.Literal(valueType=INTEGER, value="2")
    expressions: list[elm.Expression] = [
        one(),
        two,
        elm.Add(operand=[one(), two]),
        elm.Add(operand=[two, one()]),
        elm.Subtract(operand=[one(), two]),
        elm.DateTimeComponentFrom(operand=one(), precision="Day"),
        elm.DateTimeComponentFrom(operand=one(), precision="Hour"),
    ]
    assert len({numbers.add(expression) for expression in expressions}) == len(expressions)


def test_numbers_with_other_digits_are_others() -> None:
    numbers = ExpressionNumbers()
    dose, written_longer = (elm.Quantity(value=Decimal(digits), unit="mg") for digits in ("1.5", "1.50"))
    assert numbers.add(dose) != numbers.add(written_longer)


def test_what_was_not_added_has_no_number() -> None:
    numbers = ExpressionNumbers()
    numbers.add(one())
    assert numbers.of(one()) is None
