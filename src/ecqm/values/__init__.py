"""Scalar values with CQL semantics, immutable and hashable.

Null is None, Boolean bool, String str, Integer int, Decimal decimal.Decimal and List a tuple; every other type of
System has a class here. The operators that every part of the engine needs are functions of the submodules: `equality`,
`ordering`, `boundaries` of intervals, `steps` (successor, predecessor), `calendar`, `units`, and `text` (CQL notation).
"""

from ecqm.values.clinical import Code, CodeSystem, Concept, ValueSet, Vocabulary
from ecqm.values.context import EvaluationContext, current_context, evaluating, request_offset
from ecqm.values.errors import CqlError
from ecqm.values.interval import Interval, Uncertainty
from ecqm.values.numbers import Long
from ecqm.values.quantity import Quantity, Ratio
from ecqm.values.structure import Tuple
from ecqm.values.temporal import Date, DateTime, Temporal, Time

__all__ = [
    "Code",
    "CodeSystem",
    "Concept",
    "CqlError",
    "Date",
    "DateTime",
    "EvaluationContext",
    "Interval",
    "Long",
    "Quantity",
    "Ratio",
    "Temporal",
    "Time",
    "Tuple",
    "Uncertainty",
    "ValueSet",
    "Vocabulary",
    "current_context",
    "evaluating",
    "request_offset",
]
