"""Which overload of a function a measure means: criteria name functions without their operands.

An observation or stratifier is a function of one element of a population, or of nothing (Quality Measure IG, "Measure
Observations"). Of several overloads, it is the one for the types of the elements that the population lists.
"""

from __future__ import annotations

from collections.abc import Sequence

from ecqm.elm import nodes as elm
from ecqm.measures.definition import MeasureError
from ecqm.plan.kinds import KindsOf
from ecqm.plan.lowering.types import specified_type
from ecqm.plan.nodes import PlanNode, reachable
from ecqm.types import ANY, ChoiceType, CqlType, NamedType

_ANY_RESOURCE = ("Resource", "DomainResource")


def meant_overload(
    overloads: Sequence[elm.FunctionDef], source: PlanNode, basis: str, patient_based: bool, place: str
) -> elm.FunctionDef:
    """The overload for an element of the list `source`, in a group with this basis.

    Raises MeasureError for functions of several operands, and if it is unclear which of several is meant.
    """
    if len(overloads) == 1:
        return overloads[0]
    of_nothing = [each for each in overloads if not each.operand]
    of_one = [each for each in overloads if len(each.operand) == 1]
    if of_nothing and (patient_based or not of_one):
        return of_nothing[0]
    if not of_one:
        return overloads[0]
    listed = KindsOf(reachable([source])).of(source)
    kinds = {kind if isinstance(kind, str) else "Tuple" for kind in listed} or {basis}
    fitting = [each for each in of_one if all(_takes(_operand(each), kind) for kind in kinds)]
    exact = [each for each in fitting if isinstance(type_ := _operand(each), NamedType) and type_.name in kinds]
    chosen = exact or fitting
    if len(chosen) == 1 or len(of_one) == 1:
        return (chosen or of_one)[0]
    told = ", ".join(str(_operand(each)) for each in of_one)
    raise MeasureError(
        f"{place} is a function with overloads for {told}, and it is unclear which of them is meant for "
        f"{' and '.join(sorted(kinds))}"
    )


def _operand(function: elm.FunctionDef) -> CqlType:
    (operand,) = function.operand
    return specified_type(operand.operandTypeSpecifier, operand.operandType)


def _takes(operand: CqlType, kind: str) -> bool:
    """Whether an operand may be an element of a kind."""
    if isinstance(operand, ChoiceType):
        return any(_takes(each, kind) for each in operand.choices)
    if isinstance(operand, NamedType):
        return operand == ANY or operand.name == kind or operand.name in _ANY_RESOURCE
    return kind == "Tuple"
