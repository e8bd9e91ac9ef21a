"""The types that ELM nodes state, by a type specifier or by a qualified name (`elm:4`)."""

from __future__ import annotations

from ecqm import models
from ecqm.elm import ElmError
from ecqm.elm import nodes as elm
from ecqm.models import UnknownModelError
from ecqm.models.specifiers import type_of_specifier
from ecqm.plan.lowering.core import PlanError
from ecqm.types import ANY, CqlType, NamedType


def named_type(qname: str) -> NamedType:
    """The type with a qualified name, `{namespace}name`. Raises PlanError for an unknown namespace."""
    try:
        return models.named_type(qname)
    except UnknownModelError as error:
        raise PlanError(str(error)) from None


def specified_type(specifier: elm.TypeSpecifier | None, qname: str | None = None) -> CqlType:
    """The type of a specifier or, without one, of a qualified name; Any if there is neither. Raises PlanError."""
    if specifier is None:
        return ANY if qname is None else named_type(qname)
    try:
        return type_of_specifier(specifier)
    except (UnknownModelError, ElmError) as error:
        raise PlanError(str(error)) from None
