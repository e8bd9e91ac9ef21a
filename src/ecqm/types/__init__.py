"""CQL types: named, list, interval, tuple and choice types, and their subtype relation.

A type is an immutable value; two types are equal if their textual forms are. The textual form is that of CQL
(`List<System.Integer>`, `Choice<FHIR.Period, System.DateTime>`); `parse_type` reads it.

Specification: CQL 1.5.3, Developer's Guide, "Type System"; ELM r1 type specifiers (`elm:3`).
"""

from ecqm.types.core import (
    ANY,
    BOOLEAN,
    CODE,
    CODE_SYSTEM,
    CONCEPT,
    DATE,
    DATETIME,
    DECIMAL,
    INTEGER,
    LONG,
    QUANTITY,
    RATIO,
    STRING,
    TIME,
    VALUE_SET,
    VOCABULARY,
    ChoiceType,
    CqlType,
    IntervalType,
    ListType,
    NamedType,
    TupleType,
    choice_of,
    leaves,
    map_leaves,
)
from ecqm.types.notation import TypeSyntaxError, parse_type, split_types

__all__ = [
    "ANY",
    "BOOLEAN",
    "CODE",
    "CODE_SYSTEM",
    "CONCEPT",
    "DATE",
    "DATETIME",
    "DECIMAL",
    "INTEGER",
    "LONG",
    "QUANTITY",
    "RATIO",
    "STRING",
    "TIME",
    "VALUE_SET",
    "VOCABULARY",
    "ChoiceType",
    "CqlType",
    "IntervalType",
    "ListType",
    "NamedType",
    "TupleType",
    "TypeSyntaxError",
    "choice_of",
    "leaves",
    "map_leaves",
    "parse_type",
    "split_types",
]
