"""What the groups of a QDM measure count, patients or episodes of care, derived from the plan of their criteria."""

from __future__ import annotations

from dataclasses import replace

from ecqm.bundles.packages.terms import EPISODES, UNSTATED
from ecqm.data.qdm.schema import QdmSchema
from ecqm.measures.definition import PATIENT_BASIS, Group
from ecqm.measures.evaluation.planning import MeasurePlan
from ecqm.plan.nodes import Call, Cast, CollectWithin, Element, MakeList, Node, Retrieve, SortWithin

# Operators whose result has the elements of their operands.
_LISTS = ("Union", "Intersect", "Except", "Distinct")


def with_basis(group: Group, plan: MeasurePlan, schema: QdmSchema) -> Group:
    """A group with patients or a data type of QDM as its basis.

    A group whose first criterion is a list counts episodes, even if it states that it counts patients, whose criteria
    are true or false. The basis stays `EPISODES` if the plan does not tell of which one data type they are.
    """
    counted = plan.defines[group.criteria[0].expression]
    if group.basis in (UNSTATED, PATIENT_BASIS) and not _is_list(counted):
        return replace(group, basis=PATIENT_BASIS)
    retrieved = _retrieved(counted)
    return replace(group, basis=EPISODES if retrieved is None else schema.base(retrieved))


def _is_list(node: Node) -> bool:
    """Whether a criterion is a list of episodes, rather than a condition on patients."""
    if isinstance(node, Cast):
        return _is_list(node.operand)
    return isinstance(node, (Retrieve, CollectWithin, SortWithin, MakeList)) or (
        isinstance(node, Call) and node.operator in (*_LISTS, "Flatten", "Expand")
    )


def _retrieved(node: Node) -> str | None:
    """The data type of the elements of a list, if the plan shows a single one."""
    if isinstance(node, Retrieve):
        return node.resource_type.name
    if isinstance(node, (CollectWithin, Element)):
        return _retrieved(node.value if isinstance(node, CollectWithin) else node.source)
    if isinstance(node, (Cast, SortWithin)):
        return _retrieved(node.operand if isinstance(node, Cast) else node.source)
    if isinstance(node, Call) and node.operator in _LISTS:
        found = set(map(_retrieved, node.operands))
        return found.pop() if len(found) == 1 else None
    return None
