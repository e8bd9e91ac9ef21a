"""Nodes that give the value of an expression for each row of the frame that they are evaluated on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecqm.operators import registry
from ecqm.plan.nodes.base import PlanNode
from ecqm.types import CqlType, NamedType


@dataclass(frozen=True, eq=False, repr=False)
class Constant(PlanNode):
    """A scalar value of `ecqm.values`; `type` distinguishes 1, True and 1.0, which are equal in Python."""

    value: Any
    type: CqlType


@dataclass(frozen=True, eq=False, repr=False)
class Parameter(PlanNode):
    """The value of a parameter, one for all libraries: given by the run, or else its default."""

    name: str
    default: PlanNode | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Retrieve(PlanNode):
    """The resources of a type (and profile) that pass a code filter, as a list per patient (`elm:11.1`); if
    `unfiltered`, those of all patients as one list.
    """

    resource_type: NamedType
    profile: str | None
    code_property: str | None = None
    comparator: str | None = None
    codes: PlanNode | None = None
    unfiltered: bool = False

    def reads_patient(self) -> bool:
        return not self.unfiltered


@dataclass(frozen=True, eq=False, repr=False)
class Property(PlanNode):
    """An element of a structured value, or of a resource (`elm:2.3`)."""

    source: PlanNode
    path: str


@dataclass(frozen=True, eq=False, repr=False)
class Call(PlanNode):
    """An operator of the registry with its operands; `attributes` are the other attributes of the ELM node, as (name,
    value) pairs."""

    operator: str
    operands: tuple[PlanNode, ...]
    attributes: tuple[tuple[str, Any], ...] = ()

    def raises(self) -> bool:
        return registry.get(self.operator).may_raise


@dataclass(frozen=True, eq=False, repr=False)
class FunctionKernel(PlanNode):
    """A call of a library function that the engine implements itself (the conversions of FHIRHelpers)."""

    name: str
    operand: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class InValueSet(PlanNode):
    """Whether a code, a concept, or any element of a list of them is in a value set (`elm:23.8`, `elm:23.2`)."""

    operand: PlanNode
    value_set: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Conditional(PlanNode):
    """If and Case (`elm:15`): the value of the first branch (condition, value) whose condition is true. Each value is
    evaluated only for the rows that take its branch."""

    branches: tuple[tuple[PlanNode, PlanNode], ...]
    otherwise: PlanNode


@dataclass(frozen=True, eq=False, repr=False)
class Cast(PlanNode):
    """As (`elm:22.1`): the value if it is of a type, otherwise null, or a run-time error if `strict`."""

    operand: PlanNode
    type: CqlType
    strict: bool = False

    def raises(self) -> bool:
        return self.strict


@dataclass(frozen=True, eq=False, repr=False)
class TypeTest(PlanNode):
    """Is (`elm:22.18`): whether the value is of a type."""

    operand: PlanNode
    type: CqlType


@dataclass(frozen=True, eq=False, repr=False)
class MakeRecord(PlanNode):
    """Tuple and Instance (`elm:2.1`, `elm:2.2`): a value from named elements; `type` is None for a tuple."""

    type: CqlType | None
    elements: tuple[tuple[str, PlanNode], ...]


@dataclass(frozen=True, eq=False, repr=False)
class MakeList(PlanNode):
    """List (`elm:20.1`): a list of given elements; `type` is the element type, where ELM gives it."""

    elements: tuple[PlanNode, ...]
    type: CqlType | None = None


@dataclass(frozen=True, eq=False, repr=False)
class MakeInterval(PlanNode):
    """Interval (`elm:19.1`); whether a boundary is closed may be computed, too.

    `point_type` is the point type where the plan alone shows it. It decides which minimum and maximum closed boundaries
    stand for that are both null.
    """

    low: PlanNode
    high: PlanNode
    low_closed: PlanNode
    high_closed: PlanNode
    point_type: CqlType | None = None
