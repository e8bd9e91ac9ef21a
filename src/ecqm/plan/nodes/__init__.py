"""The nodes of an evaluation plan.

A plan is a directed acyclic graph in which equal sub-plans are one node (see `ecqm.plan.builder`). Nodes are therefore
compared by identity, and a sub-plan that occurs several times is evaluated once. There are two families: a `PlanNode`
gives a column, one value per row of the frame that it is evaluated on; a `RowsNode` opens a new frame.

The grain of a node is how often it is evaluated: `once` per run, once per `patient`, or once per `row` of the queries
whose variables it depends on (`free`).
"""

from ecqm.plan.nodes.base import NOTHING, Node, PlanNode, RowsNode, Variable, reachable
from ecqm.plan.nodes.queries import (
    Accumulator,
    CollectWithin,
    Element,
    ExistsWithin,
    Filter,
    Position,
    ReduceWithin,
    Repeat,
    Scan,
    SortWithin,
    WithinNode,
    bound_by,
    sources_of,
)
from ecqm.plan.nodes.values import (
    Call,
    Cast,
    Conditional,
    Constant,
    FunctionKernel,
    InValueSet,
    MakeInterval,
    MakeList,
    MakeRecord,
    Parameter,
    Property,
    Retrieve,
    TypeTest,
)

__all__ = [
    "NOTHING",
    "Accumulator",
    "Call",
    "Cast",
    "CollectWithin",
    "Conditional",
    "Constant",
    "Element",
    "ExistsWithin",
    "Filter",
    "FunctionKernel",
    "InValueSet",
    "MakeInterval",
    "MakeList",
    "MakeRecord",
    "Node",
    "Parameter",
    "PlanNode",
    "Position",
    "Property",
    "ReduceWithin",
    "Repeat",
    "Retrieve",
    "RowsNode",
    "Scan",
    "SortWithin",
    "TypeTest",
    "Variable",
    "WithinNode",
    "bound_by",
    "reachable",
    "sources_of",
]
