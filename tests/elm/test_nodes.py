"""ELM nodes: fields, equality, children, and transformation."""

from __future__ import annotations

from typing import Any

import pytest

from ecqm.elm import nodes
from ecqm.elm.nodes import And, If, Literal, NamedTypeSpecifier, Not, Null, Query, bare, children, transform, walk
from tests.elm.documents import INTEGER


def one(value: str = "1", **known: Any) -> Literal:
    return Literal(valueType=INTEGER, value=value, **known)


def test_every_class_has_fields_that_documents_can_hold() -> None:
    assert len(nodes.NODE_CLASSES) > 220
    for name, node_class in nodes.NODE_CLASSES.items():
        for field in nodes.fields(node_class):
            assert not field.is_child or hasattr(nodes, field.declared), (name, field)


def test_a_required_field_must_be_given() -> None:
    with pytest.raises(TypeError, match="condition"):
        If(then=Null(), else_=Null())  # type: ignore[call-arg]


def test_equality_looks_at_everything_but_annotations() -> None:
    assert one(localId="1", annotation=[{"s": "a"}]) == one(localId="1", annotation=[])
    assert one(localId="1") != one(localId="2")
    assert Null() != one()
    assert bare(Not(operand=one(localId="1"), locator="1:1-1:2")) == Not(operand=one())


def test_lists_are_not_shared_between_nodes() -> None:
    first, second = Query(source=[]), Query(source=[])
    first.let.append(nodes.LetClause(identifier="x", expression=one()))
    assert second.let == []


def test_children_come_in_the_order_of_the_schema_without_the_result_type() -> None:
    node = If(else_=one("3"), then=one("2"), condition=one("1"), resultTypeSpecifier=NamedTypeSpecifier(name=INTEGER))
    assert list(children(node)) == [one("1"), one("2"), one("3")]


def test_walk_goes_as_deep_as_there_is() -> None:
    node: nodes.Expression = Null()
    for _ in range(5000):
        node = Not(operand=node)
    assert sum(1 for _ in walk(node)) == 5001


def test_transform_changes_from_the_leaves_up_and_shares_the_rest() -> None:
    kept, changed = Not(operand=Null()), Not(operand=one())
    tree = And(operand=[kept, changed])
    result = transform(tree, lambda node: one("2") if node == one() else node)
    assert result == And(operand=[Not(operand=Null()), Not(operand=one("2"))])
    assert isinstance(result, And) and result.operand[0] is kept
    assert tree.operand[1] is changed and changed.operand == one()
    assert transform(tree, lambda node: node) is tree


def test_repr_shows_what_differs_from_the_defaults() -> None:
    assert repr(Not(operand=Null(), localId="3")) == "Not(localId='3', operand=Null())"
