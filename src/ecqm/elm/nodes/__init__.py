"""The nodes of ELM r1: one class per type of the schema. All can be imported from here and found by name.

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
"""The abstract types of the schema, which do not occur in documents."""

NODE_CLASSES: dict[str, type[Node]] = {
    name: value
    for name, value in sorted(globals().items())
    if isinstance(value, type) and issubclass(value, Node) and value not in ABSTRACT and not name.startswith("_")
}
"""All concrete classes, by ELM name."""


def node_class(name: str) -> type[Node]:
    """The class of a concrete ELM type. Raises KeyError if there is no such type."""
    return NODE_CLASSES[name]
