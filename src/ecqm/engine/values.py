"""Constants and parameters, and primitives of FHIR as values of System."""

from __future__ import annotations

from functools import cache

from ecqm.columns import BooleanColumn, Column, NullColumn, StringColumn, from_values
from ecqm.columns.number import DecimalColumn, IntegerColumn
from ecqm.columns.temporal import TemporalColumn
from ecqm.engine.executor import Executor, evaluates
from ecqm.engine.frame import Frame
from ecqm.models import load_model
from ecqm.plan.nodes import Constant, Parameter
from ecqm.types import STRING, CqlType, NamedType

# The layouts of primitive types.
Scalars = (BooleanColumn, IntegerColumn, DecimalColumn, StringColumn, TemporalColumn)


def system_type(column: Column) -> Column:
    """A primitive of FHIR as the System value that it contains; any other column unchanged."""
    type_ = column.type
    if isinstance(type_, NamedType) and type_.model == "FHIR" and isinstance(column, Scalars):
        return column.retype(_value_type(type_.name))
    return column


@cache
def _value_type(primitive: str) -> CqlType:
    """The System type of the `value` of a FHIR primitive type."""
    value = load_model("FHIR").element(primitive, "value")
    return STRING if value is None else value.type


@evaluates(Constant)
def constant(executor: Executor, node: Constant, frame: Frame) -> Column:
    if node.value is None:
        return NullColumn(1)
    return from_values([node.value], executor.terminology.codes)


@evaluates(Parameter)
def parameter(executor: Executor, node: Parameter, frame: Frame) -> Column:
    if node.name in executor.parameters:
        return from_values([executor.parameters[node.name]], executor.terminology.codes)
    return NullColumn(1) if node.default is None else executor.value(node.default, frame)
