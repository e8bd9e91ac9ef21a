"""The nodes of ELM r1: one class per type of the schema, all importable from here, and found by name.

    from ecqm.elm import nodes
    nodes.If(condition=…, then=…, else_=…)
    nodes.node_class("Retrieve") is nodes.Retrieve

See `ecqm.elm.nodes.base` for how a class is declared, and for `children`, `walk`, `transform` and `bare`.
"""
# ruff: noqa: F403, F405

from __future__ import annotations

from ecqm.elm.nodes.aggregate import *
from ecqm.elm.nodes.arithmetic import *
from ecqm.elm.nodes.base import *
from ecqm.elm.nodes.clinical import *
from ecqm.elm.nodes.comparison import *
from ecqm.elm.nodes.conversion import *
from ecqm.elm.nodes.intervals import *
from ecqm.elm.nodes.library import *
from ecqm.elm.nodes.lists import *
from ecqm.elm.nodes.logical import *
from ecqm.elm.nodes.message import *
from ecqm.elm.nodes.nullological import *
from ecqm.elm.nodes.query import *
from ecqm.elm.nodes.strings import *
from ecqm.elm.nodes.temporal import *
from ecqm.elm.nodes.types import *

ABSTRACT: frozenset[type[Node]] = frozenset(
    {
        Node,
        Element,
        TypeSpecifier,
        Expression,
        OperatorExpression,
        UnaryExpression,
        BinaryExpression,
        TernaryExpression,
        NaryExpression,
        AggregateExpression,
        SortByItem,
        RelationshipClause,
    }
)
"""The types that the schema declares for others to extend, and that no document holds."""

NODE_CLASSES: dict[str, type[Node]] = {
    name: value
    for name, value in sorted(globals().items())
    if isinstance(value, type) and issubclass(value, Node) and value not in ABSTRACT and not name.startswith("_")
}
"""Every class that a document may hold, by its ELM name."""


def node_class(name: str) -> type[Node]:
    """The class of the ELM type of that name. Raises KeyError when ELM has no such (concrete) type."""
    return NODE_CLASSES[name]
